/* SPDX-License-Identifier: Apache-2.0 */
/* Half precision by the F16C instructions: what rows.inc.h asks of a tier. */
#ifndef HEDDLE_BACKENDS_CPU_X86_F16C_H
#define HEDDLE_BACKENDS_CPU_X86_F16C_H

#include <immintrin.h>
#include <stdint.h>

static inline void rows_to_f16(const float *x, uint32_t count, uint16_t *out) {
  uint32_t i = 0;
  for (; i + 8 <= count; i += 8)
    _mm_storeu_si128((__m128i *)(void *)(out + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
  for (; i < count; i++)
    out[i] = _cvtss_sh(x[i], _MM_FROUND_TO_NEAREST_INT);
}

/* Sums of eight columns stay in a register while all rows go by. */
static inline void rows_mix_f16(const float *p, const uint8_t *rows, size_t stride, uint32_t row_count,
                                uint32_t cols, float *acc) {
  uint32_t c = 0;
  for (; c + 8 <= cols; c += 8) {
    __m256 sum = _mm256_loadu_ps(acc + c);
    for (uint32_t r = 0; r < row_count; r++) {
      const void *at = rows + r * stride + 2 * (size_t)c;
      __m256 v = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)at));
      sum = _mm256_fmadd_ps(_mm256_set1_ps(p[r]), v, sum);
    }
    _mm256_storeu_ps(acc + c, sum);
  }
  for (; c < cols; c++)
    for (uint32_t r = 0; r < row_count; r++)
      acc[c] =
          __builtin_fmaf(p[r], _cvtsh_ss(((const uint16_t *)(const void *)(rows + r * stride))[c]), acc[c]);
}

#endif
