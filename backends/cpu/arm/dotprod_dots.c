/* SPDX-License-Identifier: Apache-2.0 */
/* Dots of the dotprod tier with weights as they lie: SDOT sums four products of bytes into each lane. */
#include <arm_neon.h>

#define DOT_NAME(FORMAT) hdi_dotprod_rows_##FORMAT

static inline int32x4_t sixteen(int32x4_t acc, int8x16_t w, int8x16_t x) {
  return vdotq_s32(acc, w, x);
}

#include "cpu/arm/dots.inc.h"
