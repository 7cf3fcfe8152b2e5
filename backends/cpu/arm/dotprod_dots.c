/* SPDX-License-Identifier: Apache-2.0 */
/* Dots of the dotprod tier with weights as they lie: SDOT sums four products of bytes into each lane. */
#include <arm_neon.h>

#define DOT_NAME(FORMAT) hdi_dotprod_rows_##FORMAT

static inline int32x4_t fours(int8x16_t w, int8x16_t x) {
  return vdotq_s32(vdupq_n_s32(0), w, x);
}

#include "cpu/arm/dots.inc.h"
