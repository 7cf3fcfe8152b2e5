/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots in the order of common/bf16.h with one activation row (decode): reading is all, so that four
 * neighbouring weight rows are read at a time and not sixteen. The lanes are four blocks of each of them:
 * quarter q of a register holds block b + q of the four rows. Their sums are added to four running ones, a
 * quarter after the other. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_FOUR_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_FOUR_H

#include <stdbool.h>
#include "cpu/x86/avx512_chains.h"

#define HDI_FOUR 4u

/* Blocks [begin, begin + count) of the rows, four at least. */
typedef struct hdi_four_part {
  size_t begin, count;
} hdi_four_part;

/* Where group g begins; the last one begins early where it is not full. */
HDB_INLINE size_t hdi_four_group(const hdi_four_part *part, size_t g) {
  const size_t at = g * HDI_FOUR, last = part->count - HDI_FOUR;
  return at < last ? at : last;
}

HDB_INLINE size_t hdi_four_groups(size_t count) {
  return (count + HDI_FOUR - 1) / HDI_FOUR;
}

/* The activation as four blocks of four rows meet it. */
HDB_INLINE void hdi_four_spread(const hdb_tile *tile, const hdi_four_part *part, const hdi_chain_format *f,
                                __m512 *out) {
  const size_t bytes = hdi_chain_x_bytes(f);
  for (size_t g = 0; g < hdi_four_groups(part->count); g++) {
    const uint8_t *x = tile->x + (part->begin + hdi_four_group(part, g)) * bytes;
    for (uint32_t j = 0; j < 2 * f->steps; j++, x += 4)
      *out++ = _mm512_insertf32x8(
          _mm512_castps256_ps512(_mm256_set_m128(_mm_broadcast_ss((const float *)(const void *)(x + bytes)),
                                                 _mm_broadcast_ss((const float *)(const void *)x))),
          _mm256_set_m128(_mm_broadcast_ss((const float *)(const void *)(x + 3 * bytes)),
                          _mm_broadcast_ss((const float *)(const void *)(x + 2 * bytes))),
          1);
  }
}

/* The sums of four blocks of four rows. */
HDB_INLINE __m512 hdi_four_sums(const hdi_rows *at, const __m512 *x, const hdi_chain_format *f) {
  __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  HDI_UNROLL
  for (uint32_t half = 0; half < 2; half++, x += f->steps) {
    __m512 w[HDI_CHAIN_STEPS];
    f->turn(at, half, w);
    HDI_UNROLL
    for (uint32_t j = 0; j < f->steps; j++)
      sum[j % 2] = f->take(sum[j % 2], w[j], x[j]);
  }
  return _mm512_add_ps(sum[0], sum[1]);
}

/* acc + the quarters of `sums` from number `skip` on. */
HDB_INLINE __m128 hdi_four_add(__m128 acc, __m512 sums, size_t skip) {
  if (skip < 1) acc = _mm_add_ps(acc, _mm512_castps512_ps128(sums));
  if (skip < 2) acc = _mm_add_ps(acc, _mm512_extractf32x4_ps(sums, 1));
  if (skip < 3) acc = _mm_add_ps(acc, _mm512_extractf32x4_ps(sums, 2));
  return _mm_add_ps(acc, _mm512_extractf32x4_ps(sums, 3));
}

/* Four rows from w on. What lies behind them is asked for as in chains.inc.h. */
HDB_INLINE __m128 hdi_four_rows(const hdb_tile *tile, const hdi_four_part *part, uint32_t w, const __m512 *x,
                                const hdi_chain_format *f, __m128 acc) {
  const size_t bytes = HDB_BF16_BLOCK * f->value_bytes, stride = tile->weight_stride;
  const uint8_t *first = tile->weights + w * stride + part->begin * bytes;
  const uint8_t *ahead = first + hdi_ahead_of_rows(HDI_FOUR * stride);
  for (size_t g = 0; g < hdi_four_groups(part->count); g++, x += 2 * f->steps) {
    const size_t b = hdi_four_group(part, g);
    const uint8_t *block = first + b * bytes;
    const hdi_rows at = {{block, block + bytes, block + 2 * bytes, block + 3 * bytes}, stride, 3 * stride};
    for (size_t line = 0; line < HDI_FOUR * HDI_FOUR * bytes; line += 64, ahead += 64)
      _mm_prefetch((const char *)ahead, _MM_HINT_T0);
    acc = hdi_four_add(acc, hdi_four_sums(&at, x, f), g * HDI_FOUR - b);
  }
  return acc;
}

HDB_INLINE bool hdi_four_fits(const hdb_tile *tile) {
  return tile->x_rows == 1 && tile->weight_rows >= HDI_FOUR && tile->cols % HDB_BF16_BLOCK == 0 &&
         tile->cols >= HDI_FOUR * HDB_BF16_BLOCK;
}

/* Of the last four rows only those that are new are kept: sums go on from part to part. */
HDB_INLINE void hdi_four_dot(const hdb_tile *tile, const hdi_chain_format *f) {
  __m512 *x = (__m512 *)(void *)tile->scratch;
  const size_t total = tile->cols / HDB_BF16_BLOCK;
  const size_t fits = HDB_TILE_SCRATCH / sizeof(__m512) / (2 * f->steps) * HDI_FOUR;
  const size_t parts = (total + fits - 1) / fits;
  hdi_four_part part = {0, 0};
  for (size_t p = 0; p < parts; p++, part.begin += part.count) {
    part.count = (total - part.begin) / (parts - p);
    hdi_four_spread(tile, &part, f, x);
    for (uint32_t i = 0; i < tile->weight_rows; i += HDI_FOUR) {
      const uint32_t last = tile->weight_rows - HDI_FOUR, w = i < last ? i : last;
      float *out = tile->out + w;
      __m128 acc = part.begin == 0 ? _mm_setzero_ps() : _mm_loadu_ps(out);
      acc = hdi_four_rows(tile, &part, w, x, f, acc);
      _mm_mask_storeu_ps(out, (__mmask8)(0xfu << (i - w) & 0xfu), acc);
    }
  }
}

HDB_INLINE void hdi_four_or_chain_dot(const hdb_tile *tile, const hdi_chain_format *f) {
  if (hdi_four_fits(tile))
    hdi_four_dot(tile, f);
  else
    hdi_chain_dot(tile, f);
}

#endif
