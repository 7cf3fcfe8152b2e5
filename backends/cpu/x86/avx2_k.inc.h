/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of Q4_K and Q6_K: how a super-block of eight rows becomes registers. What is done with them is in
 * avx2_superblocks.h. The file that includes this names a tier: HDI_DOT(FORMAT) is its dot's name. */
#include "common/formats/q4_k.h"
#include "cpu/x86/avx2_super_stream.h"
#include "cpu/x86/avx2_superblocks.h"
#include "cpu/x86/x86.h"

enum { Q6_K_BYTES = 210, Q6_K_UPPER_AT = 128, Q6_K_SCALES_AT = 192, Q6_K_D_AT = 208 };

/* Bytes `index` (four indices of a byte in its lane, 0x80 in the upper bits: a zero) of each lane. */
HDB_INLINE __m256i of_lanes(__m256i x, uint32_t index) {
  const __m256i lanes =
      _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0, 0x04040404, 0x08080808, 0x0c0c0c0c);
  return _mm256_shuffle_epi8(x, _mm256_or_si256(lanes, _mm256_set1_epi32((int)index)));
}

/* Byte j of each lane as a scale (hdi_scaled): a byte without a sign, and one with it. */
HDB_INLINE __m256i plain_scale(__m256i x, uint32_t j) {
  return of_lanes(x, HDI_HAS_DPBUSD ? 0x80808000u + j : 0x80008000u + 0x00010001u * j);
}
HDB_INLINE __m256i signed_scale(__m256i x, uint32_t j) {
  return HDI_HAS_DPBUSD ? _mm256_srai_epi32(of_lanes(x, 0x00808080u + 0x01000000u * j), 24)
                        : _mm256_srai_epi16(of_lanes(x, 0x00800080u + 0x01000100u * j), 8);
}

/* Scales are unsigned bytes. */
HDB_INLINE void head_q4_k(const hdi_eight *at, hdi_super_head *out) {
  const __m256i six = _mm256_set1_epi8(0x3f), nibble = _mm256_set1_epi8(15), two = _mm256_set1_epi8(0x30);
  __m256i r[4], scales[2], mins[2]; /* r: d and d_min; bytes 0..3, 4..7, 8..11 of common/formats/q4_k.h */
  hdi_turn_16(at, 0, r);
  scales[0] = _mm256_and_si256(r[1], six);
  scales[1] =
      _mm256_or_si256(_mm256_and_si256(r[3], nibble), _mm256_and_si256(_mm256_srli_epi32(r[1], 2), two));
  mins[0] = _mm256_and_si256(r[2], six);
  mins[1] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi32(r[3], 4), nibble),
                            _mm256_and_si256(_mm256_srli_epi32(r[2], 2), two));
  for (uint32_t j = 0; j < 8; j++)
    out->scale[j] = plain_scale(scales[j / 4], j % 4);
  for (uint32_t k = 0; k < 4; k++)
    out->pair[k] = of_lanes(mins[k / 2], 0x80018000u + 0x00020002u * (k % 2));
  hdi_two_f16(r[0], &out->d, &out->d_min);
}

HDB_INLINE void stretch_q4_k(const hdi_eight *at, uint32_t index, __m256i *out) {
  hdi_turn_32(at, HDB_Q4_K_NIBBLES_AT + 32 * index, out);
  hdi_split_nibbles(out, out + 8, 8);
}

/* A super-block of eight rows with one activation row. Sixteen bytes of each row are turned at a time and
 * used up at once, so that nothing but the sums of two parts waits: a stretch would not fit the registers. */
HDB_INLINE __m256i one_q4_k(const hdi_eight *at, const hdi_super_head *head, const uint8_t *x) {
  const __m256i nibble = hdi_kept(_mm256_set1_epi8(15));
  __m256i dot = _mm256_setzero_si256();
#pragma GCC unroll 4
  for (uint32_t j = 0; j < 4; j++, x += 64) {
    /* Of 32 bytes the low nibbles are a part, the high ones the next. */
    __m256i first = _mm256_setzero_si256(), second = _mm256_setzero_si256(), q[4];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < 8; i++) {
      if (i % 4 == 0) hdi_turn_16(at, HDB_Q4_K_NIBBLES_AT + 32 * j + 4 * i, q);
      __m256i low = _mm256_and_si256(q[i % 4], nibble);
      __m256i high = _mm256_and_si256(_mm256_srli_epi16(q[i % 4], 4), nibble);
      first = i == 0 ? hdi_first(low, hdi_four(x)) : hdi_step(first, low, hdi_four(x + 4 * i));
      second = i == 0 ? hdi_first(high, hdi_four(x + 32)) : hdi_step(second, high, hdi_four(x + 32 + 4 * i));
    }
    dot = _mm256_add_epi32(dot, hdi_scaled(first, head->scale[2 * j]));
    dot = _mm256_add_epi32(dot, hdi_scaled(second, head->scale[2 * j + 1]));
  }
  return dot;
}

/* Scales are signed bytes: put into upper halves and shifted down. */
HDB_INLINE void head_q6_k(const hdi_eight *at, hdi_super_head *out) {
  __m256i r[4];
  hdi_turn_16(at, Q6_K_SCALES_AT, r);
  for (uint32_t j = 0; j < 16; j++)
    out->scale[j] = signed_scale(r[j / 4], j % 4);
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

/* ---- Q6_K: a super-block of two rows, not turned ---- */

/* The 32 bytes at any address. */
HDB_INLINE __m256i load_32(const void *at) {
  return hdi_kept(_mm256_loadu_si256((const __m256i *)at));
}

/* A quarter's 32 values, lower four bits and upper two (at bits 4 and 5), are two parts. `scales` has those
 * of a half of the super-block in each lane, in 16 bits. */
HDB_INLINE __m256i quarter_q6_k(__m256i sum, __m256i low, __m256i high, __m256i x, __m256i scales,
                                uint32_t quarter) {
  const __m256i first = _mm256_set_m128i(_mm_set1_epi16(0x0302), _mm_set1_epi16(0x0100));
  __m256i which = _mm256_add_epi8(first, _mm256_set1_epi8((char)(4 * quarter)));
  __m256i q = _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi8(15)),
                              _mm256_and_si256(high, _mm256_set1_epi8(0x30)));
  return hdi_add_pairs(sum, _mm256_maddubs_epi16(q, x), _mm256_shuffle_epi8(scales, which));
}

HDB_INLINE void two_halves_q6_k(const uint8_t *const at[2], uint32_t half, const int8_t *x,
                                const __m256i scales[2], __m256i dot[2]) {
  __m256i a[2], b[2], u[2];
  for (uint32_t r = 0; r < 2; r++) {
    a[r] = load_32(at[r] + 64 * half);
    b[r] = load_32(at[r] + 64 * half + 32);
    u[r] = load_32(at[r] + Q6_K_UPPER_AT + 32 * half);
  }
  for (uint32_t i = 0; i < 4; i++) {
    const __m256i v = load_32(x + 32 * i);
    for (uint32_t r = 0; r < 2; r++) {
      __m256i low = i % 2 ? b[r] : a[r];
      __m256i high = i == 0   ? _mm256_slli_epi16(u[r], 4)
                     : i == 1 ? _mm256_slli_epi16(u[r], 2)
                     : i == 2 ? u[r]
                              : _mm256_srli_epi16(u[r], 2);
      dot[r] = quarter_q6_k(dot[r], i < 2 ? low : _mm256_srli_epi16(low, 4), high, v, scales[r], i);
    }
  }
}

HDB_INLINE void two_q6_k(const uint8_t *const at[2], const int8_t *x, const int16_t *x_sums, __m256i dot[2]) {
  const __m256i sums = load_32(x_sums);
  __m256i first[2], second[2];
  for (uint32_t r = 0; r < 2; r++) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at[r] + Q6_K_SCALES_AT));
    __m256i scales = _mm256_cvtepi8_epi16(bytes);
    dot[r] = _mm256_slli_epi32(_mm256_madd_epi16(scales, sums), 5);
    dot[r] = _mm256_sub_epi32(_mm256_setzero_si256(), dot[r]);
    first[r] = _mm256_permute4x64_epi64(scales, 0x44);
    second[r] = _mm256_permute4x64_epi64(scales, 0xee);
  }
  two_halves_q6_k(at, 0, x, first, dot);
  two_halves_q6_k(at, 1, x + HDB_Q8K_BLOCK / 2, second, dot);
}

/* ---- both ---- */

static const hdi_super_format q4_k = {head_q4_k, stretch_q4_k, one_q4_k, HDB_Q4_K_BYTES, 8, 8, 8, 4, true},
                              q6_k = {head_q6_k, stretch_q6_k,           NULL, Q6_K_BYTES, 16,
                                      4,         HDI_HAS_DPBUSD ? 4 : 2, 8,    false};
static const hdi_super_stream q6_k_stream = {two_q6_k, Q6_K_BYTES, Q6_K_D_AT};

void HDI_DOT(q4_k)(const hdb_tile *tile) {
  hdi_superblocks_dot(tile, &q4_k);
}
void HDI_DOT(q6_k)(const hdb_tile *tile) {
  if (tile->x_rows == 1 && tile->weight_rows >= HDI_PANEL_ROWS)
    hdi_super_stream_dot(tile, &q6_k_stream);
  else
    hdi_superblocks_dot(tile, &q6_k);
}
