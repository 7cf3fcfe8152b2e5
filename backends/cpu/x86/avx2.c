/* SPDX-License-Identifier: Apache-2.0 */
/* What the avx2 tier replaces. */
#include "cpu/x86/x86.h"

void hdi_avx2_replace(hdb_kernels *kernels) {
  kernels->dot[HD_FORMAT_F32] = hdi_avx2_dot_f32;
  kernels->dot[HD_FORMAT_F16] = hdi_avx2_dot_f16;
  kernels->dot[HD_FORMAT_BF16] = hdi_avx2_dot_bf16;
  kernels->dot[HD_FORMAT_Q8_0] = hdi_avx2_dot_q8_0;
  kernels->dot[HD_FORMAT_Q4_0] = hdi_avx2_dot_q4_0;
  kernels->dot[HD_FORMAT_Q5_0] = hdi_avx2_dot_q5_0;
  kernels->dot[HD_FORMAT_Q4_K] = hdi_avx2_dot_q4_k;
  kernels->dot[HD_FORMAT_Q6_K] = hdi_avx2_dot_q6_k;
  kernels->quantise_q8 = hdi_avx2_quantise_q8;
  kernels->quantise_q8k = hdi_avx2_quantise_q8k;
  kernels->quantise_bf16 = hdi_avx2_quantise_bf16;
  kernels->rows = hdi_avx2_rows();
  kernels->attention = hdi_avx2_attention();
}
