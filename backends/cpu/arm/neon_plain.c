/* SPDX-License-Identifier: Apache-2.0 */
/* NEON dots of F32 and F16 rows: widen four weights, multiply and add with one rounding. */
#include <arm_neon.h>
#include "common/float16.h"
#include "common/tile.h"
#include "cpu/arm/arm.h"

typedef float32x4_t (*widen_fn)(const uint8_t *weights, uint32_t i);
typedef float (*one_fn)(const uint8_t *weights, uint32_t i);

HDB_INLINE const uint16_t *halves(const uint8_t *w) {
  return (const uint16_t *)(const void *)w;
}
HDB_INLINE float32x4_t widen_f32(const uint8_t *w, uint32_t i) {
  return vld1q_f32((const float *)(const void *)w + i);
}
HDB_INLINE float32x4_t widen_f16(const uint8_t *w, uint32_t i) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(halves(w) + i)));
}
HDB_INLINE float one_f32(const uint8_t *w, uint32_t i) {
  return ((const float *)(const void *)w)[i];
}
HDB_INLINE float one_f16(const uint8_t *w, uint32_t i) {
  return hdb_f16_to_f32(halves(w)[i]);
}

HDB_INLINE void block(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                      widen_fn widen, one_fn one) {
  const uint8_t *wp[4];
  const float *xp[4];
  float32x4_t acc[4][4];
  uint32_t i = 0;
  for (uint32_t r = 0; r < rows; r++)
    wp[r] = tile->weights + (w + r) * tile->weight_stride;
  for (uint32_t c = 0; c < activations; c++)
    xp[c] = (const float *)(const void *)(tile->x + (t + c) * tile->x_stride);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      acc[r][c] = vdupq_n_f32(0.0f);
  for (; i + 4 <= tile->cols; i += 4)
    for (uint32_t r = 0; r < rows; r++) {
      float32x4_t weights = widen(wp[r], i);
      for (uint32_t c = 0; c < activations; c++)
        acc[r][c] = vfmaq_f32(acc[r][c], weights, vld1q_f32(xp[c] + i));
    }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++) {
      float sum = vaddvq_f32(acc[r][c]);
      for (uint32_t k = i; k < tile->cols; k++)
        sum += one(wp[r], k) * xp[c][k];
      tile->out[(t + c) * tile->out_stride + w + r] = sum;
    }
}

HDB_DOT_OF_BLOCKS(hdi_neon_dot_f32, 4, block, widen_f32, one_f32)
HDB_DOT_OF_BLOCKS(hdi_neon_dot_f16, 4, block, widen_f16, one_f16)
