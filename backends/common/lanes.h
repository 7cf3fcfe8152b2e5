/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which every tier adds up a dot of quantised rows, so that all give the same bits: eight
 * running sums, each over groups of four neighbouring values; one rounding for each block; halves folded
 * together at the end.
 *
 * This is the order of ggml's AVX2 dots, whose results are the reference. It matters: where a sum is off by
 * one rounding, a later activation may be quantised to the neighbouring integer, which in a small model moves
 * logits by tenths. */
#ifndef HEDDLE_BACKENDS_COMMON_LANES_H
#define HEDDLE_BACKENDS_COMMON_LANES_H

#include <stdint.h>
#include "common/fma.h"

#define HDB_LANES 8u

static inline float hdb_sum_of_four(const float s[4]) {
  return (s[0] + s[2]) + (s[1] + s[3]);
}

static inline float hdb_sum_of_lanes(const float lane[HDB_LANES]) {
  const float half[4] = {lane[0] + lane[4], lane[1] + lane[5], lane[2] + lane[6], lane[3] + lane[7]};
  return hdb_sum_of_four(half);
}

/* Adds scale * (products of 32 values, in fours) to the lanes. */
static inline void hdb_lanes_take(float lane[HDB_LANES], float scale, const int8_t *q, const int8_t *x) {
  for (uint32_t j = 0; j < HDB_LANES; j++) {
    int32_t four = 0;
    for (uint32_t i = 4 * j; i < 4 * j + 4; i++)
      four += q[i] * x[i];
    lane[j] = hdb_fma(scale, (float)four, lane[j]);
  }
}

#endif
