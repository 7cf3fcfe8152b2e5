/* SPDX-License-Identifier: Apache-2.0 */
/* Knows a GGUF's tensors: their types and shapes, and that each has its own aligned bytes inside the file. */
#include "gguf.h"

#include <inttypes.h>
#include <stdlib.h>

/* ggml's type numbers. `known` says that heddle has the format; the others are named so that the error can
 * say more than a number. Source: ggml.h, enum ggml_type. */
typedef struct ggml_type {
  const char *name;
  hd_format format;
  bool known;
} ggml_type;

static const ggml_type TYPES[] = {[0] = {"F32", HD_FORMAT_F32, true},
                                  [1] = {"F16", HD_FORMAT_F16, true},
                                  [2] = {"Q4_0", HD_FORMAT_Q4_0, true},
                                  [3] = {.name = "Q4_1"},
                                  [6] = {"Q5_0", HD_FORMAT_Q5_0, true},
                                  [7] = {.name = "Q5_1"},
                                  [8] = {"Q8_0", HD_FORMAT_Q8_0, true},
                                  [9] = {.name = "Q8_1"},
                                  [10] = {.name = "Q2_K"},
                                  [11] = {.name = "Q3_K"},
                                  [12] = {"Q4_K", HD_FORMAT_Q4_K, true},
                                  [13] = {.name = "Q5_K"},
                                  [14] = {"Q6_K", HD_FORMAT_Q6_K, true},
                                  [15] = {.name = "Q8_K"},
                                  [16] = {.name = "IQ2_XXS"},
                                  [17] = {.name = "IQ2_XS"},
                                  [18] = {.name = "IQ3_XXS"},
                                  [19] = {.name = "IQ1_S"},
                                  [20] = {.name = "IQ4_NL"},
                                  [21] = {.name = "IQ3_S"},
                                  [22] = {.name = "IQ2_S"},
                                  [23] = {.name = "IQ4_XS"},
                                  [24] = {.name = "I8"},
                                  [25] = {.name = "I16"},
                                  [26] = {"I32", HD_FORMAT_I32, true},
                                  [27] = {.name = "I64"},
                                  [28] = {.name = "F64"},
                                  [29] = {.name = "IQ1_M"},
                                  [30] = {"BF16", HD_FORMAT_BF16, true},
                                  [34] = {.name = "TQ1_0"},
                                  [35] = {.name = "TQ2_0"},
                                  [39] = {.name = "MXFP4"}};

uint32_t hei_gguf_tensor_type(hd_format format) {
  uint32_t type = 0;
  while (!TYPES[type].known || TYPES[type].format != format) /* every format has one */
    type++;
  return type;
}

static hd_status fail_tensor(const hei_gguf *gguf, const hei_gguf_tensor *tensor, const char *reason,
                             uint64_t number, hd_error *out_error) {
  return hd_fail(out_error, HD_E_FORMAT, "%s: tensor '%.*s': %s %" PRIu64, gguf->name, HEI_SHOW(tensor->name),
                 reason, number);
}

static hd_status check_type(const hei_gguf *gguf, hei_gguf_tensor *tensor, uint32_t type,
                            hd_error *out_error) {
  const ggml_type *known = type < sizeof TYPES / sizeof *TYPES ? &TYPES[type] : NULL;
  if (known == NULL || known->name == NULL)
    return fail_tensor(gguf, tensor, "unknown tensor type", type, out_error);
  if (!known->known)
    return hd_fail(
        out_error, HD_E_UNSUPPORTED,
        "%s: tensor '%.*s': type %s is not supported (F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q4_K, Q6_K are)",
        gguf->name, HEI_SHOW(tensor->name), known->name);
  tensor->format = known->format;
  return HD_OK;
}

/* Fills tensor->bytes; every product is checked. */
static hd_status check_shape(const hei_gguf *gguf, hei_gguf_tensor *tensor, hd_error *out_error) {
  uint64_t rows = 1;
  for (uint32_t d = 0; d < tensor->n_dims; d++) {
    if (tensor->dims[d] == 0) return fail_tensor(gguf, tensor, "no values along dimension", d, out_error);
    if (d > 0 && __builtin_mul_overflow(rows, tensor->dims[d], &rows))
      return fail_tensor(gguf, tensor, "the dimensions' product overflows at dimension", d, out_error);
  }
  uint64_t row_bytes = hd_format_row_bytes(tensor->format, tensor->dims[0]);
  if (row_bytes == 0)
    return hd_fail(out_error, HD_E_FORMAT,
                   "%s: tensor '%.*s': a row of %" PRIu64 " values is no whole number of %s blocks",
                   gguf->name, HEI_SHOW(tensor->name), tensor->dims[0], hd_format_get(tensor->format)->name);
  if (__builtin_mul_overflow(rows, row_bytes, &tensor->bytes))
    return fail_tensor(gguf, tensor, "its size overflows, rows:", rows, out_error);
  return HD_OK;
}

static hd_status read_tensor(const hei_gguf *gguf, hei_gguf_tensor *tensor, uint64_t *offset,
                             hd_error *out_error) {
  uint64_t begin = *offset;
  hd_status status = hei_gguf_take_text(gguf, offset, "a tensor's name", &tensor->name, out_error);
  if (status != HD_OK) return status;
  if (tensor->name.bytes == 0)
    return hd_fail(out_error, HD_E_FORMAT, "%s: byte %" PRIu64 ": a tensor without a name", gguf->name,
                   begin);
  status = hei_gguf_take_u32(gguf, offset, "a tensor's dimension count", &tensor->n_dims, out_error);
  if (status != HD_OK) return status;
  if (tensor->n_dims == 0 || tensor->n_dims > HEI_GGUF_DIMS_MAX)
    return fail_tensor(gguf, tensor, "1 to 4 dimensions are possible, it claims", tensor->n_dims, out_error);
  for (uint32_t d = 0; d < HEI_GGUF_DIMS_MAX; d++) {
    tensor->dims[d] = 1;
    if (d < tensor->n_dims)
      status = hei_gguf_take_u64(gguf, offset, "a tensor's dimensions", &tensor->dims[d], out_error);
    if (status != HD_OK) return status;
  }
  uint32_t type = 0;
  status = hei_gguf_take_u32(gguf, offset, "a tensor's type", &type, out_error);
  if (status == HD_OK) status = check_type(gguf, tensor, type, out_error);
  if (status == HD_OK) status = check_shape(gguf, tensor, out_error);
  if (status == HD_OK)
    status = hei_gguf_take_u64(gguf, offset, "a tensor's offset", &tensor->offset, out_error);
  return status;
}

/* The specification's default is 32. A multiple of 8 keeps every format's fields aligned; 1 MiB is far above
 * any page or tile and keeps the padding honest. */
static hd_status read_alignment(hei_gguf *gguf, hd_error *out_error) {
  uint32_t alignment = 32;
  hd_status status = hei_gguf_get_uint(gguf, "general.alignment", false, 8, 1u << 20, &alignment, out_error);
  if (status != HD_OK) return status;
  if ((alignment & (alignment - 1)) != 0)
    return hd_fail(out_error, HD_E_FORMAT, "%s: key 'general.alignment': %" PRIu32 " is no power of two",
                   gguf->name, alignment);
  gguf->alignment = alignment;
  return HD_OK;
}

/* Offsets in the file count from the aligned end of the directory; here they become offsets in the file. */
static hd_status place_tensor(const hei_gguf *gguf, hei_gguf_tensor *tensor, uint64_t data_begin,
                              hd_error *out_error) {
  if (tensor->offset % gguf->alignment != 0)
    return fail_tensor(gguf, tensor, "its offset is misaligned:", tensor->offset, out_error);
  uint64_t room = data_begin <= gguf->size ? gguf->size - data_begin : 0;
  if (tensor->offset > room || tensor->bytes > room - tensor->offset)
    return hd_fail(out_error, HD_E_FORMAT,
                   "%s: tensor '%.*s': its %" PRIu64 " bytes at data offset %" PRIu64
                   " run past the end of the file (%" PRIu64 " bytes of data)",
                   gguf->name, HEI_SHOW(tensor->name), tensor->bytes, tensor->offset, room);
  tensor->offset += data_begin;
  return HD_OK;
}

static int by_offset(const void *a, const void *b) {
  const hei_gguf_tensor *x = *(const hei_gguf_tensor *const *)a, *y = *(const hei_gguf_tensor *const *)b;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

static hd_status check_overlaps(const hei_gguf *gguf, hd_error *out_error) {
  size_t count = gguf->tensor_count;
  const hei_gguf_tensor **sorted = hd_host_zalloc(&gguf->host, count, sizeof *sorted, _Alignof(void *));
  if (sorted == NULL)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory to check its tensors", gguf->name);
  for (size_t i = 0; i < count; i++)
    sorted[i] = &gguf->tensors[i];
  qsort(sorted, count, sizeof *sorted, by_offset);
  hd_status status = HD_OK;
  for (size_t i = 1; i < count && status == HD_OK; i++)
    if (sorted[i]->offset - sorted[i - 1]->offset < sorted[i - 1]->bytes)
      status =
          hd_fail(out_error, HD_E_FORMAT, "%s: byte %" PRIu64 ": tensors '%.*s' and '%.*s' overlap",
                  gguf->name, sorted[i]->offset, HEI_SHOW(sorted[i - 1]->name), HEI_SHOW(sorted[i]->name));
  hd_host_free(&gguf->host, sorted, count, sizeof *sorted);
  return status;
}

hd_status hei_gguf_read_tensors(hei_gguf *gguf, uint64_t count, uint64_t offset, hd_error *out_error) {
  hd_status status = read_alignment(gguf, out_error);
  if (status != HD_OK || count == 0) return status;
  hei_gguf_tensor *tensors =
      hd_host_zalloc(&gguf->host, (size_t)count, sizeof *tensors, _Alignof(hei_gguf_tensor));
  if (tensors == NULL)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for %" PRIu64 " tensors", gguf->name, count);
  gguf->tensors = tensors;
  gguf->tensor_count = (size_t)count;
  status = hei_names_init(&gguf->tensor_names, &gguf->host, &tensors[0].name, sizeof *tensors, (size_t)count);
  if (status != HD_OK)
    return hd_fail(out_error, status, "%s: no memory for %" PRIu64 " tensors", gguf->name, count);
  for (uint32_t i = 0; i < count; i++) {
    uint64_t begin = offset;
    status = read_tensor(gguf, &tensors[i], &offset, out_error);
    if (status != HD_OK) return status;
    if (hei_names_add(&gguf->tensor_names, i) != i)
      return hd_fail(out_error, HD_E_FORMAT, "%s: byte %" PRIu64 ": tensor '%.*s' stands twice", gguf->name,
                     begin, HEI_SHOW(tensors[i].name));
  }
  uint64_t data_begin = (offset + gguf->alignment - 1) & ~(gguf->alignment - 1);
  for (uint32_t i = 0; i < count && status == HD_OK; i++)
    status = place_tensor(gguf, &tensors[i], data_begin, out_error);
  return status == HD_OK ? check_overlaps(gguf, out_error) : status;
}
