/* SPDX-License-Identifier: Apache-2.0 */
/* Attention in AVX2. */
#include <immintrin.h>
#include "cpu/x86/x86.h"

typedef __m256 vec;
#define VEC        8u
#define STRIP_VECS 2u
#define TILE_ROWS  6u

static inline vec vec_load(const float *x) {
  return _mm256_loadu_ps(x);
}
static inline void vec_store(float *x, vec v) {
  _mm256_storeu_ps(x, v);
}
static inline vec vec_all(float x) {
  return _mm256_set1_ps(x);
}
static inline vec vec_fma(vec a, vec b, vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
static inline vec vec_mul(vec a, vec b) {
  return _mm256_mul_ps(a, b);
}
static inline vec vec_f16(const void *bytes) {
  return _mm256_cvtph_ps(_mm_loadu_si128(bytes));
}
static inline vec vec_all_f16(const void *bytes) {
  __m128 one = _mm_cvtph_ps(_mm_loadu_si16(bytes));
  return _mm256_broadcastss_ps(one);
}
static inline vec vec_i8(const void *bytes) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(bytes)));
}

/* Rows interleaved by single floats, then by pairs, then by fours. */
static inline __attribute__((always_inline)) void vec_transpose(vec r[VEC]) {
  vec t[VEC];
  for (uint32_t i = 0; i < VEC; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (uint32_t i = 0; i < VEC; i += 4)
    for (uint32_t j = 0; j < 2; j++) {
      r[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
      r[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
    }
  for (uint32_t i = 0; i < VEC / 2; i++) {
    vec low = r[i], high = r[i + 4];
    r[i] = _mm256_permute2f128_ps(low, high, 0x20);
    r[i + 4] = _mm256_permute2f128_ps(low, high, 0x31);
  }
}

#include "common/attend.inc.h"

const hdb_attention_kernels *hdi_avx2_attention(void) {
  return &attend_table;
}
