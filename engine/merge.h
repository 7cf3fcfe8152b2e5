/* SPDX-License-Identifier: Apache-2.0 */
/* Merging: neighbouring symbols become one, cheapest pair first, leftmost among equals, until no pair can.
 * Both tokenizers are this with different pairs. */
#ifndef ENGINE_MERGE_H
#define ENGINE_MERGE_H

#include "names.h"

#define HEI_NO_SYMBOL UINT32_MAX

/* A symbol is a run of a text. Merged away: bytes is 0. */
typedef struct hei_symbol {
  size_t begin, bytes;
  int32_t token; /* -1: none has this text */
  uint32_t previous, next;
} hei_symbol;

/* May these neighbours become one? Then `*out_cost` (lower goes first, never NaN) and `*out_token`. */
typedef bool hei_pair_fn(const void *arg, const char *text, const hei_symbol *left, const hei_symbol *right,
                         double *out_cost, int32_t *out_token);

typedef struct hei_candidate {
  double cost;
  size_t bytes; /* of both together when it was found: tells a stale one */
  uint32_t left, right;
  int32_t token;
} hei_candidate;

/* Scratch memory of one merge run after another; grows, never shrinks. */
typedef struct hei_merger {
  const hd_host *host;
  hei_symbol *symbols;
  uint32_t count, capacity;
  hei_candidate *heap; /* 2 * capacity of them: each merge takes one out and puts at most two in */
  uint32_t heap_count;
} hei_merger;

/* Room for `symbols` symbols. Errors: NO_MEMORY, LIMIT (over 2^31 of them). */
hd_status hei_merger_reserve(hei_merger *merger, size_t symbols);
/* Takes a zeroed one too. */
void hei_merger_finish(hei_merger *merger);

/* Forgets the symbols, then adds one after another. */
void hei_merger_clear(hei_merger *merger);
void hei_merger_add(hei_merger *merger, size_t begin, size_t bytes, int32_t token);
/* Merges all that can be. Walk from symbol 0 along `next` afterwards. O(n log n). */
void hei_merger_run(hei_merger *merger, const char *text, hei_pair_fn *pair_fn, const void *arg);

#endif
