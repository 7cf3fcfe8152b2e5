/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how pairs are merged in order of cost: a linked list of symbols and a binary heap of candidates. */
#include "merge.h"

#include <assert.h>

hd_status hei_merger_reserve(hei_merger *merger, size_t symbols) {
  if (symbols <= merger->capacity) return HD_OK;
  if (symbols > UINT32_C(1) << 31) return HD_E_LIMIT;
  size_t capacity = 64;
  while (capacity < symbols)
    capacity *= 2;
  const hd_host *host = merger->host;
  hei_symbol *list = hd_host_zalloc(host, capacity, sizeof *list, _Alignof(hei_symbol));
  hei_candidate *heap = hd_host_zalloc(host, 2 * capacity, sizeof *heap, _Alignof(hei_candidate));
  if (list == NULL || heap == NULL) {
    hd_host_free(host, list, capacity, sizeof *list);
    hd_host_free(host, heap, 2 * capacity, sizeof *heap);
    return HD_E_NO_MEMORY;
  }
  hei_merger_finish(merger);
  *merger = (hei_merger){.host = host, .symbols = list, .capacity = (uint32_t)capacity, .heap = heap};
  return HD_OK;
}

void hei_merger_finish(hei_merger *merger) {
  if (merger->capacity == 0) return;
  hd_host_free(merger->host, merger->symbols, merger->capacity, sizeof *merger->symbols);
  hd_host_free(merger->host, merger->heap, 2 * (size_t)merger->capacity, sizeof *merger->heap);
  *merger = (hei_merger){.host = merger->host};
}

void hei_merger_clear(hei_merger *merger) {
  merger->count = merger->heap_count = 0;
}

void hei_merger_add(hei_merger *merger, size_t begin, size_t bytes, int32_t token) {
  assert(merger->count < merger->capacity);
  uint32_t index = merger->count++;
  uint32_t previous = index == 0 ? HEI_NO_SYMBOL : index - 1;
  if (previous != HEI_NO_SYMBOL) merger->symbols[previous].next = index;
  merger->symbols[index] = (hei_symbol){begin, bytes, token, previous, HEI_NO_SYMBOL};
}

static bool goes_first(const hei_candidate *a, const hei_candidate *b) {
  return a->cost < b->cost || (a->cost == b->cost && a->left < b->left);
}

static void heap_push(hei_merger *merger, hei_candidate candidate) {
  hei_candidate *heap = merger->heap;
  uint32_t at = merger->heap_count++;
  for (; at > 0 && goes_first(&candidate, &heap[(at - 1) / 2]); at = (at - 1) / 2)
    heap[at] = heap[(at - 1) / 2];
  heap[at] = candidate;
}

static hei_candidate heap_pop(hei_merger *merger) {
  hei_candidate *heap = merger->heap, top = heap[0], last = heap[--merger->heap_count];
  size_t at = 0, count = merger->heap_count;
  for (size_t child = 1; child < count; child = 2 * at + 1) {
    if (child + 1 < count && goes_first(&heap[child + 1], &heap[child])) child++;
    if (!goes_first(&heap[child], &last)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return top;
}

static void consider(hei_merger *merger, const char *text, uint32_t left, uint32_t right,
                     hei_pair_fn *pair_fn, const void *arg) {
  if (left == HEI_NO_SYMBOL || right == HEI_NO_SYMBOL) return;
  const hei_symbol *a = &merger->symbols[left], *b = &merger->symbols[right];
  hei_candidate candidate = {.bytes = a->bytes + b->bytes, .left = left, .right = right};
  if (pair_fn(arg, text, a, b, &candidate.cost, &candidate.token)) heap_push(merger, candidate);
}

void hei_merger_run(hei_merger *merger, const char *text, hei_pair_fn *pair_fn, const void *arg) {
  hei_symbol *symbols = merger->symbols;
  for (uint32_t i = 1; i < merger->count; i++)
    consider(merger, text, i - 1, i, pair_fn, arg);
  while (merger->heap_count > 0) {
    hei_candidate best = heap_pop(merger);
    hei_symbol *left = &symbols[best.left], *right = &symbols[best.right];
    /* Stale: one of them was merged away, or grew. */
    if (left->bytes == 0 || right->bytes == 0 || left->bytes + right->bytes != best.bytes) continue;
    left->bytes += right->bytes;
    left->token = best.token;
    right->bytes = 0;
    left->next = right->next;
    if (right->next != HEI_NO_SYMBOL) symbols[right->next].previous = best.left;
    consider(merger, text, left->previous, best.left, pair_fn, arg);
    consider(merger, text, best.left, left->next, pair_fn, arg);
  }
}
