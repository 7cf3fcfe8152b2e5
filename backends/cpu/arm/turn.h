/* SPDX-License-Identifier: Apache-2.0 */
/* A square of four registers of four 32-bit lanes, turned: whatever the lanes hold, the kernels that want a
 * lane to be a row come here. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_TURN_H
#define HEDDLE_BACKENDS_CPU_ARM_TURN_H

#include <arm_neon.h>
#include "common/tile.h"

/* In place: register j gets lane j of all four. */
HDB_INLINE void hdi_turn_four(uint32x4_t r[4]) {
  uint32x4x2_t a = vtrnq_u32(r[0], r[1]), b = vtrnq_u32(r[2], r[3]);
  for (uint32_t i = 0; i < 2; i++) {
    uint64x2_t upper = vreinterpretq_u64_u32(a.val[i]), lower = vreinterpretq_u64_u32(b.val[i]);
    r[i] = vreinterpretq_u32_u64(vzip1q_u64(upper, lower));
    r[i + 2] = vreinterpretq_u32_u64(vzip2q_u64(upper, lower));
  }
}

#endif
