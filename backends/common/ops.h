/* SPDX-License-Identifier: Apache-2.0 */
/* Running the ops of a launch on host memory, part by part. What the backends that compute on the CPU share.
 */
#ifndef HEDDLE_BACKENDS_COMMON_OPS_H
#define HEDDLE_BACKENDS_COMMON_OPS_H

#include "common/kernels.h"
#include "heddle/implement/backend.h"

/* Parts of a step for each worker, at most: a worker that starts late or runs on a little core takes fewer.
 */
#define HDB_PARTS_PER_WORKER 4u

/* Longest row of a weight whose activations are quantised: bounds what one of them takes of a scratch. */
#define HDB_COLS_MAX 32768u
/* Least size of a scratch: one such row in the longest layout, floats that are rounded. */
#define HDB_SCRATCH_MIN (HDB_COLS_MAX * 4)

/* Where a launch keeps activations as the weights want them, between the step that quantises them and the
 * steps that multiply with them. Ownership: who runs the launch; one launch at a time. */
typedef struct hdb_scratch {
  uint8_t *bytes; /* at 64-byte alignment */
  size_t size;    /* HDB_SCRATCH_MIN at least; with more, weights are read for more rows at once */
  /* Rows [first, first + count) of `value`, in `layout`. HD_VALUE_NONE: nothing yet (before a launch). */
  hd_value value;
  hdb_activation layout;
  uint32_t first, count;
} hdb_scratch;

/* One op of a launch. */
typedef struct hdb_run {
  const hdb_kernels *kernels;
  const hd_launch *launch;
  hdb_scratch *scratch;
  uint32_t op_index;
} hdb_run;

/* An op is one or more steps, each cut into parts. Any number of parts gives the same bits: each element of
 * the result is computed by one part, in an order that does not depend on the cut. Nothing here allocates;
 * about 52 KiB of stack at most. launch->values holds host addresses of every value that the op names; the op
 * passed hdb_op_test. */
uint32_t hdb_op_steps(const hdb_run *run);

/* Begins a step and says how many parts it is worth when `width` workers may take them; 0: nothing is left to
 * do for it. Small steps are one part, because a fork-join costs about as much as they do. Threads: the one
 * that owns the launch, after all parts of the step before. */
uint32_t hdb_step_begin(const hdb_run *run, uint32_t step, uint32_t width);

/* Does part `part` of `parts` of a step that was begun. Threads: parts of one step from any threads at once.
 */
void hdb_step_run(const hdb_run *run, uint32_t step, uint32_t part, uint32_t parts);

/* May the portable ops run this op? Errors: UNSUPPORTED (format or shape), INVALID (no such op). */
hd_status hdb_op_test(const hd_graph *graph, uint32_t op_index);

/* Runs ops [op_begin, op_end) of the launch on the calling thread, one after the other. Looks at launch->stop
 * (may be NULL) before each op and returns one past the last op done. Takes 184 KiB of stack. Threads: any.
 */
uint32_t hdb_ops_walk(const hdb_kernels *kernels, const hd_launch *launch);

#endif
