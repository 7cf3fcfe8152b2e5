/* SPDX-License-Identifier: Apache-2.0 */
/* Attention in NEON. */
#include <arm_neon.h>
#include <string.h>
#include "cpu/arm/arm.h"
#include "cpu/arm/turn.h"

typedef float32x4_t vec;
#define VEC        4u
#define STRIP_VECS 4u
#define TILE_ROWS  6u

static inline vec vec_load(const float *x) {
  return vld1q_f32(x);
}
static inline void vec_store(float *x, vec v) {
  vst1q_f32(x, v);
}
static inline vec vec_all(float x) {
  return vdupq_n_f32(x);
}
static inline vec vec_fma(vec a, vec b, vec c) {
  return vfmaq_f32(c, a, b);
}
static inline vec vec_mul(vec a, vec b) {
  return vmulq_f32(a, b);
}
static inline vec vec_f16(const void *bytes) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(bytes)));
}
static inline vec vec_all_f16(const void *bytes) {
  uint16_t half;
  memcpy(&half, bytes, sizeof half);
  return vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half)));
}
static inline vec vec_i8(const void *bytes) {
  uint32_t four;
  memcpy(&four, bytes, sizeof four); /* at any address */
  int16x8_t wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)));
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}

static inline void vec_transpose(vec r[VEC]) {
  uint32x4_t square[VEC];
  for (uint32_t i = 0; i < VEC; i++)
    square[i] = vreinterpretq_u32_f32(r[i]);
  hdi_turn_four(square);
  for (uint32_t i = 0; i < VEC; i++)
    r[i] = vreinterpretq_f32_u32(square[i]);
}

#include "common/attend.inc.h"

const hdb_attention_kernels *hdi_neon_attention(void) {
  return &attend_table;
}
