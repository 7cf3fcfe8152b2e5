/* SPDX-License-Identifier: Apache-2.0 */
/* NEON dots of F32 and F16 rows: eight weights at a time become floats, multiply and add with one rounding. A
 * lane adds up every fourth product, in order; a row that ends within eight goes on with zeros. */
#include <arm_neon.h>
#include <string.h>
#include "common/tile.h"
#include "cpu/arm/arm.h"

#define EIGHT 8u

/* The eight weights at an address. Inlined. */
typedef float32x4x2_t (*widen_fn)(const uint8_t *at);

HDB_INLINE float32x4x2_t eight_floats(const float *at) {
  return (float32x4x2_t){{vld1q_f32(at), vld1q_f32(at + 4)}};
}
HDB_INLINE float32x4x2_t widen_f32(const uint8_t *at) {
  return eight_floats((const float *)(const void *)at);
}
HDB_INLINE float32x4x2_t widen_f16(const uint8_t *at) {
  const float16x8_t eight = vreinterpretq_f16_u16(vld1q_u16((const uint16_t *)(const void *)at));
  return (float32x4x2_t){{vcvt_f32_f16(vget_low_f16(eight)), vcvt_high_f32_f16(eight)}};
}

/* Some weight rows and some activation rows, and what their products add up to. */
typedef struct square {
  const uint8_t *w[4];
  const float *x[4];
  float32x4_t acc[4][4];
} square;

/* Values i .. i + 7 of all of them. */
HDB_INLINE void take_eight(square *s, size_t i, uint32_t rows, uint32_t activations, size_t value_bytes,
                           widen_fn widen) {
  float32x4x2_t x[4];
#pragma GCC unroll 4
  for (uint32_t c = 0; c < activations; c++)
    x[c] = eight_floats(s->x[c] + i);
#pragma GCC unroll 4
  for (uint32_t r = 0; r < rows; r++) {
    const float32x4x2_t w = widen(s->w[r] + i * value_bytes);
#pragma GCC unroll 4
    for (uint32_t c = 0; c < activations; c++)
      s->acc[r][c] = vfmaq_f32(vfmaq_f32(s->acc[r][c], w.val[0], x[c].val[0]), w.val[1], x[c].val[1]);
  }
}

/* Values from i on, less than eight. */
HDB_INLINE void take_rest(square *s, size_t i, uint32_t left, uint32_t rows, uint32_t activations,
                          size_t value_bytes, widen_fn widen) {
  float x[4][EIGHT] = {{0}};
  uint8_t w[4][EIGHT * sizeof(float)] = {{0}};
#pragma GCC unroll 4
  for (uint32_t r = 0; r < rows; r++) {
    memcpy(w[r], s->w[r] + i * value_bytes, left * value_bytes);
    s->w[r] = w[r];
  }
#pragma GCC unroll 4
  for (uint32_t c = 0; c < activations; c++) {
    memcpy(x[c], s->x[c] + i, left * sizeof(float));
    s->x[c] = x[c];
  }
  take_eight(s, 0, rows, activations, value_bytes, widen);
}

HDB_INLINE void block(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                      size_t value_bytes, widen_fn widen) {
  const size_t whole = tile->cols / EIGHT * EIGHT;
  square s;
#pragma GCC unroll 4
  for (uint32_t r = 0; r < rows; r++)
    s.w[r] = tile->weights + (w + r) * tile->weight_stride;
#pragma GCC unroll 4
  for (uint32_t c = 0; c < activations; c++)
    s.x[c] = (const float *)(const void *)(tile->x + (t + c) * tile->x_stride);
#pragma GCC unroll 4
  for (uint32_t r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (uint32_t c = 0; c < activations; c++)
      s.acc[r][c] = vdupq_n_f32(0.0f);
  for (size_t i = 0; i < whole; i += EIGHT)
    take_eight(&s, i, rows, activations, value_bytes, widen);
  if (whole < tile->cols) take_rest(&s, whole, tile->cols % EIGHT, rows, activations, value_bytes, widen);
#pragma GCC unroll 4
  for (uint32_t r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (uint32_t c = 0; c < activations; c++)
      tile->out[(t + c) * tile->out_stride + w + r] = vaddvq_f32(s.acc[r][c]);
}

HDB_DOT_OF_BLOCKS(hdi_neon_dot_f32, 4, block, sizeof(float), widen_f32)
HDB_DOT_OF_BLOCKS(hdi_neon_dot_f16, 4, block, sizeof(uint16_t), widen_f16)
