/* SPDX-License-Identifier: Apache-2.0 */
/* ATTENTION: causal softmax(q K^T scale) V with grouped queries, over a cache of F32 or F16.
 *
 * Scores first, then their softmax, then V, each added up in the order of ggml's AVX-512 code without flash
 * attention, whose results are the reference: where a sum is off by one rounding, a later activation may be
 * quantised to the neighbouring integer (lanes.h). The order depends on a token's own positions alone, never
 * on the cut into parts. Contexts longer than BLOCK are walked three times in blocks, so that memory does not
 * grow. Source: Ainslie et al., GQA, 2023. */
#include <math.h>
#include <string.h>
#include "common/job.h"

enum {
  BLOCK = 4096,  /* positions whose scores are kept at once: 16 KiB of stack */
  LANES = 16,    /* running sums of V, by position; floats of an AVX-512 register */
  COLUMNS = 256, /* of V at a time: bounds the running sums to 16 KiB of stack */
  NARROW = 64,   /* heads below this are too narrow for ggml's vectors: one product after another */
  STRIP = 8      /* positions whose chains of additions run side by side */
};

/* One head of one token. */
typedef struct head_job {
  const float *q;
  float *out;
  const uint8_t *k, *v; /* position 0, of the head that it shares */
  size_t k_stride, v_stride;
  hd_format k_format, v_format;
  uint32_t head_dim, positions;
  float scale;
} head_job;

/* Scores of `count` <= STRIP positions of a narrow F32 head, each the sum of its products in their order. */
static void narrow_scores(const head_job *h, uint32_t from, uint32_t count, float *scores) {
  float sum[STRIP] = {0};
  const float *rows[STRIP];
  for (uint32_t i = 0; i < STRIP; i++) {
    uint32_t row = i < count ? from + i : from;
    rows[i] = (const float *)(const void *)(h->k + row * h->k_stride);
  }
  for (uint32_t c = 0; c < h->head_dim; c++)
    for (uint32_t i = 0; i < STRIP; i++)
      sum[i] += h->q[c] * rows[i][c];
  for (uint32_t i = 0; i < count; i++)
    scores[i] = sum[i] * h->scale;
}

static void wide_scores(const hdb_kernels *kernels, const head_job *h, uint32_t from, uint32_t count,
                        float *scores) {
  hdb_tile tile = {
      .cols = h->head_dim,
      .weight_rows = count,
      .x_rows = 1,
      .weights = h->k + from * h->k_stride,
      .weight_stride = h->k_stride,
      .x = (const uint8_t *)h->q,
      .x_stride = h->head_dim * sizeof(float),
      .out = scores,
      .out_stride = count,
  };
  kernels->dot[h->k_format](&tile);
  for (uint32_t i = 0; i < count; i++)
    scores[i] *= h->scale;
}

/* Scores of one block of positions. */
static uint32_t block_scores(const hdb_kernels *kernels, const head_job *h, uint32_t from, float *scores) {
  uint32_t count = h->positions - from < BLOCK ? h->positions - from : BLOCK;
  if (h->head_dim >= NARROW || h->k_format != HD_FORMAT_F32) {
    wide_scores(kernels, h, from, count, scores);
    return count;
  }
  for (uint32_t i = 0; i < count; i += STRIP)
    narrow_scores(h, from + i, count - i < STRIP ? count - i : STRIP, scores + i);
  return count;
}

static float greatest(const float *scores, uint32_t count, float max) {
  for (uint32_t i = 0; i < count; i++)
    max = scores[i] > max ? scores[i] : max;
  return max;
}

/* Adds a block's weighted rows of V to the running sums: position i to sum i modulo LANES. BLOCK is a
 * multiple of LANES, so blocks go on where the one before ended. */
static void mix_block(const hdb_kernels *kernels, const head_job *h, uint32_t from, uint32_t count,
                      uint32_t column, uint32_t columns, const float *weights, float *sums) {
  bool half = h->v_format == HD_FORMAT_F16;
  hdb_mix_fn mix = half ? kernels->rows->mix_f16 : kernels->rows->mix_f32;
  const uint8_t *v = h->v + from * h->v_stride + column * (half ? sizeof(uint16_t) : sizeof(float));
  float lane_weights[BLOCK / LANES];
  for (uint32_t lane = 0; lane < LANES && lane < count; lane++) {
    uint32_t rows = 0;
    for (uint32_t i = lane; i < count; i += LANES)
      lane_weights[rows++] = weights[i];
    mix(lane_weights, v + lane * h->v_stride, LANES * h->v_stride, rows, columns, sums + lane * columns);
  }
}

/* out = the sums, folded in halves. */
static void fold_lanes(float *sums, uint32_t columns, float *out) {
  for (uint32_t step = LANES / 2; step > 0; step /= 2)
    for (uint32_t i = 0; i < step * columns; i++)
      sums[i] += sums[i + step * columns];
  memcpy(out, sums, columns * sizeof(float));
}

/* Turns a block's scores into shares of the softmax. */
static void shares(const hdb_kernels *kernels, float *scores, uint32_t count, float max, float inverse) {
  (void)kernels->rows->exp_sum(scores, count, max);
  for (uint32_t i = 0; i < count; i++)
    scores[i] *= inverse;
}

static void attend(const hdb_kernels *kernels, const head_job *h) {
  float scores[BLOCK], sums[LANES * COLUMNS], max = -INFINITY;
  bool one_block = h->positions <= BLOCK;
  double sum = 0.0;
  for (uint32_t from = 0; from < h->positions; from += BLOCK)
    max = greatest(scores, block_scores(kernels, h, from, scores), max);
  for (uint32_t from = 0; from < h->positions; from += BLOCK) {
    uint32_t count = one_block ? h->positions : block_scores(kernels, h, from, scores);
    sum += kernels->rows->exp_sum(scores, count, max);
  }
  float inverse = (float)(1.0 / sum);
  for (uint32_t i = 0; one_block && i < h->positions; i++)
    scores[i] *= inverse;
  for (uint32_t column = 0; column < h->head_dim; column += COLUMNS) {
    uint32_t columns = h->head_dim - column < COLUMNS ? h->head_dim - column : COLUMNS;
    memset(sums, 0, LANES * columns * sizeof(float));
    for (uint32_t from = 0; from < h->positions; from += BLOCK) {
      uint32_t count = one_block ? h->positions : block_scores(kernels, h, from, scores);
      if (!one_block) shares(kernels, scores, count, max, inverse);
      mix_block(kernels, h, from, count, column, columns, scores, sums);
    }
    fold_lanes(sums, columns, h->out + column);
  }
}

/* An item is a token with one key head: all heads that share it, while its keys are in the cache. */
static uint32_t attention_items(const hdb_job *job) {
  return hdb_items_out_rows(job) * job->op->u.attention.n_kv_heads;
}

static void attention_item(const hdb_job *job, uint32_t token, uint32_t kv_head) {
  const hd_op *op = job->op;
  const hd_value_desc *k = &job->values[op->in[1]], *v = &job->values[op->in[2]];
  uint32_t head_dim = op->u.attention.head_dim, group = op->u.attention.n_heads / op->u.attention.n_kv_heads;
  size_t kv_offset = (size_t)kv_head * head_dim;
  head_job h = {
      .k_stride = hd_format_row_bytes(k->format, k->cols),
      .v_stride = hd_format_row_bytes(v->format, v->cols),
      .k_format = k->format,
      .v_format = v->format,
      .head_dim = head_dim,
      .positions = job->launch->kv_pos + token + 1,
      .scale = op->u.attention.scale,
  };
  h.k = (const uint8_t *)hdb_job_at(job, op->in[1]) + hd_format_row_bytes(k->format, kv_offset);
  h.v = (const uint8_t *)hdb_job_at(job, op->in[2]) + hd_format_row_bytes(v->format, kv_offset);
  for (uint32_t i = 0; i < group; i++) {
    size_t column = ((size_t)kv_head * group + i) * head_dim;
    h.q = hdb_job_row(job, op->in[0], token) + column;
    h.out = hdb_job_row(job, op->out, token) + column;
    attend(job->kernels, &h);
  }
}

static void attention_run(const hdb_job *job) {
  uint32_t n_kv_heads = job->op->u.attention.n_kv_heads;
  hdb_range range = hdb_job_range(job, attention_items(job), 1);
  for (uint32_t i = range.begin; i < range.end; i++)
    attention_item(job, i / n_kv_heads, i % n_kv_heads);
}

/* Keys and values of the positions that the last token sees, read once for each query head that shares them.
 */
static uint64_t attention_work(const hdb_job *job) {
  const hd_op *op = job->op;
  uint64_t positions = (uint64_t)job->launch->kv_pos + job->launch->n_tokens;
  return positions * op->u.attention.head_dim * 2 * (op->u.attention.n_heads / op->u.attention.n_kv_heads);
}

static hd_status attention_test(const hd_op *op, const hd_value_desc *values) {
  const hd_value_desc *k = &values[op->in[1]], *v = &values[op->in[2]];
  uint32_t n_kv_heads = op->u.attention.n_kv_heads;
  if (k->format != HD_FORMAT_F32 && k->format != HD_FORMAT_F16) return HD_E_UNSUPPORTED;
  if (v->format != HD_FORMAT_F32 && v->format != HD_FORMAT_F16) return HD_E_UNSUPPORTED;
  if (n_kv_heads == 0 || op->u.attention.n_heads % n_kv_heads != 0) return HD_E_UNSUPPORTED;
  if (k->cols != n_kv_heads * op->u.attention.head_dim || v->cols != k->cols) return HD_E_UNSUPPORTED;
  return HD_OK;
}

const hdb_op_family hdb_family_attention = {
    .run = attention_run,
    .items = attention_items,
    .item_work = attention_work,
    .test = attention_test,
};
