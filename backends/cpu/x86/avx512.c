/* SPDX-License-Identifier: Apache-2.0 */
/* The avx512 tier. */
#include "cpu/x86/x86.h"

void hdi_avx512_replace(hdb_kernels *kernels) {
  kernels->rows = hdi_avx512_rows();
}
