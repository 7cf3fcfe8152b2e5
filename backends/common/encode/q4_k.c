/* SPDX-License-Identifier: Apache-2.0 */
/* Writing Q4_K: each sub-block's best scale and minimum, both in 63rds of the block's largest, then the
 * integers for what those have become. Source: block layouts of ggml (k-quants). */
#include <string.h>
#include "common/encode/encode.h"
#include "common/encode/fit.h"
#include "common/float16.h"
#include "common/formats/q4_k.h"

enum { BLOCK = 256, SUB = 32, SUBS = BLOCK / SUB };

/* The inverse of hdb_q4_k_scales. */
static void pack_scales(const uint8_t scales[SUBS], const uint8_t mins[SUBS], uint8_t packed[12]) {
  for (uint32_t j = 0; j < 4; j++) {
    packed[j] = (uint8_t)(scales[j] | scales[j + 4] >> 4 << 6);
    packed[j + 4] = (uint8_t)(mins[j] | mins[j + 4] >> 4 << 6);
    packed[j + 8] = (uint8_t)((scales[j + 4] & 15) | (mins[j + 4] & 15) << 4);
  }
}

/* Writes eight numbers of 0 on as 63rds of their largest; `out_unit` is the half-precision number that one
 * 63rd is. */
static void to_63rds(const float values[SUBS], uint8_t out[SUBS], uint16_t *out_unit) {
  float largest = 0.0f;
  for (uint32_t j = 0; j < SUBS; j++)
    largest = values[j] > largest ? values[j] : largest;
  *out_unit = hdb_f32_to_f16(largest / 63.0f);
  float inverse = *out_unit != 0 ? 63.0f / largest : 0.0f;
  for (uint32_t j = 0; j < SUBS; j++)
    out[j] = (uint8_t)hdb_clamp(hdb_nearest(values[j] * inverse), 0.0f, 63.0f);
}

static void encode_block(const float x[BLOCK], uint8_t *block) {
  float fitted[SUBS], fitted_min[SUBS];
  uint8_t scales[SUBS], mins[SUBS], q[BLOCK] = {0};
  uint16_t half[2];
  for (uint32_t j = 0; j < SUBS; j++)
    hdb_fit_scale_and_min(x + j * SUB, &fitted[j], &fitted_min[j]);
  to_63rds(fitted, scales, &half[0]);
  to_63rds(fitted_min, mins, &half[1]);
  memcpy(block, half, sizeof half);
  pack_scales(scales, mins, block + HDB_Q4_K_SCALES_AT);
  for (uint32_t j = 0; j < SUBS; j++) {
    float scale = hdb_f16_to_f32(half[0]) * (float)scales[j], min = hdb_f16_to_f32(half[1]) * (float)mins[j];
    if (scale == 0.0f) continue;
    for (uint32_t i = j * SUB; i < (j + 1) * SUB; i++)
      q[i] = (uint8_t)hdb_clamp(hdb_nearest((x[i] + min) / scale), 0.0f, 15.0f);
  }
  for (uint32_t i = 0; i < BLOCK / 2; i++)
    block[HDB_Q4_K_NIBBLES_AT + i] =
        (uint8_t)(q[i / SUB * 2 * SUB + i % SUB] | q[i / SUB * 2 * SUB + SUB + i % SUB] << 4);
}

void hdb_encode_q4_k(const float *x, uint32_t cols, void *out_row) {
  for (uint32_t b = 0; b < cols / BLOCK; b++)
    encode_block(x + (size_t)b * BLOCK, (uint8_t *)out_row + (size_t)b * HDB_Q4_K_BYTES);
}
