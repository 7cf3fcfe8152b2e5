/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF files, versions 2 and 3: keys with values, and tensors. Nothing in the bytes is believed; nothing of
 * them is copied. Source: the GGUF specification (ggml, docs/gguf.md).
 *
 * Every failure is one line: the file, then the byte offset, the key or the tensor, then the reason. */
#ifndef ENGINE_GGUF_H
#define ENGINE_GGUF_H

#include "heddle/format.h"
#include "heddle/host.h"
#include "names.h"

typedef enum hei_gguf_type {
  HEI_GGUF_U8,
  HEI_GGUF_I8,
  HEI_GGUF_U16,
  HEI_GGUF_I16,
  HEI_GGUF_U32,
  HEI_GGUF_I32,
  HEI_GGUF_F32,
  HEI_GGUF_BOOL,
  HEI_GGUF_STRING,
  HEI_GGUF_ARRAY,
  HEI_GGUF_U64,
  HEI_GGUF_I64,
  HEI_GGUF_F64,
  HEI_GGUF_TYPE_COUNT
} hei_gguf_type;

typedef struct hei_gguf_entry {
  hei_text key;
  hei_gguf_type type;
  hei_gguf_type element_type; /* of an array; else the same as type */
  uint64_t count;             /* of an array; else 1 */
  const uint8_t
      *data; /* first value, unaligned; of strings: their length words and bytes, one after another */
} hei_gguf_entry;

#define HEI_GGUF_DIMS_MAX 4u

typedef struct hei_gguf_tensor {
  hei_text name;
  hd_format format;
  uint32_t n_dims;
  uint64_t dims[HEI_GGUF_DIMS_MAX]; /* dims[0]: values of a row; those beyond n_dims are 1 */
  uint64_t offset;                  /* from the start of the file */
  uint64_t bytes;
} hei_gguf_tensor;

typedef struct hei_gguf {
  hd_host host;
  const char *name; /* for error lines */
  const uint8_t *bytes;
  size_t size;
  uint32_t version;
  uint64_t alignment;
  uint64_t entries_end; /* where the keys end and the tensors begin */
  hei_gguf_entry *entries;
  size_t entry_count;
  hei_gguf_tensor *tensors;
  size_t tensor_count;
  hei_names entry_names, tensor_names;
} hei_gguf;

/* Reads the directory of a file in memory. `bytes` and `name` outlive the object. Costs time and memory in
 * proportion to the directory's true size, whatever it claims. Errors: FORMAT, UNSUPPORTED (version, tensor
 * type that heddle has no format for), NO_MEMORY. Threads: any; once read it is immutable. Ownership: the
 * caller's, until hei_gguf_destroy. */
hd_status hei_gguf_read(const hd_host *host, const void *bytes, size_t size, const char *name,
                        hei_gguf **out_gguf, hd_error *out_error);
/* Takes NULL. */
void hei_gguf_destroy(hei_gguf *gguf);

/* The two halves of hei_gguf_read (gguf_entries.c, gguf_tensors.c): each reads `count` records that begin at
 * byte `offset` and says where they end. Errors: as hei_gguf_read; what was allocated stays in `gguf`. */
hd_status hei_gguf_read_entries(hei_gguf *gguf, uint64_t count, uint64_t *offset, hd_error *out_error);
hd_status hei_gguf_read_tensors(hei_gguf *gguf, uint64_t count, uint64_t offset, hd_error *out_error);

/* ---- bytes, for the files above: each reads at `*offset`, advances it, and answers FORMAT past the end ----
 */

hd_status hei_gguf_take_u32(const hei_gguf *gguf, uint64_t *offset, const char *what, uint32_t *out_value,
                            hd_error *out_error);
hd_status hei_gguf_take_u64(const hei_gguf *gguf, uint64_t *offset, const char *what, uint64_t *out_value,
                            hd_error *out_error);
hd_status hei_gguf_take_text(const hei_gguf *gguf, uint64_t *offset, const char *what, hei_text *out_text,
                             hd_error *out_error);

/* ---- finding (gguf_get.c) ---- */

/* NULL when there is none. `key` and `name` are terminated. */
const hei_gguf_entry *hei_gguf_find(const hei_gguf *gguf, const char *key);
const hei_gguf_tensor *hei_gguf_find_tensor(const hei_gguf *gguf, const char *name);
const void *hei_gguf_tensor_data(const hei_gguf *gguf, const hei_gguf_tensor *tensor);

/* A value is absent: `required` true: FORMAT, "key is missing"; false: OK and `*out_value` stays as it was.
 * Errors otherwise: FORMAT (another type, outside lowest..highest). */
hd_status hei_gguf_get_uint(const hei_gguf *gguf, const char *key, bool required, uint64_t lowest,
                            uint64_t highest, uint32_t *out_value, hd_error *out_error);
/* F32 or F64, finite. */
hd_status hei_gguf_get_float(const hei_gguf *gguf, const char *key, bool required, double lowest,
                             double highest, float *out_value, hd_error *out_error);
hd_status hei_gguf_get_bool(const hei_gguf *gguf, const char *key, bool required, bool *out_value,
                            hd_error *out_error);
hd_status hei_gguf_get_text(const hei_gguf *gguf, const char *key, bool required, hei_text *out_value,
                            hd_error *out_error);
/* An array of that element type, `*out_entry` NULL when it is absent and not required. */
hd_status hei_gguf_get_array(const hei_gguf *gguf, const char *key, bool required, hei_gguf_type element_type,
                             const hei_gguf_entry **out_entry, hd_error *out_error);

/* Walks an array of strings: the text at `*at`, which moves on. Start with entry->data; call at most
 * entry->count times. */
hei_text hei_gguf_next_text(const uint8_t **at);

/* ggml's number of a format. */
uint32_t hei_gguf_tensor_type(hd_format format);

/* "u32", "array"...; "unknown type" outside the enum. */
const char *hei_gguf_type_name(uint32_t type);

#endif
