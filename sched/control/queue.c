/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting steps in ready order, as one array without gaps: it is what the policy is shown, so showing costs
 * nothing.
 *
 * The array slides through a buffer of twice its greatest length, so that taking the first or adding a last
 * entry moves nothing; in the middle the shorter side moves. */
#include "stations.h"

#include <assert.h>
#include <string.h>

/* Index of the first entry whose seq is not below `seq`. */
static uint32_t lower_bound(const hdi_queue *queue, uint64_t seq) {
  const uint64_t *seqs = queue->seqs + queue->begin;
  uint32_t low = 0, high = queue->count;
  if (high == 0 || seqs[high - 1] < seq) return high; /* a new one: the usual case */
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (seqs[middle] < seq)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Moves `count` entries by buffer positions. */
static void slide(hdi_queue *queue, uint32_t to, uint32_t from, uint32_t count) {
  memmove(queue->items + to, queue->items + from, count * sizeof *queue->items);
  memmove(queue->seqs + to, queue->seqs + from, count * sizeof *queue->seqs);
}

void hdi_queue_insert(hdi_queue *queue, uint64_t seq, const hd_waiting *item) {
  assert(queue->count < queue->cap / 2);
  if (queue->begin + queue->count == queue->cap) {
    slide(queue, 0, queue->begin, queue->count); /* at most once in cap/2 insertions */
    queue->begin = 0;
  }
  uint32_t at = lower_bound(queue, seq);
  if (at < queue->count - at && queue->begin > 0) {
    slide(queue, queue->begin - 1, queue->begin, at);
    queue->begin--;
  } else {
    slide(queue, queue->begin + at + 1, queue->begin + at, queue->count - at);
  }
  queue->items[queue->begin + at] = *item;
  queue->seqs[queue->begin + at] = seq;
  queue->count++;
}

hd_waiting *hdi_queue_find(const hdi_queue *queue, uint64_t seq) {
  uint32_t at = lower_bound(queue, seq);
  assert(at < queue->count && queue->seqs[queue->begin + at] == seq);
  return &queue->items[queue->begin + at];
}

void hdi_queue_remove(hdi_queue *queue, uint64_t seq) {
  uint32_t at = lower_bound(queue, seq);
  assert(at < queue->count && queue->seqs[queue->begin + at] == seq);
  uint32_t after = queue->count - at - 1;
  if (at < after) {
    slide(queue, queue->begin + 1, queue->begin, at);
    queue->begin++;
  } else {
    slide(queue, queue->begin + at, queue->begin + at + 1, after);
  }
  queue->count--;
  if (queue->count == 0) queue->begin = 0;
}
