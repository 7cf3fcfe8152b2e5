/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a dot of rows quantised in super-blocks of 256 whose parts have integer scales, the same in
 * every tier and for any number of rows, so that all give the same bits. All of a super-block is summed in
 * integers, the parts' scales and minimums included, which is exact in any order and fits 32 bits; then one
 * rounding for its products and, where the format has minimums, one for these; super-blocks in order:
 *
 *   acc = fma(float(sum over i of scale[part of i] * q[i] * x[i]), round(d * x_scale), acc)
 *   acc = fma(float(sum over parts of min[part] * sum of the part's x), -round(d_min * x_scale), acc)
 *
 * A sum may be above 2^24: it is then rounded to float first, to nearest. The largest possible ones: Q4_K
 * 256 * 63 * 15 * 127 = 31 million, its minimums 4 million; Q6_K 256 * 128 * 32 * 127 = 133 million, or twice
 * that where 32 is taken off afterwards. So that no tier need add up the lanes of a register for it, see
 * block.h. */
#ifndef HEDDLE_BACKENDS_COMMON_SUPERBLOCK_H
#define HEDDLE_BACKENDS_COMMON_SUPERBLOCK_H

#include <stdint.h>
#include "common/fma.h"

/* The super-block's products. `scale` is the product of the scales of weights and activation, rounded. */
static inline float hdb_superblock_add(float acc, float scale, int32_t products) {
  return hdb_fma((float)products, scale, acc);
}

/* The super-block's minimums. `scale` likewise. */
static inline float hdb_superblock_take(float acc, float scale, int32_t minimums) {
  return hdb_fma((float)minimums, -scale, acc);
}

#endif
