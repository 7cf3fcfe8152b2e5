/* SPDX-License-Identifier: Apache-2.0 */
/* How the aarch64 tiers read a super-block of 256 values whose parts have integer scales (Q4_K, Q6_K):
 * unpacked, a step of sixteen values is a register, in the order of the row. Results made of it are those of
 * common/superblock.h. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_SUPERBLOCKS_H
#define HEDDLE_BACKENDS_CPU_ARM_SUPERBLOCKS_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>
#include "common/formats/q4_k.h"
#include "common/tile.h"

enum { HDI_SUPER_STEPS = 16, HDI_Q6_K_BYTES = 210 };

/* What a part is off by (min; 32 times its scale) is taken out through the activation's sums, of 32 values
 * for Q4_K and of sixteen for Q6_K. */
typedef struct hdi_super {
  int8x16_t q[HDI_SUPER_STEPS];
  int32_t scale[HDI_SUPER_STEPS]; /* of the parts in order: eight of two steps (Q4_K), sixteen of one */
  int16x8x2_t offset;             /* likewise: min, or the scale again */
  float d, d_min;                 /* Q4_K: the block is d * sum(scale q x) - d_min * sum(offset sums) */
} hdi_super;

typedef void (*hdi_super_fn)(const uint8_t *block, hdi_super *out);

HDB_INLINE void hdi_super_scales(int16x8_t eight, int32_t out[8]) {
  vst1q_s32(out, vmovl_s16(vget_low_s16(eight)));
  vst1q_s32(out + 4, vmovl_high_s16(eight));
}

/* d, d_min and the twelve bytes of common/formats/q4_k.h are a register, words 1 to 3 of it called a, b and c
 * there. */
HDB_INLINE void hdi_super_head_q4_k(const uint8_t *block, hdi_super *out) {
  const uint8x16_t head = vld1q_u8(block), nibble = vdupq_n_u8(15);
  const uint32x4_t six = vreinterpretq_u32_u8(vandq_u8(head, vdupq_n_u8(0x3f)));
  const uint8x16_t two = vandq_u8(vshrq_n_u8(head, 2), vdupq_n_u8(0x30));
  const uint32x4_t four =
      vzip2q_u32(vreinterpretq_u32_u8(vandq_u8(head, nibble)), vreinterpretq_u32_u8(vshrq_n_u8(head, 4)));
  const uint8x16_t upper = vorrq_u8(vextq_u8(two, two, 4), vreinterpretq_u8_u32(vextq_u32(four, four, 2)));
  const uint8x16_t all =
      vreinterpretq_u8_u32(vzip1q_u32(vextq_u32(six, six, 1), vreinterpretq_u32_u8(upper)));
  const float32x4_t d = vcvt_f32_f16(vget_low_f16(vreinterpretq_f16_u8(head)));
  hdi_super_scales(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(all))), out->scale);
  out->offset.val[0] = vreinterpretq_s16_u16(vmovl_high_u8(all));
  out->d = vgetq_lane_f32(d, 0);
  out->d_min = vgetq_lane_f32(d, 1);
}

HDB_INLINE void hdi_super_q4_k(const uint8_t *block, hdi_super *out) {
  hdi_super_head_q4_k(block, out);
  for (uint32_t j = 0; j < HDI_SUPER_STEPS; j += 4) /* 32 bytes: a sub-block of low nibbles, one of high */
    for (uint32_t i = 0; i < 2; i++) {
      uint8x16_t packed = vld1q_u8(block + HDB_Q4_K_NIBBLES_AT + 8 * j + 16 * i);
      out->q[j + i] = vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(15)));
      out->q[j + i + 2] = vreinterpretq_s8_u8(vshrq_n_u8(packed, 4));
    }
}

/* Sixteen values of each quarter of a half: nibbles of quarters 0 and 2, of 1 and 3, and all upper bits. */
HDB_INLINE void hdi_super_join_six(uint8x16_t even, uint8x16_t odd, uint8x16_t upper, int8x16_t *q) {
  const uint8x16_t two = vdupq_n_u8(0x30), six = vdupq_n_u8(0x3f);
  q[4] = vreinterpretq_s8_u8(vsriq_n_u8(vandq_u8(upper, two), even, 4));
  q[6] = vreinterpretq_s8_u8(vsriq_n_u8(vandq_u8(vshrq_n_u8(upper, 2), two), odd, 4));
  q[0] = vreinterpretq_s8_u8(vandq_u8(vsliq_n_u8(even, upper, 4), six));
  q[2] = vreinterpretq_s8_u8(vandq_u8(vsliq_n_u8(odd, vshrq_n_u8(upper, 2), 4), six));
}

HDB_INLINE void hdi_super_q6_k(const uint8_t *block, hdi_super *out) {
  for (uint32_t half = 0; half < 2; half++)
    for (uint32_t part = 0; part < 2; part++) { /* sixteen of the 32 values of each quarter */
      const uint8_t *nibbles = block + 64 * half + 16 * part;
      hdi_super_join_six(vld1q_u8(nibbles), vld1q_u8(nibbles + 32),
                         vld1q_u8(block + 128 + 32 * half + 16 * part), out->q + 8 * half + part);
    }
  int8x16_t sixteen = vld1q_s8((const int8_t *)block + 192);
  out->offset = (int16x8x2_t){{vmovl_s8(vget_low_s8(sixteen)), vmovl_high_s8(sixteen)}};
  hdi_super_scales(out->offset.val[0], out->scale);
  hdi_super_scales(out->offset.val[1], out->scale + 8);
  uint16_t d;
  memcpy(&d, block + 208, sizeof d);
  out->d = vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(d))), 0);
}

#endif
