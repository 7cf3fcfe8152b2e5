/* SPDX-License-Identifier: Apache-2.0 */
/* What the avx512bf16 tier replaces. */
#include "cpu/x86/x86.h"

void hdi_avx512bf16_replace(hdb_kernels *kernels) {
  kernels->dot[HD_FORMAT_BF16] = hdi_avx512bf16_dot_bf16;
  kernels->activation[HD_FORMAT_BF16] = HDB_ACTIVATION_BF16_PAIRS;
  kernels->quantise_bf16_pairs = hdi_avx512bf16_quantise_pairs;
}

void hdi_avx512bf16_round_floats(hdb_kernels *kernels) {
  kernels->dot[HD_FORMAT_F16] = hdi_avx512bf16_dot_f16;
  kernels->dot[HD_FORMAT_F32] = hdi_avx512bf16_dot_f32;
  kernels->activation[HD_FORMAT_F16] = kernels->activation[HD_FORMAT_F32] = HDB_ACTIVATION_BF16_PAIRS;
}
