/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of Q4_K and Q6_K: how a super-block of sixteen rows becomes registers of unsigned values, of
 * scales and of minimums. What is done with them is in avx512_superblocks.h. */
#include "common/formats/q4_k.h"
#include "cpu/x86/avx512_super_stream.h"
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

/* ---- four super-blocks of a row: Q4_K ---- */

/* Registers of 64 nibbles are the lower or the upper ones of two parts that are not neighbours. */
HDB_INLINE void quad_x_q4_k(const int8_t *x, hdi_quad_x *out) {
  for (uint32_t j = 0; j < HDI_FOUR_STEPS; j += 2) {
    __m512i first = _mm512_loadu_si512(x + 64 * j), second = _mm512_loadu_si512(x + 64 * j + 64);
    out->x[j] = _mm512_shuffle_i64x2(first, second, _MM_SHUFFLE(1, 0, 1, 0));
    out->x[j + 1] = _mm512_shuffle_i64x2(first, second, _MM_SHUFFLE(3, 2, 3, 2));
  }
}

/* Of four super-blocks, a quarter each: 8 scales, 8 minimums, see common/formats/q4_k.h. */
HDB_INLINE __m512i quad_scales_q4_k(const uint8_t *at) {
  const __m128i take = _mm_setr_epi8(4, 5, 6, 7, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m128i upper = _mm_setr_epi8(-1, -1, -1, -1, 4, 5, 6, 7, -1, -1, -1, -1, 8, 9, 10, 11);
  const __m128i keep = _mm_setr_epi32(0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f);
  hdi_sixteen heads = hdi_sixteen_at(at, HDB_Q4_K_BYTES / 4);
  __m512i head = hdi_load_quarters(&heads, 0, 0);
  __m512i low = _mm512_shuffle_epi8(head, _mm512_broadcast_i32x4(take));
  low = _mm512_srlv_epi32(low, _mm512_broadcast_i32x4(_mm_setr_epi32(0, 0, 0, 4)));
  __m512i high = _mm512_shuffle_epi8(head, _mm512_broadcast_i32x4(upper));
  high = _mm512_and_si512(_mm512_srli_epi32(high, 2), _mm512_set1_epi8(0x30));
  return _mm512_ternarylogic_epi32(low, _mm512_broadcast_i32x4(keep), high, 0xea); /* low & keep | high */
}

/* sum + products of 64 values with their scales: `parts` names the scale of each half of a register. */
HDB_INLINE __m512i quad_step_q4_k(__m512i sum, __m512i q, __m512i x, __m512i scales, int first, int second) {
  const int zeros = (int)0x80808000u;
  __m512i which = _mm512_inserti64x4(_mm512_set1_epi32(zeros | first), _mm256_set1_epi32(zeros | second), 1);
  __m512i fours = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q, x);
  return _mm512_dpwssd_epi32(sum, fours, _mm512_shuffle_epi8(scales, which));
}

HDB_INLINE void quad_q4_k(const uint8_t *at, const hdi_quad_x *x, const int16_t *x_sums,
                          __m512i dot[HDI_FOUR], __m512i *min) {
  const __m512i nibble = _mm512_set1_epi8(15), all = quad_scales_q4_k(at);
  const __m512i scales[HDI_FOUR] = {
      _mm512_shuffle_i32x4(all, all, 0x00), _mm512_shuffle_i32x4(all, all, 0x55),
      _mm512_shuffle_i32x4(all, all, 0xaa), _mm512_shuffle_i32x4(all, all, 0xff)};
  *min = _mm512_madd_epi16(_mm512_unpackhi_epi8(all, _mm512_setzero_si512()), _mm512_loadu_si512(x_sums));
  for (uint32_t k = 0; k < HDI_FOUR; k++) {
    const uint8_t *q = at + k * HDB_Q4_K_BYTES + HDB_Q4_K_NIBBLES_AT;
    __m512i a = _mm512_loadu_si512(q), b = _mm512_loadu_si512(q + 64), sum = _mm512_setzero_si512();
    __asm__("" : "+v"(a), "+v"(b)); /* loads that cross lines: not twice */
    sum = quad_step_q4_k(sum, _mm512_and_si512(a, nibble), x[k].x[0], scales[k], 0, 2);
    sum = quad_step_q4_k(sum, _mm512_and_si512(_mm512_srli_epi16(a, 4), nibble), x[k].x[1], scales[k], 1, 3);
    sum = quad_step_q4_k(sum, _mm512_and_si512(b, nibble), x[k].x[2], scales[k], 4, 6);
    dot[k] =
        quad_step_q4_k(sum, _mm512_and_si512(_mm512_srli_epi16(b, 4), nibble), x[k].x[3], scales[k], 5, 7);
  }
}

/* ---- four super-blocks of a row: Q6_K ---- */

/* Sums begin with what makes them those of values less 32. */
HDB_INLINE void quad_x_q6_k(const int8_t *x, hdi_quad_x *out) {
  const __m512i zero = _mm512_setzero_si512();
  for (uint32_t j = 0; j < HDI_FOUR_STEPS; j++) {
    out->x[j] = _mm512_loadu_si512(x + 64 * j);
    out->start[j] = _mm512_sub_epi32(zero, _mm512_dpbusd_epi32(zero, _mm512_set1_epi8(32), out->x[j]));
  }
}

/* sum + products of 64 values with their four scales, each for a quarter. */
HDB_INLINE __m512i quad_step_q6_k(__m512i sum, __m512i q, const hdi_quad_x *x, uint32_t step,
                                  __m512i scales) {
  const __m512i quarters = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
  __m512i which = _mm512_add_epi32(quarters, _mm512_set1_epi32((int)(4 * step)));
  __m512i fours = _mm512_dpbusd_epi32(x->start[step], q, x->x[step]);
  return _mm512_dpwssd_epi32(sum, fours, _mm512_maskz_permutexvar_epi16(0x55555555, which, scales));
}

HDB_INLINE __m512i upper_bits_q6_k(__m512i upper, int first, int second) {
  __m512i by = _mm512_inserti64x4(_mm512_set1_epi32(first), _mm256_set1_epi32(second), 1);
  return _mm512_and_si512(_mm512_rolv_epi32(upper, by), _mm512_set1_epi8(0x30));
}

HDB_INLINE void quad_q6_k(const uint8_t *at, const hdi_quad_x *x, const int16_t *x_sums,
                          __m512i dot[HDI_FOUR], __m512i *min) {
  const __m512i nibble = _mm512_set1_epi8(15);
  (void)x_sums;
  (void)min;
  for (uint32_t k = 0; k < HDI_FOUR; k++, at += 210) {
    __m512i scales = _mm512_castsi256_si512(
        _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(at + 192))));
    dot[k] = _mm512_setzero_si512();
    for (uint32_t half = 0; half < 2; half++) { /* rotations bring the bits of each quarter to 4 and 5 */
      __m512i low = _mm512_loadu_si512(at + 64 * half);
      __asm__("" : "+v"(low)); /* a load that crosses lines: not twice */
      __m512i upper =
          _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)(at + 128 + 32 * half)));
      __m512i q = _mm512_ternarylogic_epi32(low, nibble, upper_bits_q6_k(upper, 4, 2), 0xea);
      dot[k] = quad_step_q6_k(dot[k], q, x + k, 2 * half, scales);
      q = _mm512_ternarylogic_epi32(_mm512_srli_epi16(low, 4), nibble, upper_bits_q6_k(upper, 0, 30), 0xea);
      dot[k] = quad_step_q6_k(dot[k], q, x + k, 2 * half + 1, scales);
    }
  }
}

/* ---- both ---- */

static const hdi_super_format q4_k = {HDB_Q4_K_BYTES, 8,         true,       head_q4_k,
                                      turn_q4_k,      part_q4_k, scale_q4_k, pair_q4_k};
static const hdi_super_format q6_k = {210, 4, false, head_q6_k, turn_q6_k, part_q6_k, scale_q6_k, pair_q6_k};
static const hdi_quad_format quad_of_q4_k = {HDB_Q4_K_BYTES, 0,         true,     quad_x_q4_k,
                                             quad_q4_k,      lower_f16, upper_f16};
static const hdi_quad_format quad_of_q6_k = {210, 206, false, quad_x_q6_k, quad_q6_k, upper_f16, NULL};

HDB_INLINE void dot_k(const hdb_tile *tile, const hdi_super_format *f, const hdi_quad_format *quad) {
  if (tile->x_rows == 1 && tile->cols >= HDI_FOUR * HDB_Q8K_BLOCK)
    hdi_super_stream_dot(tile, quad);
  else
    hdi_superblocks_dot(tile, f);
}

void hdi_avx512_dot_q4_k(const hdb_tile *tile) {
  dot_k(tile, &q4_k, &quad_of_q4_k);
}
void hdi_avx512_dot_q6_k(const hdb_tile *tile) {
  dot_k(tile, &q6_k, &quad_of_q6_k);
}

const hdi_super_format *hdi_avx512_super_format(hd_format format) {
  return format == HD_FORMAT_Q4_K ? &q4_k : &q6_k;
}
