/* SPDX-License-Identifier: Apache-2.0 */
/* The AMX kernels with tiles in plain C. They need AVX-512 (numbers that are not in blocks AVX512-BF16),
 * sixteen weight rows and sixteen activation rows. */
#ifndef HEDDLE_TESTS_KERNELS_EMULATED_DOTS_H
#define HEDDLE_TESTS_KERNELS_EMULATED_DOTS_H

#include "common/kernels.h"

/* The dot of a format; F16 and F32 are rounded to BF16. NULL: AMX has none of its own. */
hdb_dot_fn emulated_dot_of(hd_format format);

/* Kernels that began and did not end. */
extern int emulated_begun;

#endif
