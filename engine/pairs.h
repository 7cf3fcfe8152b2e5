/* SPDX-License-Identifier: Apache-2.0 */
/* Merges of byte-level BPE: from two neighbouring tokens to the token they become and the merge's rank. */
#ifndef ENGINE_PAIRS_H
#define ENGINE_PAIRS_H

#include "names.h"

typedef struct hei_pair {
  int32_t left, right, merged;
} hei_pair;

typedef struct hei_pairs {
  const hd_host *host;
  hei_pair *list; /* by rank; left -1: a merge that can never happen */
  uint32_t count;
  uint32_t *slots; /* rank + 1; 0: empty */
  size_t slot_count;
  hei_hash_key key;
} hei_pairs;

/* Room for `count` pairs. Errors: NO_MEMORY. */
hd_status hei_pairs_init(hei_pairs *pairs, const hd_host *host, uint32_t count);
/* Takes a zeroed table too. */
void hei_pairs_finish(hei_pairs *pairs);
/* The first of equal pairs counts. */
void hei_pairs_add(hei_pairs *pairs, uint32_t rank, hei_pair pair);
/* HEI_NO_INDEX, or the rank. */
uint32_t hei_pairs_find(const hei_pairs *pairs, int32_t left, int32_t right);

#endif
