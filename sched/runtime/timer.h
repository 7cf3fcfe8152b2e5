/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of one worker: an intrusive pairing heap, so that arming allocates nothing and cannot fail. Equal
 * deadlines fire in the order in which they were armed. Source: Fredman, Sedgewick, Sleator, Tarjan, "The
 * pairing heap", 1986. */
#ifndef HDI_RUNTIME_TIMER_H
#define HDI_RUNTIME_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hdi_timer {
  uint64_t deadline_ns;
  uint64_t order;
  struct hdi_timer *child, *sibling;
  struct hdi_timer *back; /* the previous sibling, or the parent of a first child; itself: the root */
} hdi_timer;

typedef struct hdi_timer_heap {
  hdi_timer *root;
  uint64_t armed; /* timers armed so far */
} hdi_timer_heap;

/* Threads of all: one at a time for a heap. `timer` is zero before its first use. */
static inline bool hdi_timer_is_armed(const hdi_timer *timer) {
  return timer->back != NULL;
}

void hdi_timer_arm(hdi_timer_heap *heap, hdi_timer *timer, uint64_t deadline_ns);

/* Does nothing to a timer that is not armed. */
void hdi_timer_disarm(hdi_timer_heap *heap, hdi_timer *timer);

/* The earliest deadline; UINT64_MAX: none. */
static inline uint64_t hdi_timer_next(const hdi_timer_heap *heap) {
  return heap->root == NULL ? UINT64_MAX : heap->root->deadline_ns;
}

/* Disarms and returns the earliest timer if it is due at `now_ns`; else NULL. */
hdi_timer *hdi_timer_due(hdi_timer_heap *heap, uint64_t now_ns);

#endif
