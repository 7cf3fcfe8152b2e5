/* SPDX-License-Identifier: Apache-2.0 */
/* One part of one op, as the op families see it. */
#ifndef HEDDLE_BACKENDS_COMMON_JOB_H
#define HEDDLE_BACKENDS_COMMON_JOB_H

#include "common/ops.h"

typedef struct hdb_job {
  const hdb_kernels *kernels;
  const hd_launch *launch;
  const hd_op *op;
  const hd_value_desc *values; /* of the graph */
  hdb_scratch *scratch;
  uint32_t step, part, parts;
  const uint8_t *next; /* weights that whoever runs the part is likely to read after it; NULL: not known */
} hdb_job;

/* What one op family knows. */
typedef struct hdb_op_family {
  void (*run)(const hdb_job *job);
  /* Items of the step that different parts may take: rows of the output, rows of a weight ...; 0: nothing is
   * to be done. */
  uint32_t (*items)(const hdb_job *job);
  /* Work of one item in about bytes of streaming; what hdb_step_begin weighs. */
  uint64_t (*item_work)(const hdb_job *job);
  /* The op's inputs fit the portable code. `op` is shape-checked by the graph already. */
  hd_status (*test)(const hd_op *op, const hd_value_desc *values);
  uint32_t (*steps)(const hdb_job *job); /* NULL: one */
  void (*begin)(const hdb_job *job);     /* alone, before the step's parts; NULL: nothing */
  /* Of all rows the columns that are this part's of the output's; NULL: an element depends on other columns.
   */
  void (*run_columns)(const hdb_job *job);
} hdb_op_family;

/* By kind. */
extern const hdb_op_family *const hdb_op_families[HD_OP_COUNT];

/* The whole of an op as one part. */
hdb_job hdb_run_job(const hdb_run *run);

extern const hdb_op_family hdb_family_embed, hdb_family_select, hdb_family_rms_norm, hdb_family_matmul,
    hdb_family_add, hdb_family_rope, hdb_family_kv_store, hdb_family_attention, hdb_family_swiglu;

/* Parts of a matmul's weight rows, and so of its output's columns, begin at multiples of so many: a kernel
 * takes whole panels of 16, two at a time, and 16 results are a cache line, which two cores then never share.
 */
#define HDB_COLUMN_GRAIN 32u

typedef struct hdb_range {
  uint32_t begin, end;
} hdb_range;

/* The part's share of `count` items, in steps of `grain`. Parts cover all items once; some may be empty. */
static inline hdb_range hdb_job_range(const hdb_job *job, uint32_t count, uint32_t grain) {
  uint64_t grains = ((uint64_t)count + grain - 1) / grain;
  uint64_t begin = grains * job->part / job->parts * grain;
  uint64_t end = grains * (job->part + 1) / job->parts * grain;
  return (hdb_range){begin < count ? (uint32_t)begin : count, end < count ? (uint32_t)end : count};
}

/* The first weight row of a matmul's part. */
const uint8_t *hdb_matmul_weights(const hdb_job *job);

/* Host address of a value. */
static inline void *hdb_job_at(const hdb_job *job, hd_value value) {
  return job->launch->values[value];
}

/* Values in a row of a value. */
static inline uint32_t hdb_job_cols(const hdb_job *job, hd_value value) {
  return job->values[value].cols;
}

/* Rows of a value in this launch. */
static inline uint32_t hdb_job_rows(const hdb_job *job, hd_value value) {
  return hd_rows_of(&job->values[value], job->launch->n_tokens, job->launch->n_outputs,
                    job->launch->n_context);
}

/* A row of an F32 value; rows are tight. */
static inline float *hdb_job_row(const hdb_job *job, hd_value value, uint32_t row) {
  return (float *)hdb_job_at(job, value) + (size_t)row * hdb_job_cols(job, value);
}

/* For families whose items are the rows of the output: their count, and the bytes of one. */
uint32_t hdb_items_out_rows(const hdb_job *job);
uint64_t hdb_work_out_row(const hdb_job *job);

#endif
