/* SPDX-License-Identifier: Apache-2.0 */
/* Row kernels compiled for avx512. */
#include "cpu/x86/f16c.h"
#include "cpu/x86/x86.h"
#include "common/rows.inc.h"

const hdb_row_kernels *hdi_avx512_rows(void) {
  return &rows_table;
}
