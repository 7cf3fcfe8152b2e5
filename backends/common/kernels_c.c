/* SPDX-License-Identifier: Apache-2.0 */
/* The portable table of kernels: every format, every function. */
#include "common/activation.h"
#include "common/attend.h"
#include "common/bf16.h"
#include "common/formats/formats.h"
#include "common/kernels.h"
#include "common/float16.h"
#include "common/quantise.h"

static void rows_to_f16(const float *x, uint32_t count, uint16_t *out) {
  for (uint32_t i = 0; i < count; i++)
    out[i] = hdb_f32_to_f16(x[i]);
}

#include "common/rows.inc.h"

static const hdb_kernels portable = {
    .name = "c",
    .dot = {[HD_FORMAT_F32] = hdb_dot_f32,
            [HD_FORMAT_F16] = hdb_dot_f16,
            [HD_FORMAT_BF16] = hdb_dot_bf16,
            [HD_FORMAT_Q8_0] = hdb_dot_q8_0,
            [HD_FORMAT_Q4_0] = hdb_dot_q4_0,
            [HD_FORMAT_Q5_0] = hdb_dot_q5_0,
            [HD_FORMAT_Q4_K] = hdb_dot_q4_k,
            [HD_FORMAT_Q6_K] = hdb_dot_q6_k},
    .dequantise = {[HD_FORMAT_F32] = hdb_dequantise_f32,
                   [HD_FORMAT_F16] = hdb_dequantise_f16,
                   [HD_FORMAT_BF16] = hdb_dequantise_bf16,
                   [HD_FORMAT_Q8_0] = hdb_dequantise_q8_0,
                   [HD_FORMAT_Q4_0] = hdb_dequantise_q4_0,
                   [HD_FORMAT_Q5_0] = hdb_dequantise_q5_0,
                   [HD_FORMAT_Q4_K] = hdb_dequantise_q4_k,
                   [HD_FORMAT_Q6_K] = hdb_dequantise_q6_k},
    .activation = {[HD_FORMAT_F32] = HDB_ACTIVATION_F32,
                   [HD_FORMAT_F16] = HDB_ACTIVATION_F32,
                   [HD_FORMAT_BF16] = HDB_ACTIVATION_BF16,
                   [HD_FORMAT_Q8_0] = HDB_ACTIVATION_Q8,
                   [HD_FORMAT_Q4_0] = HDB_ACTIVATION_Q8,
                   [HD_FORMAT_Q5_0] = HDB_ACTIVATION_Q8,
                   [HD_FORMAT_Q4_K] = HDB_ACTIVATION_Q8K,
                   [HD_FORMAT_Q6_K] = HDB_ACTIVATION_Q8K},
    .quantise_q8 = hdb_quantise_q8,
    .quantise_q8k = hdb_quantise_q8k,
    .quantise_bf16 = hdb_quantise_bf16,
    .quantise_bf16_pairs = hdb_quantise_bf16_pairs,
    .rows = &rows_table,
    .attention = &hdb_attention_c,
};

const hdb_kernels *hdb_kernels_c(void) {
  return &portable;
}

hdb_quantise_fn hdb_quantise_of(const hdb_kernels *kernels, hdb_activation layout) {
  switch (layout) {
  case HDB_ACTIVATION_Q8:
    return kernels->quantise_q8;
  case HDB_ACTIVATION_Q8K:
    return kernels->quantise_q8k;
  case HDB_ACTIVATION_BF16:
    return kernels->quantise_bf16;
  case HDB_ACTIVATION_BF16_PAIRS:
    return kernels->quantise_bf16_pairs;
  default:
    return NULL;
  }
}

size_t hdb_activation_bytes(hdb_activation layout, uint32_t cols) {
  switch (layout) {
  case HDB_ACTIVATION_Q8:
    return hdb_q8_bytes(cols);
  case HDB_ACTIVATION_Q8K:
    return hdb_q8k_bytes(cols);
  case HDB_ACTIVATION_BF16:
    return hdb_bf16_filled(cols) * sizeof(float);
  case HDB_ACTIVATION_BF16_PAIRS:
    return hdb_bf16_filled(cols) * sizeof(uint16_t);
  default:
    return (size_t)cols * sizeof(float);
  }
}
