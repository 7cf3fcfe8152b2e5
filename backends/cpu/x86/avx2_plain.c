/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of F32 and F16 rows: eight weights are widened, multiplied and added with one rounding; the
 * eight running sums of an output are folded at the end, and what a row leaves over is added to that.
 *
 * One or two activation rows meet four weight rows in registers (decode). For more, two weight rows meet six
 * activation rows, so that few weights are widened: 32 weight rows are taken together and columns in runs of
 * 1024, so that the six stay in the first cache while the weights come from the second; what is not folded
 * yet waits in the scratch. */
#include <immintrin.h>
#include <stdbool.h>
#include "common/tile.h"
#include "cpu/ahead.h"
#include "cpu/x86/avx2.h"
#include "cpu/x86/x86.h"

typedef __m256 (*widen_fn)(const uint8_t *weights);
typedef float (*one_fn)(const uint8_t *weights);

HDB_INLINE __m256 widen_f32(const uint8_t *w) {
  return _mm256_loadu_ps((const float *)(const void *)w);
}
HDB_INLINE __m256 widen_f16(const uint8_t *w) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)w));
}
HDB_INLINE float one_f32(const uint8_t *w) {
  return *(const float *)(const void *)w;
}
HDB_INLINE float one_f16(const uint8_t *w) {
  return hdi_f16(w);
}

/* What one format knows. */
typedef struct plain_format {
  widen_fn widen;
  one_fn one;
  size_t bytes;
} plain_format;

/* Sums stay in registers only where every loop over them is gone. */
#define HDI_UNROLL _Pragma("GCC unroll 8")

enum { LANES = 8, FEW_ROWS = 4, ROWS = 2, TOKENS = 6, GROUPS = 16, RUN = 1024 };

/* The running sums of some weight rows with some activation rows. */
typedef __m256 sums_of_rows[TOKENS][FEW_ROWS];

/* Which columns of which rows. */
typedef struct plain_part {
  uint32_t w, t, rows, tokens;
  size_t begin, end;
} plain_part;

/* Adds the part's products, eight columns at a time, and says where it ended. When few activation rows wait
 * for memory, the weight rows after these, or what lies 8 KiB ahead, are asked for in the order of memory. */
HDB_INLINE size_t add(const hdb_tile *tile, const plain_part *p, bool is_asking, const plain_format *f,
                      sums_of_rows acc) {
  const uint8_t *w = tile->weights + p->w * tile->weight_stride;
  const float *x = (const float *)(const void *)(tile->x + p->t * tile->x_stride);
  const size_t x_stride = tile->x_stride / sizeof(float), ask = p->rows * LANES * f->bytes;
  const size_t ahead = hdi_ahead_of_rows(p->rows * tile->weight_stride);
  size_t i = p->begin;
  for (; i + LANES <= p->end; i += LANES) {
    __m256 weights[FEW_ROWS];
    if (is_asking) hdi_ask_lines(w + ahead + p->rows * i * f->bytes, ask);
    HDI_UNROLL
    for (uint32_t r = 0; r < p->rows; r++)
      weights[r] = f->widen(w + r * tile->weight_stride + i * f->bytes);
    HDI_UNROLL
    for (uint32_t c = 0; c < p->tokens; c++) {
      __m256 v = _mm256_loadu_ps(x + c * x_stride + i);
      __asm__("" : "+x"(v)); /* kept from being loaded once for each weight row */
      HDI_UNROLL
      for (uint32_t r = 0; r < p->rows; r++)
        acc[c][r] = _mm256_fmadd_ps(weights[r], v, acc[c][r]);
    }
  }
  return i;
}

/* Writes the results; columns from `rest` on are left over. */
HDB_INLINE void finish(const hdb_tile *tile, const plain_part *p, size_t rest, const plain_format *f,
                       const sums_of_rows acc) {
  HDI_UNROLL
  for (uint32_t c = 0; c < p->tokens; c++)
    HDI_UNROLL
  for (uint32_t r = 0; r < p->rows; r++) {
    const uint8_t *w = tile->weights + (p->w + r) * tile->weight_stride;
    const float *x = (const float *)(const void *)(tile->x + (p->t + c) * tile->x_stride);
    float sum = hdi_sum_ps(acc[c][r]);
    for (size_t i = rest; i < tile->cols; i++)
      sum += f->one(w + i * f->bytes) * x[i];
    tile->out[(p->t + c) * tile->out_stride + p->w + r] = sum;
  }
}

HDB_INLINE void clear(sums_of_rows acc, const plain_part *p) {
  HDI_UNROLL
  for (uint32_t c = 0; c < p->tokens; c++)
    HDI_UNROLL
  for (uint32_t r = 0; r < p->rows; r++)
    acc[c][r] = _mm256_setzero_ps();
}

/* All columns of `rows` weight rows from w on, with `tokens` activation rows from t on. */
HDB_INLINE void whole(const hdb_tile *tile, uint32_t w, uint32_t rows, uint32_t t, uint32_t tokens,
                      const plain_format *f) {
  plain_part p = {w, t, rows, tokens, 0, tile->cols};
  sums_of_rows acc;
  clear(acc, &p);
  finish(tile, &p, add(tile, &p, rows == FEW_ROWS, f, acc), f, acc);
}

HDB_INLINE void few(const hdb_tile *tile, uint32_t tokens, const plain_format *f) {
  uint32_t w = 0;
  for (; w + FEW_ROWS <= tile->weight_rows; w += FEW_ROWS)
    whole(tile, w, FEW_ROWS, 0, tokens, f);
  for (; w < tile->weight_rows; w++)
    whole(tile, w, 1, 0, tokens, f);
}

/* What waits: sums of groups of two weight rows. */
typedef __m256 waiting_sums[TOKENS][ROWS];
_Static_assert(GROUPS * sizeof(waiting_sums) <= HDB_TILE_SCRATCH, "what waits fits the scratch");

/* `groups` times two weight rows from w on with `tokens` activation rows. */
HDB_INLINE void many(const hdb_tile *tile, uint32_t w, uint32_t groups, uint32_t t, uint32_t tokens,
                     const plain_format *f) {
  waiting_sums *waiting = (waiting_sums *)(void *)tile->scratch;
  for (size_t begin = 0; begin < tile->cols; begin += RUN)
    for (uint32_t g = 0; g < groups; g++) {
      const bool is_last = begin + RUN >= tile->cols;
      plain_part p = {w + g * ROWS, t, ROWS, tokens, begin, is_last ? tile->cols : begin + RUN};
      sums_of_rows acc;
      clear(acc, &p);
      if (begin > 0) HDI_UNROLL
      for (uint32_t c = 0; c < tokens; c++)
        acc[c][0] = waiting[g][c][0], acc[c][1] = waiting[g][c][1];
      size_t rest = add(tile, &p, false, f, acc);
      if (is_last)
        finish(tile, &p, rest, f, acc);
      else
        HDI_UNROLL
      for (uint32_t c = 0; c < tokens; c++)
        waiting[g][c][0] = acc[c][0], waiting[g][c][1] = acc[c][1];
    }
}

HDB_INLINE void many_rows(const hdb_tile *tile, const plain_format *f) {
  const uint32_t pairs = tile->weight_rows / ROWS;
  for (uint32_t first = 0; first < pairs; first += GROUPS) {
    uint32_t t = 0, groups = pairs - first < GROUPS ? pairs - first : GROUPS;
    for (; t + TOKENS <= tile->x_rows; t += TOKENS)
      many(tile, first * ROWS, groups, t, TOKENS, f);
    for (; t < tile->x_rows; t++)
      many(tile, first * ROWS, groups, t, 1, f);
  }
  for (uint32_t t = 0; tile->weight_rows % ROWS && t < tile->x_rows; t++)
    whole(tile, tile->weight_rows - 1, 1, t, 1, f);
}

HDB_INLINE void dot(const hdb_tile *tile, const plain_format *f) {
  if (tile->x_rows == 1)
    few(tile, 1, f);
  else if (tile->x_rows == 2)
    few(tile, 2, f);
  else
    many_rows(tile, f);
}

static const plain_format f32 = {widen_f32, one_f32, 4}, f16 = {widen_f16, one_f16, 2};

void hdi_avx2_dot_f32(const hdb_tile *tile) {
  dot(tile, &f32);
}
void hdi_avx2_dot_f16(const hdb_tile *tile) {
  dot(tile, &f16);
}
