/* SPDX-License-Identifier: Apache-2.0 */
/* Copying rows: EMBED (rows of a table, by token), SELECT (the last rows). */
#include <string.h>
#include "common/job.h"

static void embed_run(const hdb_job *job) {
  const int32_t *tokens = hdb_job_at(job, job->op->in[0]);
  const hd_value_desc *table = &job->values[job->op->in[1]];
  const uint8_t *rows = hdb_job_at(job, job->op->in[1]);
  size_t row_bytes = hd_format_row_bytes(table->format, table->cols);
  hdb_range range = hdb_job_range(job, hdb_items_out_rows(job), 1);
  for (uint32_t t = range.begin; t < range.end; t++) {
    float *out = hdb_job_row(job, job->op->out, t);
    /* Whoever submits checks its tokens; one that slips through must not read beyond the table. */
    if ((uint32_t)tokens[t] < table->rows)
      job->kernels->dequantise[table->format](rows + (uint32_t)tokens[t] * row_bytes, table->cols, out);
    else
      memset(out, 0, table->cols * sizeof(float));
  }
}

static hd_status embed_test(const hd_op *op, const hd_value_desc *values) {
  const hd_value_desc *table = &values[op->in[1]];
  if ((uint32_t)table->format >= HD_FORMAT_COUNT || !hdb_kernels_c()->dequantise[table->format])
    return HD_E_UNSUPPORTED;
  return hd_format_row_bytes(table->format, table->cols) ? HD_OK : HD_E_UNSUPPORTED;
}

static void select_run(const hdb_job *job) {
  uint32_t skip = hdb_job_rows(job, job->op->in[0]) - hdb_items_out_rows(job);
  hdb_range range = hdb_job_range(job, hdb_items_out_rows(job), 1);
  for (uint32_t r = range.begin; r < range.end; r++)
    memcpy(hdb_job_row(job, job->op->out, r), hdb_job_row(job, job->op->in[0], skip + r),
           hdb_job_cols(job, job->op->out) * sizeof(float));
}

static hd_status select_test(const hd_op *op, const hd_value_desc *values) {
  return values[op->in[0]].format == HD_FORMAT_F32 ? HD_OK : HD_E_UNSUPPORTED;
}

const hdb_op_family hdb_family_embed = {
    .run = embed_run,
    .items = hdb_items_out_rows,
    .item_work = hdb_work_out_row,
    .test = embed_test,
};
const hdb_op_family hdb_family_select = {
    .run = select_run,
    .items = hdb_items_out_rows,
    .item_work = hdb_work_out_row,
    .test = select_test,
};
