/* SPDX-License-Identifier: Apache-2.0 */
/* RMS_NORM: each group of a row divided by the root of its mean square, times a weight.
 * Source: Zhang and Sennrich, Root Mean Square Layer Normalization, 2019. */
#include <math.h>
#include "common/job.h"

static void norm_run(const hdb_job *job) {
  uint32_t cols = hdb_job_cols(job, job->op->out), group = job->op->u.rms_norm.group;
  const float *weight = hdb_job_at(job, job->op->in[1]);
  const hdb_row_kernels *rows = job->kernels->rows;
  hdb_range range = hdb_job_range(job, hdb_items_out_rows(job), 1);
  for (uint32_t r = range.begin; r < range.end; r++) {
    const float *x = hdb_job_row(job, job->op->in[0], r);
    float *out = hdb_job_row(job, job->op->out, r);
    for (uint32_t c = 0; c < cols; c += group) {
      float mean = (float)(rows->sum_squares(x + c, group) / group);
      rows->scale_mul(x + c, weight, 1.0f / sqrtf(mean + job->op->u.rms_norm.eps), group, out + c);
    }
  }
}

static hd_status norm_test(const hd_op *op, const hd_value_desc *values) {
  uint32_t group = op->u.rms_norm.group;
  if (values[op->in[1]].format != HD_FORMAT_F32) return HD_E_UNSUPPORTED;
  return group != 0 && values[op->out].cols % group == 0 ? HD_OK : HD_E_UNSUPPORTED;
}

const hdb_op_family hdb_family_rms_norm = {
    .run = norm_run,
    .items = hdb_items_out_rows,
    .item_work = hdb_work_out_row,
    .test = norm_test,
};
