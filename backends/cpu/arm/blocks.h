/* SPDX-License-Identifier: Apache-2.0 */
/* How the aarch64 tiers read blocks of 32 integers with a scale, and their dot with few activation rows: some
 * weight rows side by side, each as it lies in memory. A row's products stay in a register of its own, and
 * pairwise additions bring four such registers to one of which each lane is a row: three instructions, where
 * turning four rows would take sixteen. The registers are never cleared: what a block adds is the difference
 * to what was there before it (modulo 2^32, so exact), one subtraction for four rows. Results are those of
 * common/block.h. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_BLOCKS_H
#define HEDDLE_BACKENDS_CPU_ARM_BLOCKS_H

#include <arm_neon.h>
#include <string.h>
#include "common/activation.h"
#include "common/tile.h"
#include "cpu/arm/four_rows.h"

/* What the values of Q4_0 are held larger by. */
#define HDI_Q4_0_OFFSET 8

/* The 32 values of a block in order; those of Q4_0 are larger by their offset still. */
typedef struct hdi_values {
  int8x16_t low, high;
} hdi_values;

/* Reads the values behind the scale and moves on to the next block. Inlined. */
typedef hdi_values (*hdi_values_fn)(const uint8_t **at);

HDB_INLINE hdi_values hdi_values_q8_0(const uint8_t **at) {
  int8x16x2_t q = vld1q_s8_x2((const int8_t *)*at);
  *at += 32;
  return (hdi_values){q.val[0], q.val[1]};
}

HDB_INLINE hdi_values hdi_nibbles(const uint8_t **at) {
  uint8x16_t q = vld1q_u8(*at);
  *at += 16;
  return (hdi_values){vreinterpretq_s8_u8(vandq_u8(q, vdupq_n_u8(15))),
                      vreinterpretq_s8_u8(vshrq_n_u8(q, 4))};
}

/* The fifth bit of value i is bit i % 8 of byte i / 8. Where it is not set a value is 16 less than its
 * nibble, which puts ones above the nibble. */
HDB_INLINE hdi_values hdi_values_q5_0(const uint8_t **at) {
  static const uint8_t each[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  static const uint8_t of[2][16] = {{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},
                                    {2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3}};
  uint32_t bits;
  memcpy(&bits, *at, sizeof bits);
  const uint8x16_t unset = vreinterpretq_u8_u32(vdupq_n_u32(~bits)), one = vld1q_u8(each);
  const uint8x16_t q = vld1q_u8(*at + 4);
  const uint8x16_t low = vtstq_u8(vqtbl1q_u8(unset, vld1q_u8(of[0])), one);
  const uint8x16_t high = vtstq_u8(vqtbl1q_u8(unset, vld1q_u8(of[1])), one);
  *at += 20;
  return (hdi_values){vreinterpretq_s8_u8(vsliq_n_u8(q, low, 4)),
                      vreinterpretq_s8_u8(vsliq_n_u8(vshrq_n_u8(q, 4), high, 4))};
}

/* acc + the products of neighbours, four in a lane; which neighbours is the tier's. Inlined. */
typedef int32x4_t (*hdi_sixteen_fn)(int32x4_t acc, int8x16_t w, int8x16_t x);

/* What a block of an activation row is. */
typedef struct hdi_x_block {
  int8x16x2_t q;
  float scale;
  int32_t minus_sum;
} hdi_x_block;

/* Four weight rows with up to two activation rows. */
typedef struct hdi_four {
  const uint8_t *at[4];
  int32x4_t run[2][4], last[2];
  float32x4_t acc[2];
} hdi_four;

/* Adds the products of the next block to `run`, moves on and returns the scales of the weights. Inlined. */
typedef float32x4_t (*hdi_take_fn)(hdi_four *four, const hdi_x_block *x, uint32_t tokens);

HDB_INLINE float32x4_t hdi_take(hdi_four *four, const hdi_x_block *x, uint32_t tokens, hdi_values_fn values,
                                hdi_sixteen_fn sixteen) {
  float32x4_t d = hdi_four_scales(four->at);
#pragma GCC unroll 4
  for (uint32_t r = 0; r < 4; r++) {
    hdi_values w = values(&four->at[r]);
#pragma GCC unroll 2
    for (uint32_t c = 0; c < tokens; c++) {
      four->run[c][r] = sixteen(four->run[c][r], w.low, x[c].q.val[0]);
      four->run[c][r] = sixteen(four->run[c][r], w.high, x[c].q.val[1]);
    }
  }
  return d;
}

/* The next block of four rows. */
HDB_INLINE void hdi_four_take(hdi_four *four, const hdi_x_block *x, uint32_t tokens, int32_t offset,
                              hdi_take_fn take) {
  float32x4_t d = take(four, x, tokens);
#pragma GCC unroll 2
  for (uint32_t c = 0; c < tokens; c++) {
    const int32x4_t *run = four->run[c];
    int32x4_t sum = vpaddq_s32(vpaddq_s32(run[0], run[1]), vpaddq_s32(run[2], run[3]));
    int32x4_t part = vsubq_s32(sum, four->last[c]);
    four->last[c] = sum;
    if (offset != 0) part = vmlaq_n_s32(part, vdupq_n_s32(offset), x[c].minus_sum);
    four->acc[c] = vfmaq_f32(four->acc[c], vcvtq_f32_s32(part), vmulq_n_f32(d, x[c].scale));
  }
}

/* Four times `fours` weight rows (4 or 8) from w on with `tokens` activation rows (one or two) from t on. */
HDB_INLINE void hdi_few(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t fours, uint32_t tokens,
                        int32_t offset, hdi_take_fn take) {
  const uint32_t cols = tile->cols;
  const uint8_t *x = tile->x + t * tile->x_stride;
  const size_t stride = tile->x_stride;
  hdi_four four[2];
#pragma GCC unroll 2
  for (uint32_t i = 0; i < fours; i++) {
    hdi_four_rows(tile, w + 4 * i, four[i].at);
#pragma GCC unroll 4
    for (uint32_t r = 0; r < 4; r++)
      for (uint32_t c = 0; c < 2; c++) {
        four[i].run[c][r] = four[i].last[c] = vdupq_n_s32(0);
        four[i].acc[c] = vdupq_n_f32(0.0f);
      }
  }
  for (size_t b = 0; b < cols / HDB_Q8_BLOCK; b++) {
    hdi_x_block one[2];
#pragma GCC unroll 2
    for (uint32_t c = 0; c < tokens; c++) {
      const uint8_t *row = x + c * stride;
      one[c] = (hdi_x_block){vld1q_s8_x2(hdb_q8_values(row) + b * HDB_Q8_BLOCK), hdb_q8_scales(row, cols)[b],
                             hdb_q8_minus_sums(row, cols)[b]};
    }
#pragma GCC unroll 2
    for (uint32_t i = 0; i < fours; i++)
      hdi_four_take(&four[i], one, tokens, offset, take);
  }
  for (uint32_t i = 0; i < fours; i++)
    for (uint32_t c = 0; c < tokens; c++)
      hdi_store_four(tile, w + 4 * i, t + c, four[i].acc[c]);
}

#endif
