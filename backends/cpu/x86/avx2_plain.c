/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of F32, F16 and BF16 rows: widen eight weights, multiply and add with one rounding. */
#include <immintrin.h>
#include "common/float16.h"
#include "common/tile.h"
#include "cpu/x86/avx2.h"
#include "cpu/x86/x86.h"

typedef __m256 (*widen_fn)(const uint8_t *weights, uint32_t i);
typedef float (*one_fn)(const uint8_t *weights, uint32_t i);

HDB_INLINE __m256 widen_f32(const uint8_t *w, uint32_t i) {
  return _mm256_loadu_ps((const float *)(const void *)w + i);
}
HDB_INLINE __m256 widen_f16(const uint8_t *w, uint32_t i) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(w + 2 * (size_t)i)));
}
HDB_INLINE __m256 widen_bf16(const uint8_t *w, uint32_t i) {
  __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(w + 2 * (size_t)i)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
HDB_INLINE float one_f32(const uint8_t *w, uint32_t i) {
  return ((const float *)(const void *)w)[i];
}
HDB_INLINE float one_f16(const uint8_t *w, uint32_t i) {
  return _cvtsh_ss(((const uint16_t *)(const void *)w)[i]);
}
HDB_INLINE float one_bf16(const uint8_t *w, uint32_t i) {
  return hdb_bf16_to_f32(((const uint16_t *)(const void *)w)[i]);
}

HDB_INLINE void block(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                      widen_fn widen, one_fn one) {
  const uint8_t *wp[4];
  const float *xp[4];
  __m256 acc[4][4];
  uint32_t i = 0;
  for (uint32_t r = 0; r < rows; r++)
    wp[r] = tile->weights + (w + r) * tile->weight_stride;
  for (uint32_t c = 0; c < activations; c++)
    xp[c] = (const float *)(const void *)(tile->x + (t + c) * tile->x_stride);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      acc[r][c] = _mm256_setzero_ps();
  for (; i + 8 <= tile->cols; i += 8)
    for (uint32_t r = 0; r < rows; r++) {
      __m256 weights = widen(wp[r], i);
      for (uint32_t c = 0; c < activations; c++)
        acc[r][c] = _mm256_fmadd_ps(weights, _mm256_loadu_ps(xp[c] + i), acc[r][c]);
    }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++) {
      float sum = hdi_sum_ps(acc[r][c]);
      for (uint32_t k = i; k < tile->cols; k++)
        sum += one(wp[r], k) * xp[c][k];
      tile->out[(t + c) * tile->out_stride + w + r] = sum;
    }
}

HDB_DOT_OF_BLOCKS(hdi_avx2_dot_f32, 2, block, widen_f32, one_f32)
HDB_DOT_OF_BLOCKS(hdi_avx2_dot_f16, 2, block, widen_f16, one_f16)
HDB_DOT_OF_BLOCKS(hdi_avx2_dot_bf16, 2, block, widen_bf16, one_bf16)
