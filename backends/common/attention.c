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
#include <assert.h>
#include <math.h>
#include <stdalign.h>
#include <string.h>
#include "common/attend.h"
#include "common/exp.h"
#include "common/job.h"

enum {
  BLOCK = HDB_ATTEND_BLOCK,
  STRIP = HDB_ATTEND_STRIP,
  ROWS = 64,      /* of a tile: their scores take 16 KiB of stack, the packed keys or values 16 more ... */
  RUNNING = 4096, /* ... and their running sums of V, in floats, another 16 */
  HEAD_DIM_MAX = 1024, /* four rows of running sums still fit */
  SPAN = 256,          /* positions, at least */
  SPANS_MAX = 16,      /* of a row */
  SHARES = 8,          /* of a token alone, for many cores; as many at least if it has the key heads */
  FEW = 12             /* rows: at most so many read the cache as it lies, and widen what they share again */
};

_Static_assert((uint32_t)BLOCK == HD_KV_GROUP, "a block of turned keys is a group of them");

/* What all rows of a launch share. */
typedef struct attention {
  const hdb_job *job;
  const hdb_attention_kernels *kernels;
  hd_format k_format, v_format;
  size_t k_stride, v_stride; /* bytes from position to position */
  size_t k_head, v_head;     /* and from head to head */
  bool k_turned;
  uint32_t head_dim, padded; /* padded: to whole strips */
  uint32_t group;            /* heads that share a key head */
  /* Of a tile: tokens, key heads, heads of each of these. */
  uint32_t tokens, kv_heads, heads;
  uint32_t token_tiles, kv_tiles, head_tiles; /* of the launch */
} attention;

/* Rows that are computed together. Those of one key head, which take its keys while they are unpacked, follow
 * each other, token by token. */
typedef struct tile {
  const attention *of;
  uint32_t token, tokens, kv_head, kv_heads, head, heads; /* head: of a key head's */
  const float *q[ROWS], *shares[ROWS];
  hdb_softmax softmax[ROWS];
  alignas(64) float scores[ROWS * BLOCK];
  alignas(64) float panel[BLOCK * BLOCK];
  alignas(64) float sums[RUNNING];
} tile;

/* Positions of a span of a row that sees so many: enough spans for many cores, few enough that their results
 * are soon merged. */
static uint32_t span_of(uint32_t positions) {
  uint32_t span = SPAN;
  while ((positions - 1) / span >= SPANS_MAX)
    span *= 2;
  return span;
}

static uint32_t lesser(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static uint32_t tiles_of(uint32_t count, uint32_t in_a_tile) {
  return (count + in_a_tile - 1) / in_a_tile;
}

/* Prefill takes many tokens of one key head. A token alone takes all key heads, so that a position's row is
 * read whole and once, unless there are too few spans to share out. */
static void choose_tiles(attention *a, uint32_t tokens, uint32_t kv_heads, uint32_t positions) {
  uint32_t rows = lesser(ROWS, RUNNING / a->padded);
  a->heads = lesser(a->group, rows);
  assert(a->heads > 0 && tokens > 0); /* a head has at most HEAD_DIM_MAX columns: see the test */
  a->tokens = lesser(tokens, rows / a->heads);
  a->kv_heads = 1;
  if (a->tokens == tokens && a->heads == a->group) {
    uint32_t shares = tiles_of(SHARES, tiles_of(positions, span_of(positions)));
    a->kv_heads = lesser(rows / (a->heads * tokens), tiles_of(kv_heads, shares));
  }
  a->token_tiles = tiles_of(tokens, a->tokens);
  a->kv_tiles = tiles_of(kv_heads, a->kv_heads);
  a->head_tiles = tiles_of(a->group, a->heads);
}

static attention attention_of(const hdb_job *job) {
  const hd_op *op = job->op;
  const hd_value_desc *k = &job->values[op->in[1]], *v = &job->values[op->in[2]];
  uint32_t n_tokens = hdb_items_out_rows(job), head_dim = op->u.attention.head_dim;
  attention a = {
      .job = job,
      .kernels = job->kernels->attention,
      .k_format = k->format,
      .v_format = v->format,
      .k_stride = hd_format_row_bytes(k->format, k->cols),
      .v_stride = hd_format_row_bytes(v->format, v->cols),
      .k_head = hd_format_row_bytes(k->format, head_dim) * (k->layout == HD_KV_TURNED ? BLOCK : 1),
      .v_head = hd_format_row_bytes(v->format, head_dim),
      .k_turned = k->layout == HD_KV_TURNED,
      .head_dim = head_dim,
      .padded = tiles_of(head_dim, STRIP) * STRIP,
      .group = op->u.attention.n_heads / op->u.attention.n_kv_heads,
  };
  choose_tiles(&a, n_tokens, op->u.attention.n_kv_heads, job->launch->kv_pos + n_tokens);
  return a;
}

/* Positions that a token of the tile sees. */
static uint32_t positions_of(const tile *t, uint32_t token) {
  return t->of->job->launch->kv_pos + t->token + token + 1;
}

/* Rows of a key head, of all; and the token of a row. */
static uint32_t kv_head_rows(const tile *t) {
  return t->tokens * t->heads;
}
static uint32_t all_rows(const tile *t) {
  return t->kv_heads * kv_head_rows(t);
}
static uint32_t token_of(const tile *t, uint32_t row) {
  assert(t->heads > 0 && t->tokens > 0);
  return row % kv_head_rows(t) / t->heads;
}

/* Where a row begins in q and in the output. */
static float *row_of(const tile *t, hd_value value, uint32_t row) {
  const attention *a = t->of;
  size_t kv_head = t->kv_head + row / kv_head_rows(t), head = t->head + row % t->heads;
  return hdb_job_row(a->job, value, t->token + token_of(t, row)) + (kv_head * a->group + head) * a->head_dim;
}

/* A key head's part of the cache, from position `from` on: a block's first. Turned, a group of all heads
 * takes as much as its rows would. */
static const uint8_t *keys_at(const tile *t, uint32_t kv_head, uint32_t from) {
  const attention *a = t->of;
  return (const uint8_t *)hdb_job_at(a->job, a->job->op->in[1]) + from * a->k_stride +
         (t->kv_head + kv_head) * a->k_head;
}
static const uint8_t *values_at(const tile *t, uint32_t kv_head, uint32_t from) {
  const attention *a = t->of;
  return (const uint8_t *)hdb_job_at(a->job, a->job->op->in[2]) + from * a->v_stride +
         (t->kv_head + kv_head) * a->v_head;
}

/* A block of positions of one key head, as far as it is seen: `count` positions from `from` on, by `rows`
 * rows from `first` on. */
typedef struct seen_block {
  uint32_t kv_head, from, count, first, rows;
} seen_block;

/* scores += q . k, of cached rows: turned in the panel, BLOCK values of the head at a time. */
static void score_rows(tile *t, const seen_block *b, hdb_mul_add *m) {
  const attention *a = t->of;
  m->b = t->panel;
  for (uint32_t c = 0; c < a->head_dim; c += BLOCK) {
    m->a_from = c;
    m->depth = lesser(BLOCK, a->head_dim - c);
    hdb_kv_rows keys = {keys_at(t, b->kv_head, b->from), a->k_stride, b->count, c, m->depth};
    a->kernels->pack_keys[a->k_format](&keys, t->panel);
    a->kernels->mul_add[HD_FORMAT_F32](m);
  }
}

/* The same of turned ones: read as they lie, or, so that many rows widen them once, by way of the panel. */
static void score_turned(tile *t, const seen_block *b, hdb_mul_add *m) {
  const attention *a = t->of;
  const uint8_t *keys = keys_at(t, b->kv_head, b->from);
  if (a->k_format == HD_FORMAT_F32 || b->rows <= FEW) {
    m->b = keys;
    m->b_ahead = BLOCK * a->k_stride; /* the head's next block */
    m->b_stride = hd_format_row_bytes(a->k_format, BLOCK);
    m->depth = a->head_dim;
    a->kernels->mul_add[a->k_format](m);
    return;
  }
  m->b = t->panel;
  for (uint32_t c = 0; c < a->head_dim; c += BLOCK) {
    m->a_from = c;
    m->depth = lesser(BLOCK, a->head_dim - c);
    hdb_kv_rows columns = {keys + hd_format_row_bytes(a->k_format, c * BLOCK),
                           hd_format_row_bytes(a->k_format, BLOCK), m->depth, 0, m->cols};
    a->kernels->pack_values[a->k_format](&columns, t->panel); /* each a row of positions */
    a->kernels->mul_add[HD_FORMAT_F32](m);
  }
}

static void score(tile *t, const seen_block *b) {
  float *scores = t->scores + b->first * BLOCK;
  hdb_mul_add m = {.rows = b->rows,
                   .cols = tiles_of(b->count, STRIP) * STRIP,
                   .a = t->q + b->first,
                   .b_stride = BLOCK * sizeof(float),
                   .c = scores,
                   .c_stride = BLOCK};
  memset(scores, 0, b->rows * BLOCK * sizeof(float));
  if (t->of->k_turned)
    score_turned(t, b, &m);
  else
    score_rows(t, b, &m);
}

/* How many of the block's positions a row sees. */
static uint32_t seen_by(const tile *t, const seen_block *b, uint32_t row) {
  return lesser(b->count, positions_of(t, token_of(t, row)) - b->from);
}

/* Values of a block from one of the head's on, as a product takes them. */
typedef struct value_panel {
  const uint8_t *at;
  hd_format format;
  size_t stride, ahead; /* as hdb_mul_add's */
} value_panel;

/* For few rows, and where no row of it ends within a strip, V as it lies. */
static value_panel values_of(tile *t, const seen_block *b, uint32_t c) {
  const attention *a = t->of;
  const uint8_t *at = values_at(t, b->kv_head, b->from);
  if (b->rows <= FEW && a->head_dim == a->padded)
    return (value_panel){at + hd_format_row_bytes(a->v_format, c), a->v_format, a->v_stride,
                         BLOCK * a->v_stride};
  hdb_kv_rows values = {at, a->v_stride, b->count, c, lesser(BLOCK, a->head_dim - c)};
  a->kernels->pack_values[a->v_format](&values, t->panel);
  return (value_panel){(const uint8_t *)t->panel, HD_FORMAT_F32, BLOCK * sizeof(float), 0};
}

/* Adds shares times V of the block's positions [from, end), of `rows` rows from `first` on, in columns from c
 * on. */
static void add_values(tile *t, const value_panel *values, uint32_t c, uint32_t first, uint32_t rows,
                       uint32_t from, uint32_t end) {
  const attention *a = t->of;
  hdb_mul_add m = {.rows = rows,
                   .cols = lesser(BLOCK, a->head_dim - c),
                   .depth = end - from,
                   .a = t->shares + first,
                   .a_from = from,
                   .b = values->at + from * values->stride,
                   .b_stride = values->stride,
                   .b_ahead = values->ahead,
                   .c = t->sums + first * a->padded + c,
                   .c_stride = a->padded};
  a->kernels->mul_add[values->format](&m);
}

/* Adds shares times V. Positions that all rows see go together; what later tokens see besides, token by
 * token: what a token does not see must not touch it, not even times 0, for it may be no number. */
static void mix(tile *t, const seen_block *b) {
  uint32_t common = seen_by(t, b, b->first);
  for (uint32_t c = 0; c < t->of->head_dim; c += BLOCK) {
    value_panel values = values_of(t, b, c);
    add_values(t, &values, c, b->first, b->rows, 0, common);
    for (uint32_t row = b->first + t->heads; row < b->first + b->rows && common < b->count; row += t->heads)
      add_values(t, &values, c, row, t->heads, common, seen_by(t, b, row));
  }
}

/* One block of positions of one key head: [from, from + BLOCK), or as many as the last token sees. */
static void block(tile *t, uint32_t kv_head, uint32_t from) {
  const attention *a = t->of;
  uint32_t begin = kv_head * kv_head_rows(t), end = begin + kv_head_rows(t);
  seen_block b = {kv_head, from, lesser(BLOCK, positions_of(t, t->tokens - 1) - from), begin, 0};
  while (positions_of(t, token_of(t, b.first)) <= from) /* the first tokens may see nothing of it */
    b.first += t->heads;
  b.rows = end - b.first;
  score(t, &b);
  for (uint32_t row = b.first; row < end; row++) {
    float factor = a->kernels->soften(t->scores + row * BLOCK, seen_by(t, &b, row),
                                      a->job->op->u.attention.scale, &t->softmax[row]);
    if (factor != 1.0f) a->kernels->scale(t->sums + row * a->padded, a->padded, factor);
  }
  mix(t, &b);
}

/* Positions [begin, end) of all rows, afresh. */
static void span(tile *t, uint32_t begin, uint32_t end) {
  uint32_t rows = all_rows(t);
  memset(t->sums, 0, rows * t->of->padded * sizeof(float));
  for (uint32_t row = 0; row < rows; row++)
    t->softmax[row] = (hdb_softmax){-INFINITY, 0.0f};
  for (uint32_t from = begin; from < end; from += BLOCK)
    for (uint32_t kv_head = 0; kv_head < t->kv_heads; kv_head++)
      block(t, kv_head, from);
}

/* total, out = both with what a later span gave; out holds sums of V. */
static void merge(const attention *a, hdb_softmax *total, float *out, const hdb_softmax *later,
                  const float *sums) {
  float max = later->max > total->max ? later->max : total->max;
  float keep = hdb_exp(total->max - max), take = hdb_exp(later->max - max);
  a->kernels->merge(out, sums, a->head_dim, keep, take);
  total->sum = total->sum * keep + later->sum * take;
  total->max = max;
}

static void finish(const attention *a, const hdb_softmax *total, float *out) {
  a->kernels->scale(out, a->head_dim, 1.0f / total->sum);
}

/* All spans of rows whose spans have one length; the output holds the sums of those that are done. */
static void attend(tile *t) {
  const attention *a = t->of;
  hd_value out = a->job->op->out;
  hdb_softmax total[ROWS];
  uint32_t rows = all_rows(t), end = positions_of(t, t->tokens - 1), length = span_of(end);
  assert(end > 0); /* a token sees itself */
  for (uint32_t begin = 0; begin < end; begin += length) {
    span(t, begin, lesser(begin + length, end));
    for (uint32_t row = 0; row < rows; row++) {
      const float *sums = t->sums + row * a->padded;
      if (begin == 0) {
        total[row] = t->softmax[row];
        memcpy(row_of(t, out, row), sums, a->head_dim * sizeof(float));
      } else if (positions_of(t, token_of(t, row)) > begin) {
        merge(a, &total[row], row_of(t, out, row), &t->softmax[row], sums);
      }
    }
  }
  for (uint32_t row = 0; row < rows; row++)
    finish(a, &total[row], row_of(t, out, row));
}

static void set_tokens(tile *t, uint32_t token, uint32_t tokens) {
  t->token = token;
  t->tokens = tokens;
  for (uint32_t row = 0; row < all_rows(t); row++) {
    t->q[row] = row_of(t, t->of->job->op->in[0], row);
    t->shares[row] = t->scores + row * BLOCK;
  }
}

/* Tiles of tokens, of heads, of key heads; the last fastest, so that neighbours read the same positions. */
static void begin_tile(tile *t, const attention *a, uint32_t index) {
  t->of = a;
  t->kv_head = index % a->kv_tiles * a->kv_heads;
  t->kv_heads = lesser(a->kv_heads, a->job->op->u.attention.n_kv_heads - t->kv_head);
  t->head = index / a->kv_tiles % a->head_tiles * a->heads;
  t->heads = lesser(a->heads, a->group - t->head);
}

static void attend_tile(const attention *a, uint32_t index) {
  uint32_t kv_pos = a->job->launch->kv_pos, n_tokens = hdb_items_out_rows(a->job);
  uint32_t token = index / a->kv_tiles / a->head_tiles * a->tokens, end = lesser(token + a->tokens, n_tokens);
  tile t;
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

static size_t result_bytes(const attention *a) {
  return sizeof(span_result) + a->padded * sizeof(float);
}

static span_result *result_at(const attention *a, uint32_t span_index, uint32_t head) {
  size_t index = (size_t)span_index * a->job->op->u.attention.n_heads + head;
  return (span_result *)(void *)(a->job->scratch->bytes + index * result_bytes(a));
}

static float *result_sums(span_result *result) {
  return (float *)(void *)(result + 1);
}

static uint32_t spans_of(const attention *a) {
  uint32_t positions = a->job->launch->kv_pos + 1;
  return tiles_of(positions, span_of(positions));
}

/* The bits are the same either way. */
static bool is_split(const attention *a) {
  const hdb_job *job = a->job;
  size_t results = (size_t)spans_of(a) * job->op->u.attention.n_heads;
  return hdb_items_out_rows(job) == 1 && spans_of(a) > 1 && results * result_bytes(a) <= job->scratch->size;
}

static void attend_span(const attention *a, uint32_t item) {
  uint32_t tiles = a->head_tiles * a->kv_tiles, index = item / tiles;
  uint32_t positions = a->job->launch->kv_pos + 1, length = span_of(positions);
  tile t;
  begin_tile(&t, a, item % tiles);
  set_tokens(&t, 0, 1);
  span(&t, index * length, lesser((index + 1) * length, positions));
  for (uint32_t row = 0; row < all_rows(&t); row++) {
    uint32_t head = (t.kv_head + row / t.heads) * a->group + t.head + row % t.heads;
    span_result *result = result_at(a, index, head);
    result->softmax = t.softmax[row];
    memcpy(result_sums(result), t.sums + row * a->padded, a->head_dim * sizeof(float));
  }
}

static void merge_head(const attention *a, uint32_t head) {
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
  attention a = attention_of(job);
  return is_split(&a) ? 2 : 1;
}

static void attention_begin(const hdb_job *job) {
  attention a = attention_of(job);
  if (is_split(&a)) job->scratch->value = HD_VALUE_NONE; /* what it held gives way to the spans' results */
}

static uint32_t attention_items(const hdb_job *job) {
  attention a = attention_of(job);
  if (job->step == 1) return job->op->u.attention.n_heads;
  return a.token_tiles * a.head_tiles * a.kv_tiles * (is_split(&a) ? spans_of(&a) : 1);
}

static void attention_run(const hdb_job *job) {
  attention a = attention_of(job);
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
  attention a = attention_of(job);
  uint64_t positions = (uint64_t)job->launch->kv_pos + job->launch->n_tokens;
  if (job->step == 1) return (uint64_t)spans_of(&a) * result_bytes(&a) / 4; /* it is in a second cache */
  if (is_split(&a)) positions = lesser((uint32_t)positions, span_of((uint32_t)positions));
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
