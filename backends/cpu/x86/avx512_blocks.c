/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 VNNI dots of the formats with blocks of 32 and one scale: Q8_0, Q4_0, Q5_0. A register holds a
 * block of each of two weight rows, so that each half adds up in the order of common/lanes.h. The instruction
 * multiplies unsigned by signed bytes: weights are unpacked to unsigned ones, each too large by the format's
 * offset, and the sum starts from -offset * (sum of the activation), which is exact in integers. */
#include <immintrin.h>
#include <string.h>
#include "common/activation.h"
#include "common/tile.h"
#include "cpu/x86/avx2.h"
#include "cpu/x86/x86.h"

/* 32 values of a block of each of two rows, unsigned, in order. */
typedef __m512i (*unpack_fn)(const uint8_t *first, const uint8_t *second);

HDB_INLINE __m512i unpack_q8_0(const uint8_t *first, const uint8_t *second) {
  __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(first + 2));
  __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(second + 2));
  return _mm512_xor_si512(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1),
                          _mm512_set1_epi8((char)0x80));
}

/* Sixteen bytes of each block; each twice, the second time for the high nibbles. */
HDB_INLINE __m512i nibbles(const uint8_t *first, const uint8_t *second) {
  const __m512i twice = _mm512_setr_epi64(0, 1, 0, 1, 2, 3, 2, 3),
                shift = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
  __m128i low = _mm_loadu_si128((const __m128i *)(const void *)first);
  __m128i high = _mm_loadu_si128((const __m128i *)(const void *)second);
  __m512i both = _mm512_castsi256_si512(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
  both = _mm512_srlv_epi64(_mm512_permutexvar_epi64(twice, both), shift);
  return _mm512_and_si512(both, _mm512_set1_epi8(15));
}

HDB_INLINE __m512i unpack_q4_0(const uint8_t *first, const uint8_t *second) {
  return nibbles(first + 2, second + 2);
}

/* Bit i of a block's fifth bits belongs to byte i of its half: the bits are the mask of an addition. */
HDB_INLINE __m512i unpack_q5_0(const uint8_t *first, const uint8_t *second) {
  uint32_t low, high;
  memcpy(&low, first + 2, sizeof low);
  memcpy(&high, second + 2, sizeof high);
  __m512i q = nibbles(first + 6, second + 6);
  return _mm512_mask_add_epi8(q, (uint64_t)high << 32 | low, q, _mm512_set1_epi8(16));
}

/* The rows' scales, each in its half. */
HDB_INLINE __m512 weight_scales(const uint8_t *first, const uint8_t *second) {
  const __m512i which = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  uint16_t low, high;
  memcpy(&low, first, sizeof low);
  memcpy(&high, second, sizeof high);
  __m128 two = _mm_cvtph_ps(_mm_cvtsi32_si128((int)(low | (uint32_t)high << 16)));
  return _mm512_permutexvar_ps(which, _mm512_castps128_ps512(two));
}

HDB_INLINE void block(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                      unpack_fn unpack, size_t block_bytes, char offset) {
  const uint32_t pairs = (rows + 1) / 2;
  const uint8_t *first[2], *second[2]; /* a row alone is its own second */
  const uint8_t *x[4];
  __m512 acc[2][4];
  for (uint32_t p = 0; p < pairs; p++) {
    first[p] = tile->weights + (w + 2 * p) * tile->weight_stride;
    second[p] = rows == 1 ? first[p] : first[p] + tile->weight_stride;
  }
  for (uint32_t c = 0; c < activations; c++)
    x[c] = tile->x + (t + c) * tile->x_stride;
  for (uint32_t p = 0; p < pairs; p++)
    for (uint32_t c = 0; c < activations; c++)
      acc[p][c] = _mm512_setzero_ps();
  for (size_t b = 0; b < tile->cols / HDB_Q8_BLOCK; b++) {
    __m512i values[2];
    __m512 d[2];
    for (uint32_t p = 0; p < pairs; p++) {
      values[p] = unpack(first[p] + b * block_bytes, second[p] + b * block_bytes);
      d[p] = weight_scales(first[p] + b * block_bytes, second[p] + b * block_bytes);
    }
    for (uint32_t c = 0; c < activations; c++) {
      const __m256i *at = (const __m256i *)(const void *)(hdb_q8_values(x[c]) + b * HDB_Q8_BLOCK);
      __m512i v = _mm512_broadcast_i64x4(_mm256_loadu_si256(at));
      __m512i start = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(offset), v);
      __m512 scale = _mm512_set1_ps(hdb_q8_scales(x[c], tile->cols)[b]);
      start = _mm512_sub_epi32(_mm512_setzero_si512(), start);
      for (uint32_t p = 0; p < pairs; p++) {
        __m512 dot = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(start, values[p], v));
        acc[p][c] = _mm512_fmadd_ps(_mm512_mul_ps(d[p], scale), dot, acc[p][c]);
      }
    }
  }
  for (uint32_t c = 0; c < activations; c++)
    for (uint32_t r = 0; r < rows; r++) {
      __m512 both = acc[r / 2][c];
      __m256 one = r % 2 == 0 ? _mm512_castps512_ps256(both) : _mm512_extractf32x8_ps(both, 1);
      tile->out[(t + c) * tile->out_stride + w + r] = hdi_sum_ps(one);
    }
}

HDB_DOT_OF_BLOCKS(hdi_avx512_dot_q8_0, 4, block, unpack_q8_0, 34, (char)128)
HDB_DOT_OF_BLOCKS(hdi_avx512_dot_q4_0, 4, block, unpack_q4_0, 18, 8)
HDB_DOT_OF_BLOCKS(hdi_avx512_dot_q5_0, 4, block, unpack_q5_0, 22, 16)
