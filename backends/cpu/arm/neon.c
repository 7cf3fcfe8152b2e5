/* SPDX-License-Identifier: Apache-2.0 */
/* What the NEON tier replaces, and what dotprod and i8mm replace of that. */
#include "cpu/arm/arm.h"

void hdi_neon_replace(hdb_kernels *kernels) {
  kernels->dot[HD_FORMAT_F32] = hdi_neon_dot_f32;
  kernels->dot[HD_FORMAT_F16] = hdi_neon_dot_f16;
  kernels->dot[HD_FORMAT_BF16] = hdi_neon_dot_bf16;
  kernels->dot[HD_FORMAT_Q8_0] = hdi_neon_dot_q8_0;
  kernels->dot[HD_FORMAT_Q4_0] = hdi_neon_dot_q4_0;
  kernels->dot[HD_FORMAT_Q5_0] = hdi_neon_dot_q5_0;
  kernels->dot[HD_FORMAT_Q4_K] = hdi_neon_dot_q4_k;
  kernels->dot[HD_FORMAT_Q6_K] = hdi_neon_dot_q6_k;
  kernels->quantise_q8 = hdi_neon_quantise_q8;
  kernels->quantise_q8k = hdi_neon_quantise_q8k;
  kernels->quantise_bf16 = hdi_neon_quantise_bf16;
  kernels->rows = hdi_neon_rows();
  kernels->attention = hdi_neon_attention();
}

void hdi_dotprod_replace(hdb_kernels *kernels) {
  kernels->dot[HD_FORMAT_Q8_0] = hdi_dotprod_dot_q8_0;
  kernels->dot[HD_FORMAT_Q4_0] = hdi_dotprod_dot_q4_0;
  kernels->dot[HD_FORMAT_Q5_0] = hdi_dotprod_dot_q5_0;
  kernels->dot[HD_FORMAT_Q4_K] = hdi_dotprod_dot_q4_k;
  kernels->dot[HD_FORMAT_Q6_K] = hdi_dotprod_dot_q6_k;
}

void hdi_i8mm_replace(hdb_kernels *kernels) {
  kernels->dot[HD_FORMAT_Q8_0] = hdi_i8mm_dot_q8_0;
  kernels->dot[HD_FORMAT_Q4_0] = hdi_i8mm_dot_q4_0;
  kernels->dot[HD_FORMAT_Q5_0] = hdi_i8mm_dot_q5_0;
  kernels->dot[HD_FORMAT_Q4_K] = hdi_i8mm_dot_q4_k;
  kernels->dot[HD_FORMAT_Q6_K] = hdi_i8mm_dot_q6_k;
}
