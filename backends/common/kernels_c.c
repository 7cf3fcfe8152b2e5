/* SPDX-License-Identifier: Apache-2.0 */
/* The portable table of kernels: every format, every function. */
#include "common/attend.h"
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
    .quantise_q8 = hdb_quantise_q8,
    .quantise_q8k = hdb_quantise_q8k,
    .rows = &rows_table,
    .attention = &hdb_attention_c,
};

const hdb_kernels *hdb_kernels_c(void) {
  return &portable;
}

hdb_activation hdb_format_activation(hd_format format) {
  switch (format) {
  case HD_FORMAT_Q8_0:
  case HD_FORMAT_Q4_0:
  case HD_FORMAT_Q5_0:
    return HDB_ACTIVATION_Q8;
  case HD_FORMAT_Q4_K:
  case HD_FORMAT_Q6_K:
    return HDB_ACTIVATION_Q8K;
  default:
    return HDB_ACTIVATION_F32;
  }
}
