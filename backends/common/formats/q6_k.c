/* SPDX-License-Identifier: Apache-2.0 */
/* Q6_K: blocks of 256 values: 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 int8 scales, f16 d.
 * Each half of 128 values takes 64 low and 32 upper bytes: value i of quarter k (0..3, 32 values each) has
 * its low nibble in low[i + 32 * (k & 1)], the upper nibble of that byte when k >= 2, and its upper bits in
 * bits 2k, 2k+1 of upper[i]. Sub-blocks of 16 have a scale: x = d * scale * (q - 32). Source: GGUF, block
 * layouts of ggml (k-quants). */
#include "common/activation.h"
#include "common/float16.h"
#include "common/formats/formats.h"
#include "common/superblock.h"
#include "common/tile.h"

enum { BLOCK = 256, BYTES = 210, UPPER_AT = 128, SCALES_AT = 192, D_AT = 208, SUB = 16 };

/* The block's values without scales. */
static void unpack(const uint8_t *block, int8_t out[BLOCK]) {
  for (uint32_t half = 0; half < 2; half++, out += 128) {
    const uint8_t *low = block + half * 64, *upper = block + UPPER_AT + half * 32;
    for (uint32_t i = 0; i < 32; i++) {
      out[i] = (int8_t)(((low[i] & 15) | (upper[i] & 3) << 4) - 32);
      out[i + 32] = (int8_t)(((low[i + 32] & 15) | (upper[i] >> 2 & 3) << 4) - 32);
      out[i + 64] = (int8_t)((low[i] >> 4 | (upper[i] >> 4 & 3) << 4) - 32);
      out[i + 96] = (int8_t)((low[i + 32] >> 4 | (upper[i] >> 6) << 4) - 32);
    }
  }
}

/* Sum of scale * q * x of a block. */
static int32_t block_sum(const uint8_t *block, const int8_t *v) {
  const int8_t *scales = (const int8_t *)block + SCALES_AT;
  int8_t q[BLOCK];
  int32_t sum = 0;
  unpack(block, q);
  for (uint32_t j = 0; j < BLOCK / SUB; j++) {
    int32_t part = 0;
    for (uint32_t i = j * SUB; i < (j + 1) * SUB; i++)
      part += q[i] * v[i];
    sum += scales[j] * part;
  }
  return sum;
}

static float pair(const uint8_t *weights, const uint8_t *x, uint32_t cols) {
  const int8_t *v = hdb_q8_values(x);
  const float *scales = hdb_q8_scales(x, cols);
  float acc = 0.0f;
  for (uint32_t b = 0; b < cols / BLOCK; b++) {
    const uint8_t *block = weights + (size_t)b * BYTES;
    acc = hdb_superblock_add(acc, hdb_f16_at(block + D_AT) * scales[b],
                             block_sum(block, v + (size_t)b * BLOCK));
  }
  return acc;
}

void hdb_dot_q6_k(const hdb_tile *tile) {
  hdb_tile_pairs(tile, pair);
}

void hdb_dequantise_q6_k(const void *row, uint32_t cols, float *out) {
  for (uint32_t b = 0; b < cols / BLOCK; b++) {
    const uint8_t *block = (const uint8_t *)row + (size_t)b * BYTES;
    const int8_t *scales = (const int8_t *)block + SCALES_AT;
    float d = hdb_f16_at(block + D_AT);
    int8_t q[BLOCK];
    unpack(block, q);
    for (uint32_t i = 0; i < BLOCK; i++)
      *out++ = d * (float)scales[i / SUB] * (float)q[i];
  }
}
