/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of F32 and F16 rows with one or two activation rows (decode): reading is all, so one weight
 * row is read after the other, in the order of memory. Four side by side had 69 to 88 % of what a plain
 * reading has; alone it is 85 to 96 % up to 5,632 columns. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_PLAIN_FEW_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_PLAIN_FEW_H

#include "cpu/x86/avx512_plain.h"

#define HDI_PLAIN_FEW      2u  /* activation rows */
#define HDI_PLAIN_FEW_ROWS 16u /* weight rows that are folded together */

/* Longer rows are taken so many side by side: their activation leaves the first cache, and is loaded once for
 * all of them. F16 of 11,008 columns 28 GB/s so, 26 in halves one after the other, 26 four side by side;
 * 5,632 columns four side by side 25, one after the other 31. */
#define HDI_PLAIN_FEW_LONG 6144u /* columns */
#define HDI_PLAIN_FEW_SIDE 8u

/* The sixteens of one weight row, even blocks and odd ones, with up to two activation rows. */
typedef __m512 hdi_plain_row_sums[2][HDI_PLAIN_FEW];
_Static_assert(HDI_PLAIN_FEW_ROWS * sizeof(hdi_plain_row_sums) <= HDB_TILE_SCRATCH,
               "rows' sums fit the scratch");

/* Some weight rows with some activation rows. */
typedef struct hdi_plain_few_part {
  const uint8_t *w, *ask; /* the rows, and what is asked for as their first columns are read */
  hdi_behind behind;
  const float *x;
  size_t stride, x_stride; /* bytes; floats */
  uint32_t rows, tokens;
} hdi_plain_few_part;

/* One sixteen of some rows. */
typedef __m512 hdi_plain_few_acc[HDI_PLAIN_FEW_SIDE][HDI_PLAIN_FEW];

HDB_INLINE void hdi_plain_few_step(const hdi_plain_few_part *p, size_t i, __mmask16 mask,
                                   const hdi_plain_format *f, hdi_plain_few_acc acc) {
  __m512 x[HDI_PLAIN_FEW];
  HDI_UNROLL
  for (uint32_t c = 0; c < p->tokens; c++)
    x[c] = _mm512_maskz_loadu_ps(mask, p->x + c * p->x_stride + i);
  HDI_UNROLL
  for (uint32_t r = 0; r < p->rows; r++) {
    const __m512 weights = f->widen(p->w + r * p->stride + i * f->bytes, mask);
    HDI_UNROLL
    for (uint32_t c = 0; c < p->tokens; c++)
      acc[r][c] = _mm512_fmadd_ps(weights, x[c], acc[r][c]);
  }
}

/* Adds the products of columns [i, end), a block at most. What is read later is asked for, in the order of
 * memory. */
HDB_INLINE void hdi_plain_few_block(const hdi_plain_few_part *p, size_t i, size_t end,
                                    const hdi_plain_format *f, hdi_plain_few_acc acc) {
  for (; i + 2 * HDI_PLAIN_LANES <= end; i += 2 * HDI_PLAIN_LANES) {
    const uint8_t *ask = hdi_behind_at(&p->behind, p->ask + p->rows * i * f->bytes);
    hdi_ask_lines(ask, p->rows * 2 * HDI_PLAIN_LANES * f->bytes);
    hdi_plain_few_step(p, i, 0xffff, f, acc);
    hdi_plain_few_step(p, i + HDI_PLAIN_LANES, 0xffff, f, acc);
  }
  for (; i < end; i += HDI_PLAIN_LANES)
    hdi_plain_few_step(p, i, hdi_plain_mask(end - i), f, acc);
}

/* Some rows side by side. */
HDB_INLINE void hdi_plain_few_side(const hdb_tile *tile, const hdi_plain_few_part *p,
                                   const hdi_plain_format *f, hdi_plain_row_sums *out) {
  hdi_plain_few_acc even, odd;
  HDI_UNROLL
  for (uint32_t r = 0; r < p->rows; r++)
    HDI_UNROLL
  for (uint32_t c = 0; c < p->tokens; c++)
    even[r][c] = odd[r][c] = _mm512_setzero_ps();
  const size_t block = hdi_plain_block(tile);
  for (size_t i = 0; i < tile->cols; i += 2 * block) {
    hdi_plain_few_block(p, i, hdi_plain_block_end(tile, i, tile->cols), f, even);
    if (i + block < tile->cols)
      hdi_plain_few_block(p, i + block, hdi_plain_block_end(tile, i + block, tile->cols), f, odd);
  }
  HDI_UNROLL
  for (uint32_t r = 0; r < p->rows; r++)
    HDI_UNROLL
  for (uint32_t c = 0; c < p->tokens; c++)
    out[r][0][c] = even[r][c], out[r][1][c] = odd[r][c];
}

/* `rows` weight rows from w on, a multiple of `side`, so many at a time. */
HDB_INLINE void hdi_plain_few_rows(const hdb_tile *tile, uint32_t w, uint32_t rows, uint32_t t,
                                   uint32_t tokens, const hdi_plain_format *f, uint32_t side,
                                   hdi_plain_row_sums *sums) {
  hdi_plain_few_part p = {.behind = hdi_behind_of(tile),
                          .x = (const float *)(const void *)(tile->x + t * tile->x_stride),
                          .stride = tile->weight_stride,
                          .x_stride = tile->x_stride / sizeof(float),
                          .rows = side,
                          .tokens = tokens};
  for (uint32_t r = 0; r < rows; r += side) {
    p.w = tile->weights + (w + r) * p.stride;
    p.ask = p.w + hdi_ahead_of_rows(side == 1 ? 0 : side * p.stride);
    hdi_plain_few_side(tile, &p, f, sums + r);
  }
}

/* All weight rows with activation rows t .. t + tokens - 1. */
HDB_INLINE void hdi_plain_few(const hdb_tile *tile, uint32_t t, uint32_t tokens, const hdi_plain_format *f) {
  hdi_plain_row_sums *sums = (hdi_plain_row_sums *)(void *)tile->scratch;
  memset(sums, 0, HDI_PLAIN_FEW_ROWS * sizeof *sums); /* of rows that are not there too */
  for (uint32_t w = 0; w < tile->weight_rows; w += HDI_PLAIN_FEW_ROWS) {
    const uint32_t left = tile->weight_rows - w, rows = left < HDI_PLAIN_FEW_ROWS ? left : HDI_PLAIN_FEW_ROWS;
    const uint32_t beside =
        tile->cols > HDI_PLAIN_FEW_LONG ? rows / HDI_PLAIN_FEW_SIDE * HDI_PLAIN_FEW_SIDE : 0;
    hdi_plain_few_rows(tile, w, beside, t, tokens, f, HDI_PLAIN_FEW_SIDE, sums);
    hdi_plain_few_rows(tile, w + beside, rows - beside, t, tokens, f, 1, sums + beside);
    for (uint32_t c = 0; c < tokens; c++) {
      __m512 all[HDI_PLAIN_FEW_ROWS];
      for (uint32_t r = 0; r < HDI_PLAIN_FEW_ROWS; r++)
        all[r] = _mm512_add_ps(sums[r][0][c], sums[r][1][c]);
      _mm512_mask_storeu_ps(tile->out + (t + c) * tile->out_stride + w, hdi_plain_mask(rows),
                            hdi_plain_fold(all));
    }
  }
}

#endif
