/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of formats with super-blocks of 256 whose parts have integer scales, for the tiers with and
 * without AVX-VNNI (avx2_step.h). Super-blocks of eight rows are turned (avx2_panel.h), scales included: up
 * to four activation rows meet them in registers (decode); for more, two panels are put into the scratch
 * (prefill). A part's sum in 16 bits is widened by the instruction that multiplies it by its scale. Results
 * are those of common/superblock.h, whatever the shape. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX2_SUPERBLOCKS_H
#define HEDDLE_BACKENDS_CPU_X86_AVX2_SUPERBLOCKS_H

#include <stdbool.h>
#include "common/activation.h"
#include "cpu/x86/avx2_panel.h"
#include "cpu/x86/avx2_step.h"

#define HDI_SUPER_STEPS 64u /* registers of a super-block's values, four of each row in one */

/* What a super-block of eight rows has besides its values. */
typedef struct hdi_super_head {
  __m256i scale[16]; /* of the parts in order, as hdi_scaled wants them */
  __m256i pair[8];   /* what the activation's sums are multiplied with: 16-bit, of two parts in a lane */
  __m256 d, d_min;
} hdi_super_head;

/* The lower and the upper f16 of each lane. */
HDB_INLINE void hdi_two_f16(__m256i x, __m256 *lower, __m256 *upper) {
  const __m256i halves =
      _mm256_set_epi64x(0x0f0e0b0a07060302, 0x0d0c090805040100, 0x0f0e0b0a07060302, 0x0d0c090805040100);
  x = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(x, halves), 0xd8);
  *lower = _mm256_cvtph_ps(_mm256_castsi256_si128(x));
  *upper = _mm256_cvtph_ps(_mm256_extracti128_si256(x, 1));
}

/* What one format knows. */
typedef struct hdi_super_format {
  void (*head)(const hdi_eight *at, hdi_super_head *out);
  void (*stretch)(const hdi_eight *at, uint32_t index, __m256i *out); /* sixteen registers of values */
  /* The products with one activation row, each part's times its scale; NULL: by stretches. */
  __m256i (*one)(const hdi_eight *at, const hdi_super_head *head, const uint8_t *x);
  size_t bytes;
  uint32_t second;     /* steps from a stretch's first eight registers to its others */
  uint32_t part_steps; /* that share a scale */
  uint32_t sum_steps;  /* whose sum fits 16 bits, where it has to */
  uint32_t pairs;      /* of sums of parts */
  bool has_min;        /* else values are 32 too large */
} hdi_super_format;

/* Registers that are turned together: few enough to stay registers. Bytes that hold two values hold two of
 * `second` steps apart. */
#define HDI_STRETCH_STEPS 16u
#define HDI_STRETCHES     (HDI_SUPER_STEPS / HDI_STRETCH_STEPS)

/* Which step register j of a stretch is. */
HDB_INLINE uint32_t hdi_step_of(const hdi_super_format *f, uint32_t stretch, uint32_t j) {
  const uint32_t beside = f->second / 8; /* stretches whose first halves are neighbours */
  return HDI_STRETCH_STEPS * beside * (stretch / beside) + 8 * (stretch % beside) + j % 8 + j / 8 * f->second;
}

/* Where an activation row's super-blocks are: values, scales, sums of parts. */
typedef struct hdi_super_x {
  const uint8_t *values, *scales, *sums;
} hdi_super_x;

HDB_INLINE hdi_super_x hdi_super_x_at(const hdb_tile *tile, uint32_t t, const hdi_super_format *f) {
  const uint8_t *row = tile->x + t * tile->x_stride;
  const int16_t *sums = f->has_min ? hdb_q8k_sums_32(row, tile->cols) : hdb_q8k_sums(row, tile->cols);
  return (hdi_super_x){row, (const uint8_t *)hdb_q8_scales(row, tile->cols), (const uint8_t *)sums};
}

/* A stretch of one panel with one activation row, added to `dot`. q: its registers. */
HDB_INLINE __m256i hdi_super_stretch(const hdi_super_format *f, const hdi_super_head *head, const __m256i *q,
                                     const uint8_t *x, uint32_t stretch, __m256i dot) {
  for (uint32_t j = 0; j < HDI_STRETCH_STEPS; j += f->sum_steps) {
    const uint32_t step = hdi_step_of(f, stretch, j);
    __m256i sum = hdi_first(q[j], hdi_four(x + 4 * step));
    for (uint32_t k = 1; k < f->sum_steps; k++)
      sum = hdi_step(sum, q[j + k], hdi_four(x + 4 * (step + k)));
    dot = _mm256_add_epi32(dot, hdi_scaled(sum, head->scale[step / f->part_steps]));
  }
  return dot;
}

/* acc + eight rows' super-blocks. `off`: of the minimums, where the format has some. */
HDB_INLINE __m256 hdi_super_add(__m256 acc, __m256i dot, __m256i off, __m256 d, __m256 d_min, __m256 x_scale,
                                bool has_min) {
  acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(d, x_scale), acc);
  return has_min ? _mm256_fnmadd_ps(_mm256_cvtepi32_ps(off), _mm256_mul_ps(d_min, x_scale), acc) : acc;
}

/* The super-block's products and, through the activation's sums, what they are too large by. `sums` is NULL
 * where that is off already. */
HDB_INLINE __m256 hdi_super_finish(const hdi_super_format *f, const hdi_super_head *head, __m256i dot,
                                   const uint8_t *sums, const uint8_t *scale, __m256 acc) {
  __m256i off = _mm256_setzero_si256();
  __m256 x_scale = _mm256_castsi256_ps(hdi_four(scale));
  for (uint32_t k = 0; sums != NULL && k < f->pairs; k++)
    off = hdi_add_pairs(off, head->pair[k], hdi_four(sums + 4 * k));
  if (!f->has_min && sums != NULL) dot = _mm256_sub_epi32(dot, _mm256_slli_epi32(off, 5));
  return hdi_super_add(acc, dot, off, head->d, head->d_min, x_scale, f->has_min);
}

/* ---- few activation rows ---- */

/* A super-block of eight rows with `tokens` activation rows from t on. */
HDB_INLINE void hdi_few_dots(const hdb_tile *tile, const hdi_eight *at, const hdi_super_head *head, size_t b,
                             uint32_t t, uint32_t tokens, const hdi_super_format *f, __m256i dot[4]) {
  const uint8_t *x = tile->x + t * tile->x_stride + b * HDB_Q8K_BLOCK;
  if (tokens == 1 && f->one != NULL) {
    dot[0] = f->one(at, head, x);
    return;
  }
  for (uint32_t c = 0; c < tokens; c++)
    dot[c] = _mm256_setzero_si256();
#pragma GCC unroll 4
  for (uint32_t i = 0; i < HDI_STRETCHES; i++) {
    __m256i q[HDI_STRETCH_STEPS];
    f->stretch(at, i, q);
    for (uint32_t c = 0; c < tokens; c++)
      dot[c] = hdi_super_stretch(f, head, q, x + c * tile->x_stride, i, dot[c]);
  }
}

/* Eight weight rows from `first` on with `tokens` activation rows from t on; asks for the next eight,
 * or where those are near, for what lies 8 KiB ahead. */
HDB_INLINE void hdi_few(const hdb_tile *tile, const uint8_t *first, size_t stride, uint32_t t,
                        uint32_t tokens, const hdi_super_format *f, __m256 acc[4]) {
  const uint8_t *ahead = first + hdi_ahead_of_rows(HDI_PANEL_ROWS * stride);
  for (uint32_t c = 0; c < tokens; c++)
    acc[c] = _mm256_setzero_ps();
  for (size_t b = 0; b < tile->cols / HDB_Q8K_BLOCK; b++) {
    hdi_super_head head;
    __m256i dot[4];
    hdi_eight at = hdi_eight_at(first + b * f->bytes, stride);
    hdi_ask_lines(ahead, HDI_PANEL_ROWS * f->bytes);
    ahead += HDI_PANEL_ROWS * f->bytes;
    f->head(&at, &head);
    hdi_few_dots(tile, &at, &head, b, t, tokens, f, dot);
    for (uint32_t c = 0; c < tokens; c++) {
      hdi_super_x x = hdi_super_x_at(tile, t + c, f);
      acc[c] =
          hdi_super_finish(f, &head, dot[c], x.sums + b * f->pairs * 4, x.scales + b * sizeof(float), acc[c]);
    }
  }
}

/* Fewer than eight weight rows: one in all lanes, one after the other. */
HDB_INLINE void hdi_few_alone(const hdb_tile *tile, uint32_t t, const hdi_super_format *f) {
  __m256 acc[4];
  for (uint32_t w = 0; w < tile->weight_rows; w++) {
    hdi_few(tile, tile->weights + w * tile->weight_stride, 0, t, 1, f, acc);
    tile->out[t * tile->out_stride + w] = _mm256_cvtss_f32(acc[0]);
  }
}

HDB_INLINE void hdi_few_rows(const hdb_tile *tile, uint32_t tokens, const hdi_super_format *f) {
  __m256 acc[4];
  for (uint32_t i = 0; i < hdi_panel_count(tile); i++) {
    uint32_t w = hdi_panel_begin(tile, i);
    hdi_few(tile, tile->weights + w * tile->weight_stride, tile->weight_stride, 0, tokens, f, acc);
    for (uint32_t c = 0; c < tokens; c++)
      _mm256_storeu_ps(tile->out + c * tile->out_stride + w, acc[c]);
  }
}

/* ---- many activation rows ---- */

/* A super-block of two panels, which share each load of an activation. */
typedef struct hdi_super_pair {
  __m256i q[HDI_SUPER_STEPS][2];
  hdi_super_head head[2];
} hdi_super_pair;

/* Super-blocks of a pair that are multiplied before the next are unpacked: 1024 columns, 23 KiB. */
#define HDI_SUPER_BLOCKS 4u
_Static_assert(HDI_SUPER_BLOCKS * sizeof(hdi_super_pair) <= HDB_TILE_SCRATCH, "a pair fits the scratch");

/* Activation rows that share each load of weights: sums of parts and of super-blocks, and what they are made
 * of, fill the 16 registers. */
#define HDI_MANY 3u

/* Where a pair and its results are, and the rows after it, which are asked for meanwhile. */
typedef struct hdi_pair {
  uint32_t w[2];       /* first weight row of each panel */
  size_t begin, count; /* of super-blocks */
  hdi_ahead ahead;
} hdi_pair;

HDB_INLINE void hdi_unpack_pair(const hdb_tile *tile, const hdi_pair *pair, const hdi_super_format *f,
                                hdi_super_pair *out) {
  for (uint32_t p = 0; p < 2; p++) {
    const uint8_t *first = tile->weights + pair->w[p] * tile->weight_stride + pair->begin * f->bytes;
    for (size_t b = 0; b < pair->count; b++) {
      hdi_eight at = hdi_eight_at(first + b * f->bytes, tile->weight_stride);
      f->head(&at, &out[b].head[p]);
      for (uint32_t k = 0; k < HDI_STRETCHES; k++) {
        __m256i q[HDI_STRETCH_STEPS];
        f->stretch(&at, k, q);
        for (uint32_t j = 0; j < HDI_STRETCH_STEPS; j++)
          out[b].q[hdi_step_of(f, k, j)][p] = q[j];
      }
    }
  }
}

/* Whether a part's sum begins with minus what it is too large by, for which AVX-VNNI has the bits: no more
 * than a copy, where products of scales with the activation's sums are 48 of 528 multiplications. */
HDB_INLINE bool hdi_begins_below(const hdi_super_format *f) {
  return HDI_HAS_DPBUSD && !f->has_min;
}

/* Steps [begin, begin + sum_steps) of a pair with `tokens` activation rows, times their scale, added to dot.
 * `x_sums`: those of a super-block of the first.
 */
HDB_INLINE void hdi_many_part(const hdi_super_pair *w, const uint8_t *x, size_t stride, uint32_t tokens,
                              uint32_t begin, const hdi_super_format *f, const uint8_t *x_sums,
                              __m256i dot[HDI_MANY][2]) {
  const bool below = hdi_begins_below(f);
  __m256i sum[HDI_MANY][2];
  for (uint32_t c = 0; below && c < tokens; c++) {
    int16_t of_part;
    __builtin_memcpy(&of_part, x_sums + c * stride + begin / f->part_steps * sizeof of_part, sizeof of_part);
    sum[c][0] = sum[c][1] = _mm256_set1_epi32(-32 * of_part);
  }
#pragma GCC unroll 8
  for (uint32_t j = 0; j < f->sum_steps; j++) {
    __m256i w0 = w->q[begin + j][0], w1 = w->q[begin + j][1];
    for (uint32_t c = 0; c < tokens; c++) {
      __m256i v = hdi_four(x + c * stride + 4 * j);
      sum[c][0] = j == 0 && !below ? hdi_first(w0, v) : hdi_step(sum[c][0], w0, v);
      sum[c][1] = j == 0 && !below ? hdi_first(w1, v) : hdi_step(sum[c][1], w1, v);
    }
  }
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < 2; p++)
      dot[c][p] = _mm256_add_epi32(dot[c][p], hdi_scaled(sum[c][p], w->head[p].scale[begin / f->part_steps]));
}

/* The pair's super-blocks with activation rows t .. t + tokens - 1, added to the results. */
HDB_INLINE void hdi_many(const hdb_tile *tile, hdi_pair *pair, const hdi_super_pair *blocks, uint32_t t,
                         uint32_t tokens, const hdi_super_format *f) {
  const hdi_super_x x = hdi_super_x_at(tile, t, f);
  const size_t stride = tile->x_stride;
  __m256 acc[HDI_MANY][2];
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < 2; p++)
      acc[c][p] = pair->begin == 0 ? _mm256_setzero_ps()
                                   : _mm256_loadu_ps(tile->out + (t + c) * tile->out_stride + pair->w[p]);
  for (size_t i = 0; i < pair->count; i++) {
    const size_t b = pair->begin + i;
    const uint8_t *sums = x.sums + b * f->pairs * 4, *scales = x.scales + b * sizeof(float);
    __m256i dot[HDI_MANY][2];
    hdi_ask_ahead(&pair->ahead);
    for (uint32_t c = 0; c < tokens; c++)
      dot[c][0] = dot[c][1] = _mm256_setzero_si256();
#pragma GCC unroll 1
    for (uint32_t begin = 0; begin < HDI_SUPER_STEPS; begin += f->sum_steps)
      hdi_many_part(blocks + i, x.values + b * HDB_Q8K_BLOCK + 4 * begin, stride, tokens, begin, f, sums,
                    dot);
    for (uint32_t c = 0; c < tokens; c++)
      for (uint32_t p = 0; p < 2; p++)
        acc[c][p] =
            hdi_super_finish(f, &blocks[i].head[p], dot[c][p], hdi_begins_below(f) ? NULL : sums + c * stride,
                             scales + c * stride, acc[c][p]);
  }
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < 2; p++)
      _mm256_storeu_ps(tile->out + (t + c) * tile->out_stride + pair->w[p], acc[c][p]);
}

HDB_INLINE void hdi_many_rows(const hdb_tile *tile, const hdi_super_format *f) {
  hdi_super_pair *blocks = (hdi_super_pair *)(void *)tile->scratch;
  const size_t total = tile->cols / HDB_Q8K_BLOCK;
  for (uint32_t i = 0; i < hdi_panel_count(tile); i += 2) {
    hdi_pair pair = {.w = {hdi_panel_begin(tile, i), hdi_panel_begin(tile, i + 1)}};
    pair.ahead = hdi_ahead_of(tile, pair.w[1] + HDI_PANEL_ROWS, 2 * HDI_PANEL_ROWS, total,
                              hdi_many_passes(tile->x_rows, HDI_MANY));
    for (; pair.begin < total; pair.begin += pair.count) {
      uint32_t t = 0;
      pair.count = total - pair.begin < HDI_SUPER_BLOCKS ? total - pair.begin : HDI_SUPER_BLOCKS;
      hdi_unpack_pair(tile, &pair, f, blocks);
      for (; t + HDI_MANY <= tile->x_rows; t += HDI_MANY)
        hdi_many(tile, &pair, blocks, t, HDI_MANY, f);
      for (; t + 2 <= tile->x_rows; t += 2)
        hdi_many(tile, &pair, blocks, t, 2, f);
      if (t < tile->x_rows) hdi_many(tile, &pair, blocks, t, 1, f);
    }
  }
}

/* ---- all of them ---- */

HDB_INLINE void hdi_superblocks_dot(const hdb_tile *tile, const hdi_super_format *f) {
  if (tile->weight_rows < HDI_PANEL_ROWS)
    for (uint32_t t = 0; t < tile->x_rows; t++)
      hdi_few_alone(tile, t, f);
  else if (tile->x_rows == 1)
    hdi_few_rows(tile, 1, f);
  else if (tile->x_rows == 2)
    hdi_few_rows(tile, 2, f);
  else
    hdi_many_rows(tile, f);
}

#endif
