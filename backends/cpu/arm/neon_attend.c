/* SPDX-License-Identifier: Apache-2.0 */
/* Attention in NEON. */
#include <arm_neon.h>
#include <string.h>
#include "cpu/arm/arm.h"

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
  float32x4x2_t low = vtrnq_f32(r[0], r[1]), high = vtrnq_f32(r[2], r[3]);
  r[0] = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
  r[1] = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
  r[2] = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
  r[3] = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
}

#include "common/attend.inc.h"

const hdb_attention_kernels *hdi_neon_attention(void) {
  return &attend_table;
}
