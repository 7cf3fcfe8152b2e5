/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of neighbouring ops that are done as one: their parts are the same parts, so that the workers meet
 * once and not once an op. The graph stays as it is; whoever runs a launch may take its ops in groups or one
 * by one, and the bits are the same. */
#ifndef HEDDLE_BACKENDS_COMMON_GROUP_H
#define HEDDLE_BACKENDS_COMMON_GROUP_H

#include "common/ops.h"

/* `heads` matmuls with one input (query, key and value; gate and up), then `tails` ops of single elements
 * that need the columns just made (SwiGLU; the residual sum). Any op alone is a group of one head. */
typedef struct hdb_group {
  uint8_t heads, tails;
} hdb_group;

/* The longest group that begins with op `op_begin` and ends before `op_end`, for who runs it with `kernels`.
 * Threads: any. */
hdb_group hdb_group_at(const hdb_kernels *kernels, const hd_graph *graph, uint32_t op_begin, uint32_t op_end);

/* What is left of a group when the launch ends at `op_end`; still one. */
hdb_group hdb_group_cut(hdb_group group, uint32_t op_begin, uint32_t op_end);

/* Steps of a group, as hdb_op_steps, hdb_step_begin and hdb_step_run do it for one op: `run` is at its first
 * op. A group whose heads take several runs of rows has a step more, for what each of its tails does at the
 * end. */
uint32_t hdb_group_steps(const hdb_run *run, hdb_group group);
uint32_t hdb_group_begin(const hdb_run *run, hdb_group group, uint32_t step, uint32_t width);
void hdb_group_run(const hdb_run *run, hdb_group group, uint32_t step, uint32_t part, uint32_t parts);

#endif
