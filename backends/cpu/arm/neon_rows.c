/* SPDX-License-Identifier: Apache-2.0 */
/* Row kernels compiled for NEON, which every aarch64 has. */
#include "common/rows.inc.h"
#include "cpu/arm/arm.h"

const hdb_row_kernels *hdi_neon_rows(void) {
  return &rows_table;
}
