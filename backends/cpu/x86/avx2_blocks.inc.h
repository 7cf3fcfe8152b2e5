/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of the formats with blocks of 32: how a block of eight rows becomes registers. What is done with
 * them is in avx2_blocks.h. The file that includes this names a tier: HDI_DOT(FORMAT) is its dot's name. */
#include "cpu/x86/avx2_blocks.h"
#include "cpu/x86/x86.h"

HDB_INLINE void turn_q8_0(const hdi_eight *at, hdi_panel_block *out) {
  hdi_turn_32(at, 2, out->q);
  for (uint32_t j = 0; j < HDI_PANEL_STEPS; j++)
    out->q[j] = _mm256_xor_si256(out->q[j], _mm256_set1_epi8((char)0x80));
}

HDB_INLINE void rows_q8_0(const hdi_eight *at, hdi_rows_block *out) {
  for (uint32_t r = 0; r < HDI_PANEL_ROWS; r++)
    out->q[r] = _mm256_loadu_si256((const __m256i *)(const void *)hdi_row(at, r / 4, r % 4, 2));
}

HDB_INLINE void turn_q4_0(const hdi_eight *at, hdi_panel_block *out) {
  hdi_turn_16(at, 2, out->q);
  hdi_split_nibbles(out->q, out->q + 4, 4);
}

HDB_INLINE void rows_q4_0(const hdi_eight *at, hdi_rows_block *out) {
  for (uint32_t j = 0; j < 4; j++)
    out->q[j] = hdi_load_halves(at, j, 2);
  hdi_split_nibbles(out->q, out->q + 4, 4);
}

/* Values and, where the bits of `each` in `bits` are set, sixteen more. */
HDB_INLINE __m256i with_fifth(__m256i q, __m256i bits, __m256i each) {
  __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bits, each), each);
  return _mm256_or_si256(q, _mm256_and_si256(set, _mm256_set1_epi8(16)));
}

/* Bit i of a row's 32 is the fifth of its value i. Register j wants bits 4j .. 4j+3: their byte of each lane
 * is spread over the lane, and each byte looks at one bit of it. */
HDB_INLINE void turn_q5_0(const hdi_eight *at, hdi_panel_block *out) {
  const __m256i lanes =
      _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0, 0x04040404, 0x08080808, 0x0c0c0c0c);
  __m256i bits = hdi_gather_32(at, 2);
  hdi_turn_16(at, 6, out->q);
  hdi_split_nibbles(out->q, out->q + 4, 4);
  for (uint32_t j = 0; j < HDI_PANEL_STEPS; j++) {
    __m256i spread = _mm256_shuffle_epi8(bits, _mm256_add_epi8(lanes, _mm256_set1_epi8((char)(j / 2))));
    out->q[j] = with_fifth(out->q[j], spread, _mm256_set1_epi32(j % 2 ? (int)0x80402010u : 0x08040201));
  }
}

HDB_INLINE void rows_q5_0(const hdi_eight *at, hdi_rows_block *out) {
  for (uint32_t j = 0; j < 4; j++)
    out->q[j] = hdi_load_halves(at, j, 6);
  hdi_split_nibbles(out->q, out->q + 4, 4);
}

static const hdi_block_format q8_0 = {turn_q8_0, rows_q8_0, 34, 7, 8, true, false},
                              q4_0 = {turn_q4_0, rows_q4_0, 18, 3, 8, false, false},
                              q5_0 = {turn_q5_0, rows_q5_0, 22, 4, 4, false, true};

void HDI_DOT(q8_0)(const hdb_tile *tile) {
  hdi_blocks_dot(tile, &q8_0);
}
void HDI_DOT(q4_0)(const hdb_tile *tile) {
  hdi_blocks_dot(tile, &q4_0);
}
void HDI_DOT(q5_0)(const hdb_tile *tile) {
  hdi_blocks_dot(tile, &q5_0);
}
