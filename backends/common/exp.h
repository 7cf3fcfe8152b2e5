/* SPDX-License-Identifier: Apache-2.0 */
/* exp of a float by arithmetic alone: the same bits on every machine and in every tier, and a loop over it
 * vectorises, which a call into the C library does not. Source: range reduction by Cody and Waite; polynomial
 * of Moshier's Cephes library, expf (2 ulp). */
#ifndef HEDDLE_BACKENDS_COMMON_EXP_H
#define HEDDLE_BACKENDS_COMMON_EXP_H

#include "common/float16.h"

/* Below -87.3 (where floats become subnormal) it stays at exp(-87.3) = 1.2e-38, above 88.3 at 2.3e38. NaN
 * gives NaN. */
static inline float hdb_exp(float x) {
  x = x < -87.3f ? -87.3f : x;
  x = x > 88.3f ? 88.3f : x;
  float shifted =
      x * 1.44269504088896341f + 0x1.8p23f; /* adding 1.5 * 2^23 rounds to an integer in the low bits */
  float n = shifted - 0x1.8p23f;
  float r = x - n * 0.693359375f - n * -2.12194440e-4f; /* ln 2 in two pieces: n times the first is exact */
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  float y = p * (r * r) + r + 1.0f;
  return y * hdb_float((hdb_bits(shifted) << 23) + 0x3f800000u);
}

#endif
