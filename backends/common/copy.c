/* SPDX-License-Identifier: Apache-2.0 */
/* Copying rows: EMBED (rows of a table, by token), SELECT (the last rows), KV_STORE (into the cache). */
#include <stdalign.h>
#include <string.h>
#include "common/activation.h"
#include "common/float16.h"
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

static uint32_t kv_store_items(const hdb_job *job) {
  return hdb_job_rows(job, job->op->in[0]);
}

static uint64_t kv_store_work(const hdb_job *job) {
  return (uint64_t)hdb_job_cols(job, job->op->in[0]) * sizeof(float);
}

/* The rows' numbers are those of an activation; a cache has GGUF's blocks, each with its scale in front. */
static void store_q8_0(const hdb_kernels *kernels, const float *x, uint32_t cols, uint8_t *out) {
  enum { AT_ONCE = 1024, BLOCK = 32 };
  alignas(64) uint8_t row[2 * AT_ONCE];
  _Static_assert(sizeof row >= AT_ONCE + AT_ONCE / BLOCK * 16, "room for the values, scales and sums");
  for (uint32_t from = 0; from < cols; from += AT_ONCE) {
    uint32_t count = cols - from < AT_ONCE ? cols - from : AT_ONCE;
    kernels->quantise_q8(x + from, count, row);
    for (uint32_t b = 0; b < count / BLOCK; b++) {
      uint16_t scale = hdb_f32_to_f16(hdb_q8_scales(row, count)[b]); /* exact: it is an f16 */
      memcpy(out, &scale, sizeof scale);
      memcpy(out + sizeof scale, hdb_q8_values(row) + (size_t)b * BLOCK, BLOCK);
      out += sizeof scale + BLOCK;
    }
  }
}

static void kv_store_run(const hdb_job *job) {
  const hd_value_desc *kv = &job->values[job->op->out];
  size_t row_bytes = hd_format_row_bytes(kv->format, kv->cols);
  uint8_t *first = (uint8_t *)hdb_job_at(job, job->op->out) + job->launch->kv_pos * row_bytes;
  hdb_range range = hdb_job_range(job, kv_store_items(job), 1);
  for (uint32_t t = range.begin; t < range.end; t++) {
    const float *x = hdb_job_row(job, job->op->in[0], t);
    if (kv->format == HD_FORMAT_Q8_0)
      store_q8_0(job->kernels, x, kv->cols, first + t * row_bytes);
    else if (kv->format == HD_FORMAT_F16)
      job->kernels->rows->to_f16(x, kv->cols, (uint16_t *)(void *)(first + t * row_bytes));
    else
      memcpy(first + t * row_bytes, x, row_bytes);
  }
}

static hd_status kv_store_test(const hd_op *op, const hd_value_desc *values) {
  hd_format format = values[op->out].format;
  bool known = format == HD_FORMAT_F32 || format == HD_FORMAT_F16 || format == HD_FORMAT_Q8_0;
  return known ? HD_OK : HD_E_UNSUPPORTED;
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
const hdb_op_family hdb_family_kv_store = {
    .run = kv_store_run,
    .items = kv_store_items,
    .item_work = kv_store_work,
    .test = kv_store_test,
};
