/* SPDX-License-Identifier: Apache-2.0 */
/* What the aarch64 tiers replace in a table of kernels. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_H
#define HEDDLE_BACKENDS_CPU_ARM_H

#include "common/kernels.h"

void hdi_neon_replace(hdb_kernels *kernels);
void hdi_dotprod_replace(hdb_kernels *kernels);

/* rows.inc.h compiled for aarch64. */
const hdb_row_kernels *hdi_neon_rows(void);

#endif
