/* SPDX-License-Identifier: Apache-2.0 */
/* Q4_0: blocks of 32 values: f16 scale d, 16 bytes; byte i holds value i in its low nibble and value i + 16
 * in its high one; x = d * (q - 8). Source: GGUF, block layouts of ggml. */
#include "common/activation.h"
#include "common/block.h"
#include "common/float16.h"
#include "common/formats/formats.h"
#include "common/tile.h"

enum { BLOCK = 32, BYTES = 18, HALF = BLOCK / 2 };

/* The block's 32 values without its scale. */
static void unpack(const uint8_t *block, int8_t out[BLOCK]) {
  const uint8_t *q = block + 2;
  for (uint32_t i = 0; i < HALF; i++) {
    out[i] = (int8_t)((q[i] & 15) - 8);
    out[i + HALF] = (int8_t)((q[i] >> 4) - 8);
  }
}

static float pair(const uint8_t *weights, const uint8_t *x, uint32_t cols) {
  const int8_t *v = hdb_q8_values(x);
  const float *scales = hdb_q8_scales(x, cols);
  float acc = 0.0f;
  for (uint32_t b = 0; b < cols / BLOCK; b++) {
    const uint8_t *block = weights + (size_t)b * BYTES;
    int8_t q[BLOCK];
    unpack(block, q);
    acc = hdb_block_add(acc, hdb_f16_at(block) * scales[b], q, v + (size_t)b * BLOCK);
  }
  return acc;
}

void hdb_dot_q4_0(const hdb_tile *tile) {
  hdb_tile_pairs(tile, pair);
}

void hdb_dequantise_q4_0(const void *row, uint32_t cols, float *out) {
  for (uint32_t b = 0; b < cols / BLOCK; b++) {
    const uint8_t *block = (const uint8_t *)row + (size_t)b * BYTES;
    float d = hdb_f16_at(block);
    int8_t q[BLOCK];
    unpack(block, q);
    for (uint32_t i = 0; i < BLOCK; i++)
      out[b * BLOCK + i] = d * (float)q[i];
  }
}
