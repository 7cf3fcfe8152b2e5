/* SPDX-License-Identifier: Apache-2.0 */
/* One span of a tile of attention, block by block: scores, their softmax, V. attention.c says the order. */
#include <math.h>
#include <string.h>
#include "common/attend_tile.h"

enum {
  BLOCK = HDB_ATTEND_BLOCK,
  STRIP = HDB_ATTEND_STRIP,
  FEW = 12 /* rows: at most so many read the cache as it lies, and widen what they share again */
};

_Static_assert((uint32_t)BLOCK == HD_KV_GROUP, "a block of turned keys is a group of them");

/* A key head's part of the cache, from position `from` on: a block's first. Turned, a group of all heads
 * takes as much as its rows would. */
static const uint8_t *keys_at(const hdb_attention_tile *t, uint32_t kv_head, uint32_t from) {
  const hdb_attention *a = t->of;
  return (const uint8_t *)hdb_job_at(a->job, a->job->op->in[1]) + from * a->k_stride +
         (t->kv_head + kv_head) * a->k_head;
}
static const uint8_t *values_at(const hdb_attention_tile *t, uint32_t kv_head, uint32_t from) {
  const hdb_attention *a = t->of;
  return (const uint8_t *)hdb_job_at(a->job, a->job->op->in[2]) + from * a->v_stride +
         (t->kv_head + kv_head) * a->v_head;
}

/* A block of positions of one key head, as far as it is seen: `count` positions from `from` on, by `rows`
 * rows from `first` on. */
typedef struct seen_block {
  uint32_t kv_head, from, count, first, rows;
} seen_block;

/* scores += q . k, of cached rows: turned in the panel, BLOCK values of the head at a time. */
static void score_rows(hdb_attention_tile *t, const seen_block *b, hdb_mul_add *m) {
  const hdb_attention *a = t->of;
  m->b = t->panel;
  for (uint32_t c = 0; c < a->head_dim; c += BLOCK) {
    m->a_from = c;
    m->depth = hdb_lesser(BLOCK, a->head_dim - c);
    hdb_kv_rows keys = {keys_at(t, b->kv_head, b->from), a->k_stride, b->count, c, m->depth};
    a->kernels->pack_keys[a->k_format](&keys, t->panel);
    a->kernels->mul_add[HD_FORMAT_F32](m);
  }
}

/* The same of turned ones: read as they lie, or, so that many rows widen them once, by way of the panel. */
static void score_turned(hdb_attention_tile *t, const seen_block *b, hdb_mul_add *m) {
  const hdb_attention *a = t->of;
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
    m->depth = hdb_lesser(BLOCK, a->head_dim - c);
    hdb_kv_rows columns = {keys + hd_format_row_bytes(a->k_format, c * BLOCK),
                           hd_format_row_bytes(a->k_format, BLOCK), m->depth, 0, m->cols};
    a->kernels->pack_values[a->k_format](&columns, t->panel); /* each a row of positions */
    a->kernels->mul_add[HD_FORMAT_F32](m);
  }
}

static void score(hdb_attention_tile *t, const seen_block *b) {
  float *scores = t->scores + b->first * BLOCK;
  hdb_mul_add m = {.rows = b->rows,
                   .cols = hdb_tiles_of(b->count, STRIP) * STRIP,
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
static uint32_t seen_by(const hdb_attention_tile *t, const seen_block *b, uint32_t row) {
  return hdb_lesser(b->count, hdb_tile_positions(t, hdb_tile_token(t, row)) - b->from);
}

/* Values of a block from one of the head's on, as a product takes them. */
typedef struct value_panel {
  const uint8_t *at;
  hd_format format;
  size_t stride, ahead; /* as hdb_mul_add's */
} value_panel;

/* For few rows, and where no row of it ends within a strip, V as it lies. */
static value_panel values_of(hdb_attention_tile *t, const seen_block *b, uint32_t c) {
  const hdb_attention *a = t->of;
  const uint8_t *at = values_at(t, b->kv_head, b->from);
  if (b->rows <= FEW && a->head_dim == a->padded)
    return (value_panel){at + hd_format_row_bytes(a->v_format, c), a->v_format, a->v_stride,
                         BLOCK * a->v_stride};
  hdb_kv_rows values = {at, a->v_stride, b->count, c, hdb_lesser(BLOCK, a->head_dim - c)};
  a->kernels->pack_values[a->v_format](&values, t->panel);
  return (value_panel){(const uint8_t *)t->panel, HD_FORMAT_F32, BLOCK * sizeof(float), 0};
}

/* Adds shares times V of the block's positions [from, end), of `rows` rows from `first` on, in columns from c
 * on. */
static void add_values(hdb_attention_tile *t, const value_panel *values, uint32_t c, uint32_t first,
                       uint32_t rows, uint32_t from, uint32_t end) {
  const hdb_attention *a = t->of;
  hdb_mul_add m = {.rows = rows,
                   .cols = hdb_lesser(BLOCK, a->head_dim - c),
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
static void mix(hdb_attention_tile *t, const seen_block *b) {
  uint32_t common = seen_by(t, b, b->first);
  for (uint32_t c = 0; c < t->of->head_dim; c += BLOCK) {
    value_panel values = values_of(t, b, c);
    add_values(t, &values, c, b->first, b->rows, 0, common);
    for (uint32_t row = b->first + t->heads; row < b->first + b->rows && common < b->count; row += t->heads)
      add_values(t, &values, c, row, t->heads, common, seen_by(t, b, row));
  }
}

/* One block of positions of one key head: [from, from + BLOCK), or as many as the last token sees. */
static void block(hdb_attention_tile *t, uint32_t kv_head, uint32_t from) {
  const hdb_attention *a = t->of;
  uint32_t begin = kv_head * hdb_tile_head_rows(t), end = begin + hdb_tile_head_rows(t);
  seen_block b = {kv_head, from, hdb_lesser(BLOCK, hdb_tile_positions(t, t->tokens - 1) - from), begin, 0};
  while (hdb_tile_positions(t, hdb_tile_token(t, b.first)) <=
         from) /* the first tokens may see nothing of it */
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

void hdb_tile_span(hdb_attention_tile *t, uint32_t begin, uint32_t end) {
  uint32_t rows = hdb_tile_rows(t);
  memset(t->sums, 0, rows * t->of->padded * sizeof(float));
  for (uint32_t row = 0; row < rows; row++)
    t->softmax[row] = (hdb_softmax){-INFINITY, 0.0f};
  for (uint32_t from = begin; from < end; from += BLOCK)
    for (uint32_t kv_head = 0; kv_head < t->kv_heads; kv_head++)
      block(t, kv_head, from);
}
