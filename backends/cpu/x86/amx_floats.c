/* SPDX-License-Identifier: Apache-2.0 */
/* AMX dots of BF16, and of F16 and F32 rounded to it: amx_floats.inc.h with instructions. */
#include "cpu/x86/amx_tile.h"
/* After the tiles it uses. */
#include "cpu/x86/amx_floats.inc.h"
#include "cpu/x86/x86.h"

static void dot(const hdb_tile *tile, hd_format format, hdb_dot_fn few) {
  hdi_tiles tiles;
  if (hdi_amx_fills(tile))
    hdi_amx_floats_dot(tile, &tiles, hdi_avx512bf16_neighbours_format(format));
  else
    few(tile);
}

void hdi_amxbf16_dot_bf16(const hdb_tile *tile) {
  dot(tile, HD_FORMAT_BF16, hdi_avx512bf16_dot_bf16);
}
void hdi_amxbf16_dot_f16(const hdb_tile *tile) {
  dot(tile, HD_FORMAT_F16, hdi_avx512bf16_dot_f16);
}
void hdi_amxbf16_dot_f32(const hdb_tile *tile) {
  dot(tile, HD_FORMAT_F32, hdi_avx512bf16_dot_f32);
}
