/* SPDX-License-Identifier: Apache-2.0 */
/* Multiply and add with one rounding, on machines that have no instruction for it too. */
#ifndef HEDDLE_BACKENDS_COMMON_FMA_H
#define HEDDLE_BACKENDS_COMMON_FMA_H

/* a * b + c rounded once. Without the instruction: but for one case in 2^29, as the product is exact in
 * double and the sum is rounded to double first. (The C library's fmaf would be a call for each value.) */
static inline float hdb_fma(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, c);
#else
  return (float)((double)a * (double)b + (double)c);
#endif
}

#endif
