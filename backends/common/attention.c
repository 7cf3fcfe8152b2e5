/* SPDX-License-Identifier: Apache-2.0 */
/* ATTENTION: causal softmax(q K^T scale) V with grouped queries, over a cache of F32 or F16.
 *
 * Positions are taken in tiles from 0 up with a running maximum and sum, so that memory does not grow with
 * the context; the sums of a token and head depend on its own positions alone, never on the cut into parts.
 * Source: Milakov and Gimelshein, Online normalizer calculation for softmax, 2018; Ainslie et al., GQA, 2023.
 */
#include <math.h>
#include <string.h>
#include "common/job.h"

enum {
  TILE = 64,   /* positions: the keys of one head in F16, 16 KiB at head_dim 128, stay in the first cache */
  QUERIES = 8, /* heads that share a key head, taken at once: bounds the scores on the stack */
};

/* Some heads of one token that share one key and value head. */
typedef struct head_group {
  const float *q;
  float *out;
  const uint8_t *k, *v; /* position 0, of the shared head */
  size_t k_stride, v_stride;
  hd_format k_format, v_format;
  uint32_t heads, head_dim, positions;
  float scale;
} head_group;

/* Running maximum and sum of each head. */
typedef struct softmax_state {
  float max[QUERIES], sum[QUERIES];
} softmax_state;

static void tile_scores(const hdb_kernels *kernels, const head_group *g, uint32_t from, uint32_t count,
                        float *scores) {
  hdb_tile tile = {
      .cols = g->head_dim,
      .weight_rows = count,
      .x_rows = g->heads,
      .weights = g->k + from * g->k_stride,
      .weight_stride = g->k_stride,
      .x = (const uint8_t *)g->q,
      .x_stride = g->head_dim * sizeof(float),
      .out = scores,
      .out_stride = TILE,
  };
  kernels->dot[g->k_format](&tile);
}

/* Takes one tile's scores of one head into its running softmax. */
static void take_tile(const hdb_kernels *kernels, const head_group *g, uint32_t head, uint32_t from,
                      uint32_t count, float *scores, softmax_state *state) {
  float *out = g->out + (size_t)head * g->head_dim, max = state->max[head];
  for (uint32_t i = 0; i < count; i++) {
    scores[i] *= g->scale;
    max = scores[i] > max ? scores[i] : max;
  }
  if (max > state->max[head]) {
    float shrink = expf(state->max[head] - max); /* 0 at first: the maximum was -infinity */
    state->sum[head] *= shrink;
    for (uint32_t c = 0; c < g->head_dim; c++)
      out[c] *= shrink;
    state->max[head] = max;
  }
  state->sum[head] += kernels->rows->exp_sum(scores, count, max);
  hdb_mix_fn mix = g->v_format == HD_FORMAT_F16 ? kernels->rows->mix_f16 : kernels->rows->mix_f32;
  mix(scores, g->v + from * g->v_stride, g->v_stride, count, g->head_dim, out);
}

static void attend(const hdb_kernels *kernels, const head_group *g) {
  float scores[QUERIES * TILE];
  softmax_state state;
  memset(g->out, 0, (size_t)g->heads * g->head_dim * sizeof(float));
  for (uint32_t h = 0; h < g->heads; h++) {
    state.max[h] = -INFINITY;
    state.sum[h] = 0.0f;
  }
  for (uint32_t from = 0; from < g->positions; from += TILE) {
    uint32_t count = g->positions - from < TILE ? g->positions - from : TILE;
    tile_scores(kernels, g, from, count, scores);
    for (uint32_t h = 0; h < g->heads; h++)
      take_tile(kernels, g, h, from, count, scores + (size_t)h * TILE, &state);
  }
  for (uint32_t h = 0; h < g->heads; h++)
    for (uint32_t c = 0; c < g->head_dim; c++)
      g->out[(size_t)h * g->head_dim + c] /= state.sum[h];
}

/* An item is a token with one key head: all heads that share it. */
static uint32_t attention_items(const hdb_job *job) {
  return hdb_items_out_rows(job) * job->op->u.attention.n_kv_heads;
}

static void attention_item(const hdb_job *job, uint32_t token, uint32_t kv_head) {
  const hd_op *op = job->op;
  const hd_value_desc *k = &job->values[op->in[1]], *v = &job->values[op->in[2]];
  uint32_t head_dim = op->u.attention.head_dim, group = op->u.attention.n_heads / op->u.attention.n_kv_heads;
  size_t kv_offset = (size_t)kv_head * head_dim;
  head_group g = {
      .k_stride = hd_format_row_bytes(k->format, k->cols),
      .v_stride = hd_format_row_bytes(v->format, v->cols),
      .k_format = k->format,
      .v_format = v->format,
      .head_dim = head_dim,
      .positions = job->launch->kv_pos + token + 1,
      .scale = op->u.attention.scale,
  };
  g.k = (const uint8_t *)hdb_job_at(job, op->in[1]) + hd_format_row_bytes(k->format, kv_offset);
  g.v = (const uint8_t *)hdb_job_at(job, op->in[2]) + hd_format_row_bytes(v->format, kv_offset);
  for (uint32_t first = 0; first < group; first += QUERIES) {
    size_t column = ((size_t)kv_head * group + first) * head_dim;
    g.heads = group - first < QUERIES ? group - first : QUERIES;
    g.q = hdb_job_row(job, op->in[0], token) + column;
    g.out = hdb_job_row(job, op->out, token) + column;
    attend(job->kernels, &g);
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

const hdb_op_family hdb_family_attention = {attention_run, attention_items, attention_work, attention_test};
