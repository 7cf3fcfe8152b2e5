/* SPDX-License-Identifier: Apache-2.0 */
/* How sixteen neighbouring blocks of Q8_0, Q4_0 and Q5_0 are multiplied where they lie (avx512_stream.h).
 * Eight blocks are read in few whole registers, and what is wanted of them, values without the scales
 * between, is picked in words of two bytes from two neighbouring registers: fewer instructions than a load
 * for each block, and no scale is loaded alone. The tables below name words from the begin of eight blocks;
 * a pair of loads that begin at words `a` and `b` numbers its words from 0 and from 32. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_STREAM_BLOCKS_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_STREAM_BLOCKS_H

#include "cpu/x86/avx512_stream.h"

typedef uint16_t hdi_words[32] __attribute__((aligned(64)));

/* Word w of loads at a and b, and eight of them that are in one of both. */
#define HDI_WORD(w, a, b) (uint16_t)((w) < (a) + 32 && (w) >= (a) ? (w) - (a) : (w) - (b) + 32)
#define HDI_EIGHT(w, a, b)                                                                                   \
  HDI_WORD(w, a, b), HDI_WORD((w) + 1, a, b), HDI_WORD((w) + 2, a, b), HDI_WORD((w) + 3, a, b),              \
      HDI_WORD((w) + 4, a, b), HDI_WORD((w) + 5, a, b), HDI_WORD((w) + 6, a, b), HDI_WORD((w) + 7, a, b)

HDB_INLINE __m512i hdi_pick(__m512i a, const hdi_words words, __m512i b) {
  return _mm512_permutex2var_epi16(a, _mm512_load_si512(words), b);
}

/* Loads that cross lines: not made twice by the compiler. */
HDB_INLINE __m512i hdi_load_once(const uint8_t *at) {
  __m512i x = _mm512_loadu_si512(at);
  __asm__("" : "+v"(x));
  return x;
}

HDB_INLINE __m512 hdi_sixteen_scales(__m128i first, __m128i second) {
  return _mm512_cvtph_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1));
}

/* ---- Q8_0: 17 words a block, two blocks a register ---- */

#define HDI_BLOCK(b, from, to) HDI_EIGHT(17 * (b) + 1, from, to), HDI_EIGHT(17 * (b) + 9, from, to)
static const hdi_words hdi_q8_0_values[4] = {{HDI_BLOCK(0, 0, 32), HDI_BLOCK(1, 0, 32)},
                                             {HDI_BLOCK(2, 32, 64), HDI_BLOCK(3, 32, 64)},
                                             {HDI_BLOCK(4, 64, 96), HDI_BLOCK(5, 64, 96)},
                                             {HDI_BLOCK(6, 96, 104), HDI_BLOCK(7, 96, 104)}};
#undef HDI_BLOCK
static const hdi_words hdi_q8_0_scales[2] = {{0, 17, 34, 51},
                                             {0, 0, 0, 0, 68 - 64, 85 - 64, 102 - 64, 119 - 64}};

HDB_INLINE __m128i hdi_eight_q8_0(const uint8_t *at, __m512i out[4]) {
  const __m512i l[5] = {hdi_load_once(at), hdi_load_once(at + 64), hdi_load_once(at + 128),
                        hdi_load_once(at + 192), hdi_load_once(at + 208)};
  for (uint32_t i = 0; i < 4; i++)
    out[i] = hdi_pick(l[i], hdi_q8_0_values[i], l[i + 1]);
  return _mm_mask_blend_epi16(0xf0, _mm512_castsi512_si128(hdi_pick(l[0], hdi_q8_0_scales[0], l[1])),
                              _mm512_castsi512_si128(hdi_pick(l[2], hdi_q8_0_scales[1], l[3])));
}

HDB_INLINE void hdi_stream_x_q8_0(const int8_t *x, __m512i out[HDI_PANEL_STEPS]) {
  for (uint32_t j = 0; j < HDI_PANEL_STEPS; j++)
    out[j] = _mm512_loadu_si512(x + 64 * j);
}

HDB_INLINE __m512i hdi_stream_q8_0(const uint8_t *at, const __m512i x[HDI_PANEL_STEPS], __m512 *out_d) {
  const __m512i sign = _mm512_set1_epi8((char)0x80), zero = _mm512_setzero_si512();
  __m512i q[8], four[4];
  __m128i first = hdi_eight_q8_0(at, q), second = hdi_eight_q8_0(at + 272, q + 4);
  *out_d = hdi_sixteen_scales(first, second);
  for (uint32_t j = 0; j < 8; j++)
    q[j] = _mm512_dpbusd_epi32(zero, _mm512_xor_si512(q[j], sign), x[j]);
  for (uint32_t j = 0; j < 4; j++) /* four blocks, a quarter each */
    four[j] = _mm512_add_epi32(_mm512_shuffle_i32x4(q[2 * j], q[2 * j + 1], _MM_SHUFFLE(2, 0, 2, 0)),
                               _mm512_shuffle_i32x4(q[2 * j], q[2 * j + 1], _MM_SHUFFLE(3, 1, 3, 1)));
  return hdi_turn_lanes(hdi_add_lanes(four));
}

/* ---- nibbles: four blocks a register; values 0..15 are the lower, 16..31 the upper ones ---- */

HDB_INLINE void hdi_stream_x_nibbles(const int8_t *x, __m512i out[HDI_PANEL_STEPS]) {
  const __m512i first = _mm512_setr_epi64(0, 1, 4, 5, 8, 9, 12, 13);
  const __m512i second = _mm512_setr_epi64(2, 3, 6, 7, 10, 11, 14, 15);
  for (uint32_t j = 0; j < HDI_PANEL_STEPS; j += 2) {
    __m512i a = _mm512_loadu_si512(x + 64 * j), b = _mm512_loadu_si512(x + 64 * j + 64);
    out[j] = _mm512_permutex2var_epi64(a, first, b);
    out[j + 1] = _mm512_permutex2var_epi64(a, second, b);
  }
}

HDB_INLINE __m512i hdi_lower(__m512i q) {
  return _mm512_and_si512(q, _mm512_set1_epi8(15));
}
HDB_INLINE __m512i hdi_upper(__m512i q) {
  return _mm512_and_si512(_mm512_srli_epi16(q, 4), _mm512_set1_epi8(15));
}

/* ---- Q4_0: 9 words a block ---- */

static const hdi_words hdi_q4_0_values[2] = {
    {HDI_EIGHT(1, 0, 32), HDI_EIGHT(10, 0, 32), HDI_EIGHT(19, 0, 32), HDI_EIGHT(28, 0, 32)},
    {HDI_EIGHT(37, 32, 40), HDI_EIGHT(46, 32, 40), HDI_EIGHT(55, 32, 40), HDI_EIGHT(64, 32, 40)}};
static const hdi_words hdi_q4_0_scales = {0, 9, 18, 27, 36, 45, 54, 63};

HDB_INLINE __m128i hdi_eight_q4_0(const uint8_t *at, __m512i out[2]) {
  const __m512i a = hdi_load_once(at), b = hdi_load_once(at + 64), c = hdi_load_once(at + 80);
  out[0] = hdi_pick(a, hdi_q4_0_values[0], b);
  out[1] = hdi_pick(b, hdi_q4_0_values[1], c);
  return _mm512_castsi512_si128(hdi_pick(a, hdi_q4_0_scales, b));
}

HDB_INLINE __m512i hdi_stream_q4_0(const uint8_t *at, const __m512i x[HDI_PANEL_STEPS], __m512 *out_d) {
  __m512i q[4];
  __m128i first = hdi_eight_q4_0(at, q), second = hdi_eight_q4_0(at + 144, q + 2);
  *out_d = hdi_sixteen_scales(first, second);
  for (uint32_t j = 0; j < 4; j++) {
    __m512i lower = _mm512_dpbusd_epi32(_mm512_setzero_si512(), hdi_lower(q[j]), x[2 * j]);
    q[j] = _mm512_dpbusd_epi32(lower, hdi_upper(q[j]), x[2 * j + 1]);
  }
  return hdi_turn_lanes(hdi_add_lanes(q));
}

/* ---- Q5_0: 11 words a block; two of them are the fifth bits ---- */

static const hdi_words hdi_q5_0_values[2] = {
    {HDI_EIGHT(3, 0, 32), HDI_EIGHT(14, 0, 32), HDI_EIGHT(25, 0, 32), HDI_EIGHT(36, 0, 32)},
    {HDI_EIGHT(47, 32, 56), HDI_EIGHT(58, 32, 56), HDI_EIGHT(69, 32, 56), HDI_EIGHT(80, 32, 56)}};
/* In each quarter, first, its block's bits. */
static const hdi_words hdi_q5_0_fifths[2] = {
    {HDI_EIGHT(1, 0, 32), HDI_EIGHT(12, 0, 32), HDI_EIGHT(23, 0, 32), HDI_EIGHT(34, 0, 32)},
    {HDI_EIGHT(45, 32, 56), HDI_EIGHT(56, 32, 56), HDI_EIGHT(67, 32, 56), HDI_EIGHT(78, 32, 56)}};
static const hdi_words hdi_q5_0_scales[2] = {{0, 11, 22, 33, 44, 55}, {0, 0, 0, 0, 0, 0, 66 - 56, 77 - 56}};

HDB_INLINE __m128i hdi_eight_q5_0(const uint8_t *at, __m512i out[2], __m512i fifths[2]) {
  const __m512i a = hdi_load_once(at), b = hdi_load_once(at + 64), c = hdi_load_once(at + 112);
  out[0] = hdi_pick(a, hdi_q5_0_values[0], b);
  out[1] = hdi_pick(b, hdi_q5_0_values[1], c);
  fifths[0] = hdi_pick(a, hdi_q5_0_fifths[0], b);
  fifths[1] = hdi_pick(b, hdi_q5_0_fifths[1], c);
  __m512i six = hdi_pick(a, hdi_q5_0_scales[0], b);
  return _mm512_castsi512_si128(
      _mm512_mask_permutexvar_epi16(six, 0xc0, _mm512_load_si512(hdi_q5_0_scales[1]), c));
}

/* q with 16 added where the bit is set: bytes 0..7 of a quarter look at byte `first` of it, the others at the
 * next. */
HDB_INLINE __m512i hdi_add_fifths(__m512i q, __m512i fifths, char first) {
  const __m512i eight = _mm512_set1_epi64((long long)0x8040201008040201ull);
  __m512i which = _mm512_set4_epi32(0x01010101, 0x01010101, 0, 0);
  __m512i spread = _mm512_shuffle_epi8(fifths, _mm512_add_epi8(which, _mm512_set1_epi8(first)));
  return _mm512_mask_add_epi8(q, _mm512_test_epi8_mask(spread, eight), q, _mm512_set1_epi8(16));
}

HDB_INLINE __m512i hdi_stream_q5_0(const uint8_t *at, const __m512i x[HDI_PANEL_STEPS], __m512 *out_d) {
  __m512i q[4], fifths[4];
  __m128i first = hdi_eight_q5_0(at, q, fifths), second = hdi_eight_q5_0(at + 176, q + 2, fifths + 2);
  *out_d = hdi_sixteen_scales(first, second);
  for (uint32_t j = 0; j < 4; j++) {
    __m512i lower = hdi_add_fifths(hdi_lower(q[j]), fifths[j], 0);
    __m512i upper = hdi_add_fifths(hdi_upper(q[j]), fifths[j], 2);
    lower = _mm512_dpbusd_epi32(_mm512_setzero_si512(), lower, x[2 * j]);
    q[j] = _mm512_dpbusd_epi32(lower, upper, x[2 * j + 1]);
  }
  return hdi_turn_lanes(hdi_add_lanes(q));
}

#endif
