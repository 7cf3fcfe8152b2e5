/* SPDX-License-Identifier: Apache-2.0 */
/* Attention in AVX-512. */
#include <immintrin.h>
#include "cpu/x86/x86.h"

typedef __m512 vec;
#define VEC        16u
#define STRIP_VECS 4u
#define TILE_ROWS  6u

static inline vec vec_load(const float *x) {
  return _mm512_loadu_ps(x);
}
static inline void vec_store(float *x, vec v) {
  _mm512_storeu_ps(x, v);
}
static inline vec vec_all(float x) {
  return _mm512_set1_ps(x);
}
static inline vec vec_fma(vec a, vec b, vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
static inline vec vec_mul(vec a, vec b) {
  return _mm512_mul_ps(a, b);
}
static inline vec vec_f16(const void *bytes) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(bytes));
}
static inline vec vec_all_f16(const void *bytes) {
  __m128 one = _mm_cvtph_ps(_mm_loadu_si16(bytes));
  return _mm512_broadcastss_ps(one);
}
static inline vec vec_i8(const void *bytes) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(bytes)));
}

/* Neighbouring rows are interleaved by single floats, then by pairs, by fours and by eights: after each step
 * a register holds the same columns of twice as many rows. */
static inline __attribute__((always_inline)) void vec_transpose(vec r[VEC]) {
  vec t[VEC];
  for (uint32_t i = 0; i < VEC; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  for (uint32_t i = 0; i < VEC; i += 4)
    for (uint32_t j = 0; j < 2; j++) {
      __m512d low = _mm512_castps_pd(t[i + j]), high = _mm512_castps_pd(t[i + j + 2]);
      r[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
      r[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
    }
  for (uint32_t i = 0; i < 4; i++) { /* column i of every fourth, of rows 0-3, 4-7, 8-11, 12-15 */
    vec low = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88), high = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
    vec low2 = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
    vec high2 = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    t[i] = _mm512_shuffle_f32x4(low, low2, 0x88);
    t[i + 4] = _mm512_shuffle_f32x4(high, high2, 0x88);
    t[i + 8] = _mm512_shuffle_f32x4(low, low2, 0xdd);
    t[i + 12] = _mm512_shuffle_f32x4(high, high2, 0xdd);
  }
  for (uint32_t i = 0; i < VEC; i++)
    r[i] = t[i];
}

#include "common/attend.inc.h"

const hdb_attention_kernels *hdi_avx512_attention(void) {
  return &attend_table;
}
