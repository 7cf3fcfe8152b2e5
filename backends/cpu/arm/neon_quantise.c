/* SPDX-License-Identifier: Apache-2.0 */
/* NEON quantisation of activation rows: the same bits as common/quantise.c. */
#include <arm_neon.h>
#include "common/activation.h"
#include "common/float16.h"
#include "cpu/arm/arm.h"

static inline float largest(const float *x, uint32_t count) {
  float32x4_t most = vabsq_f32(vld1q_f32(x));
  for (uint32_t i = 4; i < count; i += 4)
    most = vmaxq_f32(most, vabsq_f32(vld1q_f32(x + i)));
  return vmaxvq_f32(most);
}

/* Sixteen products with `inverse` as the nearest integers, ties to even, clipped to int8. */
static inline int8x16_t integers(const float *x, float inverse) {
  int16x4_t i[4];
  for (uint32_t j = 0; j < 4; j++)
    i[j] = vqmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4 * j), inverse)));
  return vcombine_s8(vqmovn_s16(vcombine_s16(i[0], i[1])), vqmovn_s16(vcombine_s16(i[2], i[3])));
}

void hdi_neon_quantise_q8(const float *x, uint32_t cols, void *out_row) {
  int8_t *q = out_row;
  float *scales = (float *)(void *)((uint8_t *)out_row + cols);
  int32_t *minus_sums = (int32_t *)(void *)(scales + cols / HDB_Q8_BLOCK);
  for (uint32_t b = 0; b < cols / HDB_Q8_BLOCK; b++, x += HDB_Q8_BLOCK, q += HDB_Q8_BLOCK) {
    float amax = largest(x, HDB_Q8_BLOCK);
    scales[b] = hdb_f16_to_f32(hdb_f32_to_f16(amax / 127.0f));
    float inverse = scales[b] > 0.0f ? 127.0f / amax : 0.0f;
    int8x16_t low = integers(x, inverse), high = integers(x + 16, inverse);
    vst1q_s8(q, low);
    vst1q_s8(q + 16, high);
    minus_sums[b] = -vaddlvq_s8(low) - vaddlvq_s8(high);
  }
}

/* The value of largest magnitude with its sign; the first of equals. */
static float extreme(const float *x) {
  float amax = largest(x, HDB_Q8K_BLOCK);
  for (uint32_t i = 0; i < HDB_Q8K_BLOCK; i++)
    if (x[i] == amax || x[i] == -amax) return x[i];
  return 0.0f; /* only NaNs */
}

void hdi_neon_quantise_q8k(const float *x, uint32_t cols, void *out_row) {
  int8_t *q = out_row;
  float *scales = (float *)(void *)((uint8_t *)out_row + cols);
  int16_t *sums = (int16_t *)(void *)(scales + cols / HDB_Q8K_BLOCK), *sums_32 = sums + cols / HDB_Q8K_SUM;
  for (uint32_t b = 0; b < cols / HDB_Q8K_BLOCK; b++, x += HDB_Q8K_BLOCK, q += HDB_Q8K_BLOCK) {
    float best = extreme(x), size = best < 0.0f ? -best : best;
    float inverse = size > 0x1p-100f ? -127.0f / best : 0.0f;
    scales[b] = inverse != 0.0f ? 1.0f / inverse : 0.0f;
    for (uint32_t i = 0; i < HDB_Q8K_BLOCK; i += 2 * HDB_Q8K_SUM, sums += 2) {
      int8x16_t first = integers(x + i, inverse), second = integers(x + i + HDB_Q8K_SUM, inverse);
      vst1q_s8(q + i, first);
      vst1q_s8(q + i + HDB_Q8K_SUM, second);
      sums[0] = vaddlvq_s8(first);
      sums[1] = vaddlvq_s8(second);
      *sums_32++ = (int16_t)(sums[0] + sums[1]);
    }
  }
}
