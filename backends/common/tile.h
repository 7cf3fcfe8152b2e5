/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a tile of dot products pair by pair: the plain way, which the portable dots take. */
#ifndef HEDDLE_BACKENDS_COMMON_TILE_H
#define HEDDLE_BACKENDS_COMMON_TILE_H

#include "common/kernels.h"

/* The dot of one weight row with one activation row. */
typedef float (*hdb_pair_fn)(const uint8_t *weights, const uint8_t *x, uint32_t cols);

/* Inlined so that `pair` is. Weight rows outside: each is unpacked while it is in the first cache. */
static inline void hdb_tile_pairs(const hdb_tile *tile, hdb_pair_fn pair) {
  for (uint32_t w = 0; w < tile->weight_rows; w++)
    for (uint32_t t = 0; t < tile->x_rows; t++)
      tile->out[t * tile->out_stride + w] =
          pair(tile->weights + w * tile->weight_stride, tile->x + t * tile->x_stride, tile->cols);
}

#endif
