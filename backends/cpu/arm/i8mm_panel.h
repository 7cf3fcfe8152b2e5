/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of rows for SMMLA, which multiplies eight values of two weight rows with those of two activation
 * rows; the lanes of a sum are (w0 x0, w0 x1, w1 x0, w1 x1). */
#ifndef HEDDLE_BACKENDS_CPU_ARM_I8MM_PANEL_H
#define HEDDLE_BACKENDS_CPU_ARM_I8MM_PANEL_H

#include <arm_neon.h>
#include "common/tile.h"

HDB_INLINE int8x16_t hdi_firsts(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}
HDB_INLINE int8x16_t hdi_seconds(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}

/* `steps` of sixteen values with `pairs` of activation rows: their products. x: the first value; a pair's
 * second row is `apart` bytes behind its first. */
HDB_INLINE void hdi_take_part(const int8x16_t q[][4], const int8_t *x, size_t stride, size_t apart,
                              uint32_t pairs, uint32_t steps, int32x4_t sum[2][4]) {
#pragma GCC unroll 2
  for (uint32_t c = 0; c < pairs; c++)
#pragma GCC unroll 4
    for (uint32_t p = 0; p < 4; p++)
      sum[c][p] = vdupq_n_s32(0);
#pragma GCC unroll 2
  for (uint32_t k = 0; k < steps; k++) {
    int8x16_t low[2], high[2];
#pragma GCC unroll 2
    for (uint32_t c = 0; c < pairs; c++) {
      const int8_t *v = x + 2 * c * stride + 16 * k;
      int8x16_t a = vld1q_s8(v), b = vld1q_s8(v + apart);
      low[c] = hdi_firsts(a, b);
      high[c] = hdi_seconds(a, b);
    }
#pragma GCC unroll 4
    for (uint32_t p = 0; p < 4; p++)
#pragma GCC unroll 2
      for (uint32_t c = 0; c < pairs; c++) {
        sum[c][p] = vmmlaq_s32(sum[c][p], q[2 * k][p], low[c]);
        sum[c][p] = vmmlaq_s32(sum[c][p], q[2 * k + 1][p], high[c]);
      }
  }
}

#endif
