/* SPDX-License-Identifier: Apache-2.0 */
/* A graph around one op with random inputs in exactly as much memory as they take. */
#ifndef HEDDLE_TESTS_KERNELS_OP_CASE_H
#define HEDDLE_TESTS_KERNELS_OP_CASE_H

#include "common/ops.h"
#include "samples.h"

#define CASE_VALUES 16u

typedef struct op_case {
  sample_rng rng;
  hd_graph *graph;
  hd_launch launch;
  hd_value_desc descs[CASE_VALUES];
  void *values[CASE_VALUES];
  hd_value tokens;
  hd_value out;
  uint32_t op_index; /* of the op under test: the last */
} op_case;

void case_begin(op_case *c, uint64_t seed, uint32_t n_tokens, uint32_t n_outputs, uint32_t kv_pos);
/* A random activation, one row a token (made by an EMBED that the test does not run). */
hd_value case_input(op_case *c, uint32_t cols);
hd_value case_weight(op_case *c, hd_format format, uint32_t rows, uint32_t cols);
/* A KV value whose rows up to the run's last token are random, the same in each layout, and whose others are
 * NaN. */
hd_value case_kv(op_case *c, hd_format format, hd_kv_layout layout, uint32_t cols);
hd_value case_output(op_case *c, hd_rows rows_kind, uint32_t cols);
/* Adds the op with `out`, seals the graph and says that the portable ops take it. */
void case_finish(op_case *c, hd_op op, hd_value out);
void case_end(op_case *c);

/* Runs the op in one part, then in several other counts of parts, in mixed order, and checks that the bits
 * agree. */
void case_run(op_case *c);

/* Runs the op in so many parts, in an order that is not theirs: 7 is coprime to the counts that are used. */
void case_run_parts(op_case *c, const hdb_kernels *kernels, uint32_t parts, size_t scratch_bytes);

/* Bytes and values of what the case's op writes. */
size_t case_bytes(const op_case *c, hd_value value);
float *case_floats(const op_case *c, hd_value value);

#endif
