/* SPDX-License-Identifier: Apache-2.0 */
/* One random multiplication for a dot in tiles and for portable C. */
#ifndef HEDDLE_TESTS_KERNELS_AMX_CASE_H
#define HEDDLE_TESTS_KERNELS_AMX_CASE_H

#include <stdbool.h>
#include "common/kernels.h"
#include "samples.h"

/* Rows as the dot takes them, and as portable C does: numbers that are not in blocks as BF16. */
typedef struct amx_case {
  hd_format format, c_format;
  hdb_tile tile, c_tile;
  float *floats; /* activations before they are rounded, row after row */
  uint8_t *weights, *c_weights, *x, *c_x;
  size_t bytes; /* of either result, with what lies between rows */
} amx_case;

/* Room for 16 to 55 rows of either kind, that fill tiles or not, of more values than the scratch holds a
 * panel of at times; weights and activations are random. */
void amx_case_begin(amx_case *k, sample_rng *rng, hd_format format);
/* Makes the rows again of k->floats and k->weights, which may have been changed. */
void amx_case_round(amx_case *k);
/* Both results. */
void amx_case_run(amx_case *k, hdb_dot_fn dot);
/* Fails the test unless they have the same bits; `any_nan`: or are both any NaN. */
void amx_case_check(const amx_case *k, bool any_nan);
void amx_case_end(amx_case *k);

#endif
