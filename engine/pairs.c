/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a pair of tokens is found. */
#include "pairs.h"

hd_status hei_pairs_init(hei_pairs *pairs, const hd_host *host, uint32_t count) {
  *pairs = (hei_pairs){.host = host, .count = count, .slot_count = 8, .key = hei_hash_key_fresh(host)};
  while (pairs->slot_count < 2 * (size_t)count)
    pairs->slot_count *= 2;
  pairs->slots = hd_host_zalloc(host, pairs->slot_count, sizeof *pairs->slots, _Alignof(uint32_t));
  if (count > 0) pairs->list = hd_host_zalloc(host, count, sizeof *pairs->list, _Alignof(hei_pair));
  if (pairs->slots != NULL && (count == 0 || pairs->list != NULL)) return HD_OK;
  hei_pairs_finish(pairs);
  return HD_E_NO_MEMORY;
}

void hei_pairs_finish(hei_pairs *pairs) {
  if (pairs->host != NULL) {
    hd_host_free(pairs->host, pairs->slots, pairs->slot_count, sizeof *pairs->slots);
    hd_host_free(pairs->host, pairs->list, pairs->count, sizeof *pairs->list);
  }
  *pairs = (hei_pairs){0};
}

static uint32_t *slot_of(const hei_pairs *pairs, int32_t left, int32_t right) {
  int32_t both[2] = {left, right};
  for (size_t at = hei_hash(pairs->key, both, sizeof both);; at++) {
    uint32_t *slot = &pairs->slots[at & (pairs->slot_count - 1)];
    if (*slot == 0) return slot;
    const hei_pair *pair = &pairs->list[*slot - 1];
    if (pair->left == left && pair->right == right) return slot;
  }
}

void hei_pairs_add(hei_pairs *pairs, uint32_t rank, hei_pair pair) {
  uint32_t *slot = slot_of(pairs, pair.left, pair.right);
  pairs->list[rank] = pair;
  if (*slot == 0) *slot = rank + 1;
}

uint32_t hei_pairs_find(const hei_pairs *pairs, int32_t left, int32_t right) {
  return *slot_of(pairs, left, right) - 1; /* empty: 0 - 1 is HEI_NO_INDEX */
}
