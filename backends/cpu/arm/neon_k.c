/* SPDX-License-Identifier: Apache-2.0 */
/* NEON dots of the formats with super-blocks of 256, without instructions that sum products of bytes:
 * products in 16 bits, two at a time (2 * 63 * 127 < 2^15). Results are those of common/superblock.h. */
#include <arm_neon.h>
#include <stdbool.h>
#include "common/activation.h"
#include "common/superblock.h"
#include "common/tile.h"
#include "cpu/arm/arm.h"
#include "cpu/arm/superblocks.h"

/* acc and the products of sixteen values, added up in any lanes; 0 <= w <= 63, |x| <= 127. */
static inline int32x4_t sixteen(int32x4_t acc, int8x16_t w, int8x16_t x) {
  return vpadalq_s16(acc, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(x)), w, x));
}

/* Products of eight sums with their offsets, added up in fours. */
HDB_INLINE int32x4_t offsets(int16x8_t factors, int16x8_t sums) {
  int32x4_t low = vmull_s16(vget_low_s16(factors), vget_low_s16(sums));
  return vmlal_high_s16(low, factors, sums);
}

/* Super-block b of a row with one activation row, in the order of common/superblock.h. */
HDB_INLINE float take(const hdi_super *w, const uint8_t *row, uint32_t cols, size_t b, bool has_min,
                      float acc) {
  const int8_t *x = hdb_q8_values(row) + b * HDB_Q8K_BLOCK;
  const float x_scale = hdb_q8_scales(row, cols)[b];
  const uint32_t steps = has_min ? 2 : 1; /* of a part */
  int32x4_t dot = vdupq_n_s32(0);
#pragma GCC unroll 16
  for (uint32_t j = 0; j < HDI_SUPER_STEPS; j += steps) {
    int32x4_t sum = sixteen(vdupq_n_s32(0), w->q[j], vld1q_s8(x + 16 * j));
    if (steps == 2) sum = sixteen(sum, w->q[j + 1], vld1q_s8(x + 16 * j + 16));
    dot = vmlaq_n_s32(dot, sum, w->scale[j / steps]);
  }
  if (has_min) {
    int32x4_t off = offsets(w->offset.val[0], vld1q_s16(hdb_q8k_sums_32(row, cols) + 8 * b));
    acc = hdb_superblock_add(acc, w->d * x_scale, vaddvq_s32(dot));
    return hdb_superblock_take(acc, w->d_min * x_scale, vaddvq_s32(off));
  }
  const int16_t *sums = hdb_q8k_sums(row, cols) + 16 * b;
  int32x4_t off =
      vaddq_s32(offsets(w->offset.val[0], vld1q_s16(sums)), offsets(w->offset.val[1], vld1q_s16(sums + 8)));
  return hdb_superblock_add(acc, w->d * x_scale, vaddvq_s32(vsubq_s32(dot, vshlq_n_s32(off, 5))));
}

HDB_INLINE void k_blocks(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                         hdi_super_fn unpack, size_t block_bytes, bool has_min) {
  float acc[4][4] = {{0.0f}};
  for (size_t b = 0; b < tile->cols / HDB_Q8K_BLOCK; b++)
    for (uint32_t r = 0; r < rows; r++) {
      hdi_super weights;
      unpack(tile->weights + (w + r) * tile->weight_stride + b * block_bytes, &weights);
      for (uint32_t c = 0; c < activations; c++)
        acc[r][c] = take(&weights, tile->x + (t + c) * tile->x_stride, tile->cols, b, has_min, acc[r][c]);
    }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      tile->out[(t + c) * tile->out_stride + w + r] = acc[r][c];
}

HDB_DOT_OF_BLOCKS(hdi_neon_dot_q4_k, 2, k_blocks, hdi_super_q4_k, HDB_Q4_K_BYTES, true)
HDB_DOT_OF_BLOCKS(hdi_neon_dot_q6_k, 2, k_blocks, hdi_super_q6_k, HDI_Q6_K_BYTES, false)
