/* SPDX-License-Identifier: Apache-2.0 */
/* Small steps that AVX2 kernels share. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX2_H
#define HEDDLE_BACKENDS_CPU_X86_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* Folded in halves, as common/lanes.h does. */
static inline float hdi_sum_of_four(__m128 x) {
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

static inline float hdi_sum_ps(__m256 x) {
  return hdi_sum_of_four(_mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1)));
}

static inline int32_t hdi_sum_epi32(__m256i x) {
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  half = _mm_add_epi32(half, _mm_unpackhi_epi64(half, half));
  return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 1)));
}

/* A little-endian f16 at any address. */
static inline float hdi_f16(const uint8_t *bytes) {
  uint16_t h;
  memcpy(&h, bytes, sizeof h);
  return _cvtsh_ss(h);
}

#endif
