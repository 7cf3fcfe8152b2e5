/* SPDX-License-Identifier: Apache-2.0 */
/* Dots of the i8mm tier for the formats with super-blocks of 256: eight weight rows by pairs in the scratch,
 * activations paired as they are loaded (i8mm_panel.h). With one activation row the dotprod tier's way
 * remains. */
#include <stdbool.h>
#include "common/activation.h"
#include "cpu/arm/arm.h"
#include "cpu/arm/i8mm_panel.h"
#include "cpu/arm/super_panel.h"

/* A super-block of eight weight rows: q[k][p] has values 8k .. 8k+7 of rows 2p and 2p+1, scale[i][p] what
 * multiplies their part i, each twice. */
typedef struct paired {
  int8x16_t q[32][4];
  int32x4_t scale[HDI_SUPER_STEPS][4];
  hdi_super_ends ends;
} paired;

#define PANEL_BLOCKS 8u
_Static_assert(PANEL_BLOCKS * sizeof(paired) <= HDB_TILE_SCRATCH, "a panel fits the scratch");

HDB_INLINE void pair_block(const hdb_tile *tile, const uint8_t *first, const hdi_super_kind *kind,
                           paired *out) {
  for (uint32_t half = 0; half < 2; half++) {
    hdi_super rows[4];
    hdi_super_four(first + 4 * half * tile->weight_stride, tile->weight_stride, kind, rows, &out->ends, half);
    for (uint32_t p = 0; p < 2; p++) {
      const hdi_super *a = &rows[2 * p], *b = &rows[2 * p + 1];
      for (uint32_t j = 0; j < HDI_SUPER_STEPS; j++) {
        out->q[2 * j][2 * half + p] = hdi_firsts(a->q[j], b->q[j]);
        out->q[2 * j + 1][2 * half + p] = hdi_seconds(a->q[j], b->q[j]);
      }
      for (uint32_t i = 0; i < HDI_SUPER_STEPS / kind->part_steps; i++)
        out->scale[i][2 * half + p] = (int32x4_t){a->scale[i], a->scale[i], b->scale[i], b->scale[i]};
    }
  }
}

/* The panel's super-blocks with `pairs` of activation rows from t on, added to the results. A pair's second
 * row is `step` rows behind its first: 0 where there is only one. */
HDB_INLINE void many(const hdb_tile *tile, const hdi_panel *panel, uint32_t t, uint32_t pairs, uint32_t step,
                     const hdi_super_kind *kind) {
  const paired *w = (const paired *)(const void *)tile->scratch;
  const size_t stride = tile->x_stride, apart = step * stride;
  for (size_t b = 0; b < panel->count; b++, w++) {
    const int8_t *x = hdb_q8_values(tile->x + t * stride) + (panel->begin + b) * HDB_Q8K_BLOCK;
    int32x4_t dot[2][4];
#pragma GCC unroll 2
    for (uint32_t c = 0; c < pairs; c++)
#pragma GCC unroll 4
      for (uint32_t p = 0; p < 4; p++)
        dot[c][p] = vdupq_n_s32(0);
#pragma GCC unroll 1
    for (uint32_t j = 0; j < HDI_SUPER_STEPS; j += kind->part_steps, x += 16 * kind->part_steps) {
      int32x4_t sum[2][4];
      hdi_take_part(w->q + 2 * j, x, stride, apart, pairs, kind->part_steps, sum);
#pragma GCC unroll 2
      for (uint32_t c = 0; c < pairs; c++)
#pragma GCC unroll 4
        for (uint32_t p = 0; p < 4; p++)
          dot[c][p] = vmlaq_s32(dot[c][p], sum[c][p], w->scale[j / kind->part_steps][p]);
    }
#pragma GCC unroll 2
    for (uint32_t c = 0; c < pairs; c++) {
      int32x4_t first[2], second[2];
      for (uint32_t h = 0; h < 2; h++) {
        first[h] = vuzp1q_s32(dot[c][2 * h], dot[c][2 * h + 1]);
        second[h] = vuzp2q_s32(dot[c][2 * h], dot[c][2 * h + 1]);
      }
      hdi_super_add(tile, panel, b, t + 2 * c, kind, &w->ends, first);
      if (step != 0) hdi_super_add(tile, panel, b, t + 2 * c + 1, kind, &w->ends, second);
    }
  }
}

HDB_INLINE void many_rows(const hdb_tile *tile, const hdi_super_kind *kind) {
  const hdi_cut cut = {HDB_Q8K_BLOCK, PANEL_BLOCKS, kind->bytes};
  paired *out = (paired *)(void *)tile->scratch;
  for (hdi_panel panel = hdi_panel_first(tile, cut); hdi_panel_is(tile, &panel);
       hdi_panel_next(tile, &panel, cut)) {
    uint32_t t = 0;
    for (size_t b = 0; b < panel.count; b++)
      pair_block(tile, panel.weights + b * kind->bytes, kind, out + b);
    for (; t + 4 <= tile->x_rows; t += 4)
      many(tile, &panel, t, 2, 1, kind);
    if (t + 2 <= tile->x_rows) {
      many(tile, &panel, t, 1, 1, kind);
      t += 2;
    }
    if (t < tile->x_rows) many(tile, &panel, t, 1, 0, kind);
  }
}

void hdi_i8mm_dot_q4_k(const hdb_tile *tile) {
  if (hdi_panel_is_few(tile))
    hdi_dotprod_dot_q4_k(tile);
  else
    many_rows(tile, &hdi_kind_q4_k);
}
void hdi_i8mm_dot_q6_k(const hdb_tile *tile) {
  if (hdi_panel_is_few(tile))
    hdi_dotprod_dot_q6_k(tile);
  else
    many_rows(tile, &hdi_kind_q6_k);
}
