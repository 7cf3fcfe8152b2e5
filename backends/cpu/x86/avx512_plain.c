/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of F32 and F16 rows: sixteen weights are widened, multiplied and added with one
 * rounding; the sixteen running sums of an output are folded at the end, in the order of
 * common/formats/plain.c.
 *
 * Four weight rows meet up to six activation rows in registers: ten loads for 24 products. For many
 * activation rows, 32 weight rows are taken together and columns in runs of 1024, so that six activation rows
 * stay in the first cache while the weights come from the second; what is not folded yet waits in the
 * scratch. */
#include <immintrin.h>
#include <stdbool.h>
#include "common/tile.h"
#include "cpu/ahead.h"
#include "cpu/x86/x86.h"

typedef __m512 (*widen_fn)(const uint8_t *weights, __mmask16 mask);

HDB_INLINE __m512 widen_f32(const uint8_t *w, __mmask16 mask) {
  return _mm512_maskz_loadu_ps(mask, w);
}
HDB_INLINE __m512 widen_f16(const uint8_t *w, __mmask16 mask) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, w));
}

/* Sums stay in registers only where every loop over them is gone. */
#define HDI_UNROLL _Pragma("GCC unroll 8")

enum { LANES = 16, ROWS = 4, TOKENS = 6, GROUPS = 8, RUN = 1024 };

/* The running sums of four weight rows with up to six activation rows. */
typedef __m512 sums_of_rows[TOKENS][ROWS];
_Static_assert(GROUPS * sizeof(sums_of_rows) <= HDB_TILE_SCRATCH, "what waits fits the scratch");

/* Which columns of which rows; what one format knows. */
typedef struct plain_part {
  uint32_t w, t;
  size_t stride, begin, end; /* bytes from weight row to weight row; columns */
} plain_part;
typedef struct plain_format {
  widen_fn widen;
  size_t bytes;
} plain_format;

HDB_INLINE void step(const uint8_t *w, size_t stride, const float *x, size_t x_stride, __mmask16 mask,
                     uint32_t tokens, const plain_format *f, sums_of_rows acc) {
  __m512 weights[ROWS];
  HDI_UNROLL
  for (uint32_t r = 0; r < ROWS; r++)
    weights[r] = f->widen(w + r * stride, mask);
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++) {
    __m512 v = _mm512_maskz_loadu_ps(mask, x + c * x_stride);
    HDI_UNROLL
    for (uint32_t r = 0; r < ROWS; r++)
      acc[c][r] = _mm512_fmadd_ps(weights[r], v, acc[c][r]);
  }
}

/* Adds the part's products. With few tokens memory is waited for: the four rows after these, or what lies
 * 8 KiB ahead where those are nearer, are asked for in the order of memory. */
HDB_INLINE void add(const hdb_tile *tile, const plain_part *p, uint32_t tokens, bool is_asking,
                    const plain_format *f, sums_of_rows acc) {
  const uint8_t *w = tile->weights + p->w * tile->weight_stride;
  const float *x = (const float *)(const void *)(tile->x + p->t * tile->x_stride);
  const size_t x_stride = tile->x_stride / sizeof(float);
  const uint8_t *ahead = w + hdi_ahead_of_rows(ROWS * p->stride);
  size_t i = p->begin;
  for (; i + LANES <= p->end; i += LANES) {
    const uint8_t *ask = is_asking ? hdb_tile_ask(tile, ahead + ROWS * i * f->bytes) : NULL;
    for (size_t at = 0; is_asking && at < LANES * ROWS * f->bytes; at += 64)
      _mm_prefetch((const char *)ask + at, _MM_HINT_T0);
    step(w + i * f->bytes, p->stride, x + i, x_stride, 0xffff, tokens, f, acc);
  }
  if (i < p->end)
    step(w + i * f->bytes, p->stride, x + i, x_stride, (__mmask16)((1u << (p->end - i)) - 1), tokens, f, acc);
}

/* Folds halves, quarters, pairs and lanes of sixteen registers together: the order that each would be folded
 * in alone. Quarter c of the result holds tokens c's four rows. */
HDB_INLINE __m512 fold(const __m512 acc[ROWS][ROWS]) {
  __m512 quarter[ROWS], pair[2];
  HDI_UNROLL
  for (uint32_t r = 0; r < ROWS; r++) {
    __m512 half[2];
    HDI_UNROLL
    for (uint32_t c = 0; c < 2; c++)
      half[c] = _mm512_add_ps(_mm512_shuffle_f32x4(acc[2 * c][r], acc[2 * c + 1][r], 0x44),
                              _mm512_shuffle_f32x4(acc[2 * c][r], acc[2 * c + 1][r], 0xee));
    quarter[r] = _mm512_add_ps(_mm512_shuffle_f32x4(half[0], half[1], 0x88),
                               _mm512_shuffle_f32x4(half[0], half[1], 0xdd));
  }
  HDI_UNROLL
  for (uint32_t i = 0; i < 2; i++)
    pair[i] = _mm512_add_ps(_mm512_shuffle_ps(quarter[2 * i], quarter[2 * i + 1], 0x44),
                            _mm512_shuffle_ps(quarter[2 * i], quarter[2 * i + 1], 0xee));
  return _mm512_add_ps(_mm512_shuffle_ps(pair[0], pair[1], 0x88), _mm512_shuffle_ps(pair[0], pair[1], 0xdd));
}

/* Writes the first `rows` of four rows' results. */
HDB_INLINE void finish(const hdb_tile *tile, const plain_part *p, uint32_t tokens, uint32_t rows,
                       const sums_of_rows acc) {
  const __mmask8 mask = (__mmask8)((1u << rows) - 1);
  HDI_UNROLL
  for (uint32_t first = 0; first < tokens; first += ROWS) {
    __m512 four[ROWS][ROWS];
    float out[LANES];
    HDI_UNROLL
    for (uint32_t c = 0; c < ROWS; c++)
      HDI_UNROLL
    for (uint32_t r = 0; r < ROWS; r++)
      four[c][r] = first + c < tokens ? acc[first + c][r] : _mm512_setzero_ps();
    _mm512_storeu_ps(out, fold((const __m512(*)[ROWS])four));
    HDI_UNROLL
    for (uint32_t c = 0; c < ROWS; c++)
      if (first + c < tokens)
        _mm_mask_storeu_ps(tile->out + (p->t + first + c) * tile->out_stride + p->w, mask,
                           _mm_loadu_ps(out + ROWS * c));
  }
}

HDB_INLINE void clear(sums_of_rows acc, uint32_t tokens) {
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    HDI_UNROLL
  for (uint32_t r = 0; r < ROWS; r++)
    acc[c][r] = _mm512_setzero_ps();
}

HDB_INLINE void copy(const sums_of_rows from, sums_of_rows to, uint32_t tokens) {
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    HDI_UNROLL
  for (uint32_t r = 0; r < ROWS; r++)
    to[c][r] = from[c][r];
}

/* Group g of four rows; the last one begins early where the rows do not fill it. */
HDB_INLINE uint32_t group_begin(const hdb_tile *tile, uint32_t g) {
  return g * ROWS + ROWS <= tile->weight_rows ? g * ROWS : tile->weight_rows - ROWS;
}

HDB_INLINE uint32_t group_count(const hdb_tile *tile) {
  return (tile->weight_rows + ROWS - 1) / ROWS;
}

HDB_INLINE void few(const hdb_tile *tile, uint32_t tokens, const plain_format *f) {
  sums_of_rows acc;
  for (uint32_t g = 0; g < group_count(tile); g++) {
    plain_part p = {group_begin(tile, g), 0, tile->weight_stride, 0, tile->cols};
    clear(acc, tokens);
    add(tile, &p, tokens, true, f, acc);
    finish(tile, &p, tokens, ROWS, acc);
  }
}

/* Fewer than four weight rows: each in the place of all four. */
HDB_INLINE void alone(const hdb_tile *tile, const plain_format *f) {
  sums_of_rows acc;
  for (uint32_t t = 0; t < tile->x_rows; t++)
    for (uint32_t w = 0; w < tile->weight_rows; w++) {
      plain_part p = {w, t, 0, 0, tile->cols};
      clear(acc, 1);
      add(tile, &p, 1, false, f, acc);
      finish(tile, &p, 1, 1, acc);
    }
}

/* Up to 32 weight rows from group `first` on with `tokens` activation rows. */
HDB_INLINE void many(const hdb_tile *tile, uint32_t first, uint32_t t, uint32_t tokens,
                     const plain_format *f) {
  sums_of_rows *waiting = (sums_of_rows *)(void *)tile->scratch;
  const uint32_t left = group_count(tile) - first, groups = left < GROUPS ? left : GROUPS;
  for (size_t begin = 0; begin < tile->cols; begin += RUN)
    for (uint32_t g = 0; g < groups; g++) {
      const bool is_last = begin + RUN >= tile->cols;
      plain_part p = {group_begin(tile, first + g), t, tile->weight_stride, begin,
                      is_last ? tile->cols : begin + RUN};
      sums_of_rows acc;
      clear(acc, tokens);
      if (begin > 0) copy((const __m512(*)[ROWS])waiting[g], acc, tokens);
      add(tile, &p, tokens, false, f, acc);
      if (is_last)
        finish(tile, &p, tokens, ROWS, acc);
      else
        copy((const __m512(*)[ROWS])acc, waiting[g], tokens);
    }
}

HDB_INLINE void many_rows(const hdb_tile *tile, const plain_format *f) {
  for (uint32_t first = 0; first < group_count(tile); first += GROUPS) {
    uint32_t t = 0;
    for (; t + TOKENS <= tile->x_rows; t += TOKENS)
      many(tile, first, t, TOKENS, f);
    for (; t + 2 <= tile->x_rows; t += 2)
      many(tile, first, t, 2, f);
    if (t < tile->x_rows) many(tile, first, t, 1, f);
  }
}

HDB_INLINE void dot(const hdb_tile *tile, const plain_format *f) {
  if (tile->weight_rows < ROWS)
    alone(tile, f);
  else if (tile->x_rows == 1)
    few(tile, 1, f);
  else if (tile->x_rows == 2)
    few(tile, 2, f);
  else
    many_rows(tile, f);
}

static const plain_format f32 = {widen_f32, 4}, f16 = {widen_f16, 2};

void hdi_avx512_dot_f32(const hdb_tile *tile) {
  dot(tile, &f32);
}
void hdi_avx512_dot_f16(const hdb_tile *tile) {
  dot(tile, &f16);
}
