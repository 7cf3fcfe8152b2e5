/* SPDX-License-Identifier: Apache-2.0 */
/* Writing Q5_0, as Q4_0 with a fifth bit: the value of largest magnitude becomes -16. Source: ggml. */
#include <string.h>
#include "common/encode/encode.h"
#include "common/encode/fit.h"
#include "common/float16.h"

enum { BLOCK = 32, BYTES = 22, HALF = BLOCK / 2 };

void hdb_encode_q5_0(const float *x, uint32_t cols, void *out_row) {
  uint8_t *block = out_row;
  for (uint32_t at = 0; at < cols; at += BLOCK, x += BLOCK, block += BYTES) {
    float d = hdb_extreme(x, BLOCK) / -16.0f;
    uint16_t half = hdb_f32_to_f16(d);
    float inverse = (half & 0x7fffu) != 0 ? 1.0f / d : 0.0f;
    memcpy(block, &half, sizeof half);
    uint8_t q[BLOCK];
    uint32_t fifth = 0;
    for (uint32_t i = 0; i < BLOCK; i++) {
      q[i] = (uint8_t)hdb_clamp(x[i] * inverse + 16.5f, 0.0f, 31.0f);
      fifth |= (uint32_t)(q[i] >> 4) << i;
    }
    memcpy(block + 2, &fifth, sizeof fifth);
    for (uint32_t i = 0; i < HALF; i++)
      block[6 + i] = (uint8_t)((q[i] & 15) | q[i + HALF] << 4);
  }
}
