/* SPDX-License-Identifier: Apache-2.0 */
/* Dots in the order of common/bf16.h. Neighbouring weight rows are the lanes of a register, so that the two
 * chains of a block and the running sum of an output are a lane each, and no sum over the lanes of a register
 * is ever needed. Up to three activation rows meet the turned weights in registers (decode); for more, some
 * panels of such rows are put into the scratch and read from there by all of them (prefill).
 *
 * A template: alike in every tier but for the registers. Before including it, define the type hdi_lanes,
 * HDI_LANES (floats in it), HDI_PANELS and HDI_TOKENS (panels and activation rows that meet in registers),
 * hdi_rows with hdi_rows_at(first, stride) (where a block of HDI_LANES rows lies), and hdi_lanes_zero, _add,
 * _load, _store and _spread (four bytes of an activation to all lanes). */
#include "common/bf16.h"
#include "common/tile.h"

/* What one format knows. Its functions are inlined. */
typedef struct hdi_chain_format {
  size_t value_bytes; /* of a weight */
  uint32_t steps;     /* registers of half a block, of single values or pairs; even and odd chain alternate */
  void (*turn)(const hdi_rows *at, uint32_t half, hdi_lanes *out);
  hdi_lanes (*take)(hdi_lanes acc, hdi_lanes weights, hdi_lanes x);
} hdi_chain_format;

#define HDI_CHAIN_STEPS 16u /* of half a block, at most */

/* Sums stay in registers only where every loop over them is gone. */
#define HDI_UNROLL _Pragma("GCC unroll 32")

/* Bytes of a block of an activation row. */
HDB_INLINE size_t hdi_chain_x_bytes(const hdi_chain_format *f) {
  return 2 * f->steps * sizeof(float);
}

/* Where rows end within a block: a copy of it that goes on with zeros. */
typedef struct hdi_chain_rest {
  uint8_t row[HDI_LANES][HDB_BF16_BLOCK * sizeof(float)];
} hdi_chain_rest;

HDB_INLINE hdi_rows hdi_chain_rest_of(const uint8_t *block, size_t stride, size_t bytes,
                                      hdi_chain_rest *rest) {
  memset(rest, 0, sizeof *rest);
  for (uint32_t r = 0; r < HDI_LANES; r++)
    memcpy(rest->row[r], block + r * stride, bytes);
  return hdi_rows_at(rest->row[0], sizeof rest->row[0]);
}

/* ---- few activation rows ---- */

/* Bytes from what is read to what is asked for, at least. */
#define HDI_CHAIN_AHEAD 8192u

/* One block with `tokens` activation rows, whose blocks are at x. */
HDB_INLINE void hdi_chain_few_block(const hdi_rows *at, const uint8_t *x, size_t x_stride, uint32_t tokens,
                                    const hdi_chain_format *f, hdi_lanes acc[3]) {
  hdi_lanes sum[3][2];
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    sum[c][0] = sum[c][1] = hdi_lanes_zero();
  HDI_UNROLL
  for (uint32_t half = 0; half < 2; half++, x += f->steps * sizeof(float)) {
    hdi_lanes w[HDI_CHAIN_STEPS];
    f->turn(at, half, w);
    HDI_UNROLL
    for (uint32_t j = 0; j < f->steps; j++)
      HDI_UNROLL
    for (uint32_t c = 0; c < tokens; c++)
      sum[c][j % 2] = f->take(sum[c][j % 2], w[j], hdi_lanes_spread(x + c * x_stride + 4 * j));
  }
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    acc[c] = hdi_lanes_add(acc[c], hdi_lanes_add(sum[c][0], sum[c][1]));
}

/* One panel, `stride` from row to row, with `tokens` activation rows from t on. While it works it asks for
 * the rows after these, or where those are near, for what lies 8 KiB ahead, in the order of memory. */
HDB_INLINE void hdi_chain_few(const hdb_tile *tile, const uint8_t *first, size_t stride, uint32_t t,
                              uint32_t tokens, const hdi_chain_format *f, hdi_lanes acc[3]) {
  const size_t rows_bytes = HDI_LANES * stride, block_bytes = HDB_BF16_BLOCK * f->value_bytes;
  const size_t whole = tile->cols / HDB_BF16_BLOCK, left = tile->cols % HDB_BF16_BLOCK;
  const uint8_t *x = tile->x + t * tile->x_stride;
  const uint8_t *ahead = first + (rows_bytes > HDI_CHAIN_AHEAD ? rows_bytes : HDI_CHAIN_AHEAD);
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    acc[c] = hdi_lanes_zero();
  for (size_t b = 0; b < whole; b++, x += hdi_chain_x_bytes(f), first += block_bytes) {
    hdi_rows at = hdi_rows_at(first, stride);
    for (size_t line = 0; line < HDI_LANES * block_bytes; line += 64, ahead += 64)
      __builtin_prefetch(ahead);
    hdi_chain_few_block(&at, x, tile->x_stride, tokens, f, acc);
  }
  if (left > 0) {
    hdi_chain_rest rest;
    hdi_rows at = hdi_chain_rest_of(first, stride, left * f->value_bytes, &rest);
    hdi_chain_few_block(&at, x, tile->x_stride, tokens, f, acc);
  }
}

/* First row of panel i; the last one begins early where the rows do not fill it: some results are then
 * computed twice, alike. */
HDB_INLINE uint32_t hdi_chain_row(const hdb_tile *tile, uint32_t i) {
  uint32_t w = i * HDI_LANES, last = tile->weight_rows - HDI_LANES;
  return w < last ? w : last;
}

HDB_INLINE void hdi_chain_few_rows(const hdb_tile *tile, uint32_t tokens, const hdi_chain_format *f) {
  hdi_lanes acc[3];
  for (uint32_t i = 0; i * HDI_LANES < tile->weight_rows; i++) {
    uint32_t w = hdi_chain_row(tile, i);
    hdi_chain_few(tile, tile->weights + w * tile->weight_stride, tile->weight_stride, 0, tokens, f, acc);
    for (uint32_t c = 0; c < tokens; c++)
      hdi_lanes_store(tile->out + c * tile->out_stride + w, acc[c]);
  }
}

/* Fewer weight rows than lanes: one in all lanes, one after the other. */
HDB_INLINE void hdi_chain_alone(const hdb_tile *tile, const hdi_chain_format *f) {
  hdi_lanes acc[3];
  float out[HDI_LANES];
  for (uint32_t t = 0; t < tile->x_rows; t++)
    for (uint32_t w = 0; w < tile->weight_rows; w++) {
      hdi_chain_few(tile, tile->weights + w * tile->weight_stride, 0, t, 1, f, acc);
      hdi_lanes_store(out, acc[0]);
      tile->out[t * tile->out_stride + w] = out[0];
    }
}

/* ---- many activation rows ---- */

/* The scratch: registers of some blocks of all panels. */
typedef hdi_lanes hdi_chain_step[HDI_PANELS];
#define HDI_CHAIN_KEPT (32u * 1024 / sizeof(hdi_chain_step))
_Static_assert(HDI_CHAIN_KEPT * sizeof(hdi_chain_step) <= HDB_TILE_SCRATCH,
               "what is turned fits the scratch");

/* Where panels and their results are. */
typedef struct hdi_chain_part {
  uint32_t row[HDI_PANELS]; /* first weight row of each */
  size_t begin, count;      /* of blocks */
} hdi_chain_part;

/* Turns a block of panel p. */
HDB_INLINE void hdi_chain_keep(const hdi_rows *at, uint32_t p, const hdi_chain_format *f,
                               hdi_chain_step *out) {
  for (uint32_t half = 0; half < 2; half++) {
    hdi_lanes one[HDI_CHAIN_STEPS];
    f->turn(at, half, one);
    for (uint32_t j = 0; j < f->steps; j++)
      out[half * f->steps + j][p] = one[j];
  }
}

HDB_INLINE void hdi_chain_unpack(const hdb_tile *tile, const hdi_chain_part *part, const hdi_chain_format *f,
                                 hdi_chain_step *out) {
  const size_t stride = tile->weight_stride, block_bytes = HDB_BF16_BLOCK * f->value_bytes;
  const size_t cols = tile->cols - part->begin * HDB_BF16_BLOCK;
  const size_t whole = cols / HDB_BF16_BLOCK < part->count ? cols / HDB_BF16_BLOCK : part->count;
  for (uint32_t p = 0; p < HDI_PANELS; p++) {
    const uint8_t *first = tile->weights + part->row[p] * stride + part->begin * block_bytes;
    for (size_t b = 0; b < whole; b++) {
      hdi_rows at = hdi_rows_at(first + b * block_bytes, stride);
      hdi_chain_keep(&at, p, f, out + b * 2 * f->steps);
    }
    if (whole < part->count) {
      hdi_chain_rest rest;
      hdi_rows at = hdi_chain_rest_of(first + whole * block_bytes, stride,
                                      cols % HDB_BF16_BLOCK * f->value_bytes, &rest);
      hdi_chain_keep(&at, p, f, out + whole * 2 * f->steps);
    }
  }
}

typedef hdi_lanes hdi_chain_sums[HDI_TOKENS][HDI_PANELS];

/* One block: both chains, and their sum to `acc`. */
HDB_INLINE void hdi_chain_block(const hdi_chain_step *w, const uint8_t *x, size_t stride, uint32_t tokens,
                                const hdi_chain_format *f, hdi_chain_sums acc) {
  hdi_chain_sums sum[2];
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    HDI_UNROLL
  for (uint32_t p = 0; p < HDI_PANELS; p++)
    sum[0][c][p] = sum[1][c][p] = hdi_lanes_zero();
  HDI_UNROLL
  for (uint32_t j = 0; j < 2 * f->steps; j++)
    HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++) {
    hdi_lanes v = hdi_lanes_spread(x + c * stride + 4 * j);
    HDI_UNROLL
    for (uint32_t p = 0; p < HDI_PANELS; p++)
      sum[j % 2][c][p] = f->take(sum[j % 2][c][p], w[j][p], v);
  }
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    HDI_UNROLL
  for (uint32_t p = 0; p < HDI_PANELS; p++)
    acc[c][p] = hdi_lanes_add(acc[c][p], hdi_lanes_add(sum[0][c][p], sum[1][c][p]));
}

/* The part's blocks with activation rows t .. t + tokens - 1, added to the results. */
HDB_INLINE void hdi_chain_many(const hdb_tile *tile, const hdi_chain_part *part, const hdi_chain_step *w,
                               uint32_t t, uint32_t tokens, const hdi_chain_format *f) {
  const size_t x_bytes = hdi_chain_x_bytes(f);
  const uint8_t *x = tile->x + t * tile->x_stride + part->begin * x_bytes;
  hdi_chain_sums acc;
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < HDI_PANELS; p++)
      acc[c][p] = part->begin == 0 ? hdi_lanes_zero()
                                   : hdi_lanes_load(tile->out + (t + c) * tile->out_stride + part->row[p]);
  for (size_t b = 0; b < part->count; b++, x += x_bytes, w += 2 * f->steps)
    hdi_chain_block(w, x, tile->x_stride, tokens, f, acc);
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < HDI_PANELS; p++)
      hdi_lanes_store(tile->out + (t + c) * tile->out_stride + part->row[p], acc[c][p]);
}

HDB_INLINE void hdi_chain_many_rows(const hdb_tile *tile, const hdi_chain_format *f) {
  hdi_chain_step *turned = (hdi_chain_step *)(void *)tile->scratch;
  const hdi_chain_step *w = (const hdi_chain_step *)(const void *)tile->scratch;
  const size_t total = hdb_bf16_filled(tile->cols) / HDB_BF16_BLOCK, most = HDI_CHAIN_KEPT / 2 / f->steps;
  for (uint32_t i = 0; i * HDI_LANES < tile->weight_rows; i += HDI_PANELS) {
    hdi_chain_part part = {.begin = 0};
    for (uint32_t p = 0; p < HDI_PANELS; p++)
      part.row[p] = hdi_chain_row(tile, i + p);
    for (; part.begin < total; part.begin += part.count) {
      uint32_t t = 0;
      part.count = total - part.begin < most ? total - part.begin : most;
      hdi_chain_unpack(tile, &part, f, turned);
      for (; t + HDI_TOKENS <= tile->x_rows; t += HDI_TOKENS)
        hdi_chain_many(tile, &part, w, t, HDI_TOKENS, f);
      for (; t < tile->x_rows; t++)
        hdi_chain_many(tile, &part, w, t, 1, f);
    }
  }
}

/* ---- all of them ---- */

HDB_INLINE void hdi_chain_dot(const hdb_tile *tile, const hdi_chain_format *f) {
  if (tile->weight_rows < HDI_LANES)
    hdi_chain_alone(tile, f);
  else if (tile->x_rows == 1)
    hdi_chain_few_rows(tile, 1, f);
  else if (tile->x_rows == 2)
    hdi_chain_few_rows(tile, 2, f);
  else if (tile->x_rows == 3)
    hdi_chain_few_rows(tile, 3, f);
  else
    hdi_chain_many_rows(tile, f);
}
