/* SPDX-License-Identifier: Apache-2.0 */
/* BF16 rows: numbers without blocks, multiplied in the order of common/bf16.h. */
#include "common/bf16.h"
#include "common/formats/formats.h"
#include "common/tile.h"

/* One chain of a block of which the row has `count` values: every second one, the first one `first`. */
static float chain(const uint16_t *w, const float *x, uint32_t first, uint32_t count) {
  float sum = 0.0f;
  for (uint32_t i = first; i < HDB_BF16_BLOCK; i += 2)
    sum = hdb_bf16_fma(i < count ? hdb_bf16_flush(hdb_bf16_to_f32(w[i])) : 0.0f, x[i], sum);
  return sum;
}

static float pair(const uint8_t *weights, const uint8_t *x, uint32_t cols) {
  const uint16_t *w = (const uint16_t *)(const void *)weights;
  const float *v = (const float *)(const void *)x;
  float acc = 0.0f;
  for (uint32_t i = 0; i < cols; i += HDB_BF16_BLOCK) {
    uint32_t count = cols - i < HDB_BF16_BLOCK ? cols - i : HDB_BF16_BLOCK;
    float both = hdb_bf16_flush(chain(w + i, v + i, 0, count) + chain(w + i, v + i, 1, count));
    acc = hdb_bf16_flush(acc + both);
  }
  return acc;
}

void hdb_dot_bf16(const hdb_tile *tile) {
  hdb_tile_pairs(tile, pair);
}

void hdb_dequantise_bf16(const void *row, uint32_t cols, float *out) {
  const uint16_t *w = row;
  for (uint32_t i = 0; i < cols; i++)
    out[i] = hdb_bf16_to_f32(w[i]);
}
