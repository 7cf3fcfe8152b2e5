/* SPDX-License-Identifier: Apache-2.0 */
/* AMX dots of BF16 rows, and of F16 and F32 rows rounded to BF16, for sixteen activation rows and more. A
 * panel of sixteen weight rows, turned, is the second operand of a product of tiles; sixteen activation rows
 * are the first. What such a product adds to its 256 sums is a block of common/bf16.h, to the bit, so that
 * sums stay in their tiles from block to block and are loaded from the results and stored there as they are.
 *
 * Activation rows hold the pairs of VDPBF16PS (common/activation.h), for fewer of them meet weights in that
 * way. A tile wants neighbours, so each row is shuffled into a copy first: an instruction for 32 values, in
 * the time that the products take.
 *
 * Included where the operations of amx_tile.h are defined: as instructions, or as plain C in a test. */
#include "common/activation.h"
#include "cpu/x86/amx_rows.h"
#include "cpu/x86/avx512_chains.h"
#include "cpu/x86/avx512bf16_turn.h"

/* Blocks that all activation rows meet before the next ones: 32 KiB of weights. */
#define HDI_AMX_FLOAT_BLOCKS 16u

/* Operands are made two blocks ahead, 128 cycles, so that what was stored is in the cache when a tile loads
 * it.
 */
#define HDI_AMX_FLOAT_SLOTS 4u
#define HDI_AMX_FLOAT_LAG   2u

/* The scratch. */
typedef struct hdi_amx_floats {
  __m512i w[HDI_AMX_FLOAT_BLOCKS][HDI_PANELS][HDI_NEIGHBOURS];
  __m512i x[HDI_AMX_FLOAT_SLOTS][HDI_AMX_GROUPS][HDI_AMX_ROWS];
} hdi_amx_floats;
_Static_assert(sizeof(hdi_amx_floats) <= HDB_TILE_SCRATCH, "panels and activations fit the scratch");
_Static_assert(HDI_PANELS == 2 && HDI_AMX_GROUPS == 2, "four tiles of sums");

/* Where the sums of groups and panels are loaded from or stored to, and the bytes from row to row. */
typedef struct hdi_amx_float_sums {
  float *at[HDI_AMX_GROUPS][HDI_PANELS];
  size_t stride[HDI_AMX_GROUPS];
} hdi_amx_float_sums;

/* ---- weights and activations ---- */

/* Block b of the part, of both panels. */
HDB_INLINE void hdi_amx_floats_turn(const hdb_tile *tile, const hdi_chain_part *part, size_t b,
                                    const hdi_neighbours_format *f, hdi_amx_floats *out) {
  hdi_chain_rest rest;
  for (uint32_t p = 0; p < HDI_PANELS; p++) {
    const uint8_t *first = tile->weights + part->row[p] * tile->weight_stride;
    hdi_rows at = hdi_chain_at(tile, first, tile->weight_stride, part->begin + b, f->value_bytes, &rest);
    f->turn(&at, out->w[b][p]);
  }
}

/* A block of sixteen activation rows, as neighbours: of each eight values, 2 0 3 1 6 4 7 5 as they lie. */
HDB_INLINE void hdi_amx_floats_order(const uint8_t *x, size_t stride, __m512i out[HDI_AMX_ROWS]) {
  const __m128i order = _mm_setr_epi8(2, 3, 6, 7, 0, 1, 4, 5, 10, 11, 14, 15, 8, 9, 12, 13);
  const hdi_sixteen at = hdi_sixteen_at(x, stride);
#pragma GCC unroll 16
  for (uint32_t c = 0; c < HDI_AMX_ROWS; c++)
    out[c] =
        _mm512_shuffle_epi8(_mm512_loadu_si512(hdi_row(&at, c / 4, c % 4, 0)), _mm512_broadcast_i32x4(order));
}

/* ---- products ---- */

/* Tiles 0 and 1, 2 and 3: sums of a group with both panels; 4 and 5: activations; 6 and 7: weights. `groups`
 * is a constant where these are inlined. */
HDB_INLINE void hdi_amx_floats_load(hdi_tiles *tiles, uint32_t groups, const hdi_amx_float_sums *from) {
  (void)tiles;
  HDI_TILE_LOAD(tiles, 0, from->at[0][0], from->stride[0]);
  HDI_TILE_LOAD(tiles, 1, from->at[0][1], from->stride[0]);
  if (groups == 1) return;
  HDI_TILE_LOAD(tiles, 2, from->at[1][0], from->stride[1]);
  HDI_TILE_LOAD(tiles, 3, from->at[1][1], from->stride[1]);
}

HDB_INLINE void hdi_amx_floats_zero(hdi_tiles *tiles) {
  (void)tiles;
  HDI_TILE_ZERO(tiles, 0);
  HDI_TILE_ZERO(tiles, 1);
  HDI_TILE_ZERO(tiles, 2);
  HDI_TILE_ZERO(tiles, 3);
}

HDB_INLINE void hdi_amx_floats_store(hdi_tiles *tiles, uint32_t groups, const hdi_amx_float_sums *to) {
  (void)tiles;
  HDI_TILE_STORE(tiles, 0, to->at[0][0], to->stride[0]);
  HDI_TILE_STORE(tiles, 1, to->at[0][1], to->stride[0]);
  if (groups == 1) return;
  HDI_TILE_STORE(tiles, 2, to->at[1][0], to->stride[1]);
  HDI_TILE_STORE(tiles, 3, to->at[1][1], to->stride[1]);
}

/* A block. Its four products follow so that no two neighbours wait for the same two loads. */
HDB_INLINE void hdi_amx_floats_multiply(hdi_tiles *tiles, uint32_t groups, const __m512i x[][HDI_AMX_ROWS],
                                        const __m512i w[][HDI_NEIGHBOURS]) {
  (void)tiles;
  HDI_TILE_LOAD(tiles, 6, w[0], HDI_TILE_ROW);
  HDI_TILE_LOAD(tiles, 4, x[0], HDI_TILE_ROW);
  HDI_TILE_DOT_BF16(tiles, 0, 4, 6);
  HDI_TILE_LOAD(tiles, 7, w[1], HDI_TILE_ROW);
  HDI_TILE_DOT_BF16(tiles, 1, 4, 7);
  if (groups == 1) return;
  HDI_TILE_LOAD(tiles, 5, x[1], HDI_TILE_ROW);
  HDI_TILE_DOT_BF16(tiles, 3, 5, 7);
  HDI_TILE_DOT_BF16(tiles, 2, 5, 6);
}

/* ---- both panels with some activation rows ---- */

/* Sums of a group of which some rows are another's: only the new ones become results. */
typedef struct hdi_amx_float_kept {
  __m512 row[HDI_PANELS][HDI_AMX_ROWS];
} hdi_amx_float_kept;

HDB_INLINE void hdi_amx_floats_end(hdi_tiles *tiles, uint32_t groups, uint32_t skip,
                                   const hdi_amx_float_sums *results) {
  const uint32_t last = groups - 1;
  hdi_amx_float_sums to = *results;
  hdi_amx_float_kept kept;
  if (skip > 0) {
    for (uint32_t p = 0; p < HDI_PANELS; p++)
      to.at[last][p] = (float *)kept.row[p];
    to.stride[last] = HDI_TILE_ROW;
  }
  hdi_amx_floats_store(tiles, groups, &to);
  for (uint32_t p = 0; skip > 0 && p < HDI_PANELS; p++)
    for (uint32_t c = skip; c < HDI_AMX_ROWS; c++)
      _mm512_storeu_ps(results->at[last][p] + c * (results->stride[last] / sizeof(float)), kept.row[p][c]);
}

/* `f`: weights are turned on the way, while the products of the blocks before take place; NULL: they have
 * been. */
HDB_INLINE void hdi_amx_floats_part_dot(const hdb_tile *tile, hdi_tiles *tiles, uint32_t groups,
                                        const hdi_amx_part rows[], hdi_chain_part *part,
                                        const hdi_neighbours_format *f, hdi_amx_floats *s) {
  const size_t stride = tile->x_stride, bytes = HDB_BF16_BLOCK * sizeof(uint16_t);
  const uint8_t *x[HDI_AMX_GROUPS];
  hdi_amx_float_sums results;
  for (uint32_t g = 0; g < groups; g++) {
    x[g] = tile->x + rows[g].t * stride + part->begin * bytes;
    for (uint32_t p = 0; p < HDI_PANELS; p++)
      results.at[g][p] = tile->out + rows[g].t * tile->out_stride + part->row[p];
    results.stride[g] = tile->out_stride * sizeof(float);
  }
  if (part->begin == 0)
    hdi_amx_floats_zero(tiles);
  else
    hdi_amx_floats_load(tiles, groups, &results);
  for (size_t b = 0; b < part->count + HDI_AMX_FLOAT_LAG; b++) {
    const size_t now = b - HDI_AMX_FLOAT_LAG; /* wraps around: none yet */
    if (b < part->count) {
      hdi_ask_ahead(&part->ahead);
      if (f) hdi_amx_floats_turn(tile, part, b, f, s);
      for (uint32_t g = 0; g < groups; g++)
        hdi_amx_floats_order(x[g] + b * bytes, stride, s->x[b % HDI_AMX_FLOAT_SLOTS][g]);
    }
    if (now < part->count) hdi_amx_floats_multiply(tiles, groups, s->x[now % HDI_AMX_FLOAT_SLOTS], s->w[now]);
  }
  hdi_amx_floats_end(tiles, groups, rows[groups - 1].skip, &results);
}

/* ---- all of them ---- */

/* At least sixteen rows of either kind. */
HDB_INLINE void hdi_amx_floats_dot(const hdb_tile *tile, hdi_tiles *tiles, const hdi_neighbours_format *f) {
  hdi_amx_floats *s = (hdi_amx_floats *)(void *)tile->scratch;
  const size_t total = hdi_chain_blocks(tile);
  const uint32_t step = HDI_AMX_GROUPS * HDI_AMX_ROWS, passes = (tile->x_rows + step - 1) / step;
  hdi_amx_configure_full(&tiles->config);
  hdi_tiles_begin(tiles);
  for (uint32_t i = 0; i < hdi_panel_count(tile); i += HDI_PANELS) {
    hdi_chain_part part = hdi_chain_part_at(tile, i, passes);
    for (; part.begin < total; part.begin += part.count) {
      const size_t left = total - part.begin;
      part.count = left < HDI_AMX_FLOAT_BLOCKS ? left : HDI_AMX_FLOAT_BLOCKS;
      for (uint32_t t = 0; t < tile->x_rows; t += step) {
        const hdi_neighbours_format *turn = t == 0 ? f : NULL;
        hdi_amx_part rows[HDI_AMX_GROUPS];
        if (hdi_amx_groups_at(tile, t, rows) == 2)
          hdi_amx_floats_part_dot(tile, tiles, 2, rows, &part, turn, s);
        else
          hdi_amx_floats_part_dot(tile, tiles, 1, rows, &part, turn, s);
      }
    }
  }
  hdi_tiles_end(tiles);
}
