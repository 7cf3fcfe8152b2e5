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

/* Sixteen values of four activation rows with both halves of a panel: `q` is at their first. In assembly,
 * because compilers load each half by itself, or both and then spill for it. */
HDB_INLINE void hdi_take_sixteen_by_four(const int8x16_t q[4][2], const int8x16_t *x, int32x4_t sum[4][2]) {
  int8x16_t a, b, c, d;
  __asm__(
      "ldp %q[a], %q[b], [%[q]]\n\t"
      "ldp %q[c], %q[d], [%[q], #32]\n\t"
      "sdot %[s00].4s, %[a].16b, %[x0].4b[0]\n\t"
      "sdot %[s10].4s, %[a].16b, %[x1].4b[0]\n\t"
      "sdot %[s20].4s, %[a].16b, %[x2].4b[0]\n\t"
      "sdot %[s30].4s, %[a].16b, %[x3].4b[0]\n\t"
      "sdot %[s01].4s, %[b].16b, %[x0].4b[0]\n\t"
      "sdot %[s11].4s, %[b].16b, %[x1].4b[0]\n\t"
      "sdot %[s21].4s, %[b].16b, %[x2].4b[0]\n\t"
      "sdot %[s31].4s, %[b].16b, %[x3].4b[0]\n\t"
      "ldp %q[a], %q[b], [%[q], #64]\n\t"
      "sdot %[s00].4s, %[c].16b, %[x0].4b[1]\n\t"
      "sdot %[s10].4s, %[c].16b, %[x1].4b[1]\n\t"
      "sdot %[s20].4s, %[c].16b, %[x2].4b[1]\n\t"
      "sdot %[s30].4s, %[c].16b, %[x3].4b[1]\n\t"
      "sdot %[s01].4s, %[d].16b, %[x0].4b[1]\n\t"
      "sdot %[s11].4s, %[d].16b, %[x1].4b[1]\n\t"
      "sdot %[s21].4s, %[d].16b, %[x2].4b[1]\n\t"
      "sdot %[s31].4s, %[d].16b, %[x3].4b[1]\n\t"
      "ldp %q[c], %q[d], [%[q], #96]\n\t"
      "sdot %[s00].4s, %[a].16b, %[x0].4b[2]\n\t"
      "sdot %[s10].4s, %[a].16b, %[x1].4b[2]\n\t"
      "sdot %[s20].4s, %[a].16b, %[x2].4b[2]\n\t"
      "sdot %[s30].4s, %[a].16b, %[x3].4b[2]\n\t"
      "sdot %[s01].4s, %[b].16b, %[x0].4b[2]\n\t"
      "sdot %[s11].4s, %[b].16b, %[x1].4b[2]\n\t"
      "sdot %[s21].4s, %[b].16b, %[x2].4b[2]\n\t"
      "sdot %[s31].4s, %[b].16b, %[x3].4b[2]\n\t"
      "sdot %[s00].4s, %[c].16b, %[x0].4b[3]\n\t"
      "sdot %[s10].4s, %[c].16b, %[x1].4b[3]\n\t"
      "sdot %[s20].4s, %[c].16b, %[x2].4b[3]\n\t"
      "sdot %[s30].4s, %[c].16b, %[x3].4b[3]\n\t"
      "sdot %[s01].4s, %[d].16b, %[x0].4b[3]\n\t"
      "sdot %[s11].4s, %[d].16b, %[x1].4b[3]\n\t"
      "sdot %[s21].4s, %[d].16b, %[x2].4b[3]\n\t"
      "sdot %[s31].4s, %[d].16b, %[x3].4b[3]"
      : [s00] "+w"(sum[0][0]), [s01] "+w"(sum[0][1]), [s10] "+w"(sum[1][0]), [s11] "+w"(sum[1][1]),
        [s20] "+w"(sum[2][0]), [s21] "+w"(sum[2][1]), [s30] "+w"(sum[3][0]), [s31] "+w"(sum[3][1]),
        [a] "=&w"(a), [b] "=&w"(b), [c] "=&w"(c), [d] "=&w"(d)
      : [q] "r"(q),
        "m"(*(const int8x16_t(*)[4][2])q), [x0] "w"(x[0]), [x1] "w"(x[1]), [x2] "w"(x[2]), [x3] "w"(x[3]));
}

/* The same with `tokens` activation rows, at most four. */
HDB_INLINE void hdi_take_sixteen(const int8x16_t q[4][2], const int8x16_t *x, uint32_t tokens,
                                 int32x4_t sum[4][2]) {
  if (tokens == 4) {
    hdi_take_sixteen_by_four(q, x, sum);
    return;
  }
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
