/* SPDX-License-Identifier: Apache-2.0 */
/* Row kernels compiled for NEON, which every aarch64 has. */
#include <arm_neon.h>
#include "common/float16.h"
#include "cpu/arm/arm.h"

static void rows_to_f16(const float *x, uint32_t count, uint16_t *out) {
  uint32_t i = 0;
  for (; i + 4 <= count; i += 4)
    vst1_u16(out + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x + i))));
  for (; i < count; i++)
    out[i] = hdb_f32_to_f16(x[i]);
}

#include "common/rows.inc.h"

const hdb_row_kernels *hdi_neon_rows(void) {
  return &rows_table;
}
