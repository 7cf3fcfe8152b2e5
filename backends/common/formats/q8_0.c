/* SPDX-License-Identifier: Apache-2.0 */
/* Q8_0: blocks of 32 values: f16 scale d, 32 int8 q; x = d * q. Source: GGUF, block layouts of ggml. */
#include "common/activation.h"
#include "common/block.h"
#include "common/float16.h"
#include "common/formats/formats.h"
#include "common/tile.h"

enum { BLOCK = 32, BYTES = 34 };

static float pair(const uint8_t *weights, const uint8_t *x, uint32_t cols) {
  const int8_t *v = hdb_q8_values(x);
  const float *scales = hdb_q8_scales(x, cols);
  float acc = 0.0f;
  for (uint32_t b = 0; b < cols / BLOCK; b++) {
    const uint8_t *block = weights + (size_t)b * BYTES;
    acc = hdb_block_add(acc, hdb_f16_at(block) * scales[b], (const int8_t *)block + 2, v + (size_t)b * BLOCK);
  }
  return acc;
}

void hdb_dot_q8_0(const hdb_tile *tile) {
  hdb_tile_pairs(tile, pair);
}

void hdb_dequantise_q8_0(const void *row, uint32_t cols, float *out) {
  for (uint32_t b = 0; b < cols / BLOCK; b++) {
    const uint8_t *block = (const uint8_t *)row + (size_t)b * BYTES;
    const int8_t *q = (const int8_t *)block + 2;
    float d = hdb_f16_at(block);
    for (uint32_t i = 0; i < BLOCK; i++)
      out[b * BLOCK + i] = d * (float)q[i];
  }
}
