/* SPDX-License-Identifier: Apache-2.0 */
/* NEON dots of the formats with super-blocks of 256. A template: the tiers differ in one step, the sum of
 * products of bytes, and each compiles this text with its own flags. Before including it, define
 * DOT_NAME(FORMAT), the name of a format's dot in the tier, and
 * static inline int32x4_t fours(int8x16_t w, int8x16_t x): the products of four neighbours each, summed in a
 * lane; |w| <= 128, |x| <= 127. Results are those of common/superblock.h. */
#include <arm_neon.h>
#include <stdbool.h>
#include "common/activation.h"
#include "common/superblock.h"
#include "common/tile.h"
#include "cpu/arm/arm.h"
#include "cpu/arm/superblocks.h"

/* Products of eight sums with their offsets, added up in fours. */
HDB_INLINE int32x4_t offsets(int16x8_t factors, int16x8_t sums) {
  int32x4_t low = vmull_s16(vget_low_s16(factors), vget_low_s16(sums));
  return vaddq_s32(low, vmull_high_s16(factors, sums));
}

/* One block with one activation, in the order of common/superblock.h. */
HDB_INLINE float take(const hdi_super *w, const int8_t *x, float x_scale, const int16_t *x_sums, bool has_min,
                      float acc) {
  int32x4_t even = vdupq_n_s32(0), odd = vdupq_n_s32(0);
  for (uint32_t j = 0; j < HDI_SUPER_STEPS; j += 2) {
    even = vmlaq_n_s32(even, fours(w->q[j], vld1q_s8(x + 16 * j)), w->scale[j]);
    odd = vmlaq_n_s32(odd, fours(w->q[j + 1], vld1q_s8(x + 16 * j + 16)), w->scale[j + 1]);
  }
  int32x4_t dot = vaddq_s32(even, odd);
  int32x4_t off = vaddq_s32(offsets(w->offset.val[0], vld1q_s16(x_sums)),
                            offsets(w->offset.val[1], vld1q_s16(x_sums + 8)));
  if (!has_min) dot = vsubq_s32(dot, vshlq_n_s32(off, 5));
  acc = hdb_superblock_add(acc, w->d * x_scale, vaddvq_s32(dot));
  return has_min ? hdb_superblock_take(acc, w->d_min * x_scale, vaddvq_s32(off)) : acc;
}

HDB_INLINE void k_blocks(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                         hdi_super_fn unpack, size_t block_bytes, bool has_min) {
  float acc[4][4] = {{0.0f}};
  for (uint32_t b = 0; b < tile->cols / HDB_Q8K_BLOCK; b++)
    for (uint32_t r = 0; r < rows; r++) {
      hdi_super weights;
      unpack(tile->weights + (w + r) * tile->weight_stride + b * block_bytes, &weights);
      for (uint32_t c = 0; c < activations; c++) {
        const uint8_t *x = tile->x + (t + c) * tile->x_stride;
        acc[r][c] =
            take(&weights, hdb_q8_values(x) + (size_t)b * HDB_Q8K_BLOCK, hdb_q8_scales(x, tile->cols)[b],
                 hdb_q8k_sums(x, tile->cols) + b * (HDB_Q8K_BLOCK / HDB_Q8K_SUM), has_min, acc[r][c]);
      }
    }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      tile->out[(t + c) * tile->out_stride + w + r] = acc[r][c];
}

HDB_DOT_OF_BLOCKS(DOT_NAME(q4_k), 2, k_blocks, hdi_super_q4_k, HDB_Q4_K_BYTES, true)
HDB_DOT_OF_BLOCKS(DOT_NAME(q6_k), 2, k_blocks, hdi_super_q6_k, HDI_Q6_K_BYTES, false)
