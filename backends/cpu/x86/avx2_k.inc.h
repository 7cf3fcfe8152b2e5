/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of Q4_K and Q6_K: how a super-block of eight rows becomes registers. What is done with them is in
 * avx2_superblocks.h. The file that includes this names a tier: HDI_DOT(FORMAT) is its dot's name. */
#include "common/formats/q4_k.h"
#include "cpu/x86/avx2_superblocks.h"
#include "cpu/x86/x86.h"

enum { Q6_K_BYTES = 210, Q6_K_UPPER_AT = 128, Q6_K_SCALES_AT = 192, Q6_K_D_AT = 208 };

/* Bytes `index` (four indices of a byte in its lane, 0x80 in the upper bits: a zero) of each lane. */
HDB_INLINE __m256i of_lanes(__m256i x, uint32_t index) {
  const __m256i lanes =
      _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0, 0x04040404, 0x08080808, 0x0c0c0c0c);
  return _mm256_shuffle_epi8(x, _mm256_or_si256(lanes, _mm256_set1_epi32((int)index)));
}

/* Scales are unsigned bytes: one twice, or two neighbours. */
HDB_INLINE void head_q4_k(const hdi_eight *at, hdi_super_head *out) {
  const __m256i six = _mm256_set1_epi8(0x3f), nibble = _mm256_set1_epi8(15), two = _mm256_set1_epi8(0x30);
  const __m256i halves =
      _mm256_set_epi64x(0x0f0e0b0a07060302, 0x0d0c090805040100, 0x0f0e0b0a07060302, 0x0d0c090805040100);
  __m256i r[4], scales[2], mins[2]; /* r: d and d_min; bytes 0..3, 4..7, 8..11 of common/formats/q4_k.h */
  hdi_turn_16(at, 0, r);
  scales[0] = _mm256_and_si256(r[1], six);
  scales[1] =
      _mm256_or_si256(_mm256_and_si256(r[3], nibble), _mm256_and_si256(_mm256_srli_epi32(r[1], 2), two));
  mins[0] = _mm256_and_si256(r[2], six);
  mins[1] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi32(r[3], 4), nibble),
                            _mm256_and_si256(_mm256_srli_epi32(r[2], 2), two));
  for (uint32_t j = 0; j < 8; j++)
    out->scale[j] = of_lanes(scales[j / 4], 0x80008000u + 0x00010001u * (j % 4));
  for (uint32_t k = 0; k < 4; k++)
    out->pair[k] = of_lanes(mins[k / 2], 0x80018000u + 0x00020002u * (k % 2));
  __m256i d = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(r[0], halves), 0xd8);
  out->d = _mm256_cvtph_ps(_mm256_castsi256_si128(d));
  out->d_min = _mm256_cvtph_ps(_mm256_extracti128_si256(d, 1));
}

HDB_INLINE void stretch_q4_k(const hdi_eight *at, uint32_t index, __m256i *out) {
  hdi_turn_32(at, HDB_Q4_K_NIBBLES_AT + 32 * index, out);
  hdi_split_nibbles(out, out + 8, 8);
}

/* Scales are signed bytes: put into upper halves and shifted down. */
HDB_INLINE void head_q6_k(const hdi_eight *at, hdi_super_head *out) {
  __m256i r[4];
  hdi_turn_16(at, Q6_K_SCALES_AT, r);
  for (uint32_t j = 0; j < 16; j++)
    out->scale[j] = _mm256_srai_epi16(of_lanes(r[j / 4], 0x00800080u + 0x01000100u * (j % 4)), 8);
  for (uint32_t k = 0; k < 8; k++)
    out->pair[k] = _mm256_srai_epi16(of_lanes(r[k / 2], 0x01800080u + 0x02000200u * (k % 2)), 8);
  out->d = hdi_gather_f16(at, Q6_K_D_AT);
  out->d_min = _mm256_setzero_ps();
}

/* A half of 128 values has four quarters: 0 and 2 share 32 bytes of nibbles, 1 and 3 the next 32, all four
 * the upper bits. A stretch is two quarters that share bytes. */
HDB_INLINE void stretch_q6_k(const hdi_eight *at, uint32_t index, __m256i *out) {
  const __m256i two = _mm256_set1_epi8(0x30);
  const uint32_t half = index / 2;
  const int left = index % 2 ? 2 : 4; /* that bring the first one's upper bits to bits 4 and 5 */
  __m256i upper[8];
  hdi_turn_32(at, 32 * index, out);
  hdi_split_nibbles(out, out + 8, 8);
  hdi_turn_32(at, Q6_K_UPPER_AT + 32 * half, upper);
  for (uint32_t j = 0; j < 8; j++) {
    __m256i second = index % 2 ? _mm256_srli_epi16(upper[j], 2) : upper[j];
    out[j] = _mm256_or_si256(out[j], _mm256_and_si256(_mm256_slli_epi16(upper[j], left), two));
    out[j + 8] = _mm256_or_si256(out[j + 8], _mm256_and_si256(second, two));
  }
}

static const hdi_super_format q4_k = {head_q4_k, stretch_q4_k, HDB_Q4_K_BYTES, 8, 8, 8, 4, true},
                              q6_k = {head_q6_k, stretch_q6_k,           Q6_K_BYTES, 16,
                                      4,         HDI_HAS_DPBUSD ? 4 : 2, 8,          false};

void HDI_DOT(q4_k)(const hdb_tile *tile) {
  hdi_superblocks_dot(tile, &q4_k);
}
void HDI_DOT(q6_k)(const hdb_tile *tile) {
  hdi_superblocks_dot(tile, &q6_k);
}
