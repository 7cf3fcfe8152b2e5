/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of F32, F16 and BF16 rows: widen sixteen weights, multiply and add with one rounding. What a
 * row leaves over is loaded under a mask. */
#include <immintrin.h>
#include "common/tile.h"
#include "cpu/x86/x86.h"

typedef __m512 (*widen_fn)(const uint8_t *weights, __mmask16 mask);

HDB_INLINE __m512 widen_f32(const uint8_t *w, __mmask16 mask) {
  return _mm512_maskz_loadu_ps(mask, w);
}
HDB_INLINE __m512 widen_f16(const uint8_t *w, __mmask16 mask) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, w));
}
HDB_INLINE __m512 widen_bf16(const uint8_t *w, __mmask16 mask) {
  __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, w));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

HDB_INLINE void step(const uint8_t *const *wp, const float *const *xp, size_t i, __mmask16 mask,
                     uint32_t rows, uint32_t activations, widen_fn widen, size_t bytes, __m512 acc[4][4]) {
  for (uint32_t r = 0; r < rows; r++) {
    __m512 weights = widen(wp[r] + i * bytes, mask);
    for (uint32_t c = 0; c < activations; c++)
      acc[r][c] = _mm512_fmadd_ps(weights, _mm512_maskz_loadu_ps(mask, xp[c] + i), acc[r][c]);
  }
}

HDB_INLINE void block(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                      widen_fn widen, size_t bytes) {
  const uint8_t *wp[4];
  const float *xp[4];
  __m512 acc[4][4];
  size_t i = 0;
  for (uint32_t r = 0; r < rows; r++)
    wp[r] = tile->weights + (w + r) * tile->weight_stride;
  for (uint32_t c = 0; c < activations; c++)
    xp[c] = (const float *)(const void *)(tile->x + (t + c) * tile->x_stride);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      acc[r][c] = _mm512_setzero_ps();
  for (; i + 16 <= tile->cols; i += 16)
    step(wp, xp, i, 0xffff, rows, activations, widen, bytes, acc);
  if (i < tile->cols)
    step(wp, xp, i, (__mmask16)((1u << (tile->cols - i)) - 1), rows, activations, widen, bytes, acc);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      tile->out[(t + c) * tile->out_stride + w + r] = _mm512_reduce_add_ps(acc[r][c]);
}

HDB_DOT_OF_BLOCKS(hdi_avx512_dot_f32, 4, block, widen_f32, 4)
HDB_DOT_OF_BLOCKS(hdi_avx512_dot_f16, 4, block, widen_f16, 2)
HDB_DOT_OF_BLOCKS(hdi_avx512_dot_bf16, 4, block, widen_bf16, 2)
