/* SPDX-License-Identifier: Apache-2.0 */
/* TDPBF16PS in plain C. */
#ifndef HEDDLE_TESTS_KERNELS_EMULATED_BF16_H
#define HEDDLE_TESTS_KERNELS_EMULATED_BF16_H

#include <stdint.h>

#define EMULATED_BF16_ROW  32u /* values of a tile's row */
#define EMULATED_FLOAT_ROW 16u

/* For each of `rows` rows of a and `cols` columns of c: a row's `pairs` pairs of BF16 with the column's of b,
 * added to c. The thread's MXCSR is neither asked nor changed. */
void emulated_dot_bf16(uint32_t rows, uint32_t cols, uint32_t pairs, const uint16_t a[][EMULATED_BF16_ROW],
                       const uint16_t b[][EMULATED_BF16_ROW], float c[][EMULATED_FLOAT_ROW]);

#endif
