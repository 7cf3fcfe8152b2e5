/* SPDX-License-Identifier: Apache-2.0 */
/* TDPBF16PS from the manual's text of it, in the processor's own fused multiply-adds and not in those of
 * common/bf16.h, which it is to be compared with: two sums for each column, of even and of odd values, from
 * zero; each product is added with one rounding, subnormal operands and results are zero; then the two sums
 * are added up, and their sum to the tile's. Source: Intel SDM volume 2, TDPBF16PS, operation. */
#include <immintrin.h>
#include <math.h>
#include "common/float16.h"
#include "emulated_bf16.h"

/* To nearest, all exceptions masked, DAZ and FTZ. Source: Intel SDM volume 1, 10.2.3, MXCSR. */
#define MXCSR_OF_TILES 0x9fc0u

static void row(uint32_t cols, uint32_t pairs, const uint16_t *a, const uint16_t b[][EMULATED_BF16_ROW],
                float *c) {
  float sums[EMULATED_BF16_ROW] = {0.0f};
  for (uint32_t k = 0; k < pairs; k++)
    for (uint32_t n = 0; n < 2 * cols; n++)
      sums[n] = fmaf(hdb_bf16_to_f32(a[2 * k + n % 2]), hdb_bf16_to_f32(b[k][n]), sums[n]);
  for (uint32_t n = 0; n < cols; n++)
    c[n] += sums[2 * n] + sums[2 * n + 1];
}

/* Not inlined: a compiler knows nothing of what the register does to arithmetic. */
__attribute__((noinline)) static void rows_of(uint32_t rows, uint32_t cols, uint32_t pairs,
                                              const uint16_t a[][EMULATED_BF16_ROW],
                                              const uint16_t b[][EMULATED_BF16_ROW],
                                              float c[][EMULATED_FLOAT_ROW]) {
  for (uint32_t m = 0; m < rows; m++)
    row(cols, pairs, a[m], b, c[m]);
}

void emulated_dot_bf16(uint32_t rows, uint32_t cols, uint32_t pairs, const uint16_t a[][EMULATED_BF16_ROW],
                       const uint16_t b[][EMULATED_BF16_ROW], float c[][EMULATED_FLOAT_ROW]) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(MXCSR_OF_TILES);
  rows_of(rows, cols, pairs, a, b, c);
  _mm_setcsr(before);
}
