/* SPDX-License-Identifier: Apache-2.0 */
/* How the aarch64 tiers read a super-block of 256 values whose parts have integer scales (Q4_K, Q6_K):
 * unpacked, a step of sixteen values is a register, in the order of the row. Results made of it are those of
 * common/superblock.h. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_SUPERBLOCKS_H
#define HEDDLE_BACKENDS_CPU_ARM_SUPERBLOCKS_H

#include <arm_neon.h>
#include <stdint.h>
#include "common/float16.h"
#include "common/formats/q4_k.h"
#include "common/tile.h"

HDB_INLINE uint8x16x2_t hdi_nibble_pairs(const uint8_t *bytes) {
  uint8x16_t packed = vld1q_u8(bytes);
  return (uint8x16x2_t){{vandq_u8(packed, vdupq_n_u8(15)), vshrq_n_u8(packed, 4)}};
}

enum { HDI_SUPER_STEPS = 16, HDI_Q6_K_BYTES = 210 };

/* A scale for each step (Q4_K: each twice); what a weight is off by (min, 32) is taken out through the
 * activation's sums. */
typedef struct hdi_super {
  int8x16_t q[HDI_SUPER_STEPS];
  int32_t scale[HDI_SUPER_STEPS];
  int16x8x2_t offset; /* for the sixteen sums of an activation; Q4_K: each twice */
  float d, d_min;     /* Q4_K: the block is d * sum(scale q x) - d_min * sum(offset sums) */
} hdi_super;

typedef void (*hdi_super_fn)(const uint8_t *block, hdi_super *out);

HDB_INLINE void hdi_super_q4_k(const uint8_t *block, hdi_super *out) {
  uint8_t scales[8], mins[8];
  hdb_q4_k_scales(block + HDB_Q4_K_SCALES_AT, scales, mins);
  for (uint32_t j = 0; j < HDI_SUPER_STEPS; j += 4) { /* 32 bytes: a sub-block of low nibbles, one of high */
    uint8x16x2_t first = hdi_nibble_pairs(block + HDB_Q4_K_NIBBLES_AT + 8 * j);
    uint8x16x2_t second = hdi_nibble_pairs(block + HDB_Q4_K_NIBBLES_AT + 8 * j + 16);
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
HDB_INLINE int8x16_t hdi_join_six(uint8x16_t low, uint8x16_t pairs) {
  return vreinterpretq_s8_u8(vorrq_u8(low, vshlq_n_u8(vandq_u8(pairs, vdupq_n_u8(3)), 4)));
}

HDB_INLINE void hdi_super_q6_k(const uint8_t *block, hdi_super *out) {
  const int8_t *scales = (const int8_t *)block + 192;
  for (uint32_t half = 0; half < 2; half++)
    for (uint32_t part = 0; part < 2; part++) { /* sixteen of the 32 values of each quarter */
      uint8x16_t upper = vld1q_u8(block + 128 + 32 * half + 16 * part);
      uint8x16x2_t first = hdi_nibble_pairs(block + 64 * half + 16 * part);
      uint8x16x2_t second = hdi_nibble_pairs(block + 64 * half + 32 + 16 * part);
      int8x16_t *q = out->q + 8 * half + part;
      q[0] = hdi_join_six(first.val[0], upper);
      q[2] = hdi_join_six(second.val[0], vshrq_n_u8(upper, 2));
      q[4] = hdi_join_six(first.val[1], vshrq_n_u8(upper, 4));
      q[6] = hdi_join_six(second.val[1], vshrq_n_u8(upper, 6));
    }
  for (uint32_t j = 0; j < HDI_SUPER_STEPS; j++)
    out->scale[j] = scales[j];
  int8x16_t sixteen = vld1q_s8(scales);
  out->offset = (int16x8x2_t){{vmovl_s8(vget_low_s8(sixteen)), vmovl_high_s8(sixteen)}};
  out->d = hdb_f16_at(block + 208);
}

#endif
