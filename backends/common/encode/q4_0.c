/* SPDX-License-Identifier: Apache-2.0 */
/* Writing Q4_0: the value of largest magnitude becomes -8, the one integer without a positive brother.
 * Source: ggml. */
#include <string.h>
#include "common/encode/encode.h"
#include "common/encode/fit.h"
#include "common/float16.h"

enum { BLOCK = 32, BYTES = 18, HALF = BLOCK / 2 };

void hdb_encode_q4_0(const float *x, uint32_t cols, void *out_row) {
  uint8_t *block = out_row;
  for (uint32_t at = 0; at < cols; at += BLOCK, x += BLOCK, block += BYTES) {
    float d = hdb_extreme(x, BLOCK) / -8.0f;
    uint16_t half = hdb_f32_to_f16(d);
    float inverse = (half & 0x7fffu) != 0 ? 1.0f / d : 0.0f;
    memcpy(block, &half, sizeof half);
    uint8_t q[BLOCK];
    for (uint32_t i = 0; i < BLOCK; i++) /* rounds half up: what is cut off is not below 0 */
      q[i] = (uint8_t)hdb_clamp(x[i] * inverse + 8.5f, 0.0f, 15.0f);
    for (uint32_t i = 0; i < HALF; i++)
      block[2 + i] = (uint8_t)(q[i] | q[i + HALF] << 4);
  }
}
