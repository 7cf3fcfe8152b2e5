/* SPDX-License-Identifier: Apache-2.0 */
/* What the avxvnni tier replaces: the products of integers. */
#include "cpu/x86/x86.h"

void hdi_avxvnni_replace(hdb_kernels *kernels) {
  kernels->dot[HD_FORMAT_Q8_0] = hdi_avxvnni_dot_q8_0;
  kernels->dot[HD_FORMAT_Q4_0] = hdi_avxvnni_dot_q4_0;
  kernels->dot[HD_FORMAT_Q5_0] = hdi_avxvnni_dot_q5_0;
  kernels->dot[HD_FORMAT_Q4_K] = hdi_avxvnni_dot_q4_k;
  kernels->dot[HD_FORMAT_Q6_K] = hdi_avxvnni_dot_q6_k;
}
