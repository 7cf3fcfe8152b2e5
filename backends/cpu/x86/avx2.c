/* SPDX-License-Identifier: Apache-2.0 */
/* The avx2 tier. */
#include "cpu/x86/x86.h"

void hdi_avx2_replace(hdb_kernels *kernels) {
  kernels->rows = hdi_avx2_rows();
}
