/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a dot of rows quantised in blocks of 32, the same in every tier and for any number of rows, so
 * that all give the same bits: the products of a block are summed in integers, which is exact in any order;
 * then one rounding for each block, blocks in order. An output needs no more than one running sum, which is a
 * lane of a register whose other lanes are other outputs: no sum over the lanes of a register is ever taken.
 */
#ifndef HEDDLE_BACKENDS_COMMON_BLOCK_H
#define HEDDLE_BACKENDS_COMMON_BLOCK_H

#include <stdint.h>
#include "common/activation.h"
#include "common/fma.h"

/* acc + scale * (sum of the block's products). `scale` is the product of both blocks' scales, rounded. */
static inline float hdb_block_add(float acc, float scale, const int8_t *q, const int8_t *x) {
  int32_t sum = 0;
  for (uint32_t i = 0; i < HDB_Q8_BLOCK; i++)
    sum += q[i] * x[i];
  return hdb_fma((float)sum, scale, acc);
}

#endif
