/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a row goes from one format into another: a stretch of floats at a time. */
#include "common/encode/encode.h"
#include <math.h>
#include "common/kernels.h"

/* Values that are floats at once: the largest block. */
#define STRETCH 256u

hdb_encode_fn hdb_encoder(hd_format format) {
  static const hdb_encode_fn ENCODERS[HD_FORMAT_COUNT] = {
      [HD_FORMAT_F32] = hdb_encode_f32,   [HD_FORMAT_F16] = hdb_encode_f16,
      [HD_FORMAT_BF16] = hdb_encode_bf16, [HD_FORMAT_Q8_0] = hdb_encode_q8_0,
      [HD_FORMAT_Q4_0] = hdb_encode_q4_0, [HD_FORMAT_Q5_0] = hdb_encode_q5_0,
      [HD_FORMAT_Q4_K] = hdb_encode_q4_k, [HD_FORMAT_Q6_K] = hdb_encode_q6_k};
  return (unsigned)format < HD_FORMAT_COUNT ? ENCODERS[format] : NULL;
}

/* Index of the first value that cannot be written; `count`: none. A NaN is not below anything. */
static uint32_t first_unwritable(const float *x, uint32_t count) {
  uint32_t good = 1;
  for (uint32_t i = 0; i < count; i++)
    good &= (uint32_t)(fabsf(x[i]) <= HDB_ENCODE_MAX);
  if (good) return count;
  uint32_t i = 0;
  while (fabsf(x[i]) <= HDB_ENCODE_MAX)
    i++;
  return i;
}

uint32_t hdb_recode_row(hd_format from, const void *row, hd_format to, uint32_t cols, void *out_row) {
  hdb_dequantise_fn dequantise = hdb_kernels_c()->dequantise[from];
  hdb_encode_fn encode = hdb_encoder(to);
  float x[STRETCH];
  for (uint32_t at = 0, count; at < cols; at += count) {
    count = cols - at < STRETCH ? cols - at : STRETCH;
    dequantise((const uint8_t *)row + hd_format_row_bytes(from, at), count, x);
    uint32_t bad = first_unwritable(x, count);
    if (bad < count) return at + bad;
    encode(x, count, (uint8_t *)out_row + hd_format_row_bytes(to, at));
  }
  return cols;
}
