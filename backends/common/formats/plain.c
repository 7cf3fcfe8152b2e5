/* SPDX-License-Identifier: Apache-2.0 */
/* F32 and F16 rows: numbers without blocks. Activations meet them as floats, which is more exact than ggml's
 * rounding of the activation to the weight's format. */
#include <string.h>
#include "common/float16.h"
#include "common/formats/formats.h"
#include "common/lanes.h"
#include "common/tile.h"

/* Sixteen running sums, so that a compiler may use registers of any width and the order is still the same. */
#define LANES 16u

static float pair_f32(const uint8_t *weights, const uint8_t *x, uint32_t cols) {
  const float *w = (const float *)(const void *)weights, *v = (const float *)(const void *)x;
  float lane[LANES] = {0};
  uint32_t i = 0;
  for (; i + LANES <= cols; i += LANES)
    for (uint32_t j = 0; j < LANES; j++)
      lane[j] += w[i + j] * v[i + j];
  for (uint32_t j = 0; i + j < cols; j++)
    lane[j] += w[i + j] * v[i + j];
  return hdb_lane_sum(lane, LANES);
}

static float pair_f16(const uint8_t *weights, const uint8_t *x, uint32_t cols) {
  const uint16_t *w = (const uint16_t *)(const void *)weights;
  const float *v = (const float *)(const void *)x;
  float lane[LANES] = {0};
  uint32_t i = 0;
  for (; i + LANES <= cols; i += LANES)
    for (uint32_t j = 0; j < LANES; j++)
      lane[j] += hdb_f16_to_f32(w[i + j]) * v[i + j];
  for (uint32_t j = 0; i + j < cols; j++)
    lane[j] += hdb_f16_to_f32(w[i + j]) * v[i + j];
  return hdb_lane_sum(lane, LANES);
}

void hdb_dot_f32(const hdb_tile *tile) {
  hdb_tile_pairs(tile, pair_f32);
}
void hdb_dot_f16(const hdb_tile *tile) {
  hdb_tile_pairs(tile, pair_f16);
}

void hdb_dequantise_f32(const void *row, uint32_t cols, float *out) {
  memcpy(out, row, cols * sizeof(float));
}

void hdb_dequantise_f16(const void *row, uint32_t cols, float *out) {
  const uint16_t *w = row;
  for (uint32_t i = 0; i < cols; i++)
    out[i] = hdb_f16_to_f32(w[i]);
}
