/* SPDX-License-Identifier: Apache-2.0 */
/* Knows a GGUF's keys and values, and how to walk past a value whose claims may be lies. */
#include "gguf.h"

#include <inttypes.h>

/* Bytes of one value; 0: strings and arrays, whose size stands in the file. */
static const uint8_t VALUE_BYTES[HEI_GGUF_TYPE_COUNT] = {
    [HEI_GGUF_U8] = 1,  [HEI_GGUF_I8] = 1,  [HEI_GGUF_U16] = 2, [HEI_GGUF_I16] = 2,
    [HEI_GGUF_U32] = 4, [HEI_GGUF_I32] = 4, [HEI_GGUF_F32] = 4, [HEI_GGUF_BOOL] = 1,
    [HEI_GGUF_U64] = 8, [HEI_GGUF_I64] = 8, [HEI_GGUF_F64] = 8};

const char *hei_gguf_type_name(uint32_t type) {
  static const char *const NAMES[HEI_GGUF_TYPE_COUNT] = {
      "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"};
  return type < HEI_GGUF_TYPE_COUNT ? NAMES[type] : "unknown type";
}

static hd_status fail_key(const hei_gguf *gguf, hei_text key, uint64_t offset, const char *reason,
                          uint64_t number, hd_error *out_error) {
  return hd_fail(out_error, HD_E_FORMAT, "%s: byte %" PRIu64 ": key '%.*s': %s %" PRIu64, gguf->name, offset,
                 HEI_SHOW(key), reason, number);
}

static hd_status skip_texts(const hei_gguf *gguf, const hei_gguf_entry *entry, uint64_t *offset,
                            hd_error *out_error) {
  for (uint64_t i = 0; i < entry->count; i++) {
    hei_text text;
    hd_status status = hei_gguf_take_text(gguf, offset, "a string value", &text, out_error);
    if (status != HD_OK) return status;
  }
  return HD_OK;
}

static hd_status read_array_head(const hei_gguf *gguf, hei_gguf_entry *entry, uint64_t *offset,
                                 hd_error *out_error) {
  uint64_t at = *offset;
  uint32_t type;
  hd_status status = hei_gguf_take_u32(gguf, offset, "an array's type", &type, out_error);
  if (status != HD_OK) return status;
  /* No key of any known architecture holds arrays of arrays, and depth is how a file would make a reader run
   * away. */
  if (type == HEI_GGUF_ARRAY)
    return fail_key(gguf, entry->key, at, "an array of arrays is not read: element type", type, out_error);
  if (type >= HEI_GGUF_TYPE_COUNT)
    return fail_key(gguf, entry->key, at, "unknown element type", type, out_error);
  entry->element_type = (hei_gguf_type)type;
  at = *offset;
  status = hei_gguf_take_u64(gguf, offset, "an array's length", &entry->count, out_error);
  if (status != HD_OK) return status;
  uint64_t least = type == HEI_GGUF_STRING ? 8 : VALUE_BYTES[type];
  if (entry->count > (gguf->size - *offset) / least)
    return fail_key(gguf, entry->key, at, "the array runs past the end of the file, its length is",
                    entry->count, out_error);
  return HD_OK;
}

static hd_status read_value(const hei_gguf *gguf, hei_gguf_entry *entry, uint64_t *offset,
                            hd_error *out_error) {
  hd_status status = HD_OK;
  entry->element_type = entry->type;
  entry->count = 1;
  if (entry->type == HEI_GGUF_ARRAY) status = read_array_head(gguf, entry, offset, out_error);
  if (status != HD_OK) return status;
  entry->data = gguf->bytes + *offset;
  if (entry->element_type == HEI_GGUF_STRING) return skip_texts(gguf, entry, offset, out_error);
  uint64_t bytes = entry->count * VALUE_BYTES[entry->element_type]; /* the array's length was checked above */
  if (bytes > gguf->size - *offset)
    return fail_key(gguf, entry->key, *offset, "the file ends inside a value of bytes", bytes, out_error);
  if (entry->element_type == HEI_GGUF_BOOL)
    for (uint64_t i = 0; i < entry->count; i++)
      if (entry->data[i] > 1)
        return fail_key(gguf, entry->key, *offset + i, "a boolean is neither 0 nor 1:", entry->data[i],
                        out_error);
  *offset += bytes;
  return HD_OK;
}

static hd_status read_entry(const hei_gguf *gguf, hei_gguf_entry *entry, uint64_t *offset,
                            hd_error *out_error) {
  uint64_t begin = *offset;
  uint32_t type;
  hd_status status = hei_gguf_take_text(gguf, offset, "a key", &entry->key, out_error);
  if (status != HD_OK) return status;
  if (entry->key.bytes == 0)
    return hd_fail(out_error, HD_E_FORMAT, "%s: byte %" PRIu64 ": a key without a name", gguf->name, begin);
  uint64_t at = *offset;
  status = hei_gguf_take_u32(gguf, offset, "a value's type", &type, out_error);
  if (status != HD_OK) return status;
  if (type >= HEI_GGUF_TYPE_COUNT)
    return fail_key(gguf, entry->key, at, "unknown value type", type, out_error);
  entry->type = (hei_gguf_type)type;
  return read_value(gguf, entry, offset, out_error);
}

hd_status hei_gguf_read_entries(hei_gguf *gguf, uint64_t count, uint64_t *offset, hd_error *out_error) {
  if (count == 0) return HD_OK;
  hei_gguf_entry *entries =
      hd_host_zalloc(&gguf->host, (size_t)count, sizeof *entries, _Alignof(hei_gguf_entry));
  if (entries == NULL)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for %" PRIu64 " keys", gguf->name, count);
  gguf->entries = entries;
  gguf->entry_count = (size_t)count;
  hd_status status =
      hei_names_init(&gguf->entry_names, &gguf->host, &entries[0].key, sizeof *entries, (size_t)count);
  if (status != HD_OK)
    return hd_fail(out_error, status, "%s: no memory for %" PRIu64 " keys", gguf->name, count);
  for (uint32_t i = 0; i < count; i++) {
    uint64_t begin = *offset;
    status = read_entry(gguf, &entries[i], offset, out_error);
    if (status != HD_OK) return status;
    if (hei_names_add(&gguf->entry_names, i) != i)
      return hd_fail(out_error, HD_E_FORMAT, "%s: byte %" PRIu64 ": key '%.*s' stands twice", gguf->name,
                     begin, HEI_SHOW(entries[i].key));
  }
  return HD_OK;
}
