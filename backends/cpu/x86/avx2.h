/* SPDX-License-Identifier: Apache-2.0 */
/* Small steps that AVX2 kernels share. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX2_H
#define HEDDLE_BACKENDS_CPU_X86_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

static inline float hdi_sum_ps(__m256 x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

/* A little-endian f16 at any address. */
static inline float hdi_f16(const uint8_t *bytes) {
  uint16_t h;
  memcpy(&h, bytes, sizeof h);
  return _cvtsh_ss(h);
}

#endif
