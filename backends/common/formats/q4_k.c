/* SPDX-License-Identifier: Apache-2.0 */
/* Q4_K: blocks of 256 values: f16 d, f16 dmin, 8 scales and 8 mins of 6 bits, 128 bytes of nibbles. Each 32
 * bytes hold two sub-blocks of 32: the low nibbles are the first one, the high nibbles the second. Value of
 * sub-block j: x = d * scale_j * q - dmin * min_j. Source: GGUF, block layouts of ggml (k-quants). */
#include "common/activation.h"
#include "common/float16.h"
#include "common/formats/formats.h"
#include "common/formats/q4_k.h"
#include "common/superblock.h"
#include "common/tile.h"

enum { BLOCK = 256, SUB = 32 };

/* Sums of a block in integers: of scale * q * x, of min * x. */
static void block_sums(const uint8_t *block, const int8_t *v, const int16_t *sums, int32_t *out_dot,
                       int32_t *out_min) {
  const uint8_t *q = block + HDB_Q4_K_NIBBLES_AT;
  uint8_t scales[8], mins[8];
  int32_t dot = 0, min = 0;
  hdb_q4_k_scales(block + HDB_Q4_K_SCALES_AT, scales, mins);
  for (uint32_t j = 0; j < BLOCK / SUB; j++) {
    int32_t part = 0;
    for (uint32_t i = 0; i < SUB; i++)
      part += (q[j / 2 * SUB + i] >> (j % 2 * 4) & 15) * v[j * SUB + i];
    dot += scales[j] * part;
    min += mins[j] * sums[j];
  }
  *out_dot = dot;
  *out_min = min;
}

static float pair(const uint8_t *weights, const uint8_t *x, uint32_t cols) {
  const int8_t *v = hdb_q8_values(x);
  const float *scales = hdb_q8_scales(x, cols);
  const int16_t *sums = hdb_q8k_sums_32(x, cols);
  float acc = 0.0f;
  for (uint32_t b = 0; b < cols / BLOCK; b++) {
    const uint8_t *block = weights + (size_t)b * HDB_Q4_K_BYTES;
    int32_t dot, min;
    block_sums(block, v + (size_t)b * BLOCK, sums + b * (BLOCK / SUB), &dot, &min);
    acc = hdb_superblock_add(acc, hdb_f16_at(block) * scales[b], dot);
    acc = hdb_superblock_take(acc, hdb_f16_at(block + 2) * scales[b], min);
  }
  return acc;
}

void hdb_dot_q4_k(const hdb_tile *tile) {
  hdb_tile_pairs(tile, pair);
}

void hdb_dequantise_q4_k(const void *row, uint32_t cols, float *out) {
  for (uint32_t b = 0; b < cols / BLOCK; b++, out += BLOCK) {
    const uint8_t *block = (const uint8_t *)row + (size_t)b * HDB_Q4_K_BYTES;
    float d = hdb_f16_at(block), dmin = hdb_f16_at(block + 2);
    uint8_t scales[8], mins[8];
    hdb_q4_k_scales(block + HDB_Q4_K_SCALES_AT, scales, mins);
    for (uint32_t i = 0; i < BLOCK; i++) {
      uint32_t j = i / SUB;
      uint8_t byte = block[HDB_Q4_K_NIBBLES_AT + j / 2 * SUB + i % SUB];
      int32_t q = j % 2 == 0 ? byte & 15 : byte >> 4;
      out[i] = d * (float)scales[j] * (float)q - dmin * (float)mins[j];
    }
  }
}
