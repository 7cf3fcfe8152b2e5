/* SPDX-License-Identifier: Apache-2.0 */
/* The operations on tiles that AMX kernels are written in, as instructions. A test writes the same ones in
 * plain C (tests/kernels/emulated_tile.h), so that the text of the kernels runs where no AMX is. A tile has
 * up to sixteen rows of 64 bytes; its number is part of the instruction, so it is written as a literal.
 *
 * The configuration and the tiles are state of the thread: a kernel loads it when it begins and releases it
 * when it ends, so that no switch of coroutines ever meets tiles in use and the kernel has none to save.
 * Source: Intel SDM volume 1, chapter 18; volume 2, LDTILECFG, TILELOADD, TDPBSSD, TDPBF16PS, TILESTORED. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AMX_TILE_H
#define HEDDLE_BACKENDS_CPU_X86_AMX_TILE_H

#include <immintrin.h>
#include "cpu/x86/amx_config.h"

typedef struct hdi_tiles {
  hdi_tile_config config;
} hdi_tiles;

/* Configured tiles are zero. The statement before the instruction: gcc 12 thinks that LDTILECFG reads 8 bytes
 * of the 64, and drops the stores that fill the rest. */
static inline void hdi_tiles_begin(const hdi_tiles *tiles) {
  __asm__ volatile("" : : "r"(tiles) : "memory");
  _tile_loadconfig(&tiles->config);
}

static inline void hdi_tiles_end(const hdi_tiles *tiles) {
  (void)tiles;
  _tile_release();
}

#define HDI_TILE_ZERO(tiles, n) _tile_zero(n)

/* Row r of tile n is read at base + r * stride. The statement before it: gcc 12 does not think that the
 * instruction reads memory at all. */
#define HDI_TILE_LOAD(tiles, n, base, stride)                                                                \
  do {                                                                                                       \
    __asm__ volatile("" : : : "memory");                                                                     \
    _tile_loadd(n, base, stride);                                                                            \
  } while (0)

#define HDI_TILE_STORE(tiles, n, base, stride)                                                               \
  do {                                                                                                       \
    _tile_stored(n, base, stride);                                                                           \
    __asm__ volatile("" : : : "memory");                                                                     \
  } while (0)

/* c[m][n] += sum over k and i of a[m][4k + i] * b[k][4n + i]: 32-bit sums of signed bytes; SU: b is unsigned.
 */
#define HDI_TILE_DOT_SS(tiles, c, a, b) _tile_dpbssd(c, a, b)
#define HDI_TILE_DOT_SU(tiles, c, a, b) _tile_dpbsud(c, a, b)

/* One block of common/bf16.h for each float of c: row m of a with a[m][2k], a[m][2k + 1] and b[k][2n],
 * b[k][2n + 1], which are the chains' even and odd values. */
#define HDI_TILE_DOT_BF16(tiles, c, a, b) _tile_dpbf16ps(c, a, b)

#endif
