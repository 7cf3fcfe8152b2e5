/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the AMX kernels, compiled with tiles in plain C. */
#include "emulated_dots.h"
#include "cpu/x86/x86.h"
#include "emulated_tile.h"
/* After the tiles it uses. */
#include "cpu/x86/amx_blocks.inc.h"
#include "cpu/x86/amx_floats.inc.h"
#include "cpu/x86/amx_superblocks.inc.h"

int emulated_begun;

static void dot_blocks(const hdb_tile *tile, hd_format format) {
  hdi_tiles tiles;
  hdi_amx_blocks_dot(tile, &tiles, hdi_avx512_block_format(format));
}

static void dot_q8_0(const hdb_tile *tile) {
  dot_blocks(tile, HD_FORMAT_Q8_0);
}
static void dot_q4_0(const hdb_tile *tile) {
  dot_blocks(tile, HD_FORMAT_Q4_0);
}
static void dot_q5_0(const hdb_tile *tile) {
  dot_blocks(tile, HD_FORMAT_Q5_0);
}
static void dot_q4_k(const hdb_tile *tile) {
  hdi_tiles tiles;
  hdi_amx_superblocks_dot(tile, &tiles, hdi_avx512_super_format(HD_FORMAT_Q4_K), true);
}
static void dot_q6_k(const hdb_tile *tile) {
  hdi_tiles tiles;
  hdi_amx_superblocks_dot(tile, &tiles, hdi_avx512_super_format(HD_FORMAT_Q6_K), false);
}

static void dot_floats(const hdb_tile *tile, hd_format format) {
  hdi_tiles tiles;
  hdi_amx_floats_dot(tile, &tiles, hdi_avx512bf16_neighbours_format(format));
}

static void dot_bf16(const hdb_tile *tile) {
  dot_floats(tile, HD_FORMAT_BF16);
}
static void dot_f16(const hdb_tile *tile) {
  dot_floats(tile, HD_FORMAT_F16);
}
static void dot_f32(const hdb_tile *tile) {
  dot_floats(tile, HD_FORMAT_F32);
}

hdb_dot_fn emulated_dot_of(hd_format format) {
  static const hdb_dot_fn dots[HD_FORMAT_COUNT] = {
      [HD_FORMAT_Q8_0] = dot_q8_0, [HD_FORMAT_Q4_0] = dot_q4_0, [HD_FORMAT_Q5_0] = dot_q5_0,
      [HD_FORMAT_Q4_K] = dot_q4_k, [HD_FORMAT_Q6_K] = dot_q6_k, [HD_FORMAT_BF16] = dot_bf16,
      [HD_FORMAT_F16] = dot_f16,   [HD_FORMAT_F32] = dot_f32};
  return dots[format];
}
