/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of 32 values of sixteen weight rows as the second operand of TDPBF16PS is: register k holds values
 * 2k and 2k + 1 of row r in its lane r. Weights of other formats are rounded to BF16 on the way. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512BF16_TURN_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512BF16_TURN_H

#include "cpu/x86/avx512_panel.h"

#define HDI_NEIGHBOURS 16u /* registers of a block */

typedef struct hdi_neighbours_format {
  size_t value_bytes; /* of a weight */
  void (*turn)(const hdi_sixteen *at, __m512i out[HDI_NEIGHBOURS]);
} hdi_neighbours_format;

#endif
