/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of the formats with blocks of 32: how a block of sixteen rows becomes registers of unsigned
 * values. What is done with them is in avx512_blocks.h. */
#include "cpu/x86/avx512_blocks.h"
#include "cpu/x86/avx512_stream_blocks.h"
#include "cpu/x86/x86.h"

HDB_INLINE void turn_q8_0(const hdi_sixteen *at, hdi_panel_block *out) {
  const __m512i sign = _mm512_set1_epi8((char)0x80);
  hdi_turn_32(at, 2, out->q);
  for (uint32_t j = 0; j < HDI_PANEL_STEPS; j++)
    out->q[j] = _mm512_xor_si512(out->q[j], sign);
  out->d = hdi_gather_f16(at);
}

/* Registers 0..3 of sixteen rows of nibbles become the eight of their values. */
HDB_INLINE void split_nibbles(__m512i q[HDI_PANEL_STEPS]) {
  const __m512i nibble = _mm512_set1_epi8(15);
  for (uint32_t j = 0; j < 4; j++) {
    q[j + 4] = _mm512_and_si512(_mm512_srli_epi16(q[j], 4), nibble);
    q[j] = _mm512_and_si512(q[j], nibble);
  }
}

HDB_INLINE void turn_q4_0(const hdi_sixteen *at, hdi_panel_block *out) {
  hdi_turn_16(at, 2, out->q);
  split_nibbles(out->q);
  out->d = hdi_gather_f16(at);
}

/* Bit i of a row's 32 is the fifth of its value i. Register j wants bits 4j .. 4j+3: their byte of each lane
 * is spread over the lane, and each byte looks at one bit of it. */
HDB_INLINE void turn_q5_0(const hdi_sixteen *at, hdi_panel_block *out) {
  const __m512i fifth = _mm512_set1_epi8(16),
                lanes = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
  __m512i bits = hdi_gather_32(at, 2);
  hdi_turn_16(at, 6, out->q);
  split_nibbles(out->q);
  for (int j = 0; j < (int)HDI_PANEL_STEPS; j++) {
    __m512i spread = _mm512_shuffle_epi8(bits, _mm512_add_epi8(lanes, _mm512_set1_epi8((char)(j / 2))));
    __mmask64 set = _mm512_test_epi8_mask(spread, _mm512_set1_epi32(j % 2 ? (int)0x80402010u : 0x08040201));
    out->q[j] = _mm512_mask_add_epi8(out->q[j], set, out->q[j], fifth);
  }
  out->d = hdi_gather_f16(at);
}

static const hdi_block_format q8_0 = {turn_q8_0, 34, 7}, q4_0 = {turn_q4_0, 18, 3}, q5_0 = {turn_q5_0, 22, 4};
/* What a walk keeps of a group costs the more, the longer rows are: of Q8_0 4,096 and 11,008 columns are read
 * at 31 to 33 and 28 to 29 GB/s so, and at 33 to 35 and 31 to 35 by AVX2's eight rows side by side, whose
 * sums stay in registers; of Q4_0 31 and 28 so, 32 and 33 by sixteen rows side by side. Up to 2,048 the walk
 * is faster. Q5_0 is faster so however long its rows are. */
#define LONG_ROW 2048u

static const hdi_stream_format q8_0_stream = {34, 7, LONG_ROW, hdi_stream_x_q8_0, hdi_stream_q8_0},
                               q4_0_stream = {18, 3, LONG_ROW, hdi_stream_x_nibbles, hdi_stream_q4_0},
                               q5_0_stream = {22, 4, UINT32_MAX, hdi_stream_x_nibbles, hdi_stream_q5_0};

HDB_INLINE void dot(const hdb_tile *tile, const hdi_block_format *f, const hdi_stream_format *stream) {
  if (tile->cols > stream->cols_max || !hdi_stream_dot(tile, stream)) hdi_blocks_dot(tile, f);
}

void hdi_avx512_dot_q8_0(const hdb_tile *tile) {
  if (tile->x_rows == 1 && tile->cols > q8_0_stream.cols_max)
    hdi_avx2_dot_q8_0(tile);
  else
    dot(tile, &q8_0, &q8_0_stream);
}
void hdi_avx512_dot_q4_0(const hdb_tile *tile) {
  dot(tile, &q4_0, &q4_0_stream);
}
void hdi_avx512_dot_q5_0(const hdb_tile *tile) {
  dot(tile, &q5_0, &q5_0_stream);
}

const hdi_block_format *hdi_avx512_block_format(hd_format format) {
  return format == HD_FORMAT_Q8_0 ? &q8_0 : format == HD_FORMAT_Q4_0 ? &q4_0 : &q5_0;
}
