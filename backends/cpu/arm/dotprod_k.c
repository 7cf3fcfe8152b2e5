/* SPDX-License-Identifier: Apache-2.0 */
/* Dots of the dotprod tier for the formats with super-blocks of 256. Several activation rows meet eight
 * weight rows that are turned into the scratch (dotprod_panel.h), their scales beside them; one meets them as
 * they lie (dotprod_few_k.h). */
#include <stdbool.h>
#include "common/activation.h"
#include "cpu/arm/arm.h"
#include "cpu/arm/dotprod_few_k.h"
#include "cpu/arm/dotprod_panel.h"
#include "cpu/arm/super_panel.h"

/* A super-block of eight weight rows: q[j][p] has values 4j .. 4j+3 of rows 4p .. 4p+3. */
typedef struct turned {
  int8x16_t q[64][2];
  int32x4_t scale[HDI_SUPER_STEPS][2]; /* of the parts in order */
  hdi_super_ends ends;
} turned;

#define PANEL_BLOCKS 8u
_Static_assert(PANEL_BLOCKS * sizeof(turned) <= HDB_TILE_SCRATCH, "a panel fits the scratch");

HDB_INLINE void turn_block(const hdb_tile *tile, const uint8_t *first, const hdi_super_kind *kind,
                           turned *out) {
  for (uint32_t p = 0; p < 2; p++) {
    hdi_super rows[4];
    hdi_super_four(first + 4 * p * tile->weight_stride, tile->weight_stride, kind, rows, &out->ends, p);
#pragma GCC unroll 16
    for (uint32_t j = 0; j < HDI_SUPER_STEPS; j++) {
      int8x16_t row[4] = {rows[0].q[j], rows[1].q[j], rows[2].q[j], rows[3].q[j]};
      hdi_put_sixteen(row, p, out->q + 4 * j);
    }
    for (uint32_t i = 0; i < HDI_SUPER_STEPS / kind->part_steps; i++)
      out->scale[i][p] = (int32x4_t){rows[0].scale[i], rows[1].scale[i], rows[2].scale[i], rows[3].scale[i]};
  }
}

/* The panel's super-blocks with activation rows t .. t + tokens - 1, added to the results. */
HDB_INLINE void many(const hdb_tile *tile, const hdi_panel *panel, uint32_t t, uint32_t tokens,
                     const hdi_super_kind *kind) {
  const turned *w = (const turned *)(const void *)tile->scratch;
  const size_t stride = tile->x_stride;
  for (size_t b = 0; b < panel->count; b++, w++) {
    const uint8_t *row = tile->x + t * stride;
    const int8_t *x = hdb_q8_values(row) + (panel->begin + b) * HDB_Q8K_BLOCK;
    int32x4_t dot[4][2];
#pragma GCC unroll 4
    for (uint32_t c = 0; c < tokens; c++)
      dot[c][0] = dot[c][1] = vdupq_n_s32(0);
#pragma GCC unroll 1
    for (uint32_t j = 0; j < HDI_SUPER_STEPS; j += kind->part_steps, x += 16 * kind->part_steps) {
      int32x4_t sum[4][2];
#pragma GCC unroll 4
      for (uint32_t c = 0; c < tokens; c++)
        sum[c][0] = sum[c][1] = vdupq_n_s32(0);
#pragma GCC unroll 2
      for (uint32_t k = 0; k < kind->part_steps; k++) {
        int8x16_t v[4];
#pragma GCC unroll 4
        for (uint32_t c = 0; c < tokens; c++)
          v[c] = vld1q_s8(x + c * stride + 16 * k);
        hdi_take_sixteen(w->q + 4 * (j + k), v, tokens, sum);
      }
#pragma GCC unroll 4
      for (uint32_t c = 0; c < tokens; c++)
        for (uint32_t p = 0; p < 2; p++)
          dot[c][p] = vmlaq_s32(dot[c][p], sum[c][p], w->scale[j / kind->part_steps][p]);
    }
#pragma GCC unroll 4
    for (uint32_t c = 0; c < tokens; c++)
      hdi_super_add(tile, panel, b, t + c, kind, &w->ends, dot[c]);
  }
}

HDB_INLINE void many_rows(const hdb_tile *tile, const hdi_super_kind *kind) {
  const hdi_cut cut = {HDB_Q8K_BLOCK, PANEL_BLOCKS, kind->bytes};
  turned *out = (turned *)(void *)tile->scratch;
  for (hdi_panel panel = hdi_panel_first(tile, cut); hdi_panel_is(tile, &panel);
       hdi_panel_next(tile, &panel, cut)) {
    uint32_t t = 0;
    for (size_t b = 0; b < panel.count; b++)
      turn_block(tile, panel.weights + b * kind->bytes, kind, out + b);
    for (; t + 4 <= tile->x_rows; t += 4)
      many(tile, &panel, t, 4, kind);
    for (; t < tile->x_rows; t++)
      many(tile, &panel, t, 1, kind);
  }
}

void hdi_dotprod_dot_q4_k(const hdb_tile *tile) {
  if (hdi_panel_is_few(tile))
    hdi_super_few(tile, hdb_q8k_sums_32, 8, hdi_super_take_q4_k);
  else
    many_rows(tile, &hdi_kind_q4_k);
}
void hdi_dotprod_dot_q6_k(const hdb_tile *tile) {
  if (hdi_panel_is_few(tile))
    hdi_super_few(tile, hdb_q8k_sums, 16, hdi_super_take_q6_k);
  else
    many_rows(tile, &hdi_kind_q6_k);
}
