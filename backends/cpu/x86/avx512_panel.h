/* SPDX-License-Identifier: Apache-2.0 */
/* Panels of the AVX-512 tier: a block of 32 values of each of sixteen weight rows, turned so that register j
 * holds values 4j .. 4j+3 of row r in its lane r. VPDPBUSD with four broadcast values of an activation then
 * adds to sixteen outputs at once, one a lane, and no sum over the lanes of a register is ever needed.
 *
 * Rows are turned where they are mapped, each time: 32 shuffles for 544 bytes cost less than reading these
 * from memory. So there is no second copy of the weights. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_PANEL_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_PANEL_H

#include <immintrin.h>
#include "common/tile.h"
#include "cpu/ahead.h"

#define HDI_PANEL_ROWS  16u
#define HDI_PANEL_STEPS 8u /* registers of a block */

typedef struct hdi_panel_block {
  __m512i q[HDI_PANEL_STEPS]; /* unsigned: the value plus the format's offset */
  __m512 d;                   /* scales */
} hdi_panel_block;

/* Where a block of sixteen rows lies, in the way an address is made: rows 0, 4, 8, 12, and between them one,
 * two and three strides. The compiler is kept from making sixteen pointers of it, for which there are no
 * registers. */
typedef struct hdi_sixteen {
  const uint8_t *row[4];
  size_t stride, thrice;
} hdi_sixteen;

HDB_INLINE hdi_sixteen hdi_sixteen_at(const uint8_t *first, size_t stride) {
  hdi_sixteen at = {{first, first + 4 * stride, first + 8 * stride, first + 12 * stride}, stride, 3 * stride};
  __asm__("" : "+r"(at.row[0]), "+r"(at.row[1]), "+r"(at.row[2]), "+r"(at.row[3]), "+r"(at.thrice));
  return at;
}

/* The address of row 4 i + j, `bytes` behind its block's. */
HDB_INLINE const uint8_t *hdi_row(const hdi_sixteen *at, uint32_t i, uint32_t j, size_t bytes) {
  return at->row[i] + bytes + (j == 3 ? at->thrice : j * at->stride);
}

/* Turns one block of sixteen rows. Inlined. */
typedef void (*hdi_turn_fn)(const hdi_sixteen *at, hdi_panel_block *out);

/* Sixteen f16. */
HDB_INLINE __m512 hdi_gather_f16(const hdi_sixteen *at) {
  __m128i eight[2];
  for (uint32_t i = 0; i < 2; i++) {
    uint16_t h[8];
    for (uint32_t r = 0; r < 8; r++)
      __builtin_memcpy(&h[r], hdi_row(at, 2 * i + r / 4, r % 4, 0), 2);
    eight[i] = _mm_cvtsi32_si128(h[0]);
    eight[i] = _mm_insert_epi16(eight[i], h[1], 1);
    eight[i] = _mm_insert_epi16(eight[i], h[2], 2);
    eight[i] = _mm_insert_epi16(eight[i], h[3], 3);
    eight[i] = _mm_insert_epi16(eight[i], h[4], 4);
    eight[i] = _mm_insert_epi16(eight[i], h[5], 5);
    eight[i] = _mm_insert_epi16(eight[i], h[6], 6);
    eight[i] = _mm_insert_epi16(eight[i], h[7], 7);
  }
  return _mm512_cvtph_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(eight[0]), eight[1], 1));
}

/* Four bytes of each row. */
HDB_INLINE __m512i hdi_gather_32(const hdi_sixteen *at, size_t bytes) {
  __m512i all = _mm512_setzero_si512();
  for (uint32_t i = 0; i < 4; i++) {
    int w[4];
    for (uint32_t j = 0; j < 4; j++)
      __builtin_memcpy(&w[j], hdi_row(at, i, j, bytes), 4);
    all = _mm512_mask_broadcast_i32x4(all, (__mmask16)(15u << 4 * i), _mm_setr_epi32(w[0], w[1], w[2], w[3]));
  }
  return all;
}

/* 16 bytes of rows r, r+4, r+8, r+12. A broadcast under a mask is a load and a blend, which more units can do
 * than an insertion. */
HDB_INLINE __m512i hdi_load_quarters(const hdi_sixteen *at, uint32_t r, size_t bytes) {
  const __m128i *p[4];
  for (uint32_t i = 0; i < 4; i++)
    p[i] = (const __m128i *)(const void *)hdi_row(at, i, r, bytes);
  __m512i z = _mm512_castsi128_si512(_mm_loadu_si128(p[0]));
  z = _mm512_mask_broadcast_i32x4(z, 0x00f0, _mm_loadu_si128(p[1]));
  z = _mm512_mask_broadcast_i32x4(z, 0x0f00, _mm_loadu_si128(p[2]));
  return _mm512_mask_broadcast_i32x4(z, 0xf000, _mm_loadu_si128(p[3]));
}

/* 32 bytes of rows r and r + 4. */
HDB_INLINE __m512i hdi_load_halves(const hdi_sixteen *at, uint32_t i, uint32_t j, size_t bytes) {
  __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)hdi_row(at, i, j, bytes));
  __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)hdi_row(at, i + 1, j, bytes));
  return _mm512_mask_broadcast_i64x4(_mm512_castsi256_si512(low), 0xf0, high);
}

/* In each quarter: register j gets number j of all four. */
HDB_INLINE void hdi_turn_quarters(const __m512i r[4], __m512i out[4]) {
  __m512i a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpackhi_epi32(r[0], r[1]);
  __m512i c = _mm512_unpacklo_epi32(r[2], r[3]), d = _mm512_unpackhi_epi32(r[2], r[3]);
  out[0] = _mm512_unpacklo_epi64(a, c);
  out[1] = _mm512_unpackhi_epi64(a, c);
  out[2] = _mm512_unpacklo_epi64(b, d);
  out[3] = _mm512_unpackhi_epi64(b, d);
}

/* Sixteen rows of 16 bytes: register j gets bytes 4j .. 4j+3 of all. */
HDB_INLINE void hdi_turn_16(const hdi_sixteen *at, size_t bytes, __m512i out[4]) {
  __m512i r[4];
  for (uint32_t j = 0; j < 4; j++)
    r[j] = hdi_load_quarters(at, j, bytes);
  hdi_turn_quarters(r, out);
}

/* Of sixteen rows of 32 bytes, loaded by hdi_load_halves: register j gets bytes 4j .. 4j+3 of all. */
HDB_INLINE void hdi_turn_halves(const __m512i rows[2][4], __m512i out[8]) {
  __m512i low[4], high[4]; /* of rows 0..7 and 8..15; quarters 0, 2: bytes 0..15; 1, 3: bytes 16..31 */
  hdi_turn_quarters(rows[0], low);
  hdi_turn_quarters(rows[1], high);
  for (int j = 0; j < 4; j++) {
    out[j] = _mm512_shuffle_i32x4(low[j], high[j], _MM_SHUFFLE(2, 0, 2, 0));
    out[j + 4] = _mm512_shuffle_i32x4(low[j], high[j], _MM_SHUFFLE(3, 1, 3, 1));
  }
}

/* Sixteen rows of 32 bytes: register j gets bytes 4j .. 4j+3 of all. */
HDB_INLINE void hdi_turn_32(const hdi_sixteen *at, size_t bytes, __m512i out[8]) {
  __m512i rows[2][4];
  for (uint32_t i = 0; i < 2; i++)
    for (uint32_t j = 0; j < 4; j++)
      rows[i][j] = hdi_load_halves(at, 2 * i, j, bytes);
  hdi_turn_halves((const __m512i(*)[4])rows, out);
}

/* Panel i of sixteen rows; the last one begins early where the rows do not fill it: some results are then
 * computed twice, alike. */
HDB_INLINE uint32_t hdi_panel_begin(const hdb_tile *tile, uint32_t i) {
  uint32_t w = i * HDI_PANEL_ROWS, last = tile->weight_rows - HDI_PANEL_ROWS;
  return w < last ? w : last;
}

HDB_INLINE uint32_t hdi_panel_count(const hdb_tile *tile) {
  return (tile->weight_rows + HDI_PANEL_ROWS - 1) / HDI_PANEL_ROWS;
}

#endif
