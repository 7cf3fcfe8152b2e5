/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a wanted value is got out of a GGUF: found, of the right type, in its range. */
#include "gguf.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const hei_gguf_entry *hei_gguf_find(const hei_gguf *gguf, const char *key) {
  uint32_t index = hei_names_find(&gguf->entry_names, key, strlen(key));
  return index == HEI_NO_INDEX ? NULL : &gguf->entries[index];
}

const hei_gguf_tensor *hei_gguf_find_tensor(const hei_gguf *gguf, const char *name) {
  uint32_t index = hei_names_find(&gguf->tensor_names, name, strlen(name));
  return index == HEI_NO_INDEX ? NULL : &gguf->tensors[index];
}

const void *hei_gguf_tensor_data(const hei_gguf *gguf, const hei_gguf_tensor *tensor) {
  return gguf->bytes + tensor->offset;
}

/* NULL in `*out_entry` when it is absent and may be. */
static hd_status find(const hei_gguf *gguf, const char *key, bool required, const hei_gguf_entry **out_entry,
                      hd_error *out_error) {
  const hei_gguf_entry *entry = hei_gguf_find(gguf, key);
  if (entry == NULL && required)
    return hd_fail(out_error, HD_E_FORMAT, "%s: key '%s' is missing", gguf->name, key);
  *out_entry = entry;
  return HD_OK;
}

static hd_status wrong_type(const hei_gguf *gguf, const char *key, const hei_gguf_entry *entry,
                            const char *wanted, hd_error *out_error) {
  bool is_array = entry->type == HEI_GGUF_ARRAY;
  return hd_fail(out_error, HD_E_FORMAT, "%s: key '%s' is %s%s, not %s", gguf->name, key,
                 is_array ? "an array of " : "", hei_gguf_type_name(entry->element_type), wanted);
}

/* False when it is no integer; negative ones come out above INT64_MAX, outside every range asked for. */
static bool read_integer(const hei_gguf_entry *entry, uint64_t *out_value) {
  int8_t i8;
  int16_t i16;
  uint16_t u16;
  int32_t i32;
  uint32_t u32;
  switch (entry->type) {
  case HEI_GGUF_U8:
    *out_value = entry->data[0];
    return true;
  case HEI_GGUF_I8:
    memcpy(&i8, entry->data, 1);
    *out_value = (uint64_t)(int64_t)i8;
    return true;
  case HEI_GGUF_U16:
    memcpy(&u16, entry->data, 2);
    *out_value = u16;
    return true;
  case HEI_GGUF_I16:
    memcpy(&i16, entry->data, 2);
    *out_value = (uint64_t)(int64_t)i16;
    return true;
  case HEI_GGUF_U32:
    memcpy(&u32, entry->data, 4);
    *out_value = u32;
    return true;
  case HEI_GGUF_I32:
    memcpy(&i32, entry->data, 4);
    *out_value = (uint64_t)(int64_t)i32;
    return true;
  case HEI_GGUF_U64:
  case HEI_GGUF_I64:
    memcpy(out_value, entry->data, 8);
    return true;
  default:
    return false;
  }
}

hd_status hei_gguf_get_uint(const hei_gguf *gguf, const char *key, bool required, uint64_t lowest,
                            uint64_t highest, uint32_t *out_value, hd_error *out_error) {
  const hei_gguf_entry *entry = NULL;
  hd_status status = find(gguf, key, required, &entry, out_error);
  if (status != HD_OK || entry == NULL) return status;
  uint64_t value;
  if (!read_integer(entry, &value)) return wrong_type(gguf, key, entry, "an integer", out_error);
  if (value < lowest || value > highest)
    return hd_fail(out_error, HD_E_FORMAT, "%s: key '%s': %" PRId64 " is outside %" PRIu64 " to %" PRIu64,
                   gguf->name, key, (int64_t)value, lowest, highest);
  *out_value = (uint32_t)value;
  return HD_OK;
}

hd_status hei_gguf_get_float(const hei_gguf *gguf, const char *key, bool required, double lowest,
                             double highest, float *out_value, hd_error *out_error) {
  const hei_gguf_entry *entry = NULL;
  hd_status status = find(gguf, key, required, &entry, out_error);
  if (status != HD_OK || entry == NULL) return status;
  double value;
  float narrow;
  if (entry->type == HEI_GGUF_F32) {
    memcpy(&narrow, entry->data, sizeof narrow);
    value = (double)narrow;
  } else if (entry->type == HEI_GGUF_F64) {
    memcpy(&value, entry->data, sizeof value);
  } else {
    return wrong_type(gguf, key, entry, "a number with fraction", out_error);
  }
  if (!isfinite(value) || value < lowest || value > highest)
    return hd_fail(out_error, HD_E_FORMAT, "%s: key '%s': %g is outside %g to %g", gguf->name, key, value,
                   lowest, highest);
  *out_value = (float)value;
  return HD_OK;
}

hd_status hei_gguf_get_bool(const hei_gguf *gguf, const char *key, bool required, bool *out_value,
                            hd_error *out_error) {
  const hei_gguf_entry *entry = NULL;
  hd_status status = find(gguf, key, required, &entry, out_error);
  if (status != HD_OK || entry == NULL) return status;
  if (entry->type != HEI_GGUF_BOOL) return wrong_type(gguf, key, entry, "a boolean", out_error);
  *out_value = entry->data[0] != 0;
  return HD_OK;
}

hd_status hei_gguf_get_text(const hei_gguf *gguf, const char *key, bool required, hei_text *out_value,
                            hd_error *out_error) {
  const hei_gguf_entry *entry = NULL;
  hd_status status = find(gguf, key, required, &entry, out_error);
  if (status != HD_OK || entry == NULL) return status;
  if (entry->type != HEI_GGUF_STRING) return wrong_type(gguf, key, entry, "a string", out_error);
  const uint8_t *at = entry->data;
  *out_value = hei_gguf_next_text(&at);
  return HD_OK;
}

hd_status hei_gguf_get_array(const hei_gguf *gguf, const char *key, bool required, hei_gguf_type element_type,
                             const hei_gguf_entry **out_entry, hd_error *out_error) {
  const hei_gguf_entry *entry = NULL;
  hd_status status = find(gguf, key, required, &entry, out_error);
  if (status != HD_OK) return status;
  if (entry != NULL && (entry->type != HEI_GGUF_ARRAY || entry->element_type != element_type)) {
    char wanted[32];
    snprintf(wanted, sizeof wanted, "an array of %s", hei_gguf_type_name(element_type));
    return wrong_type(gguf, key, entry, wanted, out_error);
  }
  *out_entry = entry;
  return HD_OK;
}

hei_text hei_gguf_next_text(const uint8_t **at) {
  uint64_t bytes;
  memcpy(&bytes, *at, sizeof bytes);
  hei_text text = {(const char *)*at + sizeof bytes, (size_t)bytes};
  *at += sizeof bytes + bytes;
  return text;
}
