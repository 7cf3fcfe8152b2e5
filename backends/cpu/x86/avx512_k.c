/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of Q4_K and Q6_K: how a super-block of sixteen rows becomes registers of unsigned values, of
 * scales and of minimums. What is done with them is in avx512_superblocks.h. */
#include "common/formats/q4_k.h"
#include "cpu/x86/avx512_superblocks.h"
#include "cpu/x86/x86.h"

/* Byte `i` of each lane, as a signed number. */
HDB_INLINE __m512i signed_byte(__m512i x, uint32_t i) {
  return _mm512_srai_epi32(i == 3 ? x : _mm512_slli_epi32(x, 24 - 8 * i), 24);
}

/* Bytes i, i + 1 of each lane, as the upper bytes of its 16-bit numbers. */
HDB_INLINE __m512i upper_bytes(__m512i x, uint32_t i) {
  const __m128i first = _mm_setr_epi8(-1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13);
  const __m128i second = _mm_setr_epi8(-1, 2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15);
  return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(i == 0 ? first : second));
}

/* The lower and the upper f16 of each lane. */
HDB_INLINE __m512 lower_f16(__m512i x) {
  return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(x));
}
HDB_INLINE __m512 upper_f16(__m512i x) {
  return lower_f16(_mm512_srli_epi32(x, 16));
}

/* ---- Q4_K: parts of 32 values; a piece is 32 bytes, of two parts ---- */

/* A row's first 16 bytes: d, d_min, and the twelve that common/formats/q4_k.h tells of, here of sixteen rows.
 */
HDB_INLINE void head_q4_k(const hdi_sixteen *at, hdi_super_head *out) {
  const __m512i six = _mm512_set1_epi32(0x3f3f3f3f), nibble = _mm512_set1_epi32(0x0f0f0f0f);
  const __m512i two = _mm512_set1_epi32(0x30303030);
  __m512i r[4];
  hdi_turn_16(at, 0, r);
  out->d = lower_f16(r[0]);
  out->d_min = upper_f16(r[0]);
  out->scale[0] = _mm512_and_si512(r[1], six);
  out->min[0] = _mm512_and_si512(r[2], six);
  out->scale[1] =
      _mm512_or_si512(_mm512_and_si512(r[3], nibble), _mm512_and_si512(_mm512_srli_epi32(r[1], 2), two));
  out->min[1] = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(r[3], 4), nibble),
                                _mm512_and_si512(_mm512_srli_epi32(r[2], 2), two));
}

HDB_INLINE void turn_q4_k(const hdi_sixteen *at, uint32_t piece, __m512i q[HDI_PIECE_STEPS]) {
  const __m512i nibble = _mm512_set1_epi8(15);
  hdi_turn_32(at, HDB_Q4_K_NIBBLES_AT + 32 * (size_t)piece, q);
  for (uint32_t j = 0; j < 8; j++) {
    q[8 + j] = _mm512_and_si512(_mm512_srli_epi16(q[j], 4), nibble);
    q[j] = _mm512_and_si512(q[j], nibble);
  }
}

HDB_INLINE uint32_t part_q4_k(uint32_t piece, uint32_t group) {
  return 2 * piece + group;
}

HDB_INLINE __m512i scale_q4_k(const hdi_super_head *head, uint32_t part) {
  return signed_byte(head->scale[part / 4], part % 4);
}

HDB_INLINE __m512i pair_q4_k(const hdi_super_head *head, uint32_t index) {
  return _mm512_srli_epi16(upper_bytes(head->min[index / 2], index % 2 * 2), 8);
}

/* ---- Q6_K: parts of 16 values; a piece is the 16 first or last values of the four quarters of a half ----
 */

/* A row's last 32 bytes: 14 of upper bits, sixteen scales, d. Scale j is byte j + 2 of the last five
 * registers. */
HDB_INLINE void head_q6_k(const hdi_sixteen *at, hdi_super_head *out) {
  __m512i r[8];
  hdi_turn_32(at, 178, r);
  for (uint32_t i = 0; i < 5; i++)
    out->scale[i] = r[3 + i];
  out->d = upper_f16(r[7]);
  out->d_min = _mm512_setzero_ps();
}

HDB_INLINE void turn_q6_k(const hdi_sixteen *at, uint32_t piece, __m512i q[HDI_PIECE_STEPS]) {
  const __m512i nibble = _mm512_set1_epi8(15), two = _mm512_set1_epi8(0x30);
  const size_t half = piece / 2, from = 16 * (piece % 2);
  __m512i first[4], second[4], upper[4];
  hdi_turn_16(at, 64 * half + from, first);
  hdi_turn_16(at, 64 * half + 32 + from, second);
  hdi_turn_16(at, 128 + 32 * half + from, upper);
  for (uint32_t j = 0; j < 4; j++) {
    __m512i u = upper[j];
    q[j] =
        _mm512_or_si512(_mm512_and_si512(first[j], nibble), _mm512_and_si512(_mm512_slli_epi16(u, 4), two));
    q[4 + j] =
        _mm512_or_si512(_mm512_and_si512(second[j], nibble), _mm512_and_si512(_mm512_slli_epi16(u, 2), two));
    q[8 + j] =
        _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(first[j], 4), nibble), _mm512_and_si512(u, two));
    q[12 + j] = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(second[j], 4), nibble),
                                _mm512_and_si512(_mm512_srli_epi16(u, 2), two));
  }
}

HDB_INLINE uint32_t part_q6_k(uint32_t piece, uint32_t group) {
  return piece / 2 * 8 + 2 * group + piece % 2;
}

HDB_INLINE __m512i scale_q6_k(const hdi_super_head *head, uint32_t part) {
  return signed_byte(head->scale[(part + 2) / 4], (part + 2) % 4);
}

/* 32 times the scales: what is off because values are unsigned here. */
HDB_INLINE __m512i pair_q6_k(const hdi_super_head *head, uint32_t index) {
  return _mm512_srai_epi16(upper_bytes(head->scale[(index + 1) / 2], (index + 1) % 2 * 2), 3);
}

/* ---- both ---- */

static const hdi_super_format q4_k = {HDB_Q4_K_BYTES, 8,         true,       head_q4_k,
                                      turn_q4_k,      part_q4_k, scale_q4_k, pair_q4_k};
static const hdi_super_format q6_k = {210, 4, false, head_q6_k, turn_q6_k, part_q6_k, scale_q6_k, pair_q6_k};

void hdi_avx512_dot_q4_k(const hdb_tile *tile) {
  hdi_superblocks_dot(tile, &q4_k);
}
void hdi_avx512_dot_q6_k(const hdb_tile *tile) {
  hdi_superblocks_dot(tile, &q6_k);
}
