/* SPDX-License-Identifier: Apache-2.0 */
/* AMX dots of Q4_K and Q6_K: amx_superblocks.inc.h with instructions. */
#include "cpu/x86/amx_tile.h"
/* After the tiles it uses. */
#include "cpu/x86/amx_superblocks.inc.h"
#include "cpu/x86/x86.h"

void hdi_amx_dot_q4_k(const hdb_tile *tile) {
  hdi_tiles tiles;
  if (hdi_amx_fills(tile))
    hdi_amx_superblocks_dot(tile, &tiles, hdi_avx512_super_format(HD_FORMAT_Q4_K), true);
  else
    hdi_avx512_dot_q4_k(tile);
}

void hdi_amx_dot_q6_k(const hdb_tile *tile) {
  hdi_tiles tiles;
  if (hdi_amx_fills(tile))
    hdi_amx_superblocks_dot(tile, &tiles, hdi_avx512_super_format(HD_FORMAT_Q6_K), false);
  else
    hdi_avx512_dot_q6_k(tile);
}
