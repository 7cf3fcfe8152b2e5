/* SPDX-License-Identifier: Apache-2.0 */
/* Dots with VDPBF16PS: BF16 rows, and F16 and F32 rows rounded to BF16 as they are turned. Pairs are those of
 * common/activation.h, so that the instruction takes two links of a chain (common/bf16.h). */
#include "common/activation.h"
#include "cpu/x86/avx512_chain_stream.h"
#include "cpu/x86/avx512bf16_turn.h"
#include "cpu/x86/x86.h"

/* Each eight values are put in the order of pairs. */
HDB_INLINE __m512i pair(__m512i values) {
  const __m128i order = _mm_setr_epi8(4, 5, 0, 1, 6, 7, 2, 3, 12, 13, 8, 9, 14, 15, 10, 11);
  return _mm512_shuffle_epi8(values, _mm512_broadcast_i32x4(order));
}

/* Sixteen values of row 4 i + j in BF16, and of the one four rows on, from value `first` on. */
typedef __m512i (*sixteen_fn)(const hdi_rows *at, uint32_t i, uint32_t j, size_t first);

HDB_INLINE __m512i sixteen_bf16(const hdi_rows *at, uint32_t i, uint32_t j, size_t first) {
  return hdi_load_halves(at, i, j, first * 2);
}

HDB_INLINE __m512i sixteen_f16(const hdi_rows *at, uint32_t i, uint32_t j, size_t first) {
  __m512i both = hdi_load_halves(at, i, j, first * 2);
  __m512 low = _mm512_cvtph_ps(_mm512_castsi512_si256(both));
  __m512 high = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(both, 1));
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/* Eight values of both rows, and the next eight of both: they change places. */
HDB_INLINE __m512i sixteen_f32(const hdi_rows *at, uint32_t i, uint32_t j, size_t first) {
  __m512 low = _mm512_castsi512_ps(hdi_load_halves(at, i, j, first * 4));
  __m512 high = _mm512_castsi512_ps(hdi_load_halves(at, i, j, first * 4 + 32));
  __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
  return _mm512_shuffle_i64x2(both, both, _MM_SHUFFLE(3, 1, 2, 0));
}

/* The order of values as they lie. */
HDB_INLINE __m512i neighbours(__m512i values) {
  return values;
}

typedef __m512i (*order_fn)(__m512i values);

HDB_INLINE void turn_half(const hdi_rows *at, uint32_t half, sixteen_fn sixteen, order_fn order,
                          __m512i out[8]) {
  __m512i rows[2][4];
  for (uint32_t i = 0; i < 2; i++)
    for (uint32_t j = 0; j < 4; j++)
      rows[i][j] = order(sixteen(at, 2 * i, j, 16 * half));
  hdi_turn_halves((const __m512i(*)[4])rows, out);
}

/* ---- for VDPBF16PS ---- */

HDB_INLINE void turn(const hdi_rows *at, uint32_t half, sixteen_fn sixteen, __m512 *out) {
  __m512i turned[8];
  turn_half(at, half, sixteen, pair, turned);
  for (uint32_t j = 0; j < 8; j++)
    out[j] = _mm512_castsi512_ps(turned[j]);
}

HDB_INLINE void turn_bf16(const hdi_rows *at, uint32_t half, __m512 *out) {
  turn(at, half, sixteen_bf16, out);
}
HDB_INLINE void turn_f16(const hdi_rows *at, uint32_t half, __m512 *out) {
  turn(at, half, sixteen_f16, out);
}
HDB_INLINE void turn_f32(const hdi_rows *at, uint32_t half, __m512 *out) {
  turn(at, half, sixteen_f32, out);
}

HDB_INLINE __m512 take(__m512 acc, __m512 w, __m512 x) {
  return _mm512_dpbf16_ps(acc, (__m512bh)w, (__m512bh)x);
}

static const hdi_chain_format bf16 = {2, 8, turn_bf16, take}, f16 = {2, 8, turn_f16, take},
                              f32 = {4, 8, turn_f32, take};

HDI_FLUSHING_DOT(hdi_avx512bf16_dot_bf16, hdi_chain_any_dot, &bf16)
HDI_FLUSHING_DOT(hdi_avx512bf16_dot_f16, hdi_chain_any_dot, &f16)
HDI_FLUSHING_DOT(hdi_avx512bf16_dot_f32, hdi_chain_any_dot, &f32)

/* ---- for tiles ---- */

HDB_INLINE void turn_neighbours(const hdi_sixteen *at, sixteen_fn sixteen, __m512i out[HDI_NEIGHBOURS]) {
  for (uint32_t half = 0; half < 2; half++)
    turn_half(at, half, sixteen, neighbours, out + half * HDI_NEIGHBOURS / 2);
}

static void neighbours_bf16(const hdi_sixteen *at, __m512i out[HDI_NEIGHBOURS]) {
  turn_neighbours(at, sixteen_bf16, out);
}
static void neighbours_f16(const hdi_sixteen *at, __m512i out[HDI_NEIGHBOURS]) {
  turn_neighbours(at, sixteen_f16, out);
}
static void neighbours_f32(const hdi_sixteen *at, __m512i out[HDI_NEIGHBOURS]) {
  turn_neighbours(at, sixteen_f32, out);
}

const hdi_neighbours_format *hdi_avx512bf16_neighbours_format(hd_format format) {
  static const hdi_neighbours_format formats[HD_FORMAT_COUNT] = {
      [HD_FORMAT_BF16] = {2, neighbours_bf16},
      [HD_FORMAT_F16] = {2, neighbours_f16},
      [HD_FORMAT_F32] = {4, neighbours_f32},
  };
  return &formats[format];
}

/* ---- activations ---- */

void hdi_avx512bf16_quantise_pairs(const float *x, uint32_t cols, void *out_row) {
  uint8_t *out = out_row;
  for (uint32_t i = 0; i < cols; i += HDB_BF16_BLOCK, out += HDB_BF16_BLOCK * 2) {
    const uint32_t left = cols - i;
    const __mmask16 low = left < 16 ? (__mmask16)((1u << left) - 1) : 0xffff;
    const __mmask16 high = left < 16 ? 0 : left < 32 ? (__mmask16)((1u << (left - 16)) - 1) : 0xffff;
    __m512bh rounded =
        _mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high, x + i + 16), _mm512_maskz_loadu_ps(low, x + i));
    _mm512_storeu_si512(out, pair((__m512i)rounded));
  }
}
