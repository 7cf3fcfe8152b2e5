/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of backends/cpu/x86/amx_tile.h in plain C, from the manual's text of each instruction, with
 * what the processor would fault on: shapes that do not fit, tiles that are not configured. Source: Intel SDM
 * volume 2, LDTILECFG, TILELOADD, TDPBSSD, TDPBSUD, TDPBF16PS, TILESTORED. */
#ifndef HEDDLE_TESTS_KERNELS_EMULATED_TILE_H
#define HEDDLE_TESTS_KERNELS_EMULATED_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cpu/x86/amx_config.h"
#include "emulated_bf16.h"
#include "emulated_dots.h"

typedef struct hdi_tiles {
  hdi_tile_config config; /* what the kernel writes */
  hdi_tile_config loaded; /* what the thread has */
  _Alignas(64) uint8_t tile[HDI_TILES][HDI_TILE_ROWS][HDI_TILE_ROW];
} hdi_tiles;

static inline void emulated_require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "emulated tiles: %s\n", what);
  abort();
}

static inline void hdi_tiles_begin(hdi_tiles *tiles) {
  emulated_require(tiles->config.palette == 1 && tiles->config.start_row == 0, "palette");
  for (uint32_t i = 0; i < HDI_TILES; i++)
    emulated_require(tiles->config.rows[i] <= HDI_TILE_ROWS && tiles->config.row_bytes[i] <= HDI_TILE_ROW &&
                         (tiles->config.rows[i] == 0) == (tiles->config.row_bytes[i] == 0),
                     "shape");
  for (uint32_t i = HDI_TILES; i < 16; i++)
    emulated_require(tiles->config.rows[i] == 0 && tiles->config.row_bytes[i] == 0,
                     "more tiles than there are");
  for (uint32_t i = 0; i < sizeof tiles->config.reserved; i++)
    emulated_require(tiles->config.reserved[i] == 0, "reserved bytes");
  tiles->loaded = tiles->config;
  memset(tiles->tile, 0, sizeof tiles->tile);
  emulated_begun++;
}

static inline void hdi_tiles_end(hdi_tiles *tiles) {
  memset(&tiles->loaded, 0, sizeof tiles->loaded);
  emulated_begun--;
}

static inline void emulated_named(const hdi_tiles *tiles, uint32_t n) {
  emulated_require(n < HDI_TILES && tiles->loaded.palette == 1 && tiles->loaded.rows[n] != 0, "no such tile");
}

static inline void HDI_TILE_ZERO(hdi_tiles *tiles, uint32_t n) {
  emulated_named(tiles, n);
  memset(tiles->tile[n], 0, sizeof tiles->tile[n]);
}

/* Rows and bytes beyond the tile's shape become zero. */
static inline void HDI_TILE_LOAD(hdi_tiles *tiles, uint32_t n, const void *base, size_t stride) {
  HDI_TILE_ZERO(tiles, n);
  for (uint32_t r = 0; r < tiles->loaded.rows[n]; r++)
    memcpy(tiles->tile[n][r], (const uint8_t *)base + r * stride, tiles->loaded.row_bytes[n]);
}

static inline void HDI_TILE_STORE(hdi_tiles *tiles, uint32_t n, void *base, size_t stride) {
  emulated_named(tiles, n);
  for (uint32_t r = 0; r < tiles->loaded.rows[n]; r++)
    memcpy((uint8_t *)base + r * stride, tiles->tile[n][r], tiles->loaded.row_bytes[n]);
}

static inline void emulated_shapes(const hdi_tiles *tiles, uint32_t c, uint32_t a, uint32_t b) {
  const hdi_tile_config *shape = &tiles->loaded;
  emulated_named(tiles, a);
  emulated_named(tiles, b);
  emulated_named(tiles, c);
  emulated_require(a != b && a != c && b != c, "a tile twice");
  emulated_require(shape->rows[c] == shape->rows[a] && shape->row_bytes[c] == shape->row_bytes[b] &&
                       shape->row_bytes[a] == 4 * shape->rows[b],
                   "shapes of a product");
}

static inline void emulated_dot(hdi_tiles *tiles, uint32_t c, uint32_t a, uint32_t b, bool is_unsigned) {
  const hdi_tile_config *shape = &tiles->loaded;
  emulated_shapes(tiles, c, a, b);
  for (uint32_t m = 0; m < shape->rows[c]; m++)
    for (uint32_t n = 0; n < shape->row_bytes[c] / 4u; n++) {
      int32_t sum;
      memcpy(&sum, &tiles->tile[c][m][4 * n], sizeof sum);
      for (uint32_t k = 0; k < shape->row_bytes[a] / 4u; k++)
        for (uint32_t i = 0; i < 4; i++) {
          uint8_t w = tiles->tile[b][k][4 * n + i];
          sum += (int8_t)tiles->tile[a][m][4 * k + i] * (is_unsigned ? (int32_t)w : (int8_t)w);
        }
      memcpy(&tiles->tile[c][m][4 * n], &sum, sizeof sum);
    }
}

static inline void HDI_TILE_DOT_SS(hdi_tiles *tiles, uint32_t c, uint32_t a, uint32_t b) {
  emulated_dot(tiles, c, a, b, false);
}

static inline void HDI_TILE_DOT_SU(hdi_tiles *tiles, uint32_t c, uint32_t a, uint32_t b) {
  emulated_dot(tiles, c, a, b, true);
}

static inline void HDI_TILE_DOT_BF16(hdi_tiles *tiles, uint32_t c, uint32_t a, uint32_t b) {
  const hdi_tile_config *shape = &tiles->loaded;
  emulated_shapes(tiles, c, a, b);
  emulated_dot_bf16(shape->rows[c], shape->row_bytes[c] / 4u, shape->row_bytes[a] / 4u,
                    (const uint16_t(*)[EMULATED_BF16_ROW])(const void *)tiles->tile[a],
                    (const uint16_t(*)[EMULATED_BF16_ROW])(const void *)tiles->tile[b],
                    (float(*)[EMULATED_FLOAT_ROW])(void *)tiles->tile[c]);
}

#endif
