/* SPDX-License-Identifier: Apache-2.0 */
/* ADD and SWIGLU: element by element. Source of SwiGLU: Shazeer, GLU Variants Improve Transformer, 2020. */
#include "common/job.h"

typedef void (*pair_fn)(const float *a, const float *b, uint32_t count, float *out);

static void run_rows(const hdb_job *job, pair_fn fn) {
  uint32_t cols = hdb_job_cols(job, job->op->out);
  hdb_range range = hdb_job_range(job, hdb_items_out_rows(job), 1);
  for (uint32_t r = range.begin; r < range.end; r++)
    fn(hdb_job_row(job, job->op->in[0], r), hdb_job_row(job, job->op->in[1], r), cols,
       hdb_job_row(job, job->op->out, r));
}

/* A column range of all rows. */
static void run_columns(const hdb_job *job, pair_fn fn) {
  hdb_range range = hdb_job_range(job, hdb_job_cols(job, job->op->out), HDB_COLUMN_GRAIN);
  if (range.begin == range.end) return;
  for (uint32_t r = 0; r < hdb_items_out_rows(job); r++)
    fn(hdb_job_row(job, job->op->in[0], r) + range.begin, hdb_job_row(job, job->op->in[1], r) + range.begin,
       range.end - range.begin, hdb_job_row(job, job->op->out, r) + range.begin);
}

static void add_run(const hdb_job *job) {
  run_rows(job, job->kernels->rows->add);
}

static void swiglu_run(const hdb_job *job) {
  run_rows(job, job->kernels->rows->swiglu);
}

static void add_columns(const hdb_job *job) {
  run_columns(job, job->kernels->rows->add);
}

static void swiglu_columns(const hdb_job *job) {
  run_columns(job, job->kernels->rows->swiglu);
}

/* An exponential and a division: about eight times an addition. */
static uint64_t swiglu_work(const hdb_job *job) {
  return 8 * hdb_work_out_row(job);
}

static hd_status floats_test(const hd_op *op, const hd_value_desc *values) {
  bool floats = values[op->in[0]].format == HD_FORMAT_F32 && values[op->in[1]].format == HD_FORMAT_F32;
  return floats ? HD_OK : HD_E_UNSUPPORTED;
}

const hdb_op_family hdb_family_add = {
    .run = add_run,
    .items = hdb_items_out_rows,
    .item_work = hdb_work_out_row,
    .test = floats_test,
    .run_columns = add_columns,
};
const hdb_op_family hdb_family_swiglu = {
    .run = swiglu_run,
    .items = hdb_items_out_rows,
    .item_work = swiglu_work,
    .test = floats_test,
    .run_columns = swiglu_columns,
};
