/* SPDX-License-Identifier: Apache-2.0 */
/* MATMUL: every row of x with every row of a weight. Parts take ranges of weight rows, so each weight is
 * streamed once a launch and no two parts write one element.
 *
 * A part quantises the activation rows itself, a tile at a time into a buffer on its stack. Quantising a row
 * costs as much as one to four of the hundreds of dots that it then serves, so doing it in every part costs
 * under a hundredth, and saves a barrier and a buffer shared by the workers. */
#include <stdalign.h>
#include "common/activation.h"
#include "common/job.h"

/* Room for one row of HDB_COLS_MAX values (36 KiB as Q8, 36.2 as Q8K) or more shorter ones. */
#define SCRATCH_BYTES (40u * 1024)
/* Activations that meet float weights are taken so many bytes at a time: half of a second cache, from which
 * every weight row reads them again. */
#define FLOATS_BYTES (256u * 1024)
/* Parts begin at multiples of so many weight rows: 16 results are a cache line, which two cores then never
 * share. */
#define ROW_GRAIN 16u

/* A run of activation rows in the layout that the weight wants. */
typedef struct rows_view {
  const uint8_t *first;
  size_t stride;
  uint32_t count;
} rows_view;

static size_t activation_bytes(hdb_activation layout, uint32_t cols) {
  switch (layout) {
  case HDB_ACTIVATION_Q8:
    return hdb_q8_bytes(cols);
  case HDB_ACTIVATION_Q8K:
    return hdb_q8k_bytes(cols);
  default:
    return (size_t)cols * sizeof(float);
  }
}

/* Rows `from` and following of x, as many as the scratch holds (floats: where they are). */
static rows_view view_rows(const hdb_job *job, hdb_activation layout, uint32_t from, uint32_t total,
                           uint8_t *scratch) {
  hd_value x = job->op->in[0];
  uint32_t cols = hdb_job_cols(job, x);
  rows_view view = {scratch, activation_bytes(layout, cols), total - from};
  if (layout == HDB_ACTIVATION_F32) {
    uint32_t most = (uint32_t)(FLOATS_BYTES / view.stride) + 1;
    view.first = (const uint8_t *)hdb_job_row(job, x, from);
    if (view.count > most) view.count = most;
    return view;
  }
  hdb_quantise_fn quantise =
      layout == HDB_ACTIVATION_Q8 ? job->kernels->quantise_q8 : job->kernels->quantise_q8k;
  if (view.count > SCRATCH_BYTES / view.stride) view.count = (uint32_t)(SCRATCH_BYTES / view.stride);
  for (uint32_t r = 0; r < view.count; r++)
    quantise(hdb_job_row(job, x, from + r), cols, scratch + r * view.stride);
  return view;
}

static void add_bias(const hdb_job *job, hdb_range rows, uint32_t from, uint32_t count) {
  hd_value bias = job->op->in[2];
  if (bias == HD_VALUE_NONE) return;
  const float *b = hdb_job_at(job, bias);
  for (uint32_t r = from; r < from + count; r++) {
    float *out = hdb_job_row(job, job->op->out, r);
    for (uint32_t m = rows.begin; m < rows.end; m++)
      out[m] += b[m];
  }
}

static void matmul_run(const hdb_job *job) {
  hd_value w = job->op->in[1], out = job->op->out;
  hd_format format = job->values[w].format;
  hdb_activation layout = hdb_format_activation(format);
  hdb_range rows = hdb_job_range(job, job->values[w].rows, ROW_GRAIN);
  uint32_t total = hdb_job_rows(job, out);
  alignas(64) uint8_t scratch[SCRATCH_BYTES];
  if (rows.begin == rows.end) return;

  hdb_tile tile = {
      .cols = hdb_job_cols(job, w),
      .weight_rows = rows.end - rows.begin,
      .weight_stride = hd_format_row_bytes(format, hdb_job_cols(job, w)),
      .out_stride = hdb_job_cols(job, out),
  };
  tile.weights = (const uint8_t *)hdb_job_at(job, w) + rows.begin * tile.weight_stride;
  for (uint32_t from = 0; from < total; from += tile.x_rows) {
    rows_view view = view_rows(job, layout, from, total, scratch);
    tile.x = view.first;
    tile.x_stride = view.stride;
    tile.x_rows = view.count;
    tile.out = hdb_job_row(job, out, from) + rows.begin;
    job->kernels->dot[format](&tile);
    add_bias(job, rows, from, view.count);
  }
}

static uint32_t matmul_items(const hdb_job *job) {
  return (job->values[job->op->in[1]].rows + ROW_GRAIN - 1) / ROW_GRAIN;
}

/* Streaming the weight rows once, and arithmetic for each activation row, at about 4 values in the time of a
 * byte. */
static uint64_t matmul_work(const hdb_job *job) {
  const hd_value_desc *w = &job->values[job->op->in[1]];
  return ROW_GRAIN *
         (hd_format_row_bytes(w->format, w->cols) + (uint64_t)w->cols / 4 * hdb_items_out_rows(job));
}

static hd_status matmul_test(const hd_op *op, const hd_value_desc *values) {
  const hd_value_desc *w = &values[op->in[1]];
  if ((uint32_t)w->format >= HD_FORMAT_COUNT || !hdb_kernels_c()->dot[w->format]) return HD_E_UNSUPPORTED;
  if (hd_format_row_bytes(w->format, w->cols) == 0) return HD_E_UNSUPPORTED;
  if (hdb_format_activation(w->format) != HDB_ACTIVATION_F32 && w->cols > HDB_COLS_MAX)
    return HD_E_UNSUPPORTED;
  if (op->in[2] != HD_VALUE_NONE && values[op->in[2]].format != HD_FORMAT_F32) return HD_E_UNSUPPORTED;
  return HD_OK;
}

const hdb_op_family hdb_family_matmul = {matmul_run, matmul_items, matmul_work, matmul_test};
