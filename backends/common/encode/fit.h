/* SPDX-License-Identifier: Apache-2.0 */
/* What encoders share: rounding, the extreme of a block, and the searches for the scale that loses least. */
#ifndef HEDDLE_BACKENDS_COMMON_FIT_H
#define HEDDLE_BACKENDS_COMMON_FIT_H

#include <stdint.h>

/* The nearest integer, ties to even, of |x| < 2^22. */
static inline float hdb_nearest(float x) {
  return x + 0x1.8p23f - 0x1.8p23f;
}

/* Compilers make minimum and maximum instructions of these, not calls. */
static inline float hdb_clamp(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

/* The value of largest magnitude with its sign; the first of equals; 0 of a block of zeros. */
float hdb_extreme(const float *x, uint32_t count);

/* The scale for which 16 values come back best from integers -32 .. 31, an error weighing as the square of
 * the value: see fit.c. 0: the values are all (next to) nothing. */
float hdb_fit_scale(const float x[16]);

/* Scale and minimum for which 32 values come back best as scale * q - min, q of 0 .. 15, min not below 0. */
void hdb_fit_scale_and_min(const float x[32], float *out_scale, float *out_min);

#endif
