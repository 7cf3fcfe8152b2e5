/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 quantisation of activation rows: the same bits as common/quantise.c. */
#include "common/activation.h"
#include "cpu/x86/avx2.h"
#include "cpu/x86/x86.h"

static inline __m256 magnitude(__m256 x) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

static inline float largest(__m256 x) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

/* Thirty-two products with `inverse` as the nearest integers, ties to even, clipped to int8. Packing works in
 * halves of the register; the permutation puts the groups of four back in order. */
static inline __m256i integers(const float *x, float inverse) {
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  __m256i i[4];
  for (uint32_t j = 0; j < 4; j++)
    i[j] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * j), _mm256_set1_ps(inverse)));
  __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(i[0], i[1]), _mm256_packs_epi32(i[2], i[3]));
  return _mm256_permutevar8x32_epi32(packed, order);
}

static inline int32_t sum_of_bytes(__m256i q) {
  __m256i fours = _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), q), _mm256_set1_epi16(1));
  return hdi_sum_epi32(fours);
}

void hdi_avx2_quantise_q8(const float *x, uint32_t cols, void *out_row) {
  int8_t *q = out_row;
  float *scales = (float *)(void *)((uint8_t *)out_row + cols);
  int32_t *minus_sums = (int32_t *)(void *)(scales + cols / HDB_Q8_BLOCK);
  for (uint32_t b = 0; b < cols / HDB_Q8_BLOCK; b++, x += HDB_Q8_BLOCK, q += HDB_Q8_BLOCK) {
    __m256 low = _mm256_max_ps(magnitude(_mm256_loadu_ps(x)), magnitude(_mm256_loadu_ps(x + 8)));
    __m256 high = _mm256_max_ps(magnitude(_mm256_loadu_ps(x + 16)), magnitude(_mm256_loadu_ps(x + 24)));
    float amax = largest(_mm256_max_ps(low, high));
    scales[b] = _cvtsh_ss(_cvtss_sh(amax / 127.0f, _MM_FROUND_TO_NEAREST_INT));
    float inverse = scales[b] > 0.0f ? 127.0f / amax : 0.0f;
    __m256i values = integers(x, inverse);
    _mm256_storeu_si256((__m256i *)(void *)q, values);
    minus_sums[b] = -sum_of_bytes(values);
  }
}

/* The value of largest magnitude with its sign; the first of equals. */
static float extreme(const float *x) {
  __m256 most = magnitude(_mm256_loadu_ps(x));
  for (uint32_t i = 8; i < HDB_Q8K_BLOCK; i += 8)
    most = _mm256_max_ps(most, magnitude(_mm256_loadu_ps(x + i)));
  __m256 amax = _mm256_set1_ps(largest(most));
  for (uint32_t i = 0; i < HDB_Q8K_BLOCK; i += 8) {
    int hits = _mm256_movemask_ps(_mm256_cmp_ps(magnitude(_mm256_loadu_ps(x + i)), amax, _CMP_EQ_OQ));
    if (hits) return x[i + (uint32_t)__builtin_ctz((unsigned)hits)];
  }
  return 0.0f; /* only NaNs */
}

/* Two sums of sixteen bytes each. */
static inline void sums_of_sixteen(__m256i q, int16_t *out) {
  __m256i fours = _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), q), _mm256_set1_epi16(1));
  fours = _mm256_hadd_epi32(fours, fours);
  fours = _mm256_hadd_epi32(fours, fours);
  out[0] = (int16_t)_mm256_extract_epi32(fours, 0);
  out[1] = (int16_t)_mm256_extract_epi32(fours, 4);
}

void hdi_avx2_quantise_q8k(const float *x, uint32_t cols, void *out_row) {
  int8_t *q = out_row;
  float *scales = (float *)(void *)((uint8_t *)out_row + cols);
  int16_t *sums = (int16_t *)(void *)(scales + cols / HDB_Q8K_BLOCK), *sums_32 = sums + cols / HDB_Q8K_SUM;
  for (uint32_t b = 0; b < cols / HDB_Q8K_BLOCK; b++, x += HDB_Q8K_BLOCK, q += HDB_Q8K_BLOCK) {
    float best = extreme(x), size = best < 0.0f ? -best : best;
    float inverse = size > 0x1p-100f ? -127.0f / best : 0.0f;
    scales[b] = inverse != 0.0f ? 1.0f / inverse : 0.0f;
    for (uint32_t i = 0; i < HDB_Q8K_BLOCK; i += 32, sums += 2) {
      __m256i values = integers(x + i, inverse);
      _mm256_storeu_si256((__m256i *)(void *)(q + i), values);
      sums_of_sixteen(values, sums);
      *sums_32++ = (int16_t)(sums[0] + sums[1]);
    }
  }
}
