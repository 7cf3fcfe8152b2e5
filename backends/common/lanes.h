/* SPDX-License-Identifier: Apache-2.0 */
/* Sums that run in lanes, which a compiler may keep in registers of any width: how the lanes become one. */
#ifndef HEDDLE_BACKENDS_COMMON_LANES_H
#define HEDDLE_BACKENDS_COMMON_LANES_H

#include <stdint.h>

/* Folds in halves, in place. `count` is a power of two, and a constant where this is inlined. */
static inline float hdb_lane_sum(float *lane, uint32_t count) {
  for (uint32_t step = count / 2; step > 0; step /= 2)
    for (uint32_t j = 0; j < step; j++)
      lane[j] += lane[j + step];
  return lane[0];
}

#endif
