/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen activation rows with a panel of sixteen weight rows: what AMX dots of all formats do alike. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AMX_ROWS_H
#define HEDDLE_BACKENDS_CPU_X86_AMX_ROWS_H

#include <stdbool.h>
#include "cpu/x86/amx_config.h"
#include "cpu/x86/avx512_panel.h"

/* Fewer activation rows than fill a tile are the AVX-512 tier's. */
#define HDI_AMX_ROWS 16u

/* Twice sixteen activation rows share the loads of weights. */
#define HDI_AMX_GROUPS 2u

/* Blocks [begin, begin + count) of weight rows from w on and activation rows from t on. */
typedef struct hdi_amx_part {
  uint32_t w, t;
  uint32_t skip; /* activation rows that are another part's */
  size_t begin, count;
  hdi_ahead *ahead; /* the rows after the panel, which are asked for at each block */
} hdi_amx_part;

/* Whether both kinds of rows are as many as the kernels want. */
HDB_INLINE bool hdi_amx_fills(const hdb_tile *tile) {
  return tile->x_rows >= HDI_AMX_ROWS && tile->weight_rows >= HDI_PANEL_ROWS;
}

/* The rows after panel i, for a panel of so many blocks that `tokens` activation rows at a time meet. */
HDB_INLINE hdi_ahead hdi_amx_ahead(const hdb_tile *tile, uint32_t i, size_t blocks, uint32_t tokens) {
  return hdi_ahead_of(tile, hdi_panel_begin(tile, i) + HDI_PANEL_ROWS, HDI_PANEL_ROWS, blocks,
                      (tile->x_rows + tokens - 1) / tokens);
}

/* Activation rows from t on. The last sixteen begin early where they are not full; as sums go on from one run
 * of blocks to the next, only those that are new are kept. */
HDB_INLINE void hdi_amx_part_at(const hdb_tile *tile, uint32_t t, hdi_amx_part *part) {
  const uint32_t last = tile->x_rows - HDI_AMX_ROWS;
  part->t = t < last ? t : last;
  part->skip = t - part->t;
}

/* One or two groups of activation rows from t on; returns how many. */
HDB_INLINE uint32_t hdi_amx_groups_at(const hdb_tile *tile, uint32_t t, hdi_amx_part parts[HDI_AMX_GROUPS]) {
  hdi_amx_part_at(tile, t, &parts[0]);
  if (t + HDI_AMX_ROWS >= tile->x_rows) return 1;
  hdi_amx_part_at(tile, t + HDI_AMX_ROWS, &parts[1]);
  return 2;
}

/* All tiles are as large as they can be. */
HDB_INLINE void hdi_amx_configure_full(hdi_tile_config *config) {
  __builtin_memset(config, 0, sizeof *config);
  hdi_tile_config_set(config, 0, HDI_TILES, HDI_TILE_ROWS, HDI_TILE_ROW);
}

#endif
