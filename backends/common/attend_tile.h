/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of attention: rows that are computed together, over a span of positions. attention.c chooses tiles
 * and merges spans. */
#ifndef HEDDLE_BACKENDS_COMMON_ATTEND_TILE_H
#define HEDDLE_BACKENDS_COMMON_ATTEND_TILE_H

#include <assert.h>
#include <stdalign.h>
#include "common/attend.h"
#include "common/job.h"

enum {
  HDB_TILE_ROWS = 64,  /* their scores take 16 KiB of stack, the packed keys or values 16 more ... */
  HDB_TILE_SUMS = 4096 /* ... and their running sums of V, in floats, another 16 */
};

/* What all rows of a launch share. */
typedef struct hdb_attention {
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
} hdb_attention;

/* Rows that are computed together. Those of one key head, which take its keys while they are unpacked, follow
 * each other, token by token. */
typedef struct hdb_attention_tile {
  const hdb_attention *of;
  uint32_t token, tokens, kv_head, kv_heads, head, heads; /* head: of a key head's */
  const float *q[HDB_TILE_ROWS], *shares[HDB_TILE_ROWS];
  hdb_softmax softmax[HDB_TILE_ROWS];
  alignas(64) float scores[HDB_TILE_ROWS * HDB_ATTEND_BLOCK];
  alignas(64) float panel[HDB_ATTEND_BLOCK * HDB_ATTEND_BLOCK];
  alignas(64) float sums[HDB_TILE_SUMS];
} hdb_attention_tile;

static inline uint32_t hdb_lesser(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static inline uint32_t hdb_tiles_of(uint32_t count, uint32_t in_a_tile) {
  return (count + in_a_tile - 1) / in_a_tile;
}

/* Positions that a token of the tile sees. */
static inline uint32_t hdb_tile_positions(const hdb_attention_tile *t, uint32_t token) {
  return t->of->job->launch->kv_pos + t->token + token + 1;
}

/* Rows of a key head, of all; and the token of a row. */
static inline uint32_t hdb_tile_head_rows(const hdb_attention_tile *t) {
  return t->tokens * t->heads;
}
static inline uint32_t hdb_tile_rows(const hdb_attention_tile *t) {
  return t->kv_heads * hdb_tile_head_rows(t);
}
static inline uint32_t hdb_tile_token(const hdb_attention_tile *t, uint32_t row) {
  assert(t->heads > 0 && t->tokens > 0);
  return row % hdb_tile_head_rows(t) / t->heads;
}

/* Positions [begin, end) of all rows, afresh: t->softmax, and t->sums a->padded floats apart. `begin` is a
 * multiple of HDB_ATTEND_BLOCK; each row sees as many as hdb_tile_positions() says. Threads: one a tile. */
void hdb_tile_span(hdb_attention_tile *t, uint32_t begin, uint32_t end);

#endif
