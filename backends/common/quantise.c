/* SPDX-License-Identifier: Apache-2.0 */
/* Quantising an activation row as ggml does on x86, to the bit: results are compared with its results; and
 * rounding it to BF16.
 * Source: ggml's Q8_0 (d = amax / 127, values times 127 / amax, nearest even) and Q8_K (-127 / the value of
 * largest magnitude, sign kept). */
#include <math.h>
#include <string.h>
#include "common/activation.h"
#include "common/bf16.h"
#include "common/float16.h"
#include "common/quantise.h"

/* The nearest integer, ties to even, of |x| < 2^22: the sum's low mantissa bits are it. Other values (NaN,
 * infinity times 0) give some integer, never undefined behaviour. */
static int32_t nearest(float x) {
  uint32_t bits = hdb_bits(x + 0x1.8p23f);
  return (int32_t)(bits & 0x007fffffu) - 0x00400000;
}

void hdb_quantise_q8(const float *x, uint32_t cols, void *out_row) {
  int8_t *q = out_row;
  float *scales = (float *)(void *)((uint8_t *)out_row + cols);
  int32_t *minus_sums = (int32_t *)(void *)(scales + cols / HDB_Q8_BLOCK);
  for (uint32_t b = 0; b < cols / HDB_Q8_BLOCK; b++, x += HDB_Q8_BLOCK, q += HDB_Q8_BLOCK) {
    float amax = 0.0f;
    for (uint32_t i = 0; i < HDB_Q8_BLOCK; i++)
      amax = fmaxf(amax, fabsf(x[i]));
    scales[b] = hdb_f16_to_f32(hdb_f32_to_f16(amax / 127.0f));
    /* Where the scale rounds to 0 the block counts for nothing; 127 / amax could be infinite there. */
    float inverse = scales[b] > 0.0f ? 127.0f / amax : 0.0f;
    minus_sums[b] = 0;
    for (uint32_t i = 0; i < HDB_Q8_BLOCK; i++) {
      q[i] = (int8_t)nearest(x[i] * inverse);
      minus_sums[b] -= q[i];
    }
  }
}

/* The value of largest magnitude with its sign; the first of equals. */
static float extreme(const float *x, uint32_t count) {
  float best = 0.0f;
  for (uint32_t i = 0; i < count; i++)
    if (fabsf(x[i]) > fabsf(best)) best = x[i];
  return best;
}

void hdb_quantise_q8k(const float *x, uint32_t cols, void *out_row) {
  int8_t *q = out_row;
  float *scales = (float *)(void *)((uint8_t *)out_row + cols);
  int16_t *sums = (int16_t *)(void *)(scales + cols / HDB_Q8K_BLOCK), *sums_32 = sums + cols / HDB_Q8K_SUM;
  for (uint32_t b = 0; b < cols / HDB_Q8K_BLOCK; b++, x += HDB_Q8K_BLOCK, q += HDB_Q8K_BLOCK) {
    float best = extreme(x, HDB_Q8K_BLOCK);
    /* Below this the inverse could overflow; such a block counts for nothing (ggml stops at 0 itself). */
    float inverse = fabsf(best) > 0x1p-100f ? -127.0f / best : 0.0f;
    scales[b] = inverse != 0.0f ? 1.0f / inverse : 0.0f;
    for (uint32_t i = 0; i < HDB_Q8K_BLOCK; i++) {
      int32_t value = nearest(x[i] * inverse);
      q[i] = (int8_t)(value > 127 ? 127 : value);
    }
    for (uint32_t s = 0; s < HDB_Q8K_BLOCK / HDB_Q8K_SUM; s++) {
      int32_t sum = 0;
      for (uint32_t i = 0; i < HDB_Q8K_SUM; i++)
        sum += q[s * HDB_Q8K_SUM + i];
      *sums++ = (int16_t)sum;
      if (s % 2) *sums_32++ = (int16_t)(sums[-2] + sums[-1]);
    }
  }
}

void hdb_quantise_bf16(const float *x, uint32_t cols, void *out_row) {
  hdb_bf16_round_row(x, cols, out_row);
}

void hdb_quantise_bf16_pairs(const float *x, uint32_t cols, void *out_row) {
  uint16_t *out = out_row;
  for (size_t i = 0; i < hdb_bf16_filled(cols); i++) {
    size_t from = i / HDB_PAIRS * HDB_PAIRS + hdb_pairs_order[i % HDB_PAIRS];
    out[i] = from < cols ? (uint16_t)(hdb_bf16_nearest(x[from]) >> 16) : 0;
  }
}
