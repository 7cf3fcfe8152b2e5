/* SPDX-License-Identifier: Apache-2.0 */
/* NEON dots of the formats with super-blocks of 256. A template: the tiers differ in one step, the sum of
 * products of bytes, and each compiles this text with its own flags. Before including it, define
 * DOT_NAME(FORMAT), the name of a format's dot in the tier, and
 * static inline int32x4_t fours(int8x16_t w, int8x16_t x): the products of four neighbours each, summed in a
 * lane; |w| <= 128, |x| <= 127. Results are those of common/superblock.h. */
#include <arm_neon.h>
#include <stdbool.h>
#include "common/activation.h"
#include "common/float16.h"
#include "common/formats/q4_k.h"
#include "common/superblock.h"
#include "common/tile.h"
#include "cpu/arm/arm.h"

HDB_INLINE uint8x16x2_t nibbles(const uint8_t *bytes) {
  uint8x16_t packed = vld1q_u8(bytes);
  return (uint8x16x2_t){{vandq_u8(packed, vdupq_n_u8(15)), vshrq_n_u8(packed, 4)}};
}

/* ---- Q4_K, Q6_K: blocks of 256 with a scale for each sixteen values (Q4_K: each twice); what a weight is
 * off by (min, 32) is taken out through the activation's sums. All of a block is exact in integers. ---- */

enum { K_BLOCK = 256, K_STEPS = 16, Q6_K_BYTES = 210 };

typedef struct unpacked {
  int8x16_t q[K_STEPS];
  int32_t scale[K_STEPS];
  int16x8x2_t offset; /* for the sixteen sums of an activation */
  float d, d_min;     /* Q4_K: the block is d * sum(scale q x) - d_min * sum(offset sums) */
} unpacked;

typedef void (*unpack_k_fn)(const uint8_t *block, unpacked *out);

HDB_INLINE void unpack_q4_k(const uint8_t *block, unpacked *out) {
  uint8_t scales[8], mins[8];
  hdb_q4_k_scales(block + HDB_Q4_K_SCALES_AT, scales, mins);
  for (uint32_t j = 0; j < K_STEPS; j += 4) { /* 32 bytes: a sub-block of low nibbles, one of high */
    uint8x16x2_t first = nibbles(block + HDB_Q4_K_NIBBLES_AT + 8 * j);
    uint8x16x2_t second = nibbles(block + HDB_Q4_K_NIBBLES_AT + 8 * j + 16);
    out->q[j] = vreinterpretq_s8_u8(first.val[0]);
    out->q[j + 1] = vreinterpretq_s8_u8(second.val[0]);
    out->q[j + 2] = vreinterpretq_s8_u8(first.val[1]);
    out->q[j + 3] = vreinterpretq_s8_u8(second.val[1]);
    out->scale[j] = out->scale[j + 1] = scales[j / 2];
    out->scale[j + 2] = out->scale[j + 3] = scales[j / 2 + 1];
  }
  int16x8_t eight = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(mins)));
  out->offset = vzipq_s16(eight, eight);
  out->d = hdb_f16_at(block);
  out->d_min = hdb_f16_at(block + 2);
}

/* Sixteen values of a quarter: nibbles in `low`, their upper bits in the lowest pairs of `pairs`. */
HDB_INLINE int8x16_t join(uint8x16_t low, uint8x16_t pairs) {
  return vreinterpretq_s8_u8(vorrq_u8(low, vshlq_n_u8(vandq_u8(pairs, vdupq_n_u8(3)), 4)));
}

HDB_INLINE void unpack_q6_k(const uint8_t *block, unpacked *out) {
  const int8_t *scales = (const int8_t *)block + 192;
  for (uint32_t half = 0; half < 2; half++)
    for (uint32_t part = 0; part < 2; part++) { /* sixteen of the 32 values of each quarter */
      uint8x16_t upper = vld1q_u8(block + 128 + 32 * half + 16 * part);
      uint8x16x2_t first = nibbles(block + 64 * half + 16 * part);
      uint8x16x2_t second = nibbles(block + 64 * half + 32 + 16 * part);
      int8x16_t *q = out->q + 8 * half + part;
      q[0] = join(first.val[0], upper);
      q[2] = join(second.val[0], vshrq_n_u8(upper, 2));
      q[4] = join(first.val[1], vshrq_n_u8(upper, 4));
      q[6] = join(second.val[1], vshrq_n_u8(upper, 6));
    }
  for (uint32_t j = 0; j < K_STEPS; j++)
    out->scale[j] = scales[j];
  int8x16_t sixteen = vld1q_s8(scales);
  out->offset = (int16x8x2_t){{vmovl_s8(vget_low_s8(sixteen)), vmovl_high_s8(sixteen)}};
  out->d = hdb_f16_at(block + 208);
}

/* Products of eight sums with their offsets, added up in fours. */
HDB_INLINE int32x4_t offsets(int16x8_t factors, int16x8_t sums) {
  int32x4_t low = vmull_s16(vget_low_s16(factors), vget_low_s16(sums));
  return vaddq_s32(low, vmull_high_s16(factors, sums));
}

/* One block with one activation, in the order of common/superblock.h. */
HDB_INLINE float take(const unpacked *w, const int8_t *x, float x_scale, const int16_t *x_sums, bool has_min,
                      float acc) {
  int32x4_t even = vdupq_n_s32(0), odd = vdupq_n_s32(0);
  for (uint32_t j = 0; j < K_STEPS; j += 2) {
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
                         unpack_k_fn unpack, size_t block_bytes, bool has_min) {
  float acc[4][4] = {{0.0f}};
  for (uint32_t b = 0; b < tile->cols / K_BLOCK; b++)
    for (uint32_t r = 0; r < rows; r++) {
      unpacked weights;
      unpack(tile->weights + (w + r) * tile->weight_stride + b * block_bytes, &weights);
      for (uint32_t c = 0; c < activations; c++) {
        const uint8_t *x = tile->x + (t + c) * tile->x_stride;
        acc[r][c] = take(&weights, hdb_q8_values(x) + (size_t)b * K_BLOCK, hdb_q8_scales(x, tile->cols)[b],
                         hdb_q8k_sums(x, tile->cols) + b * (K_BLOCK / HDB_Q8K_SUM), has_min, acc[r][c]);
      }
    }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      tile->out[(t + c) * tile->out_stride + w + r] = acc[r][c];
}

HDB_DOT_OF_BLOCKS(DOT_NAME(q4_k), 2, k_blocks, unpack_q4_k, HDB_Q4_K_BYTES, true)
HDB_DOT_OF_BLOCKS(DOT_NAME(q6_k), 2, k_blocks, unpack_q6_k, Q6_K_BYTES, false)
