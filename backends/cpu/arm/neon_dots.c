/* SPDX-License-Identifier: Apache-2.0 */
/* Dots of the NEON tier, which every aarch64 has: products of bytes in 16 bits, two at a time (2 * 128 * 127
 * < 2^15). */
#include <arm_neon.h>

#define DOT_NAME(FORMAT) hdi_neon_dot_##FORMAT

static inline int32x4_t fours(int8x16_t w, int8x16_t x) {
  int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x));
  return vpaddlq_s16(vpaddq_s16(low, vmull_high_s8(w, x)));
}

#include "cpu/arm/dots.inc.h"
