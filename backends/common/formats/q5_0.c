/* SPDX-License-Identifier: Apache-2.0 */
/* Q5_0: blocks of 32 values: f16 scale d, 32 fifth bits (bit i belongs to value i), 16 bytes of nibbles as in
 * Q4_0; x = d * (q - 16). Source: GGUF, block layouts of ggml. */
#include <string.h>
#include "common/activation.h"
#include "common/block.h"
#include "common/float16.h"
#include "common/formats/formats.h"
#include "common/tile.h"

enum { BLOCK = 32, BYTES = 22, HALF = BLOCK / 2 };

/* The block's 32 values without its scale. */
static void unpack(const uint8_t *block, int8_t out[BLOCK]) {
  const uint8_t *q = block + 6;
  uint32_t fifth =
      (uint32_t)block[2] | (uint32_t)block[3] << 8 | (uint32_t)block[4] << 16 | (uint32_t)block[5] << 24;
  for (uint32_t i = 0; i < HALF; i++) {
    out[i] = (int8_t)((int32_t)((q[i] & 15u) | (fifth >> i & 1u) << 4) - 16);
    out[i + HALF] = (int8_t)((int32_t)(q[i] >> 4 | (fifth >> (i + HALF) & 1u) << 4) - 16);
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

void hdb_dot_q5_0(const hdb_tile *tile) {
  hdb_tile_pairs(tile, pair);
}

void hdb_dequantise_q5_0(const void *row, uint32_t cols, float *out) {
  for (uint32_t b = 0; b < cols / BLOCK; b++) {
    const uint8_t *block = (const uint8_t *)row + (size_t)b * BYTES;
    float d = hdb_f16_at(block);
    int8_t q[BLOCK];
    unpack(block, q);
    for (uint32_t i = 0; i < BLOCK; i++)
      out[b * BLOCK + i] = d * (float)q[i];
  }
}
