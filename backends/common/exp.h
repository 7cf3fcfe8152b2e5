/* SPDX-License-Identifier: Apache-2.0 */
/* exp of a float by arithmetic alone: the same bits in every tier, and a loop over it vectorises, which a
 * call into the C library does not. Source: the single-precision exp of Arm's Optimized Routines
 * (constants, 1.5 ulp), with the last step as in ggml's AVX-512 code, whose results are the reference. */
#ifndef HEDDLE_BACKENDS_COMMON_EXP_H
#define HEDDLE_BACKENDS_COMMON_EXP_H

#include "common/float16.h"
#include "common/fma.h"

/* exp of a number between -87.3 and 88.3. */
static inline float hdb_exp_inside(float x) {
  float shifted =
      hdb_fma(x, 0x1.715476p+0f, 0x1.8p23f); /* adding 1.5 * 2^23 rounds to an integer in the low bits */
  float n = shifted - 0x1.8p23f;
  float r = hdb_fma(-n, 0x1.7f7d1cp-20f, hdb_fma(-n, 0x1.62e4p-1f, x)); /* ln 2 in two pieces */
  float square = r * r;
  float high = hdb_fma(0x1.0e4020p-7f, r, 0x1.573e2ep-5f),
        middle = hdb_fma(0x1.555e66p-3f, r, 0x1.fffdb6p-2f);
  float low = hdb_fma(0x1.ffffecp-1f, r, 1.0f);
  float y = hdb_fma(hdb_fma(high, square, middle), square, low);
  return y * hdb_float((hdb_bits(shifted) << 23) + 0x3f800000u);
}

/* Below -87.3 (where floats become subnormal) it stays at exp(-87.3) = 1.2e-38, above 88.3 at 2.3e38. NaN
 * gives NaN. */
static inline float hdb_exp(float x) {
  x = x < -87.3f ? -87.3f : x;
  x = x > 88.3f ? 88.3f : x;
  return hdb_exp_inside(x);
}

/* The same for what cannot be too large; one instruction fewer, and three where NaNs must stay. */
static inline float hdb_exp_of_at_most_0(float x) {
  return hdb_exp_inside(-87.3f > x ? -87.3f : x);
}

#endif
