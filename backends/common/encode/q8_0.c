/* SPDX-License-Identifier: Apache-2.0 */
/* Writing Q8_0: the value of largest magnitude becomes 127 or -127. Source: ggml. */
#include <math.h>
#include <string.h>
#include "common/encode/encode.h"
#include "common/encode/fit.h"
#include "common/float16.h"

enum { BLOCK = 32, BYTES = 34 };

void hdb_encode_q8_0(const float *x, uint32_t cols, void *out_row) {
  uint8_t *block = out_row;
  for (uint32_t at = 0; at < cols; at += BLOCK, x += BLOCK, block += BYTES) {
    float d = fabsf(hdb_extreme(x, BLOCK)) / 127.0f;
    float inverse = d > 0.0f ? 1.0f / d : 0.0f;
    uint16_t half = hdb_f32_to_f16(d);
    memcpy(block, &half, sizeof half);
    /* A scale that half precision has no number for leaves nothing; its inverse may be infinite. */
    if (half == 0) inverse = 0.0f;
    for (uint32_t i = 0; i < BLOCK; i++)
      block[2 + i] = (uint8_t)(int8_t)hdb_nearest(x[i] * inverse);
  }
}
