/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of F32 and F16 rows with one or two activation rows (decode): reading is all, so one weight
 * row is read after the other, in the order of memory. Four side by side had 71 to 88 % of what a plain
 * reading has; alone it is 88 to 96 % up to 5,632 columns. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_PLAIN_FEW_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_PLAIN_FEW_H

#include "cpu/x86/avx512_plain.h"

#define HDI_PLAIN_FEW      2u  /* activation rows */
#define HDI_PLAIN_FEW_ROWS 16u /* weight rows that are folded together */

/* Columns that are taken at a time, so that the activation's stay in the first cache: F16 rows of 11,008 at
 * once are read at 65 % of what a plain reading has, in halves at 76 %; of 5,632 at once at 86 to 93 %, in
 * halves at 62 %. */
#define HDI_PLAIN_FEW_RUN 6144u

/* The sixteens of one weight row, even blocks and odd ones, with up to two activation rows. */
typedef __m512 hdi_plain_row_sums[2][HDI_PLAIN_FEW];
_Static_assert(HDI_PLAIN_FEW_ROWS * sizeof(hdi_plain_row_sums) <= HDB_TILE_SCRATCH,
               "rows' sums fit the scratch");

/* Columns [begin, end) of a weight row, and what is read after them. */
typedef struct hdi_plain_few_part {
  const uint8_t *weights, *next;
  size_t begin, end;
} hdi_plain_few_part;

HDB_INLINE void hdi_plain_few_step(const uint8_t *w, const float *x, size_t x_stride, __mmask16 mask,
                                   uint32_t tokens, const hdi_plain_format *f, __m512 acc[HDI_PLAIN_FEW]) {
  const __m512 weights = f->widen(w, mask);
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    acc[c] = _mm512_fmadd_ps(weights, _mm512_maskz_loadu_ps(mask, x + c * x_stride), acc[c]);
}

/* Adds the products of columns [i, end) of the part, a block at most. What is read 8 KiB later is asked for.
 */
HDB_INLINE void hdi_plain_few_block(const hdi_plain_few_part *p, size_t i, size_t end, const float *x,
                                    size_t x_stride, uint32_t tokens, const hdi_plain_format *f,
                                    __m512 acc[HDI_PLAIN_FEW]) {
  const uint8_t *stop = p->weights + p->end * f->bytes;
  for (; i + 2 * HDI_PLAIN_LANES <= end; i += 2 * HDI_PLAIN_LANES) {
    const uint8_t *w = p->weights + i * f->bytes, *ask = w + HDI_AHEAD;
    if (ask >= stop) ask = p->next + (ask - stop);
    hdi_ask_lines(ask, 2 * HDI_PLAIN_LANES * f->bytes);
    hdi_plain_few_step(w, x + i, x_stride, 0xffff, tokens, f, acc);
    hdi_plain_few_step(w + HDI_PLAIN_LANES * f->bytes, x + i + HDI_PLAIN_LANES, x_stride, 0xffff, tokens, f,
                       acc);
  }
  for (; i < end; i += HDI_PLAIN_LANES)
    hdi_plain_few_step(p->weights + i * f->bytes, x + i, x_stride, hdi_plain_mask(end - i), tokens, f, acc);
}

HDB_INLINE void hdi_plain_few_row(const hdb_tile *tile, const hdi_plain_few_part *p, uint32_t t,
                                  uint32_t tokens, const hdi_plain_format *f, hdi_plain_row_sums out) {
  const size_t x_stride = tile->x_stride / sizeof(float);
  const float *x = (const float *)(const void *)(tile->x + t * tile->x_stride);
  __m512 even[HDI_PLAIN_FEW], odd[HDI_PLAIN_FEW];
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    even[c] = out[0][c], odd[c] = out[1][c];
  const size_t block = hdi_plain_block(tile);
  for (size_t i = p->begin; i < p->end; i += 2 * block) {
    hdi_plain_few_block(p, i, hdi_plain_block_end(tile, i, p->end), x, x_stride, tokens, f, even);
    if (i + block < p->end)
      hdi_plain_few_block(p, i + block, hdi_plain_block_end(tile, i + block, p->end), x, x_stride, tokens, f,
                          odd);
  }
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    out[0][c] = even[c], out[1][c] = odd[c];
}

/* Up to HDI_PLAIN_FEW_ROWS weight rows from w on, one after the other. */
HDB_INLINE void hdi_plain_few_rows(const hdb_tile *tile, uint32_t w, uint32_t rows, uint32_t t,
                                   uint32_t tokens, const hdi_plain_format *f, hdi_plain_row_sums *sums) {
  const size_t runs = (tile->cols + HDI_PLAIN_FEW_RUN - 1) / HDI_PLAIN_FEW_RUN;
  const size_t run = ((tile->cols + runs - 1) / runs + 2 * HDI_PLAIN_BLOCK - 1) / (2 * HDI_PLAIN_BLOCK) *
                     (2 * HDI_PLAIN_BLOCK);
  const uint8_t *first = tile->weights + w * tile->weight_stride;
  memset(sums, 0, HDI_PLAIN_FEW_ROWS * sizeof *sums); /* of rows that are not there too */
  for (size_t begin = 0; begin < tile->cols; begin += run)
    for (uint32_t r = 0; r < rows; r++) {
      hdi_plain_few_part p = {.weights = first + r * tile->weight_stride, .begin = begin};
      p.end = tile->cols - begin < run ? tile->cols : begin + run;
      p.next = p.weights + tile->weight_stride + begin * f->bytes;
      if (r + 1 == rows)
        p.next = p.end < tile->cols ? first + p.end * f->bytes
                                    : hdb_tile_ask(tile, first + rows * tile->weight_stride);
      hdi_plain_few_row(tile, &p, t, tokens, f, sums[r]);
    }
}

/* All weight rows with activation rows t .. t + tokens - 1. */
HDB_INLINE void hdi_plain_few(const hdb_tile *tile, uint32_t t, uint32_t tokens, const hdi_plain_format *f) {
  hdi_plain_row_sums *sums = (hdi_plain_row_sums *)(void *)tile->scratch;
  for (uint32_t w = 0; w < tile->weight_rows; w += HDI_PLAIN_FEW_ROWS) {
    const uint32_t left = tile->weight_rows - w, rows = left < HDI_PLAIN_FEW_ROWS ? left : HDI_PLAIN_FEW_ROWS;
    hdi_plain_few_rows(tile, w, rows, t, tokens, f, sums);
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
