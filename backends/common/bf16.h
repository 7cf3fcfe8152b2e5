/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a dot of BF16 rows with activations rounded to BF16, the same in every tier and for any number
 * of rows, so that all give the same bits. It is the order of AMX's TDPBF16PS, which every other instruction
 * can follow: of each 32 values of a row the even ones are one chain of products, the odd ones another, each
 * from zero and in order; then
 *
 *   even = fma(w[30], x[30], ... fma(w[2], x[2], fma(w[0], x[0], 0))), odd = the same of w[1], w[3] ...
 *   acc = acc + (even + odd)
 *
 * with one rounding (to nearest, ties to even) for each product and each sum, blocks in order. A row that
 * ends within a block goes on with zeros. VDPBF16PS adds the products of a pair one after the other, the
 * upper one first, so that it does two links of a chain: pairs are (w[2], w[0]), (w[6], w[4]) ...
 *
 * Subnormal numbers count as zero of their sign, as operands and as results, because these instructions know
 * nothing else. What a result is, is asked of it rounded as if exponents had no end: x86 with DAZ and FTZ set
 * does that too. aarch64 with FZ set asks before it rounds, and so gives 0 instead of 2^-126 for a sum that
 * is less than 2^-150 below it. Source: Intel SDM volume 2, VDPBF16PS, TDPBF16PS, VCVTNE2PS2BF16; Arm ARM,
 * FPCR.
 */
#ifndef HEDDLE_BACKENDS_COMMON_BF16_H
#define HEDDLE_BACKENDS_COMMON_BF16_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "common/float16.h"

#define HDB_BF16_BLOCK 32u

/* Values of a row with the zeros that fill its last block. */
static inline size_t hdb_bf16_filled(size_t cols) {
  return (cols + HDB_BF16_BLOCK - 1) / HDB_BF16_BLOCK * HDB_BF16_BLOCK;
}

/* The bits of the nearest BF16, ties to even, in the upper half of a float; subnormal numbers are zero, a NaN
 * is quiet. */
static inline uint32_t hdb_bf16_nearest(float x) {
  uint32_t bits = hdb_bits(x), size = bits & 0x7fffffffu;
  uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
  uint32_t special = size > 0x7f800000u ? bits | 0x400000u : bits & 0x80000000u;
  return (size > 0x7f800000u || size < 0x00800000u ? special : rounded) & 0xffff0000u;
}

/* An activation row of HDB_ACTIVATION_BF16. Inlined, for a compiler to take the registers it is given. */
static inline void hdb_bf16_round_row(const float *x, uint32_t cols, float *out) {
  for (uint32_t i = 0; i < cols; i++)
    out[i] = hdb_float(hdb_bf16_nearest(x[i]));
  for (size_t i = cols; i < hdb_bf16_filled(cols); i++)
    out[i] = 0.0f;
}

static inline float hdb_bf16_flush(float x) {
  return (hdb_bits(x) & 0x7f800000u) == 0 ? hdb_float(hdb_bits(x) & 0x80000000u) : x;
}

/* acc + w * x rounded once, of numbers that are not subnormal; w and x are BF16. The product is exact in
 * double. Their sum is not always: then it is moved to the neighbour whose last bit is 1, which no rounding
 * to float takes for a tie. */
static inline float hdb_bf16_fma(float w, float x, float acc) {
  double product = (double)w * (double)x, sum = product + (double)acc;
  double of_acc = sum - product, rest = (product - (sum - of_acc)) + ((double)acc - of_acc);
  int64_t bits;
  memcpy(&bits, &sum, sizeof bits);
  if ((rest > 0.0 || rest < 0.0) && bits % 2 == 0) bits += (rest > 0.0) == (sum > 0.0) ? 1 : -1;
  memcpy(&sum, &bits, sizeof bits);
  /* Half a unit below 2^-126 rounds to it. */
  if (sum < 0x1p-126 - 0x1p-151 && sum > -(0x1p-126 - 0x1p-151)) return (float)copysign(0.0, sum);
  return (float)sum;
}

#endif
