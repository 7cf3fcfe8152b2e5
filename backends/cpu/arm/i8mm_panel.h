/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of rows for SMMLA, which multiplies eight values of two weight rows with those of two activation
 * rows; the lanes of a sum are (w0 x0, w0 x1, w1 x0, w1 x1). */
#ifndef HEDDLE_BACKENDS_CPU_ARM_I8MM_PANEL_H
#define HEDDLE_BACKENDS_CPU_ARM_I8MM_PANEL_H

#include <arm_neon.h>
#include "common/tile.h"

HDB_INLINE int8x16_t hdi_firsts(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}
HDB_INLINE int8x16_t hdi_seconds(int8x16_t a, int8x16_t b) {
  return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}

#endif
