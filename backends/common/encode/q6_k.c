/* SPDX-License-Identifier: Apache-2.0 */
/* Writing Q6_K: each sub-block's best scale, as an integer of -128 .. 127 of the block's own, then the
 * integers for what that has become. Source: block layouts of ggml (k-quants). */
#include <math.h>
#include <string.h>
#include "common/encode/encode.h"
#include "common/encode/fit.h"
#include "common/float16.h"

enum { BLOCK = 256, BYTES = 210, UPPER_AT = 128, SCALES_AT = 192, D_AT = 208, SUB = 16, SUBS = BLOCK / SUB };

/* Values of 0 .. 63; the layout is told in formats/q6_k.c. */
static void pack(const uint8_t q[BLOCK], uint8_t *block) {
  for (uint32_t half = 0; half < 2; half++, q += 128) {
    uint8_t *low = block + half * 64, *upper = block + UPPER_AT + half * 32;
    for (uint32_t i = 0; i < 32; i++) {
      low[i] = (uint8_t)((q[i] & 15) | (q[i + 64] & 15) << 4);
      low[i + 32] = (uint8_t)((q[i + 32] & 15) | (q[i + 96] & 15) << 4);
      upper[i] = (uint8_t)(q[i] >> 4 | q[i + 32] >> 4 << 2 | q[i + 64] >> 4 << 4 | q[i + 96] >> 4 << 6);
    }
  }
}

static void encode_block(const float x[BLOCK], uint8_t *block) {
  float fitted[SUBS];
  uint8_t q[BLOCK] = {0}; /* where a scale is 0 it is the same what is in there */
  for (uint32_t j = 0; j < SUBS; j++)
    fitted[j] = hdb_fit_scale(x + j * SUB);
  float d = hdb_extreme(fitted, SUBS) / -128.0f;
  uint16_t half = hdb_f32_to_f16(d);
  if ((half & 0x7fffu) == 0) { /* nothing, or too little for a half-precision scale */
    memset(block, 0, BYTES);
    return;
  }
  memcpy(block + D_AT, &half, sizeof half);
  for (uint32_t j = 0; j < SUBS; j++) {
    int8_t scale = (int8_t)hdb_clamp(hdb_nearest(fitted[j] / d), -128.0f, 127.0f);
    block[SCALES_AT + j] = (uint8_t)scale;
    float unit = hdb_f16_to_f32(half) * (float)scale;
    if (unit == 0.0f) continue;
    for (uint32_t i = j * SUB; i < (j + 1) * SUB; i++)
      q[i] = (uint8_t)(hdb_clamp(hdb_nearest(x[i] / unit), -32.0f, 31.0f) + 32.0f);
  }
  pack(q, block);
}

void hdb_encode_q6_k(const float *x, uint32_t cols, void *out_row) {
  for (uint32_t b = 0; b < cols / BLOCK; b++)
    encode_block(x + (size_t)b * BLOCK, (uint8_t *)out_row + (size_t)b * BYTES);
}
