/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels over plain float rows. A template: truly alike in every tier, so each tier compiles this one text
 * with its own compiler flags and the compiler takes the registers that it is given. No sum here depends on
 * their width, and contraction is off, so that every tier gives the same bits. Everything is static; take
 * rows_table.
 *
 * Before including it, define what compilers do not find by themselves, because half precision has no type in
 * C: static void rows_to_f16(...), as hdb_row_kernels.to_f16 */
#include <math.h>
#include "common/exp.h"
#include "common/float16.h"
#include "common/fma.h"
#include "common/kernels.h"

/* Partial sums of a row: enough for two AVX-512 registers of double. */
#define ROWS_LANES 16u

static double rows_sum_squares(const float *restrict x, uint32_t count) {
  double lane[ROWS_LANES] = {0};
  uint32_t i = 0;
  for (; i + ROWS_LANES <= count; i += ROWS_LANES)
    for (uint32_t j = 0; j < ROWS_LANES; j++)
      lane[j] += (double)(x[i + j] * x[i + j]);
  for (uint32_t j = 0; i + j < count; j++)
    lane[j] += (double)(x[i + j] * x[i + j]);
  for (uint32_t step = ROWS_LANES / 2; step > 0; step /= 2)
    for (uint32_t j = 0; j < step; j++)
      lane[j] += lane[j + step];
  return lane[0];
}

static void rows_scale_mul(const float *x, const float *weight, float scale, uint32_t count, float *out) {
  for (uint32_t i = 0; i < count; i++)
    out[i] = x[i] * scale * weight[i];
}

static void rows_swiglu(const float *restrict gate, const float *restrict up, uint32_t count,
                        float *restrict out) {
  /* Two loops: in one, a compiler divides by each bound of exp apart, and quotients by 2e38 are slow
   * subnormals. */
  for (uint32_t i = 0; i < count; i++)
    out[i] = hdb_exp(-gate[i]);
  for (uint32_t i = 0; i < count; i++)
    out[i] = gate[i] / (1.0f + out[i]) * up[i];
}

static void rows_add(const float *restrict a, const float *restrict b, uint32_t count, float *restrict out) {
  for (uint32_t i = 0; i < count; i++)
    out[i] = a[i] + b[i];
}

static const hdb_row_kernels rows_table = {
    .sum_squares = rows_sum_squares,
    .scale_mul = rows_scale_mul,
    .swiglu = rows_swiglu,
    .add = rows_add,
    .to_f16 = rows_to_f16,
};
