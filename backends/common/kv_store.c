/* SPDX-License-Identifier: Apache-2.0 */
/* KV_STORE: a run's rows into the cache, in the cache's format and layout. */
#include <stdalign.h>
#include <string.h>
#include "common/activation.h"
#include "common/attend.h"
#include "common/float16.h"
#include "common/job.h"

/* `count` numbers from x, side by side. */
static void put(const hdb_job *job, hd_format format, const float *x, uint32_t count, void *out) {
  if (format == HD_FORMAT_F16)
    job->kernels->rows->to_f16(x, count, out);
  else
    memcpy(out, x, count * sizeof(float));
}

/* ---- row after row ---- */

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

static void store_row(const hdb_job *job, const hd_value_desc *kv, uint32_t token) {
  const float *x = hdb_job_row(job, job->op->in[0], token);
  size_t row_bytes = hd_format_row_bytes(kv->format, kv->cols);
  uint8_t *out = (uint8_t *)hdb_job_at(job, job->op->out) + (job->launch->kv_pos + token) * row_bytes;
  if (kv->format == HD_FORMAT_Q8_0)
    store_q8_0(job->kernels, x, kv->cols, out);
  else
    put(job, kv->format, x, kv->cols, out);
}

/* ---- turned: an item is a group's part of SQUARE columns ---- */

enum { SQUARE = HDB_ATTEND_BLOCK };

static uint32_t squares_of(const hd_value_desc *kv) {
  return (kv->cols + SQUARE - 1) / SQUARE;
}

/* Positions [begin, end) of an item that the run has. */
typedef struct square {
  uint32_t begin, end, col, cols;
} square;

static square square_at(const hdb_job *job, const hd_value_desc *kv, uint32_t item) {
  uint32_t group = job->launch->kv_pos / HD_KV_GROUP + item / squares_of(kv);
  uint32_t end = job->launch->kv_pos + job->launch->n_tokens, col = item % squares_of(kv) * SQUARE;
  square s = {group * HD_KV_GROUP, end, col, kv->cols - col < SQUARE ? kv->cols - col : SQUARE};
  if (end - s.begin > HD_KV_GROUP) s.end = s.begin + HD_KV_GROUP;
  if (s.begin < job->launch->kv_pos) s.begin = job->launch->kv_pos;
  return s;
}

/* A position alone: a number for each column. */
static void scatter(const hdb_job *job, hd_format format, const float *x, uint32_t cols, uint8_t *out) {
  alignas(64) uint16_t half[SQUARE];
  if (format == HD_FORMAT_F16) {
    job->kernels->rows->to_f16(x, cols, half);
    for (uint32_t c = 0; c < cols; c++)
      ((uint16_t *)(void *)out)[c * HD_KV_GROUP] = half[c];
  } else {
    for (uint32_t c = 0; c < cols; c++)
      ((float *)(void *)out)[c * HD_KV_GROUP] = x[c];
  }
}

static void store_square(const hdb_job *job, const hd_value_desc *kv, square s) {
  alignas(64) float turned[SQUARE * SQUARE];
  size_t number = hd_format_row_bytes(kv->format, 1);
  const float *x = hdb_job_row(job, job->op->in[0], s.begin - job->launch->kv_pos);
  uint8_t *out =
      (uint8_t *)hdb_job_at(job, job->op->out) + hd_kv_turned_at(kv->cols, s.begin, s.col) * number;
  uint32_t count = s.end - s.begin;
  if (count == 1) {
    scatter(job, kv->format, x + s.col, s.cols, out);
    return;
  }
  hdb_kv_rows rows = {(const uint8_t *)x, kv->cols * sizeof(float), count, s.col, s.cols};
  job->kernels->attention->pack_keys[HD_FORMAT_F32](&rows, turned);
  if (count == HD_KV_GROUP) {
    put(job, kv->format, turned, s.cols * SQUARE, out);
    return;
  }
  for (uint32_t c = 0; c < s.cols; c++)
    put(job, kv->format, turned + c * SQUARE, count, out + c * HD_KV_GROUP * number);
}

/* ---- the op ---- */

static const hd_value_desc *cache_of(const hdb_job *job) {
  return &job->values[job->op->out];
}

static uint32_t kv_store_items(const hdb_job *job) {
  const hd_value_desc *kv = cache_of(job);
  uint32_t begin = job->launch->kv_pos, tokens = hdb_job_rows(job, job->op->in[0]);
  if (kv->layout == HD_KV_ROWS || tokens == 0) return tokens;
  return ((begin + tokens - 1) / HD_KV_GROUP - begin / HD_KV_GROUP + 1) * squares_of(kv);
}

static uint64_t kv_store_work(const hdb_job *job) {
  const hd_value_desc *kv = cache_of(job);
  uint32_t tokens = hdb_job_rows(job, job->op->in[0]);
  if (kv->layout == HD_KV_ROWS) return (uint64_t)kv->cols * sizeof(float);
  return (uint64_t)(tokens < HD_KV_GROUP ? tokens : HD_KV_GROUP) * SQUARE * sizeof(float);
}

static void kv_store_run(const hdb_job *job) {
  const hd_value_desc *kv = cache_of(job);
  hdb_range range = hdb_job_range(job, kv_store_items(job), 1);
  for (uint32_t i = range.begin; i < range.end; i++) {
    if (kv->layout == HD_KV_TURNED)
      store_square(job, kv, square_at(job, kv, i));
    else
      store_row(job, kv, i);
  }
}

static hd_status kv_store_test(const hd_op *op, const hd_value_desc *values) {
  hd_format format = values[op->out].format;
  bool plain = format == HD_FORMAT_F32 || format == HD_FORMAT_F16;
  bool known = plain || (format == HD_FORMAT_Q8_0 && values[op->out].layout == HD_KV_ROWS);
  return known ? HD_OK : HD_E_UNSUPPORTED;
}

const hdb_op_family hdb_family_kv_store = {
    .run = kv_store_run,
    .items = kv_store_items,
    .item_work = kv_store_work,
    .test = kv_store_test,
};
