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

/* Where to ask for what is read: `at` runs ahead of the reading, and behind the tile's weights it goes on in
 * what is read next. */
static inline const uint8_t *hdb_tile_ask(const hdb_tile *tile, const uint8_t *at) {
  const uint8_t *end = tile->weights + tile->weight_rows * tile->weight_stride;
  return at < end || tile->next == NULL ? at : tile->next + (at - end);
}

/* Computes results of weight rows from w on and activation rows from t on; how many, its name says. */
typedef void (*hdb_block_fn)(const hdb_tile *tile, uint32_t w, uint32_t t);

/* The shapes that a faster dot takes a tile in: four rows share the loads of one activation (decode), some
 * unpacked rows serve four activations (prefill), and what is left over. All shapes give a pair of rows the
 * same bits. */
typedef struct hdb_blocks {
  uint32_t some; /* 2 or 4 rows: as many as the tier has registers for */
  hdb_block_fn four_by_one, some_by_four, one_by_four, one_by_one;
} hdb_blocks;

static inline void hdb_tile_blocks(const hdb_tile *tile, const hdb_blocks *blocks) {
  uint32_t fours = tile->x_rows & ~3u, w = 0;
  for (; w + 4 <= tile->weight_rows; w += 4) {
    for (uint32_t t = 0; t < fours; t += 4)
      for (uint32_t k = 0; k < 4; k += blocks->some)
        blocks->some_by_four(tile, w + k, t);
    for (uint32_t t = fours; t < tile->x_rows; t++)
      blocks->four_by_one(tile, w, t);
  }
  for (; w < tile->weight_rows; w++) {
    for (uint32_t t = 0; t < fours; t += 4)
      blocks->one_by_four(tile, w, t);
    for (uint32_t t = fours; t < tile->x_rows; t++)
      blocks->one_by_one(tile, w, t);
  }
}

/* Defines the dot NAME (which may be a macro) by its shapes from an inlined function
 * BLOCK(tile, w, t, rows, activations, ...). */
#define HDB_DOT_OF_BLOCKS(NAME, ...) HDB_DOT_OF_BLOCKS_NAMED(NAME, __VA_ARGS__)
#define HDB_DOT_OF_BLOCKS_NAMED(NAME, SOME, BLOCK, ...)                                                      \
  static void NAME##_41(const hdb_tile *tile, uint32_t w, uint32_t t) {                                      \
    BLOCK(tile, w, t, 4, 1, __VA_ARGS__);                                                                    \
  }                                                                                                          \
  static void NAME##_s4(const hdb_tile *tile, uint32_t w, uint32_t t) {                                      \
    BLOCK(tile, w, t, SOME, 4, __VA_ARGS__);                                                                 \
  }                                                                                                          \
  static void NAME##_14(const hdb_tile *tile, uint32_t w, uint32_t t) {                                      \
    BLOCK(tile, w, t, 1, 4, __VA_ARGS__);                                                                    \
  }                                                                                                          \
  static void NAME##_11(const hdb_tile *tile, uint32_t w, uint32_t t) {                                      \
    BLOCK(tile, w, t, 1, 1, __VA_ARGS__);                                                                    \
  }                                                                                                          \
  void NAME(const hdb_tile *tile) {                                                                          \
    static const hdb_blocks shapes = {SOME, NAME##_41, NAME##_s4, NAME##_14, NAME##_11};                     \
    hdb_tile_blocks(tile, &shapes);                                                                          \
  }

/* For such functions: their loops over rows and activations vanish only when they are inlined. */
#define HDB_INLINE static inline __attribute__((always_inline))

#endif
