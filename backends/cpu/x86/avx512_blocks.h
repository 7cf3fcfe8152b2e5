/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of formats with blocks of 32 integers and a scale. VPDPBUSD wants its weights unsigned, so a
 * power of two is added to them and the sum of the activations times that taken off again: exact, as all is
 * integers. Two to four activation rows meet the turned weights in registers; for more, a panel of two times
 * sixteen rows is put into the scratch and read from there by all of them (prefill). One activation row is in
 * avx512_stream.h, unless there are fewer than sixteen weight rows. Results are those of common/block.h,
 * whatever the shape. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_BLOCKS_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_BLOCKS_H

#include "common/activation.h"
#include "cpu/x86/avx512_panel.h"

/* What one format knows. */
typedef struct hdi_block_format {
  hdi_turn_fn turn;
  size_t block_bytes;
  unsigned offset_shift; /* the offset is 1 << this */
} hdi_block_format;

/* ---- few activation rows ---- */

/* One block with one activation row: acc + (sum of products) * scales. */
HDB_INLINE __m512 hdi_few_take(const hdi_panel_block *w, const uint8_t *x, uint32_t cols, size_t b,
                               unsigned shift, __m512 acc) {
  const int32_t *v = (const int32_t *)(const void *)(x + b * HDB_Q8_BLOCK);
  __m512i even = _mm512_slli_epi32(_mm512_set1_epi32(hdb_q8_minus_sums(x, cols)[b]), shift);
  __m512i odd = _mm512_setzero_si512();
  for (uint32_t j = 0; j < HDI_PANEL_STEPS; j += 2) {
    even = _mm512_dpbusd_epi32(even, w->q[j], _mm512_set1_epi32(v[j]));
    odd = _mm512_dpbusd_epi32(odd, w->q[j + 1], _mm512_set1_epi32(v[j + 1]));
  }
  __m512 scale = _mm512_mul_ps(w->d, _mm512_set1_ps(hdb_q8_scales(x, cols)[b]));
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(even, odd)), scale, acc);
}

/* Sixteen weight rows from `first` on, `stride` apart, with `tokens` activation rows from t on. While it
 * works it asks for the sixteen rows after them, or where those are near, for what lies 8 KiB ahead, in the
 * order of memory: that is one stream where the rows themselves are sixteen. */
HDB_INLINE void hdi_few(const hdb_tile *tile, const uint8_t *first, size_t stride, uint32_t t,
                        uint32_t tokens, const hdi_block_format *f, __m512 acc[4]) {
  const uint8_t *x = tile->x + t * tile->x_stride;
  const uint8_t *ahead = first + hdi_ahead_of_rows(HDI_PANEL_ROWS * stride);
  const size_t bytes = HDI_PANEL_ROWS * f->block_bytes;
  for (uint32_t c = 0; c < tokens; c++)
    acc[c] = _mm512_setzero_ps();
  for (size_t b = 0; b < tile->cols / HDB_Q8_BLOCK; b++) {
    hdi_panel_block w;
    const uint8_t *ask = hdb_tile_ask(tile, ahead + b * bytes);
    hdi_ask_lines(ask, bytes);
    hdi_sixteen at = hdi_sixteen_at(first + b * f->block_bytes, stride);
    f->turn(&at, &w);
    for (uint32_t c = 0; c < tokens; c++)
      acc[c] = hdi_few_take(&w, x + c * tile->x_stride, tile->cols, b, f->offset_shift, acc[c]);
  }
}

/* Fewer than sixteen weight rows: one in all lanes, one after the other. */
HDB_INLINE void hdi_few_alone(const hdb_tile *tile, uint32_t t, const hdi_block_format *f) {
  __m512 acc[4];
  for (uint32_t w = 0; w < tile->weight_rows; w++) {
    hdi_few(tile, tile->weights + w * tile->weight_stride, 0, t, 1, f, acc);
    tile->out[t * tile->out_stride + w] = _mm512_cvtss_f32(acc[0]);
  }
}

HDB_INLINE void hdi_few_rows(const hdb_tile *tile, uint32_t t, uint32_t tokens, const hdi_block_format *f) {
  __m512 acc[4];
  for (uint32_t i = 0; i < hdi_panel_count(tile); i++) {
    uint32_t w = hdi_panel_begin(tile, i);
    hdi_few(tile, tile->weights + w * tile->weight_stride, tile->weight_stride, t, tokens, f, acc);
    for (uint32_t c = 0; c < tokens; c++)
      _mm512_storeu_ps(tile->out + (t + c) * tile->out_stride + w, acc[c]);
  }
}

/* ---- many activation rows ---- */

/* A block of two panels as it lies in the scratch. */
typedef struct hdi_pair_block {
  __m512i q[HDI_PANEL_STEPS][2];
  __m512 d[2];
} hdi_pair_block;

/* Blocks of a pair that are multiplied before the next are unpacked: 36 KiB, which stay in a first cache of
 * 48 or close by in the second. 8, 16 and 24 blocks were 1 to 5 % slower. */
#define HDI_PAIR_BLOCKS 32u
_Static_assert(HDI_PAIR_BLOCKS * sizeof(hdi_pair_block) <= HDB_TILE_SCRATCH, "a pair fits the scratch");

/* Activation rows that share each load of weights: 12 running sums, as many sums of a block, and what they
 * are made of fill the 32 registers. */
#define HDI_MANY 6u

/* Where a pair of panels and its results are, and the rows after them, which are asked for meanwhile: from
 * memory they come at 15 GB/s when nobody asks, 32 rows side by side, and that was a seventh of a prefill. */
typedef struct hdi_pair {
  uint32_t w[2];       /* first weight row of each panel */
  size_t begin, count; /* of blocks */
  hdi_ahead ahead;
} hdi_pair;

HDB_INLINE void hdi_unpack_pair(const hdb_tile *tile, const hdi_pair *pair, const hdi_block_format *f,
                                hdi_pair_block *out) {
  for (uint32_t p = 0; p < 2; p++) {
    const uint8_t *first = tile->weights + pair->w[p] * tile->weight_stride + pair->begin * f->block_bytes;
    for (size_t b = 0; b < pair->count; b++) {
      hdi_panel_block one;
      hdi_sixteen at = hdi_sixteen_at(first + b * f->block_bytes, tile->weight_stride);
      f->turn(&at, &one);
      for (uint32_t j = 0; j < HDI_PANEL_STEPS; j++)
        out[b].q[j][p] = one.q[j];
      out[b].d[p] = one.d;
    }
  }
}

/* The pair's blocks with activation rows t .. t + tokens - 1, added to the results. */
HDB_INLINE void hdi_many(const hdb_tile *tile, hdi_pair *pair, const hdi_pair_block *blocks, uint32_t t,
                         uint32_t tokens, unsigned shift) {
  const uint8_t *x = tile->x + t * tile->x_stride + pair->begin * HDB_Q8_BLOCK;
  const uint8_t *scales = tile->x + t * tile->x_stride + tile->cols + pair->begin * sizeof(float);
  const size_t stride = tile->x_stride, sums_at = tile->cols / HDB_Q8_BLOCK * sizeof(float);
  hdi_ahead ahead = pair->ahead;
  __m512 acc[HDI_MANY][2];
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < 2; p++)
      acc[c][p] = pair->begin == 0 ? _mm512_setzero_ps()
                                   : _mm512_loadu_ps(tile->out + (t + c) * tile->out_stride + pair->w[p]);
  for (size_t b = 0; b < pair->count; b++, x += HDB_Q8_BLOCK, scales += sizeof(float)) {
    __m512i sum[HDI_MANY][2];
    hdi_ask_ahead(&ahead);
    for (uint32_t c = 0; c < tokens; c++) {
      int32_t minus = *(const int32_t *)(const void *)(scales + c * stride + sums_at);
      sum[c][0] = sum[c][1] = _mm512_slli_epi32(_mm512_set1_epi32(minus), shift);
    }
#pragma GCC unroll 8
    for (uint32_t j = 0; j < HDI_PANEL_STEPS; j++) {
      __m512i w0 = blocks[b].q[j][0], w1 = blocks[b].q[j][1];
      for (uint32_t c = 0; c < tokens; c++) {
        __m512i v = _mm512_set1_epi32(*(const int32_t *)(const void *)(x + c * stride + 4 * j));
        sum[c][0] = _mm512_dpbusd_epi32(sum[c][0], w0, v);
        sum[c][1] = _mm512_dpbusd_epi32(sum[c][1], w1, v);
      }
    }
    for (uint32_t c = 0; c < tokens; c++) {
      __m512 scale = _mm512_set1_ps(*(const float *)(const void *)(scales + c * stride));
      for (uint32_t p = 0; p < 2; p++)
        acc[c][p] =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[c][p]), _mm512_mul_ps(blocks[b].d[p], scale), acc[c][p]);
    }
  }
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < 2; p++)
      _mm512_storeu_ps(tile->out + (t + c) * tile->out_stride + pair->w[p], acc[c][p]);
  pair->ahead = ahead;
}

HDB_INLINE void hdi_many_rows(const hdb_tile *tile, const hdi_block_format *f) {
  hdi_pair_block *blocks = (hdi_pair_block *)(void *)tile->scratch;
  const size_t total = tile->cols / HDB_Q8_BLOCK;
  for (uint32_t i = 0; i < hdi_panel_count(tile); i += 2) {
    hdi_pair pair = {.w = {hdi_panel_begin(tile, i), hdi_panel_begin(tile, i + 1)}};
    pair.ahead = hdi_ahead_of(tile, pair.w[1] + HDI_PANEL_ROWS, 2 * HDI_PANEL_ROWS, total,
                              hdi_many_passes(tile->x_rows, HDI_MANY));
    for (; pair.begin < total; pair.begin += pair.count) {
      uint32_t t = 0;
      pair.count = total - pair.begin < HDI_PAIR_BLOCKS ? total - pair.begin : HDI_PAIR_BLOCKS;
      hdi_unpack_pair(tile, &pair, f, blocks);
      for (; t + HDI_MANY <= tile->x_rows; t += HDI_MANY)
        hdi_many(tile, &pair, blocks, t, HDI_MANY, f->offset_shift);
      for (; t + 2 <= tile->x_rows; t += 2)
        hdi_many(tile, &pair, blocks, t, 2, f->offset_shift);
      if (t < tile->x_rows) hdi_many(tile, &pair, blocks, t, 1, f->offset_shift);
    }
  }
}

/* ---- all of them ---- */

HDB_INLINE void hdi_blocks_dot(const hdb_tile *tile, const hdi_block_format *f) {
  if (tile->weight_rows < HDI_PANEL_ROWS) {
    for (uint32_t t = 0; t < tile->x_rows; t++)
      hdi_few_alone(tile, t, f);
    return;
  }
  switch (tile->x_rows) {
  case 0:
    break;
  case 1:
    hdi_few_rows(tile, 0, 1, f);
    break;
  case 2:
    hdi_few_rows(tile, 0, 2, f);
    break;
  case 3:
    hdi_few_rows(tile, 0, 3, f);
    break;
  case 4:
    hdi_few_rows(tile, 0, 4, f);
    break;
  default:
    hdi_many_rows(tile, f);
    break;
  }
}

#endif
