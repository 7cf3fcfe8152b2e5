/* SPDX-License-Identifier: Apache-2.0 */
/* AMX dots of the formats with blocks of 32: amx_blocks.inc.h with instructions. */
#include "cpu/x86/amx_tile.h"
#include "cpu/x86/amx_blocks.inc.h"
#include "cpu/x86/x86.h"

static void dot(const hdb_tile *tile, const hdi_block_format *format) {
  hdi_tiles tiles;
  hdi_amx_blocks_dot(tile, &tiles, format);
}

static bool fills_tiles(const hdb_tile *tile) {
  return tile->x_rows >= HDI_AMX_TOKENS && tile->weight_rows >= HDI_PANEL_ROWS;
}

void hdi_amx_dot_q8_0(const hdb_tile *tile) {
  if (fills_tiles(tile))
    dot(tile, hdi_avx512_block_format(HD_FORMAT_Q8_0));
  else
    hdi_avx512_dot_q8_0(tile);
}
void hdi_amx_dot_q4_0(const hdb_tile *tile) {
  if (fills_tiles(tile))
    dot(tile, hdi_avx512_block_format(HD_FORMAT_Q4_0));
  else
    hdi_avx512_dot_q4_0(tile);
}
void hdi_amx_dot_q5_0(const hdb_tile *tile) {
  if (fills_tiles(tile))
    dot(tile, hdi_avx512_block_format(HD_FORMAT_Q5_0));
  else
    hdi_avx512_dot_q5_0(tile);
}
