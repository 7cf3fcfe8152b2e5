/* SPDX-License-Identifier: Apache-2.0 */
/* Panels of the AVX2 tiers: a block of each of eight weight rows, turned so that register j holds bytes
 * 4j .. 4j+3 of row r in its lane r. A product with four broadcast values of an activation then adds to eight
 * outputs at once, one a lane, and no sum over the lanes of a register is ever needed. Rows are turned where
 * they are mapped, each time: there is no second copy of the weights. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX2_PANEL_H
#define HEDDLE_BACKENDS_CPU_X86_AVX2_PANEL_H

#include <immintrin.h>
#include <stdbool.h>
#include "common/tile.h"
#include "cpu/ahead.h"
#include "cpu/x86/avx2.h"

#define HDI_PANEL_ROWS  8u
#define HDI_PANEL_STEPS 8u /* registers of 32 values of each row */

/* In a register: the compiler is kept from reading it wherever it is used. */
HDB_INLINE __m256i hdi_kept(__m256i x) {
  __asm__("" : "+x"(x));
  return x;
}

/* Where a block of eight rows lies: rows 0 and 4, and between them one, two and three strides. The compiler
 * is kept from making eight pointers of it. */
typedef struct hdi_eight {
  const uint8_t *row[2];
  size_t stride, thrice;
} hdi_eight;

HDB_INLINE hdi_eight hdi_eight_at(const uint8_t *first, size_t stride) {
  hdi_eight at = {{first, first + 4 * stride}, stride, 3 * stride};
  __asm__("" : "+r"(at.row[0]), "+r"(at.row[1]), "+r"(at.thrice));
  return at;
}

/* The address of row 4 i + j, `bytes` behind its block's. */
HDB_INLINE const uint8_t *hdi_row(const hdi_eight *at, uint32_t i, uint32_t j, size_t bytes) {
  return at->row[i] + bytes + (j == 3 ? at->thrice : j * at->stride);
}

/* Eight f16, `bytes` behind their blocks' beginnings. */
HDB_INLINE __m256 hdi_gather_f16(const hdi_eight *at, size_t bytes) {
  uint16_t h[8];
  for (uint32_t r = 0; r < 8; r++)
    __builtin_memcpy(&h[r], hdi_row(at, r / 4, r % 4, bytes), 2);
  __m128i all = _mm_cvtsi32_si128(h[0]);
  all = _mm_insert_epi16(all, h[1], 1);
  all = _mm_insert_epi16(all, h[2], 2);
  all = _mm_insert_epi16(all, h[3], 3);
  all = _mm_insert_epi16(all, h[4], 4);
  all = _mm_insert_epi16(all, h[5], 5);
  all = _mm_insert_epi16(all, h[6], 6);
  all = _mm_insert_epi16(all, h[7], 7);
  return _mm256_cvtph_ps(all);
}

/* Four bytes of each row. */
HDB_INLINE __m256i hdi_gather_32(const hdi_eight *at, size_t bytes) {
  int w[8];
  for (uint32_t r = 0; r < 8; r++)
    __builtin_memcpy(&w[r], hdi_row(at, r / 4, r % 4, bytes), 4);
  return _mm256_setr_epi32(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]);
}

/* 16 bytes of rows j and j + 4. */
HDB_INLINE __m256i hdi_load_halves(const hdi_eight *at, uint32_t j, size_t bytes) {
  __m128i low = _mm_loadu_si128((const __m128i *)(const void *)hdi_row(at, 0, j, bytes));
  __m128i high = _mm_loadu_si128((const __m128i *)(const void *)hdi_row(at, 1, j, bytes));
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* Eight rows of 16 bytes: register j gets bytes 4j .. 4j+3 of all. */
HDB_INLINE void hdi_turn_16(const hdi_eight *at, size_t bytes, __m256i out[4]) {
  __m256i r0 = hdi_load_halves(at, 0, bytes), r1 = hdi_load_halves(at, 1, bytes);
  __m256i r2 = hdi_load_halves(at, 2, bytes), r3 = hdi_load_halves(at, 3, bytes);
  __m256i a = _mm256_unpacklo_epi32(r0, r1), b = _mm256_unpackhi_epi32(r0, r1);
  __m256i c = _mm256_unpacklo_epi32(r2, r3), d = _mm256_unpackhi_epi32(r2, r3);
  out[0] = _mm256_unpacklo_epi64(a, c);
  out[1] = _mm256_unpackhi_epi64(a, c);
  out[2] = _mm256_unpacklo_epi64(b, d);
  out[3] = _mm256_unpackhi_epi64(b, d);
}

/* Eight rows of 32 bytes likewise. */
HDB_INLINE void hdi_turn_32(const hdi_eight *at, size_t bytes, __m256i out[8]) {
  hdi_turn_16(at, bytes, out);
  hdi_turn_16(at, bytes + 16, out + 4);
}

/* Low nibbles of `count` registers stay in them, high nibbles go to `high`. */
HDB_INLINE void hdi_split_nibbles(__m256i *low, __m256i *high, uint32_t count) {
  const __m256i nibble = _mm256_set1_epi8(15);
  for (uint32_t j = 0; j < count; j++) {
    high[j] = _mm256_and_si256(_mm256_srli_epi16(low[j], 4), nibble);
    low[j] = _mm256_and_si256(low[j], nibble);
  }
}

/* Sums over each half of four registers, one a lane. */
HDB_INLINE __m256i hdi_fold_four(const __m256i t[4]) {
  __m256i a = _mm256_add_epi32(_mm256_unpacklo_epi32(t[0], t[1]), _mm256_unpackhi_epi32(t[0], t[1]));
  __m256i b = _mm256_add_epi32(_mm256_unpacklo_epi32(t[2], t[3]), _mm256_unpackhi_epi32(t[2], t[3]));
  return _mm256_add_epi32(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
}

/* The sum over each of eight registers, one a lane. */
HDB_INLINE __m256i hdi_fold_eight(const __m256i t[8]) {
  __m256i a = hdi_fold_four(t), b = hdi_fold_four(t + 4);
  return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
}

/* Panels of a tile of at least eight weight rows, and the first row of panel i: the last one begins early
 * where the rows do not fill it: some results are then computed twice, alike. */
HDB_INLINE uint32_t hdi_panel_count(const hdb_tile *tile) {
  return (tile->weight_rows + HDI_PANEL_ROWS - 1) / HDI_PANEL_ROWS;
}
HDB_INLINE uint32_t hdi_panel_begin(const hdb_tile *tile, uint32_t i) {
  uint32_t w = i * HDI_PANEL_ROWS, last = tile->weight_rows - HDI_PANEL_ROWS;
  return w < last ? w : last;
}

#endif
