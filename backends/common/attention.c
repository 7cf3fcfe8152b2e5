/* SPDX-License-Identifier: Apache-2.0 */
/* ATTENTION: causal softmax(q K^T scale) V with grouped queries, over a cache of F32, F16 or Q8_0.
 *
 * Blocked over queries and positions with a running softmax, so that memory does not grow with the context.
 * The order of the arithmetic, for a row (one head of one token) that sees n positions:
 *
 *   blocks of 64 positions from position 0 on:
 *     score[p] = (q[0] k[p][0] + q[1] k[p][1] + ...) scale      one rounding for each product
 *     max and sum of exp(score - max) go on (attend_rows.inc.h);
 *     out[c] = out[c] * exp(old max - new max) + share[p] v[p][c] ...     position after position
 *   spans of blocks, each begun afresh, merged in their order (span_of)
 *   out[c] / sum
 *
 * It depends on q, K, V and n alone: not on the cut of a prompt into runs, of a run into tiles and parts, nor
 * on the tier. Replay, preemption and splits rely on it. Source: Dao et al., FlashAttention, 2022 (running
 * softmax); Dao et al., Flash-Decoding, 2023 (spans); Ainslie et al., GQA, 2023. */
#include <math.h>
#include <string.h>
#include "common/attend_tile.h"
#include "common/exp.h"

enum {
  HEAD_DIM_MAX = 1024, /* four rows of running sums still fit */
  SPAN = 256,          /* positions, at least */
  SPANS_MAX = 16,      /* of a row */
  SHARES = 8           /* of a token alone, for many cores; as many at least if it has the key heads */
};

/* Positions of a span of a row that sees so many: enough spans for many cores, few enough that their results
 * are soon merged. */
static uint32_t span_of(uint32_t positions) {
  uint32_t span = SPAN;
  while ((positions - 1) / span >= SPANS_MAX)
    span *= 2;
  return span;
}

/* Prefill takes many tokens of one key head. A token alone takes all key heads, so that a position's row is
 * read whole and once, unless there are too few spans to share out. */
static void choose_tiles(hdb_attention *a, uint32_t tokens, uint32_t kv_heads, uint32_t positions) {
  uint32_t rows = hdb_lesser(HDB_TILE_ROWS, HDB_TILE_SUMS / a->padded);
  a->heads = hdb_lesser(a->group, rows);
  assert(a->heads > 0 && tokens > 0); /* a head has at most HEAD_DIM_MAX columns: see the test */
  a->tokens = hdb_lesser(tokens, rows / a->heads);
  a->kv_heads = 1;
  if (a->tokens == tokens && a->heads == a->group) {
    uint32_t shares = hdb_tiles_of(SHARES, hdb_tiles_of(positions, span_of(positions)));
    a->kv_heads = hdb_lesser(rows / (a->heads * tokens), hdb_tiles_of(kv_heads, shares));
  }
  a->token_tiles = hdb_tiles_of(tokens, a->tokens);
  a->kv_tiles = hdb_tiles_of(kv_heads, a->kv_heads);
  a->head_tiles = hdb_tiles_of(a->group, a->heads);
}

static hdb_attention attention_of(const hdb_job *job) {
  const hd_op *op = job->op;
  const hd_value_desc *k = &job->values[op->in[1]], *v = &job->values[op->in[2]];
  uint32_t n_tokens = hdb_items_out_rows(job), head_dim = op->u.attention.head_dim;
  hdb_attention a = {
      .job = job,
      .kernels = job->kernels->attention,
      .k_format = k->format,
      .v_format = v->format,
      .k_stride = hd_format_row_bytes(k->format, k->cols),
      .v_stride = hd_format_row_bytes(v->format, v->cols),
      .k_head = hd_format_row_bytes(k->format, head_dim) * (k->layout == HD_KV_TURNED ? HD_KV_GROUP : 1),
      .v_head = hd_format_row_bytes(v->format, head_dim),
      .k_turned = k->layout == HD_KV_TURNED,
      .head_dim = head_dim,
      .padded = hdb_tiles_of(head_dim, HDB_ATTEND_STRIP) * HDB_ATTEND_STRIP,
      .group = op->u.attention.n_heads / op->u.attention.n_kv_heads,
  };
  choose_tiles(&a, n_tokens, op->u.attention.n_kv_heads, job->launch->kv_pos + n_tokens);
  return a;
}

/* Where a row begins in q and in the output. */
static float *row_of(const hdb_attention_tile *t, hd_value value, uint32_t row) {
  const hdb_attention *a = t->of;
  size_t kv_head = t->kv_head + row / hdb_tile_head_rows(t), head = t->head + row % t->heads;
  return hdb_job_row(a->job, value, t->token + hdb_tile_token(t, row)) +
         (kv_head * a->group + head) * a->head_dim;
}

/* total, out = both with what a later span gave; out holds sums of V. */
static void merge(const hdb_attention *a, hdb_softmax *total, float *out, const hdb_softmax *later,
                  const float *sums) {
  float max = later->max > total->max ? later->max : total->max;
  float keep = hdb_exp(total->max - max), take = hdb_exp(later->max - max);
  a->kernels->merge(out, sums, a->head_dim, keep, take);
  total->sum = total->sum * keep + later->sum * take;
  total->max = max;
}

static void finish(const hdb_attention *a, const hdb_softmax *total, float *out) {
  a->kernels->scale(out, a->head_dim, 1.0f / total->sum);
}

/* All spans of rows whose spans have one length; the output holds the sums of those that are done. */
static void attend(hdb_attention_tile *t) {
  const hdb_attention *a = t->of;
  hd_value out = a->job->op->out;
  hdb_softmax total[HDB_TILE_ROWS];
  uint32_t rows = hdb_tile_rows(t), end = hdb_tile_positions(t, t->tokens - 1), length = span_of(end);
  assert(end > 0); /* a token sees itself */
  for (uint32_t begin = 0; begin < end; begin += length) {
    hdb_tile_span(t, begin, hdb_lesser(begin + length, end));
    for (uint32_t row = 0; row < rows; row++) {
      const float *sums = t->sums + row * a->padded;
      if (begin == 0) {
        total[row] = t->softmax[row];
        memcpy(row_of(t, out, row), sums, a->head_dim * sizeof(float));
      } else if (hdb_tile_positions(t, hdb_tile_token(t, row)) > begin) {
        merge(a, &total[row], row_of(t, out, row), &t->softmax[row], sums);
      }
    }
  }
  for (uint32_t row = 0; row < rows; row++)
    finish(a, &total[row], row_of(t, out, row));
}

static void set_tokens(hdb_attention_tile *t, uint32_t token, uint32_t tokens) {
  t->token = token;
  t->tokens = tokens;
  for (uint32_t row = 0; row < hdb_tile_rows(t); row++) {
    t->q[row] = row_of(t, t->of->job->op->in[0], row);
    t->shares[row] = t->scores + row * HDB_ATTEND_BLOCK;
  }
}

/* Tiles of tokens, of heads, of key heads; the last fastest, so that neighbours read the same positions. */
static void begin_tile(hdb_attention_tile *t, const hdb_attention *a, uint32_t index) {
  t->of = a;
  t->kv_head = index % a->kv_tiles * a->kv_heads;
  t->kv_heads = hdb_lesser(a->kv_heads, a->job->op->u.attention.n_kv_heads - t->kv_head);
  t->head = index / a->kv_tiles % a->head_tiles * a->heads;
  t->heads = hdb_lesser(a->heads, a->group - t->head);
}

static void attend_tile(const hdb_attention *a, uint32_t index) {
  uint32_t kv_pos = a->job->launch->kv_pos, n_tokens = hdb_items_out_rows(a->job);
  uint32_t token = index / a->kv_tiles / a->head_tiles * a->tokens,
           end = hdb_lesser(token + a->tokens, n_tokens);
  hdb_attention_tile t;
  begin_tile(&t, a, index);
  while (token < end) { /* tokens whose spans differ in length apart */
    uint32_t tokens = 1, length = span_of(kv_pos + token + 1);
    while (token + tokens < end && span_of(kv_pos + token + tokens + 1) == length)
      tokens++;
    set_tokens(&t, token, tokens);
    attend(&t);
    token += tokens;
  }
}

/* ---- one token: its spans are shared out, in a second step they are merged ---- */

/* What a span gave for a head: in the launch's scratch, by span and head; the sums of V behind it. */
typedef struct span_result {
  alignas(64) hdb_softmax softmax;
} span_result;

static size_t result_bytes(const hdb_attention *a) {
  return sizeof(span_result) + a->padded * sizeof(float);
}

static span_result *result_at(const hdb_attention *a, uint32_t span_index, uint32_t head) {
  size_t index = (size_t)span_index * a->job->op->u.attention.n_heads + head;
  return (span_result *)(void *)(a->job->scratch->bytes + index * result_bytes(a));
}

static float *result_sums(span_result *result) {
  return (float *)(void *)(result + 1);
}

static uint32_t spans_of(const hdb_attention *a) {
  uint32_t positions = a->job->launch->kv_pos + 1;
  return hdb_tiles_of(positions, span_of(positions));
}

/* The bits are the same either way. */
static bool is_split(const hdb_attention *a) {
  const hdb_job *job = a->job;
  size_t results = (size_t)spans_of(a) * job->op->u.attention.n_heads;
  return hdb_items_out_rows(job) == 1 && spans_of(a) > 1 && results * result_bytes(a) <= job->scratch->size;
}

static void attend_span(const hdb_attention *a, uint32_t item) {
  uint32_t tiles = a->head_tiles * a->kv_tiles, index = item / tiles;
  uint32_t positions = a->job->launch->kv_pos + 1, length = span_of(positions);
  hdb_attention_tile t;
  begin_tile(&t, a, item % tiles);
  set_tokens(&t, 0, 1);
  hdb_tile_span(&t, index * length, hdb_lesser((index + 1) * length, positions));
  for (uint32_t row = 0; row < hdb_tile_rows(&t); row++) {
    uint32_t head = (t.kv_head + row / t.heads) * a->group + t.head + row % t.heads;
    span_result *result = result_at(a, index, head);
    result->softmax = t.softmax[row];
    memcpy(result_sums(result), t.sums + row * a->padded, a->head_dim * sizeof(float));
  }
}

static void merge_head(const hdb_attention *a, uint32_t head) {
  span_result *first = result_at(a, 0, head);
  float *out = hdb_job_row(a->job, a->job->op->out, 0) + (size_t)head * a->head_dim;
  hdb_softmax total = first->softmax;
  memcpy(out, result_sums(first), a->head_dim * sizeof(float));
  for (uint32_t i = 1; i < spans_of(a); i++) {
    span_result *later = result_at(a, i, head);
    merge(a, &total, out, &later->softmax, result_sums(later));
  }
  finish(a, &total, out);
}

/* ---- the op ---- */

static uint32_t attention_steps(const hdb_job *job) {
  hdb_attention a = attention_of(job);
  return is_split(&a) ? 2 : 1;
}

static void attention_begin(const hdb_job *job) {
  hdb_attention a = attention_of(job);
  if (is_split(&a)) job->scratch->value = HD_VALUE_NONE; /* what it held gives way to the spans' results */
}

static uint32_t attention_items(const hdb_job *job) {
  hdb_attention a = attention_of(job);
  if (job->step == 1) return job->op->u.attention.n_heads;
  return a.token_tiles * a.head_tiles * a.kv_tiles * (is_split(&a) ? spans_of(&a) : 1);
}

static void attention_run(const hdb_job *job) {
  hdb_attention a = attention_of(job);
  bool split = is_split(&a);
  hdb_range range = hdb_job_range(job, attention_items(job), 1);
  for (uint32_t i = range.begin; i < range.end; i++) {
    if (job->step == 1)
      merge_head(&a, i);
    else if (split)
      attend_span(&a, i);
    else
      attend_tile(&a, i);
  }
}

/* Keys and values of the positions that the last token sees, unpacked, and two products with each row. To
 * merge: what the spans gave. */
static uint64_t attention_work(const hdb_job *job) {
  hdb_attention a = attention_of(job);
  uint64_t positions = (uint64_t)job->launch->kv_pos + job->launch->n_tokens;
  if (job->step == 1) return (uint64_t)spans_of(&a) * result_bytes(&a) / 4; /* it is in a second cache */
  if (is_split(&a)) positions = hdb_lesser((uint32_t)positions, span_of((uint32_t)positions));
  return positions * a.head_dim * a.kv_heads * (4 + a.heads * a.tokens / 2);
}

static bool cache_format_fits(hd_format format, uint32_t head_dim) {
  return (uint32_t)format < HD_FORMAT_COUNT && hdb_attention_c.pack_keys[format] != NULL &&
         hd_format_row_bytes(format, head_dim) != 0;
}

static hd_status attention_test(const hd_op *op, const hd_value_desc *values) {
  const hd_value_desc *k = &values[op->in[1]], *v = &values[op->in[2]];
  uint32_t n_kv_heads = op->u.attention.n_kv_heads, head_dim = op->u.attention.head_dim;
  if (head_dim == 0 || head_dim > HEAD_DIM_MAX) return HD_E_UNSUPPORTED;
  if (!cache_format_fits(k->format, head_dim) || !cache_format_fits(v->format, head_dim))
    return HD_E_UNSUPPORTED;
  if (n_kv_heads == 0 || op->u.attention.n_heads % n_kv_heads != 0) return HD_E_UNSUPPORTED;
  if (k->cols != n_kv_heads * head_dim || v->cols != k->cols) return HD_E_UNSUPPORTED;
  if (k->layout == HD_KV_TURNED && k->format == HD_FORMAT_Q8_0) return HD_E_UNSUPPORTED;
  return HD_OK;
}

const hdb_op_family hdb_family_attention = {
    .run = attention_run,
    .items = attention_items,
    .item_work = attention_work,
    .test = attention_test,
    .steps = attention_steps,
    .begin = attention_begin,
};
