/* SPDX-License-Identifier: Apache-2.0 */
/* Dots in the order of common/bf16.h. Neighbouring weight rows are the lanes of a register, so that the two
 * chains of a block and the running sum of an output are a lane each, and no sum over the lanes of a register
 * is ever needed. One activation row meets the turned weights in registers (decode); for more, some panels of
 * such rows are put into the scratch and read from there by all of them (prefill).
 *
 * A template: alike in every tier but for the registers. Before including it, define the type hdi_lanes,
 * HDI_LANES (floats in it), HDI_PANELS and HDI_TOKENS (panels and activation rows that meet in registers),
 * hdi_rows with hdi_rows_at(first, stride) (where a block of HDI_LANES rows lies), and hdi_lanes_zero, _add,
 * _load, _store and _spread (group j of four bytes of an activation to all lanes). */
#include <stdbool.h>
#include "common/bf16.h"
#include "common/tile.h"
#include "cpu/ahead.h"

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

/* Room for a copy of the block within which rows end, that goes on with zeros. */
typedef struct hdi_chain_rest {
  uint8_t row[HDI_LANES][HDB_BF16_BLOCK * sizeof(float)];
} hdi_chain_rest;

/* Where block b of rows from `first` on is to be read. */
HDB_INLINE hdi_rows hdi_chain_at(const hdb_tile *tile, const uint8_t *first, size_t stride, size_t b,
                                 size_t value_bytes, hdi_chain_rest *rest) {
  const size_t at = b * HDB_BF16_BLOCK, left = tile->cols - at;
  if (left >= HDB_BF16_BLOCK) return hdi_rows_at(first + at * value_bytes, stride);
  memset(rest, 0, sizeof *rest);
  for (uint32_t r = 0; r < HDI_LANES; r++)
    memcpy(rest->row[r], first + r * stride + at * value_bytes, left * value_bytes);
  return hdi_rows_at(rest->row[0], sizeof rest->row[0]);
}

HDB_INLINE size_t hdi_chain_blocks(const hdb_tile *tile) {
  return hdb_bf16_filled(tile->cols) / HDB_BF16_BLOCK;
}

/* First row of panel i; the last one begins early where the rows do not fill it: some results are then
 * computed twice, alike. */
HDB_INLINE uint32_t hdi_chain_row(const hdb_tile *tile, uint32_t i) {
  uint32_t w = i * HDI_LANES, last = tile->weight_rows - HDI_LANES;
  return w < last ? w : last;
}

/* ---- one activation row ---- */

/* One panel, `stride` from row to row, with the activation row x. While it works it asks for the rows after
 * these, or where those are near, for what lies 8 KiB ahead, in the order of memory. */
HDB_INLINE hdi_lanes hdi_chain_panel(const hdb_tile *tile, const uint8_t *first, size_t stride,
                                     const uint8_t *x, const hdi_chain_format *f) {
  const size_t bytes = HDI_LANES * HDB_BF16_BLOCK * f->value_bytes;
  const uint8_t *ahead = first + hdi_ahead_of_rows(HDI_LANES * stride);
  hdi_lanes acc = hdi_lanes_zero();
  hdi_chain_rest rest;
  for (size_t b = 0; b < hdi_chain_blocks(tile); b++) {
    hdi_lanes sum[2] = {hdi_lanes_zero(), hdi_lanes_zero()};
    hdi_rows at = hdi_chain_at(tile, first, stride, b, f->value_bytes, &rest);
    hdi_ask_lines(ahead, bytes);
    ahead += bytes;
    HDI_UNROLL
    for (uint32_t half = 0; half < 2; half++, x += f->steps * sizeof(float)) {
      hdi_lanes w[HDI_CHAIN_STEPS];
      f->turn(&at, half, w);
      HDI_UNROLL
      for (uint32_t j = 0; j < f->steps; j++)
        sum[j % 2] = f->take(sum[j % 2], w[j], hdi_lanes_spread(x, j));
    }
    acc = hdi_lanes_add(acc, hdi_lanes_add(sum[0], sum[1]));
  }
  return acc;
}

/* Fewer weight rows than lanes are taken one after the other, each in all lanes. */
HDB_INLINE void hdi_chain_one_by_one(const hdb_tile *tile, const hdi_chain_format *f) {
  const bool is_alone = tile->weight_rows < HDI_LANES;
  const size_t stride = is_alone ? 0 : tile->weight_stride;
  for (uint32_t t = 0; t < tile->x_rows; t++)
    for (uint32_t i = 0; i * (is_alone ? 1 : HDI_LANES) < tile->weight_rows; i++) {
      const uint32_t w = is_alone ? i : hdi_chain_row(tile, i);
      float *to = tile->out + t * tile->out_stride + w, out[HDI_LANES];
      hdi_lanes acc = hdi_chain_panel(tile, tile->weights + w * tile->weight_stride, stride,
                                      tile->x + t * tile->x_stride, f);
      hdi_lanes_store(is_alone ? out : to, acc);
      if (is_alone) *to = out[0];
    }
}

/* ---- many activation rows ---- */

/* The scratch: registers of some blocks of all panels. */
typedef hdi_lanes hdi_chain_step[HDI_PANELS];
#define HDI_CHAIN_KEPT (32u * 1024 / sizeof(hdi_chain_step))
_Static_assert(HDI_CHAIN_KEPT * sizeof(hdi_chain_step) <= HDB_TILE_SCRATCH,
               "what is turned fits the scratch");

/* Where panels and their results are, and the rows after them, which are asked for meanwhile. */
typedef struct hdi_chain_part {
  uint32_t row[HDI_PANELS]; /* first weight row of each */
  size_t begin, count;      /* of blocks */
  hdi_ahead ahead;
} hdi_chain_part;

/* Panels from number i on before their first block; activation rows will meet them in so many passes. */
HDB_INLINE hdi_chain_part hdi_chain_part_at(const hdb_tile *tile, uint32_t i, uint32_t passes) {
  hdi_chain_part part = {.begin = 0};
  for (uint32_t p = 0; p < HDI_PANELS; p++)
    part.row[p] = hdi_chain_row(tile, i + p);
  part.ahead = hdi_ahead_of(tile, part.row[HDI_PANELS - 1] + HDI_LANES, HDI_PANELS * HDI_LANES,
                            hdi_chain_blocks(tile), passes);
  return part;
}

HDB_INLINE void hdi_chain_unpack(const hdb_tile *tile, const hdi_chain_part *part, const hdi_chain_format *f,
                                 hdi_chain_step *out) {
  hdi_chain_rest rest;
  for (uint32_t p = 0; p < HDI_PANELS; p++) {
    const uint8_t *first = tile->weights + part->row[p] * tile->weight_stride;
    for (size_t b = 0; b < part->count; b++) {
      hdi_rows at = hdi_chain_at(tile, first, tile->weight_stride, part->begin + b, f->value_bytes, &rest);
      for (uint32_t half = 0; half < 2; half++) {
        hdi_lanes one[HDI_CHAIN_STEPS];
        f->turn(&at, half, one);
        for (uint32_t j = 0; j < f->steps; j++)
          out[(2 * b + half) * f->steps + j][p] = one[j];
      }
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
    hdi_lanes v = hdi_lanes_spread(x + c * stride, j);
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
HDB_INLINE void hdi_chain_many(const hdb_tile *tile, hdi_chain_part *part, const hdi_chain_step *w,
                               uint32_t t, uint32_t tokens, const hdi_chain_format *f) {
  const size_t x_bytes = hdi_chain_x_bytes(f);
  const uint8_t *x = tile->x + t * tile->x_stride + part->begin * x_bytes;
  hdi_chain_sums acc;
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < HDI_PANELS; p++)
      acc[c][p] = part->begin == 0 ? hdi_lanes_zero()
                                   : hdi_lanes_load(tile->out + (t + c) * tile->out_stride + part->row[p]);
  for (size_t b = 0; b < part->count; b++, x += x_bytes, w += 2 * f->steps) {
    hdi_ask_ahead(&part->ahead);
    hdi_chain_block(w, x, tile->x_stride, tokens, f, acc);
  }
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < HDI_PANELS; p++)
      hdi_lanes_store(tile->out + (t + c) * tile->out_stride + part->row[p], acc[c][p]);
}

HDB_INLINE void hdi_chain_many_rows(const hdb_tile *tile, const hdi_chain_format *f) {
  hdi_chain_step *turned = (hdi_chain_step *)(void *)tile->scratch;
  const hdi_chain_step *w = (const hdi_chain_step *)(const void *)tile->scratch;
  const size_t total = hdi_chain_blocks(tile), most = HDI_CHAIN_KEPT / 2 / f->steps;
  for (uint32_t i = 0; i * HDI_LANES < tile->weight_rows; i += HDI_PANELS) {
    hdi_chain_part part = hdi_chain_part_at(tile, i, hdi_many_passes(tile->x_rows, HDI_TOKENS));
    for (; part.begin < total; part.begin += part.count) {
      uint32_t t = 0;
      part.count = total - part.begin < most ? total - part.begin : most;
      hdi_chain_unpack(tile, &part, f, turned);
      for (; t + HDI_TOKENS <= tile->x_rows; t += HDI_TOKENS)
        hdi_chain_many(tile, &part, w, t, HDI_TOKENS, f);
      for (; t + 2 <= tile->x_rows; t += 2)
        hdi_chain_many(tile, &part, w, t, 2, f);
      if (t < tile->x_rows) hdi_chain_many(tile, &part, w, t, 1, f);
    }
  }
}

/* ---- all of them ---- */

HDB_INLINE void hdi_chain_dot(const hdb_tile *tile, const hdi_chain_format *f) {
  if (tile->weight_rows < HDI_LANES || tile->x_rows == 1)
    hdi_chain_one_by_one(tile, f);
  else
    hdi_chain_many_rows(tile, f);
}
