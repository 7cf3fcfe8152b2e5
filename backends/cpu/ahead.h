/* SPDX-License-Identifier: Apache-2.0 */
/* How far ahead dots ask for weights, and how they spread the asking over their work: what is asked for all
 * at once is dropped when the processor has no room left to note it. */
#ifndef HEDDLE_BACKENDS_CPU_AHEAD_H
#define HEDDLE_BACKENDS_CPU_AHEAD_H

#include <assert.h>
#include <stddef.h>
#include "common/tile.h"

/* Bytes from what is read to what is asked for, at least: memory is that far. */
#define HDI_AHEAD 8192u

/* Asks for `bytes` from `at` on, line after line, into the first cache. Each address is made of the one
 * before: left free, compilers put prefetches in any order and all at once, and a stream of Q8_0 was read at
 * 80 to 84 % of what the same with the lines in order had; one cycle between two of them gave another 3 to 8
 * %. */
HDB_INLINE void hdi_ask_lines(const uint8_t *at, size_t bytes) {
  for (size_t line = 0; line < bytes; line += 64, at += 64) {
#ifdef __x86_64__
    __asm__ volatile("prefetcht0 %1" : "+r"(at) : "m"(*at));
#else
    __builtin_prefetch(at);
#endif
  }
}

/* What lies behind a tile's weights: hdb_tile_ask for a loop that writes, before which it is found once. */
typedef struct hdi_behind {
  const uint8_t *end;
  ptrdiff_t jump; /* from there to the weights that are read next, if they are known */
} hdi_behind;

HDB_INLINE hdi_behind hdi_behind_of(const hdb_tile *tile) {
  const uint8_t *end = tile->weights + tile->weight_rows * tile->weight_stride;
  return (hdi_behind){end, tile->next == NULL ? 0 : tile->next - end};
}

/* What is read when `at` would be, were the next weights behind the tile's. */
HDB_INLINE const uint8_t *hdi_behind_at(const hdi_behind *behind, const uint8_t *at) {
  return at + (at < behind->end ? 0 : behind->jump);
}

/* How far ahead of rows of so many bytes, taken together, memory is asked for: the rows after them. */
HDB_INLINE size_t hdi_ahead_of_rows(size_t rows_bytes) {
  return rows_bytes > HDI_AHEAD ? rows_bytes : HDI_AHEAD;
}

/* Many activation rows meet some panels: the rows after these, spread evenly over the work, into the second
 * cache. At each step `lines` cache lines, which overlap where a step's share is not a whole number of them.
 */
typedef struct hdi_ahead {
  const uint8_t *at;
  size_t share; /* bytes of a step */
  uint32_t lines;
} hdi_ahead;

/* Passes of `tokens` activation rows: `many` at a time, then two, then one. */
HDB_INLINE uint32_t hdi_many_passes(uint32_t tokens, uint32_t many) {
  return tokens / many + (tokens % many + 1) / 2;
}

/* For `rows` rows from row `first` on, and work of `passes` times `blocks` steps: not none. */
HDB_INLINE hdi_ahead hdi_ahead_of(const hdb_tile *tile, uint32_t first, uint32_t rows, size_t blocks,
                                  uint32_t passes) {
  const size_t steps = blocks * passes, bytes = rows * tile->weight_stride;
  assert(steps > 0);
  const size_t share = (bytes + steps - 1) / steps;
  return (hdi_ahead){tile->weights + first * tile->weight_stride, share, (uint32_t)((share + 63) / 64)};
}

HDB_INLINE void hdi_ask_ahead(hdi_ahead *ahead) {
#pragma GCC unroll 1
  for (uint32_t i = 0; i < ahead->lines; i++)
    __builtin_prefetch(ahead->at + 64 * (size_t)i, 0, 2);
  ahead->at += ahead->share;
}

#endif
