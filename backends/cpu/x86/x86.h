/* SPDX-License-Identifier: Apache-2.0 */
/* What the x86-64 tiers replace in a table of kernels. */
#ifndef HEDDLE_BACKENDS_CPU_X86_H
#define HEDDLE_BACKENDS_CPU_X86_H

#include "common/kernels.h"

void hdi_avx2_replace(hdb_kernels *kernels);
void hdi_avx512_replace(hdb_kernels *kernels);

/* rows.inc.h compiled for the tier. */
const hdb_row_kernels *hdi_avx2_rows(void);
const hdb_row_kernels *hdi_avx512_rows(void);

#endif
