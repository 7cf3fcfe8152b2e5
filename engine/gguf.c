/* SPDX-License-Identifier: Apache-2.0 */
/* Knows a GGUF's frame: magic, version, counts, and how a number or a text is taken without running past the
 * end. */
#include "gguf.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "GGUF values are read in place, little-endian");

static hd_status fail_at(const hei_gguf *gguf, uint64_t offset, const char *what, hd_error *out_error) {
  return hd_fail(out_error, HD_E_FORMAT, "%s: byte %" PRIu64 ": the file ends inside %s", gguf->name, offset,
                 what);
}

hd_status hei_gguf_take_u32(const hei_gguf *gguf, uint64_t *offset, const char *what, uint32_t *out_value,
                            hd_error *out_error) {
  if (gguf->size - *offset < sizeof *out_value) return fail_at(gguf, *offset, what, out_error);
  memcpy(out_value, gguf->bytes + *offset, sizeof *out_value);
  *offset += sizeof *out_value;
  return HD_OK;
}

hd_status hei_gguf_take_u64(const hei_gguf *gguf, uint64_t *offset, const char *what, uint64_t *out_value,
                            hd_error *out_error) {
  if (gguf->size - *offset < sizeof *out_value) return fail_at(gguf, *offset, what, out_error);
  memcpy(out_value, gguf->bytes + *offset, sizeof *out_value);
  *offset += sizeof *out_value;
  return HD_OK;
}

hd_status hei_gguf_take_text(const hei_gguf *gguf, uint64_t *offset, const char *what, hei_text *out_text,
                             hd_error *out_error) {
  uint64_t at = *offset, bytes = 0;
  hd_status status = hei_gguf_take_u64(gguf, &at, what, &bytes, out_error);
  if (status != HD_OK) return status;
  if (bytes > gguf->size - at)
    return hd_fail(out_error, HD_E_FORMAT,
                   "%s: byte %" PRIu64 ": %s claims %" PRIu64 " bytes, the file has %" PRIu64 " left",
                   gguf->name, *offset, what, bytes, gguf->size - at);
  *out_text = (hei_text){(const char *)gguf->bytes + at, (size_t)bytes};
  *offset = at + bytes;
  return HD_OK;
}

/* A count of records that take at least `least` bytes each must fit into what is left of the file: so nothing
 * is ever allocated on a mere claim. */
static hd_status check_count(const hei_gguf *gguf, const char *what, uint64_t count, uint64_t least,
                             uint64_t offset, hd_error *out_error) {
  uint64_t left = gguf->size - offset;
  if (count <= left / least && count < HEI_NO_INDEX) return HD_OK;
  return hd_fail(out_error, HD_E_FORMAT,
                 "%s: byte %" PRIu64 ": %" PRIu64 " %s cannot stand in %" PRIu64 " bytes", gguf->name, offset,
                 count, what, left);
}

static hd_status read_directory(hei_gguf *gguf, hd_error *out_error) {
  static const char MAGIC[4] = {'G', 'G', 'U', 'F'};
  if (gguf->size < sizeof MAGIC || memcmp(gguf->bytes, MAGIC, sizeof MAGIC) != 0)
    return hd_fail(out_error, HD_E_FORMAT,
                   "%s: byte 0: not a GGUF file (it begins with other bytes than \"GGUF\")", gguf->name);
  uint64_t offset = sizeof MAGIC, tensor_count = 0, entry_count = 0;
  hd_status status = hei_gguf_take_u32(gguf, &offset, "the version", &gguf->version, out_error);
  if (status != HD_OK) return status;
  if (gguf->version != 2 && gguf->version != 3)
    return hd_fail(out_error, HD_E_UNSUPPORTED,
                   "%s: byte 4: GGUF version %" PRIu32 "; versions 2 and 3 are known%s", gguf->name,
                   gguf->version, gguf->version == 0x03000000u ? " (a big-endian file)" : "");
  status = hei_gguf_take_u64(gguf, &offset, "the tensor count", &tensor_count, out_error);
  if (status == HD_OK) status = hei_gguf_take_u64(gguf, &offset, "the key count", &entry_count, out_error);
  /* A key: 8 bytes of length, 1 of text, 4 of type, 1 of value. A tensor: 8 + 1, 4 of n_dims, 8 a dim, 4 + 8.
   */
  if (status == HD_OK) status = check_count(gguf, "keys", entry_count, 14, offset, out_error);
  if (status == HD_OK) status = check_count(gguf, "tensors", tensor_count, 33, offset, out_error);
  if (status == HD_OK) status = hei_gguf_read_entries(gguf, entry_count, &offset, out_error);
  gguf->entries_end = offset;
  if (status == HD_OK) status = hei_gguf_read_tensors(gguf, tensor_count, offset, out_error);
  return status;
}

hd_status hei_gguf_read(const hd_host *host, const void *bytes, size_t size, const char *name,
                        hei_gguf **out_gguf, hd_error *out_error) {
  hei_gguf *gguf = hd_host_zalloc(host, 1, sizeof *gguf, _Alignof(hei_gguf));
  if (gguf == NULL) return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for its directory", name);
  gguf->host = *host;
  gguf->name = name;
  gguf->bytes = bytes;
  gguf->size = size;
  hd_status status = read_directory(gguf, out_error);
  if (status != HD_OK) {
    hei_gguf_destroy(gguf);
    return status;
  }
  *out_gguf = gguf;
  return HD_OK;
}

void hei_gguf_destroy(hei_gguf *gguf) {
  if (gguf == NULL) return;
  hei_names_finish(&gguf->entry_names);
  hei_names_finish(&gguf->tensor_names);
  hd_host host = gguf->host;
  hd_host_free(&host, gguf->entries, gguf->entry_count, sizeof *gguf->entries);
  hd_host_free(&host, gguf->tensors, gguf->tensor_count, sizeof *gguf->tensors);
  hd_host_free(&host, gguf, 1, sizeof *gguf);
}
