/* SPDX-License-Identifier: Apache-2.0 */
/* AMX dots of the formats with blocks of 32: amx_blocks.inc.h with instructions. */
#include "cpu/x86/amx_tile.h"
/* After the tiles it uses. */
#include "cpu/x86/amx_blocks.inc.h"
#include "cpu/x86/x86.h"

static void dot(const hdb_tile *tile, hd_format format, hdb_dot_fn few) {
  hdi_tiles tiles;
  if (hdi_amx_fills(tile))
    hdi_amx_blocks_dot(tile, &tiles, hdi_avx512_block_format(format));
  else
    few(tile);
}

void hdi_amx_dot_q8_0(const hdb_tile *tile) {
  dot(tile, HD_FORMAT_Q8_0, hdi_avx512_dot_q8_0);
}
void hdi_amx_dot_q4_0(const hdb_tile *tile) {
  dot(tile, HD_FORMAT_Q4_0, hdi_avx512_dot_q4_0);
}
void hdi_amx_dot_q5_0(const hdb_tile *tile) {
  dot(tile, HD_FORMAT_Q5_0, hdi_avx512_dot_q5_0);
}
