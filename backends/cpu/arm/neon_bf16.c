/* SPDX-License-Identifier: Apache-2.0 */
/* NEON dots of BF16 rows: weights are widened when they are turned, and a step of a chain is a multiply-add
 * of floats with a lane of four activations. Two panels meet four activation rows: 16 chains; with a third no
 * register is left for what is multiplied, and the running sums wait in memory as it is. BFDOT and
 * BFMMLA are not used: they add in an order of their own. */
#include <arm_neon.h>
#include "common/tile.h"
#include "cpu/arm/arm.h"
#include "cpu/arm/turn.h"

/* Where four rows lie. */
typedef struct hdi_rows {
  const uint8_t *first;
  size_t stride;
} hdi_rows;
typedef float32x4_t hdi_lanes;
#define HDI_LANES  4u
#define HDI_PANELS 2u
#define HDI_TOKENS 4u

HDB_INLINE hdi_rows hdi_rows_at(const uint8_t *first, size_t stride) {
  return (hdi_rows){first, stride};
}
HDB_INLINE hdi_lanes hdi_lanes_zero(void) {
  return vdupq_n_f32(0.0f);
}
HDB_INLINE hdi_lanes hdi_lanes_add(hdi_lanes a, hdi_lanes b) {
  return vaddq_f32(a, b);
}
HDB_INLINE hdi_lanes hdi_lanes_load(const float *at) {
  return vld1q_f32(at);
}
HDB_INLINE void hdi_lanes_store(float *at, hdi_lanes x) {
  vst1q_f32(at, x);
}
/* A multiply-add takes a lane: four values are one load. */
HDB_INLINE hdi_lanes hdi_lanes_spread(const uint8_t *x, uint32_t j) {
  const float32x4_t four = vld1q_f32((const float *)(const void *)x + j / 4 * 4);
  return vdupq_n_f32(four[j % 4]);
}

#include "cpu/chains.inc.h"

/* Bytes 4j .. 4j+3 of all rows are values 2j and 2j + 1, which are the upper halves of floats. */
HDB_INLINE void turn(const hdi_rows *at, uint32_t half, float32x4_t *out) {
  for (uint32_t i = 0; i < 2; i++) {
    uint32x4_t r[4];
    for (uint32_t j = 0; j < 4; j++)
      r[j] = vreinterpretq_u32_u8(vld1q_u8(at->first + j * at->stride + 32 * half + 16 * i));
    hdi_turn_four(r);
    for (uint32_t j = 0; j < 4; j++) {
      out[8 * i + 2 * j] = vreinterpretq_f32_u32(vshlq_n_u32(r[j], 16));
      out[8 * i + 2 * j + 1] = vreinterpretq_f32_u32(vandq_u32(r[j], vdupq_n_u32(0xffff0000u)));
    }
  }
}

HDB_INLINE float32x4_t take(float32x4_t acc, float32x4_t w, float32x4_t x) {
  return vfmaq_f32(acc, w, x);
}

__attribute__((noinline)) static void dot_flushing(const hdb_tile *tile) {
  static const hdi_chain_format bf16 = {2, 16, turn, take};
  hdi_chain_dot(tile, &bf16);
}

/* Not inlined: a compiler knows nothing of what FPCR does to arithmetic. Source: Arm ARM, FPCR.FZ. */
void hdi_neon_dot_bf16(const hdb_tile *tile) {
  uint64_t before, flushing = 1u << 24;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  flushing |= before;
  __asm__ volatile("msr fpcr, %0" : : "r"(flushing) : "memory");
  dot_flushing(tile);
  __asm__ volatile("msr fpcr, %0" : : "r"(before) : "memory");
}

void hdi_neon_quantise_bf16(const float *x, uint32_t cols, void *out_row) {
  hdb_bf16_round_row(x, cols, out_row);
}
