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

/* Sums of four columns stay in a register while all rows go by. */
static void rows_mix_f16(const float *p, const uint8_t *rows, size_t stride, uint32_t row_count,
                         uint32_t cols, float *acc) {
  uint32_t c = 0;
  for (; c + 4 <= cols; c += 4) {
    float32x4_t sum = vld1q_f32(acc + c);
    for (uint32_t r = 0; r < row_count; r++) {
      const uint16_t *v = (const uint16_t *)(const void *)(rows + r * stride) + c;
      sum = vfmaq_n_f32(sum, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(v))), p[r]);
    }
    vst1q_f32(acc + c, sum);
  }
  for (; c < cols; c++)
    for (uint32_t r = 0; r < row_count; r++)
      acc[c] = __builtin_fmaf(p[r], hdb_f16_to_f32(((const uint16_t *)(const void *)(rows + r * stride))[c]),
                              acc[c]);
}

#include "common/rows.inc.h"

const hdb_row_kernels *hdi_neon_rows(void) {
  return &rows_table;
}
