/* SPDX-License-Identifier: Apache-2.0 */
/* Eight weight rows turned for SDOT: a register holds four values of each of four rows, SDOT takes the four
 * values of an activation from a lane, and each lane of the sum is a weight row. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_DOTPROD_PANEL_H
#define HEDDLE_BACKENDS_CPU_ARM_DOTPROD_PANEL_H

#include <arm_neon.h>
#include "common/tile.h"
#include "cpu/arm/turn.h"

/* Sixteen values of four rows, those of half `p` of the panel: `out` is at their first, as
 * hdi_take_sixteen wants them. */
HDB_INLINE void hdi_put_sixteen(const int8x16_t row[4], uint32_t p, int8x16_t out[4][2]) {
  uint32x4_t r[4];
  for (uint32_t i = 0; i < 4; i++)
    r[i] = vreinterpretq_u32_s8(row[i]);
  hdi_turn_four(r);
  for (uint32_t i = 0; i < 4; i++)
    out[i][p] = vreinterpretq_s8_u32(r[i]);
}

/* Sixteen values of `tokens` activation rows with both halves of a panel: `q` is at their first. */
HDB_INLINE void hdi_take_sixteen(const int8x16_t q[4][2], const int8x16_t *x, uint32_t tokens,
                                 int32x4_t sum[4][2]) {
#pragma GCC unroll 2
  for (uint32_t p = 0; p < 2; p++) {
    int8x16_t w0 = q[0][p], w1 = q[1][p], w2 = q[2][p], w3 = q[3][p];
#pragma GCC unroll 4
    for (uint32_t c = 0; c < tokens; c++) {
      sum[c][p] = vdotq_laneq_s32(sum[c][p], w0, x[c], 0);
      sum[c][p] = vdotq_laneq_s32(sum[c][p], w1, x[c], 1);
      sum[c][p] = vdotq_laneq_s32(sum[c][p], w2, x[c], 2);
      sum[c][p] = vdotq_laneq_s32(sum[c][p], w3, x[c], 3);
    }
  }
}

#endif
