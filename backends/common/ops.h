/* SPDX-License-Identifier: Apache-2.0 */
/* Running the ops of a launch on host memory, part by part. What the backends that compute on the CPU share.
 */
#ifndef HEDDLE_BACKENDS_COMMON_OPS_H
#define HEDDLE_BACKENDS_COMMON_OPS_H

#include "common/kernels.h"
#include "heddle/implement/backend.h"

/* Longest row of a quantised weight: bounds the activation scratch on the stack (matmul.c). */
#define HDB_COLS_MAX 32768u

/* How many parts op `op_index` of the launch is worth when `width` workers may take them; at least 1. Small
 * ops are one part, because a fork-join costs about as much as they do. Threads: any. */
uint32_t hdb_op_parts(const hd_launch *launch, uint32_t op_index, uint32_t width);

/* Does part `part` of `parts` of one op. launch->values holds host addresses of every value that the op
 * names; the op passed hdb_op_test. Any number of parts gives the same bits: each element of the result is
 * computed by one part, in an order that does not depend on the cut. Allocates nothing; about 48 KiB of stack
 * at most. Threads: parts of one op from any threads at once; an op begins after all parts of the op before
 * it. */
void hdb_op_run(const hdb_kernels *kernels, const hd_launch *launch, uint32_t op_index, uint32_t part,
                uint32_t parts);

/* May the portable ops run this op? Errors: UNSUPPORTED (format or shape), INVALID (no such op). */
hd_status hdb_op_test(const hd_graph *graph, uint32_t op_index);

/* Runs ops [op_begin, op_end) of the launch on the calling thread, one after the other. Looks at launch->stop
 * (may be NULL) before each op and returns one past the last op done. Threads: any. */
uint32_t hdb_ops_walk(const hdb_kernels *kernels, const hd_launch *launch);

#endif
