/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 VNNI dots of the formats with blocks of 32 and one scale: Q8_0, Q4_0, Q5_0. A register holds two
 * blocks. The instruction multiplies unsigned by signed bytes, so weights are unpacked to unsigned ones, each
 * too large by the format's offset, and the sum starts from -offset * (sum of the activation): exact in
 * integers. */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>
#include "common/activation.h"
#include "common/tile.h"
#include "cpu/x86/x86.h"

/* 32 values of each of two blocks, unsigned, in order. */
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

/* A scale for each half of a register, out of the first two floats. */
HDB_INLINE __m512 halves(__m128 two) {
  const __m512i which = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  return _mm512_permutexvar_ps(which, _mm512_castps128_ps512(two));
}

HDB_INLINE __m512 weight_scales(const uint8_t *first, const uint8_t *second) {
  uint16_t low, high;
  memcpy(&low, first, sizeof low);
  memcpy(&high, second, sizeof high);
  return halves(_mm_cvtph_ps(_mm_cvtsi32_si128((int)(low | (uint32_t)high << 16))));
}

typedef struct row_pointers {
  const uint8_t *w[4];
  const int8_t *x[4];
  const float *scales[4];
} row_pointers;

/* Blocks b and b + 1; of an odd row's last block the second half of each register counts for nothing. */
HDB_INLINE void step(const row_pointers *p, uint32_t b, bool two, uint32_t rows, uint32_t activations,
                     unpack_fn unpack, size_t block_bytes, char offset, __m512 acc[4][4]) {
  __m512i x[4], start[4];
  __m512 scales[4];
  size_t next = two ? block_bytes : 0;
  for (uint32_t c = 0; c < activations; c++) {
    x[c] = _mm512_maskz_loadu_epi64(two ? 0xff : 0x0f, p->x[c] + (size_t)b * HDB_Q8_BLOCK);
    scales[c] = halves(_mm_maskz_loadu_ps(two ? 3 : 1, p->scales[c] + b));
    start[c] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(offset), x[c]);
    start[c] = _mm512_sub_epi32(_mm512_setzero_si512(), start[c]);
  }
  for (uint32_t r = 0; r < rows; r++) {
    const uint8_t *at = p->w[r] + b * block_bytes;
    __m512i values = unpack(at, at + next);
    __m512 d = weight_scales(at, at + next);
    for (uint32_t c = 0; c < activations; c++) {
      __m512 dot = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(start[c], values, x[c]));
      acc[r][c] = _mm512_fmadd_ps(_mm512_mul_ps(d, scales[c]), dot, acc[r][c]);
    }
  }
}

HDB_INLINE void block(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                      unpack_fn unpack, size_t block_bytes, char offset) {
  uint32_t blocks = tile->cols / HDB_Q8_BLOCK, b = 0;
  row_pointers p;
  __m512 acc[4][4];
  for (uint32_t r = 0; r < rows; r++)
    p.w[r] = tile->weights + (w + r) * tile->weight_stride;
  for (uint32_t c = 0; c < activations; c++) {
    p.x[c] = hdb_q8_values(tile->x + (t + c) * tile->x_stride);
    p.scales[c] = hdb_q8_scales(tile->x + (t + c) * tile->x_stride, tile->cols);
  }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      acc[r][c] = _mm512_setzero_ps();
  for (; b + 2 <= blocks; b += 2)
    step(&p, b, true, rows, activations, unpack, block_bytes, offset, acc);
  if (b < blocks) step(&p, b, false, rows, activations, unpack, block_bytes, offset, acc);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      tile->out[(t + c) * tile->out_stride + w + r] = _mm512_reduce_add_ps(acc[r][c]);
}

HDB_DOT_OF_BLOCKS(hdi_avx512_dot_q8_0, block, unpack_q8_0, 34, (char)128)
HDB_DOT_OF_BLOCKS(hdi_avx512_dot_q4_0, block, unpack_q4_0, 18, 8)
HDB_DOT_OF_BLOCKS(hdi_avx512_dot_q5_0, block, unpack_q5_0, 22, 16)
