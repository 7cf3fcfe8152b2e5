/* SPDX-License-Identifier: Apache-2.0 */
/* MATMUL: every row of x with every row of a weight. Parts take ranges of weight rows, so each weight is
 * streamed once for as many activation rows as the launch's scratch holds, and no two parts write one
 * element.
 *
 * Activation rows that meet a quantised weight are quantised once, in a step before: when each of eight parts
 * did it for itself, that was a third of a prefill's time once the dots were at the speed of the machine. The
 * scratch remembers what it holds: matrices that share an input (query, key, value; gate, up) share the step.
 * Steps: 2i quantises the i-th run of rows, 2i + 1 multiplies it; a float weight has one step. */
#include <stdalign.h>
#include "common/activation.h"
#include "common/job.h"

/* Activations that meet float weights are taken so many bytes at a time: about a second cache's worth, from
 * which every few weight rows read them again. */
#define FLOATS_BYTES (1024u * 1024)

/* Longest row of a float weight: as the cpu backend may be told to multiply it as BF16, a row of that must
 * fit its scratch. */
#define FLOATS_COLS_MAX (16 * HDB_COLS_MAX)

/* A run of activation rows. */
typedef struct rows_run {
  uint32_t first, count;
} rows_run;

static hdb_activation layout_of(const hdb_job *job) {
  return job->kernels->activation[job->values[job->op->in[1]].format];
}

static uint32_t step_rows(const hdb_job *job, hdb_activation layout) {
  size_t bytes = hdb_activation_bytes(layout, hdb_job_cols(job, job->op->in[0]));
  if (layout == HDB_ACTIVATION_F32) return (uint32_t)(FLOATS_BYTES / bytes) + 1;
  return (uint32_t)(job->scratch->size / bytes);
}

/* The rows that the step is about. */
static rows_run run_of(const hdb_job *job, hdb_activation layout) {
  uint32_t total = hdb_job_rows(job, job->op->out), most = step_rows(job, layout);
  uint32_t first = job->step / 2 * most;
  return (rows_run){first, total - first < most ? total - first : most};
}

static uint32_t matmul_steps(const hdb_job *job) {
  hdb_activation layout = layout_of(job);
  uint32_t total = hdb_job_rows(job, job->op->out), most = step_rows(job, layout);
  return layout == HDB_ACTIVATION_F32 ? 1 : 2 * ((total + most - 1) / most);
}

static bool is_quantising(const hdb_job *job, hdb_activation layout) {
  return layout != HDB_ACTIVATION_F32 && job->step % 2 == 0;
}

static void matmul_begin(const hdb_job *job) {
  hdb_activation layout = layout_of(job);
  if (!is_quantising(job, layout)) return;
  rows_run rows = run_of(job, layout);
  job->scratch->value = job->op->in[0];
  job->scratch->layout = layout;
  job->scratch->first = rows.first;
  job->scratch->count = rows.count;
}

static bool is_held(const hdb_job *job, hdb_activation layout) {
  const hdb_scratch *held = job->scratch;
  rows_run rows = run_of(job, layout);
  return held->value == job->op->in[0] && held->layout == layout && held->first == rows.first &&
         held->count == rows.count;
}

static void quantise_rows(const hdb_job *job, hdb_activation layout) {
  hd_value x = job->op->in[0];
  uint32_t cols = hdb_job_cols(job, x);
  size_t stride = hdb_activation_bytes(layout, cols);
  rows_run rows = run_of(job, layout);
  hdb_range range = hdb_job_range(job, rows.count, 1);
  hdb_quantise_fn quantise = hdb_quantise_of(job->kernels, layout);
  for (uint32_t r = range.begin; r < range.end; r++)
    quantise(hdb_job_row(job, x, rows.first + r), cols, job->scratch->bytes + r * stride);
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

const uint8_t *hdb_matmul_weights(const hdb_job *job) {
  hd_value w = job->op->in[1];
  hdb_range range = hdb_job_range(job, job->values[w].rows, HDB_COLUMN_GRAIN);
  return (const uint8_t *)hdb_job_at(job, w) +
         range.begin * hd_format_row_bytes(job->values[w].format, hdb_job_cols(job, w));
}

/* The part's weight rows with activation rows [first, first + count), which are at `x`. */
static void multiply(const hdb_job *job, hdb_range range, rows_run rows, const uint8_t *x, size_t x_stride) {
  hd_value w = job->op->in[1], out = job->op->out;
  hd_format format = job->values[w].format;
  alignas(64) uint8_t scratch[HDB_TILE_SCRATCH];
  hdb_tile tile = {
      .cols = hdb_job_cols(job, w),
      .weight_rows = range.end - range.begin,
      .x_rows = rows.count,
      .weight_stride = hd_format_row_bytes(format, hdb_job_cols(job, w)),
      .x = x,
      .x_stride = x_stride,
      .out = hdb_job_row(job, out, rows.first) + range.begin,
      .out_stride = hdb_job_cols(job, out),
      .scratch = scratch,
      .weights = hdb_matmul_weights(job),
      .next = job->next,
  };
  job->kernels->dot[format](&tile);
  add_bias(job, range, rows.first, rows.count);
}

static void multiply_floats(const hdb_job *job, hdb_range range) {
  hd_value x = job->op->in[0];
  uint32_t total = hdb_job_rows(job, job->op->out), most = step_rows(job, HDB_ACTIVATION_F32);
  size_t stride = hdb_activation_bytes(HDB_ACTIVATION_F32, hdb_job_cols(job, x));
  for (uint32_t from = 0; from < total; from += most) {
    rows_run rows = {from, total - from < most ? total - from : most};
    multiply(job, range, rows, (const uint8_t *)hdb_job_row(job, x, from), stride);
  }
}

static void matmul_run(const hdb_job *job) {
  hdb_activation layout = layout_of(job);
  hdb_range range = hdb_job_range(job, job->values[job->op->in[1]].rows, HDB_COLUMN_GRAIN);
  if (is_quantising(job, layout))
    quantise_rows(job, layout);
  else if (range.begin == range.end)
    return;
  else if (layout == HDB_ACTIVATION_F32)
    multiply_floats(job, range);
  else
    multiply(job, range, run_of(job, layout), job->scratch->bytes,
             hdb_activation_bytes(layout, hdb_job_cols(job, job->op->in[0])));
}

static uint32_t matmul_items(const hdb_job *job) {
  hdb_activation layout = layout_of(job);
  if (is_quantising(job, layout)) return is_held(job, layout) ? 0 : run_of(job, layout).count;
  return (job->values[job->op->in[1]].rows + HDB_COLUMN_GRAIN - 1) / HDB_COLUMN_GRAIN;
}

/* Streaming the weight rows once, and arithmetic for each activation row, at about 32 values in the time of a
 * byte where both are int8, 8 where they are pairs of BF16, 4 where they are floats. Quantising takes about a
 * third of the time that streaming the row's floats would. */
static uint64_t matmul_work(const hdb_job *job) {
  const hd_value_desc *w = &job->values[job->op->in[1]];
  hdb_activation layout = layout_of(job);
  if (is_quantising(job, layout)) return (uint64_t)w->cols * sizeof(float) / 3;
  uint64_t rows = hdb_items_out_rows(job), values_a_byte = 32;
  if (layout == HDB_ACTIVATION_F32 || layout == HDB_ACTIVATION_BF16) values_a_byte = 4;
  if (layout == HDB_ACTIVATION_BF16_PAIRS) values_a_byte = 8;
  return HDB_COLUMN_GRAIN *
         (hd_format_row_bytes(w->format, w->cols) + (uint64_t)w->cols / values_a_byte * rows);
}

static hd_status matmul_test(const hd_op *op, const hd_value_desc *values) {
  const hd_value_desc *w = &values[op->in[1]];
  if ((uint32_t)w->format >= HD_FORMAT_COUNT || !hdb_kernels_c()->dot[w->format]) return HD_E_UNSUPPORTED;
  if (hd_format_row_bytes(w->format, w->cols) == 0) return HD_E_UNSUPPORTED;
  if (w->cols >
      (hdb_kernels_c()->activation[w->format] == HDB_ACTIVATION_F32 ? FLOATS_COLS_MAX : HDB_COLS_MAX))
    return HD_E_UNSUPPORTED;
  if (op->in[2] != HD_VALUE_NONE && values[op->in[2]].format != HD_FORMAT_F32) return HD_E_UNSUPPORTED;
  return HD_OK;
}

const hdb_op_family hdb_family_matmul = {
    .run = matmul_run,
    .items = matmul_items,
    .item_work = matmul_work,
    .test = matmul_test,
    .steps = matmul_steps,
    .begin = matmul_begin,
};
