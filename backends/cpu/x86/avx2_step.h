/* SPDX-License-Identifier: Apache-2.0 */
/* The one step in which the tiers AVX2 and AVX-VNNI differ: products of unsigned weights with activations
 * added to a running sum. AVX-VNNI has an instruction for it. AVX2 adds pairs of products in 16 bits, which
 * is exact as long as all of a sum fits: weights below 16 for the 32 values of a block (15 * 127 * 32 in two
 * halves of 16 bits each), below 32 for 16, below 64 for 8. That is half the work of widening each pair. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX2_STEP_H
#define HEDDLE_BACKENDS_CPU_X86_AVX2_STEP_H

#include <immintrin.h>
#include "common/tile.h"

#ifdef __AVXVNNI__

#define HDI_HAS_DPBUSD 1

HDB_INLINE __m256i hdi_step(__m256i sum, __m256i weights, __m256i x) {
  return _mm256_dpbusd_avx_epi32(sum, weights, x);
}
HDB_INLINE __m256i hdi_first(__m256i weights, __m256i x) {
  return hdi_step(_mm256_setzero_si256(), weights, x);
}
/* The sum of a lane. */
HDB_INLINE __m256i hdi_whole(__m256i sum) {
  return sum;
}
/* The same times a scale, the number of its lane. */
HDB_INLINE __m256i hdi_scaled(__m256i sum, __m256i scale) {
  return _mm256_mullo_epi32(sum, scale);
}
/* sum + products of numbers in 16 bits, of neighbours. */
HDB_INLINE __m256i hdi_add_pairs(__m256i sum, __m256i a, __m256i b) {
  return _mm256_dpwssd_avx_epi32(sum, a, b);
}

#else

#define HDI_HAS_DPBUSD 0

/* The compiler is kept from adding up in another order, for which there are no registers. */
HDB_INLINE __m256i hdi_step(__m256i sum, __m256i weights, __m256i x) {
  sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(weights, x));
  __asm__("" : "+x"(sum));
  return sum;
}
HDB_INLINE __m256i hdi_first(__m256i weights, __m256i x) {
  return _mm256_maddubs_epi16(weights, x);
}
HDB_INLINE __m256i hdi_whole(__m256i sum) {
  return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}
/* A scale is a number of 16 bits in both halves of its lane. */
HDB_INLINE __m256i hdi_scaled(__m256i sum, __m256i scale) {
  return _mm256_madd_epi16(sum, scale);
}
HDB_INLINE __m256i hdi_add_pairs(__m256i sum, __m256i a, __m256i b) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

#endif

/* Four bytes to all lanes. */
HDB_INLINE __m256i hdi_four(const uint8_t *x) {
  int four;
  __builtin_memcpy(&four, x, 4);
  return _mm256_set1_epi32(four);
}

#endif
