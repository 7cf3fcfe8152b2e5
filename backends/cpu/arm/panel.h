/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over a tile's weights in panels of eight rows and as many blocks as are unpacked into the scratch
 * at a time. The last panel begins early where the rows do not fill it: some results are then
 * computed twice, alike. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_PANEL_H
#define HEDDLE_BACKENDS_CPU_ARM_PANEL_H

#include <stdbool.h>
#include "common/tile.h"

#define HDI_PANEL_ROWS 8u

/* With fewer rows than this panels are not worth their making, or not to be had. */
HDB_INLINE bool hdi_panel_is_few(const hdb_tile *tile) {
  return tile->x_rows < 2 || tile->weight_rows < HDI_PANEL_ROWS;
}

/* What rows are cut into: blocks of so many values and bytes, and how many of them are unpacked at a time.
 * Each use has about 20 KiB of the scratch, which leaves room for activations in a first cache of 32. */
typedef struct hdi_cut {
  uint32_t values, most;
  size_t bytes;
} hdi_cut;

typedef struct hdi_panel {
  uint32_t row;           /* where the panel would begin were the rows to fill it */
  uint32_t w;             /* its first weight row */
  size_t begin, count;    /* of blocks */
  const uint8_t *weights; /* block `begin` of row w */
} hdi_panel;

/* The walk's end: false when no panel is left. */
HDB_INLINE bool hdi_panel_is(const hdb_tile *tile, const hdi_panel *panel) {
  return panel->row < tile->weight_rows;
}

HDB_INLINE void hdi_panel_place(const hdb_tile *tile, hdi_panel *panel, hdi_cut cut) {
  uint32_t last = tile->weight_rows - HDI_PANEL_ROWS;
  size_t left = tile->cols / cut.values - panel->begin;
  panel->w = panel->row < last ? panel->row : last;
  panel->count = left < cut.most ? left : cut.most;
  panel->weights = tile->weights + panel->w * tile->weight_stride + panel->begin * cut.bytes;
}

/* The tile has eight rows or more. */
HDB_INLINE hdi_panel hdi_panel_first(const hdb_tile *tile, hdi_cut cut) {
  hdi_panel panel = {0};
  hdi_panel_place(tile, &panel, cut);
  return panel;
}

/* The next blocks of the rows, or the first ones of the next rows. */
HDB_INLINE void hdi_panel_next(const hdb_tile *tile, hdi_panel *panel, hdi_cut cut) {
  panel->begin += panel->count;
  if (panel->begin == tile->cols / cut.values) {
    panel->begin = 0;
    panel->row += HDI_PANEL_ROWS;
  }
  hdi_panel_place(tile, panel, cut);
}

#endif
