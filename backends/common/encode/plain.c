/* SPDX-License-Identifier: Apache-2.0 */
/* Writing F32, F16 and BF16 rows. */
#include <string.h>
#include "common/encode/encode.h"
#include "common/float16.h"

void hdb_encode_f32(const float *x, uint32_t cols, void *out_row) {
  memcpy(out_row, x, cols * sizeof *x);
}

void hdb_encode_f16(const float *x, uint32_t cols, void *out_row) {
  uint16_t *out = out_row;
  for (uint32_t i = 0; i < cols; i++)
    out[i] = hdb_f32_to_f16(x[i]);
}

/* To nearest, ties to even. What is finite below HDB_ENCODE_MAX stays so. */
void hdb_encode_bf16(const float *x, uint32_t cols, void *out_row) {
  uint16_t *out = out_row;
  for (uint32_t i = 0; i < cols; i++) {
    uint32_t bits = hdb_bits(x[i]);
    out[i] = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
  }
}
