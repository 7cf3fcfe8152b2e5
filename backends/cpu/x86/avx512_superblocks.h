/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of formats with super-blocks of 256 whose parts have integer scales. Sixteen weight rows are
 * the lanes of a register (avx512_panel.h), their scales and minimums too. Up to four activation rows meet
 * the turned weights in registers (decode); for more, super-blocks of two times sixteen rows are put into the
 * scratch and read from there by all of them (prefill). Results are those of common/superblock.h, whatever
 * the shape. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_SUPERBLOCKS_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_SUPERBLOCKS_H

#include <stdbool.h>
#include "common/activation.h"
#include "cpu/x86/avx512_panel.h"

/* A super-block is turned in four pieces, 16 registers of four values each. */
#define HDI_PIECES      4u
#define HDI_PIECE_STEPS 16u
#define HDI_SUPER_STEPS (HDI_PIECES * HDI_PIECE_STEPS)

/* What is not values of a super-block of sixteen rows. */
typedef struct hdi_super_head {
  __m512i scale[5]; /* packed, as the format wants */
  __m512i min[2];
  __m512 d, d_min;
} hdi_super_head;

/* What one format knows. A part is the values that share a scale; its functions are inlined. */
typedef struct hdi_super_format {
  size_t block_bytes;
  uint32_t part_steps; /* registers of a part: 8 or 4 */
  /* Minimums: the products of `pair` have a scale of their own, and the sums are of 32 values. Otherwise they
   * are taken off the dot, and the sums are of 16. */
  bool has_min;
  void (*head)(const hdi_sixteen *at, hdi_super_head *out);
  void (*turn)(const hdi_sixteen *at, uint32_t piece, __m512i q[HDI_PIECE_STEPS]); /* unsigned values */
  uint32_t (*part)(uint32_t piece, uint32_t group); /* which the piece's i-th group of registers is */
  __m512i (*scale)(const hdi_super_head *head, uint32_t part); /* 32-bit */
  __m512i (*pair)(const hdi_super_head *head,
                  uint32_t index); /* what sums 2i, 2i + 1 are multiplied with: 16-bit */
} hdi_super_format;

HDB_INLINE uint32_t hdi_super_parts(const hdi_super_format *f) {
  return HDI_SUPER_STEPS / f->part_steps;
}

/* The sums of an activation row that the format wants, two by two. */
HDB_INLINE const uint8_t *hdi_super_sums(const uint8_t *x, uint32_t cols, const hdi_super_format *f) {
  return (const uint8_t *)(f->has_min ? hdb_q8k_sums_32(x, cols) : hdb_q8k_sums(x, cols));
}

HDB_INLINE __m512i hdi_broadcast_32(const uint8_t *four_bytes) {
  int32_t v;
  __builtin_memcpy(&v, four_bytes, sizeof v);
  return _mm512_set1_epi32(v);
}

/* acc + d * dot and, with minimums, - d_min * offset; without, the offset is part of the dot. */
HDB_INLINE __m512 hdi_super_add(__m512 acc, __m512 d, __m512 d_min, float x_scale, __m512i dot,
                                __m512i offset, bool has_min) {
  const __m512 scale = _mm512_set1_ps(x_scale);
  if (!has_min) dot = _mm512_sub_epi32(dot, offset);
  acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(d, scale), acc);
  return has_min ? _mm512_fnmadd_ps(_mm512_cvtepi32_ps(offset), _mm512_mul_ps(d_min, scale), acc) : acc;
}

/* ---- few activation rows ---- */

/* One piece with each of the activation rows, added to their dots. */
HDB_INLINE void hdi_super_few_piece(const hdi_sixteen *at, const hdi_super_head *head, uint32_t piece,
                                    const uint8_t *x, size_t x_stride, uint32_t tokens,
                                    const hdi_super_format *f, __m512i dot[4]) {
  __m512i q[HDI_PIECE_STEPS];
  f->turn(at, piece, q);
#pragma GCC unroll 4
  for (uint32_t g = 0; g < HDI_PIECE_STEPS / f->part_steps; g++) {
    const uint32_t part = f->part(piece, g);
    const __m512i scale = f->scale(head, part);
#pragma GCC unroll 4
    for (uint32_t c = 0; c < tokens; c++) {
      const uint8_t *v = x + c * x_stride + part * f->part_steps * 4;
      __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 8
      for (uint32_t j = 0; j < f->part_steps; j++)
        sum = _mm512_dpbusd_epi32(sum, q[g * f->part_steps + j], hdi_broadcast_32(v + 4 * j));
      dot[c] = _mm512_add_epi32(dot[c], _mm512_mullo_epi32(sum, scale));
    }
  }
}

/* Sixteen weight rows from `first` on, `stride` apart, with `tokens` activation rows from t on. While it
 * works it asks for the sixteen rows after them, in the order in which they lie in memory: that is one stream
 * where the rows themselves are sixteen, and far enough ahead. */
HDB_INLINE void hdi_super_few(const hdb_tile *tile, const uint8_t *first, size_t stride, uint32_t t,
                              uint32_t tokens, const hdi_super_format *f, __m512 acc[4]) {
  const uint8_t *x = tile->x + t * tile->x_stride, *ahead = first + HDI_PANEL_ROWS * stride;
  const uint8_t *sums = hdi_super_sums(x, tile->cols, f);
  const size_t bytes = HDI_PANEL_ROWS * f->block_bytes, x_stride = tile->x_stride;
  for (uint32_t c = 0; c < tokens; c++)
    acc[c] = _mm512_setzero_ps();
  for (size_t b = 0; b < tile->cols / HDB_Q8K_BLOCK; b++, sums += hdi_super_parts(f) * sizeof(int16_t)) {
    hdi_super_head head;
    __m512i dot[4], offset[4];
    hdi_ask_lines(ahead + b * bytes, bytes);
    hdi_sixteen at = hdi_sixteen_at(first + b * f->block_bytes, stride);
    f->head(&at, &head);
    for (uint32_t c = 0; c < tokens; c++)
      dot[c] = offset[c] = _mm512_setzero_si512();
#pragma GCC unroll 8
    for (uint32_t i = 0; i < hdi_super_parts(f) / 2; i++)
      for (uint32_t c = 0; c < tokens; c++)
        offset[c] =
            _mm512_dpwssd_epi32(offset[c], f->pair(&head, i), hdi_broadcast_32(sums + c * x_stride + 4 * i));
#pragma GCC unroll 4
    for (uint32_t piece = 0; piece < HDI_PIECES; piece++)
      hdi_super_few_piece(&at, &head, piece, x + b * HDB_Q8K_BLOCK, x_stride, tokens, f, dot);
    for (uint32_t c = 0; c < tokens; c++)
      acc[c] = hdi_super_add(acc[c], head.d, head.d_min, hdb_q8_scales(x + c * x_stride, tile->cols)[b],
                             dot[c], offset[c], f->has_min);
  }
}

/* Fewer than sixteen weight rows: one in all lanes, one after the other. */
HDB_INLINE void hdi_super_few_alone(const hdb_tile *tile, uint32_t t, const hdi_super_format *f) {
  __m512 acc[4];
  for (uint32_t w = 0; w < tile->weight_rows; w++) {
    hdi_super_few(tile, tile->weights + w * tile->weight_stride, 0, t, 1, f, acc);
    tile->out[t * tile->out_stride + w] = _mm512_cvtss_f32(acc[0]);
  }
}

HDB_INLINE void hdi_super_few_rows(const hdb_tile *tile, uint32_t t, uint32_t tokens,
                                   const hdi_super_format *f) {
  __m512 acc[4];
  for (uint32_t i = 0; i < hdi_panel_count(tile); i++) {
    uint32_t w = hdi_panel_begin(tile, i);
    hdi_super_few(tile, tile->weights + w * tile->weight_stride, tile->weight_stride, t, tokens, f, acc);
    for (uint32_t c = 0; c < tokens; c++)
      _mm512_storeu_ps(tile->out + (t + c) * tile->out_stride + w, acc[c]);
  }
}

/* ---- many activation rows ---- */

/* A super-block of a pair of panels in the scratch, in registers: values, scales, factors of sums, d, d_min;
 * of each those of the first panel and those of the second. */
HDB_INLINE uint32_t hdi_super_registers(const hdi_super_format *f) {
  return 2 * HDI_SUPER_STEPS + 3 * hdi_super_parts(f) + 4;
}

/* Super-blocks of a pair that are unpacked before they are multiplied. */
HDB_INLINE uint32_t hdi_super_most(const hdi_super_format *f) {
  return HDB_TILE_SCRATCH / (hdi_super_registers(f) * 64);
}

/* Activation rows that share each load of weights: 12 sums of a part, 12 of a super-block, and what they are
 * made of fill the 32 registers. */
#define HDI_SUPER_MANY 6u

/* Where a pair of panels and its results are. */
typedef struct hdi_super_pair {
  uint32_t w[2];       /* first weight row of each panel */
  size_t begin, count; /* of super-blocks */
  hdi_ahead ahead;     /* the rows after them */
} hdi_super_pair;

HDB_INLINE void hdi_super_unpack_one(const hdi_sixteen *at, const hdi_super_format *f, __m512i *out) {
  const uint32_t parts = hdi_super_parts(f);
  hdi_super_head head;
  f->head(at, &head);
#pragma GCC unroll 4
  for (uint32_t piece = 0; piece < HDI_PIECES; piece++) {
    __m512i q[HDI_PIECE_STEPS];
    f->turn(at, piece, q);
#pragma GCC unroll 16
    for (uint32_t j = 0; j < HDI_PIECE_STEPS; j++)
      out[2 * (f->part(piece, j / f->part_steps) * f->part_steps + j % f->part_steps)] = q[j];
  }
  out += 2 * HDI_SUPER_STEPS;
#pragma GCC unroll 16
  for (uint32_t i = 0; i < parts; i++)
    out[2 * i] = f->scale(&head, i);
  out += 2 * parts;
#pragma GCC unroll 8
  for (uint32_t i = 0; i < parts / 2; i++)
    out[2 * i] = f->pair(&head, i);
  out += parts;
  out[0] = _mm512_castps_si512(head.d);
  out[2] = _mm512_castps_si512(head.d_min);
}

HDB_INLINE void hdi_super_unpack(const hdb_tile *tile, const hdi_super_pair *pair, const hdi_super_format *f,
                                 __m512i *out) {
  for (uint32_t p = 0; p < 2; p++) {
    const uint8_t *first = tile->weights + pair->w[p] * tile->weight_stride + pair->begin * f->block_bytes;
    for (size_t b = 0; b < pair->count; b++) {
      hdi_sixteen at = hdi_sixteen_at(first + b * f->block_bytes, tile->weight_stride);
      hdi_super_unpack_one(&at, f, out + b * hdi_super_registers(f) + p);
    }
  }
}

/* The dots of one super-block: every part's sums times its scale. */
HDB_INLINE void hdi_super_many_dot(const __m512i *q, const __m512i *scales, const uint8_t *x, size_t x_stride,
                                   uint32_t tokens, const hdi_super_format *f, hdi_ahead *ahead,
                                   __m512i dot[][2]) {
  for (uint32_t c = 0; c < tokens; c++)
    dot[c][0] = dot[c][1] = _mm512_setzero_si512();
#pragma GCC unroll 1
  for (uint32_t part = 0; part < hdi_super_parts(f); part++, scales += 2) {
    __m512i sum[HDI_SUPER_MANY][2];
    hdi_ask_ahead(ahead);
    for (uint32_t c = 0; c < tokens; c++)
      sum[c][0] = sum[c][1] = _mm512_setzero_si512();
#pragma GCC unroll 8
    for (uint32_t j = 0; j < f->part_steps; j++, q += 2, x += 4) {
      const __m512i w0 = q[0], w1 = q[1];
      for (uint32_t c = 0; c < tokens; c++) {
        __m512i v = hdi_broadcast_32(x + c * x_stride);
        sum[c][0] = _mm512_dpbusd_epi32(sum[c][0], w0, v);
        sum[c][1] = _mm512_dpbusd_epi32(sum[c][1], w1, v);
      }
    }
    for (uint32_t c = 0; c < tokens; c++)
      for (uint32_t p = 0; p < 2; p++)
        dot[c][p] = _mm512_add_epi32(dot[c][p], _mm512_mullo_epi32(sum[c][p], scales[p]));
  }
}

/* The pair's super-blocks with activation rows t .. t + tokens - 1, added to the results. */
HDB_INLINE void hdi_super_many(const hdb_tile *tile, hdi_super_pair *pair, const __m512i *blocks, uint32_t t,
                               uint32_t tokens, const hdi_super_format *f) {
  const uint32_t parts = hdi_super_parts(f);
  const size_t stride = tile->x_stride;
  const uint8_t *x = tile->x + t * stride;
  const uint8_t *sums = hdi_super_sums(x, tile->cols, f) + pair->begin * parts * sizeof(int16_t);
  const uint8_t *scales = x + tile->cols + pair->begin * sizeof(float);
  x += pair->begin * HDB_Q8K_BLOCK;
  for (size_t b = 0; b < pair->count; b++, blocks += hdi_super_registers(f)) {
    const __m512i *factors = blocks + 2 * HDI_SUPER_STEPS + 2 * parts, *d = factors + parts;
    __m512i dot[HDI_SUPER_MANY][2];
    hdi_super_many_dot(blocks, blocks + 2 * HDI_SUPER_STEPS, x, stride, tokens, f, &pair->ahead, dot);
    for (uint32_t c = 0; c < tokens; c++) {
      __m512 acc[2]; /* both read before one is written: the panels may overlap */
      float x_scale;
      __builtin_memcpy(&x_scale, scales + c * stride, sizeof x_scale);
      for (uint32_t p = 0; p < 2; p++) {
        __m512i offset = _mm512_setzero_si512();
        for (uint32_t i = 0; i < parts / 2; i++)
          offset =
              _mm512_dpwssd_epi32(offset, factors[2 * i + p], hdi_broadcast_32(sums + c * stride + 4 * i));
        acc[p] = pair->begin + b == 0 ? _mm512_setzero_ps()
                                      : _mm512_loadu_ps(tile->out + (t + c) * tile->out_stride + pair->w[p]);
        acc[p] = hdi_super_add(acc[p], _mm512_castsi512_ps(d[p]), _mm512_castsi512_ps(d[2 + p]), x_scale,
                               dot[c][p], offset, f->has_min);
      }
      for (uint32_t p = 0; p < 2; p++)
        _mm512_storeu_ps(tile->out + (t + c) * tile->out_stride + pair->w[p], acc[p]);
    }
    x += HDB_Q8K_BLOCK;
    sums += parts * sizeof(int16_t);
    scales += sizeof(float);
  }
}

HDB_INLINE void hdi_super_many_rows(const hdb_tile *tile, const hdi_super_format *f) {
  __m512i *blocks = (__m512i *)(void *)tile->scratch;
  const size_t total = tile->cols / HDB_Q8K_BLOCK, most = hdi_super_most(f);
  for (uint32_t i = 0; i < hdi_panel_count(tile); i += 2) {
    hdi_super_pair pair = {.w = {hdi_panel_begin(tile, i), hdi_panel_begin(tile, i + 1)}};
    pair.ahead = hdi_ahead_of(tile, pair.w[1] + HDI_PANEL_ROWS, 2 * HDI_PANEL_ROWS,
                              total * hdi_super_parts(f), hdi_many_passes(tile->x_rows, HDI_SUPER_MANY));
    for (; pair.begin < total; pair.begin += pair.count) {
      uint32_t t = 0;
      pair.count = total - pair.begin < most ? total - pair.begin : most;
      hdi_super_unpack(tile, &pair, f, blocks);
      for (; t + HDI_SUPER_MANY <= tile->x_rows; t += HDI_SUPER_MANY)
        hdi_super_many(tile, &pair, blocks, t, HDI_SUPER_MANY, f);
      for (; t + 2 <= tile->x_rows; t += 2)
        hdi_super_many(tile, &pair, blocks, t, 2, f);
      if (t < tile->x_rows) hdi_super_many(tile, &pair, blocks, t, 1, f);
    }
  }
}

/* ---- all of them ---- */

HDB_INLINE void hdi_superblocks_dot(const hdb_tile *tile, const hdi_super_format *f) {
  if (tile->weight_rows < HDI_PANEL_ROWS) {
    for (uint32_t t = 0; t < tile->x_rows; t++)
      hdi_super_few_alone(tile, t, f);
    return;
  }
  switch (tile->x_rows) {
  case 0:
    break;
  case 1:
    hdi_super_few_rows(tile, 0, 1, f);
    break;
  case 2:
    hdi_super_few_rows(tile, 0, 2, f);
    break;
  case 3:
    hdi_super_few_rows(tile, 0, 3, f);
    break;
  case 4:
    hdi_super_few_rows(tile, 0, 4, f);
    break;
  default:
    hdi_super_many_rows(tile, f);
    break;
  }
}

#endif
