/* SPDX-License-Identifier: Apache-2.0 */
/* Dots of the NEON tier, which every aarch64 has: products of bytes in 16 bits, two at a time (2 * 63 * 127
 * < 2^15). */
#include <arm_neon.h>

#define DOT_NAME(FORMAT) hdi_neon_dot_##FORMAT

static inline int32x4_t sixteen(int32x4_t acc, int8x16_t w, int8x16_t x) {
  return vpadalq_s16(acc, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(x)), w, x));
}

#include "cpu/arm/dots.inc.h"
