/* SPDX-License-Identifier: Apache-2.0 */
/* How the runtime's queues link their items. */
#include "queue.h"

#include "state.h"

void hdi_inbox_put(hdi_inbox *inbox, hd_coro *coro) {
  hd_coro *top = atomic_load_explicit(&inbox->top, memory_order_relaxed);
  do {
    coro->next = top;
    /* seq_cst: the caller looks at the worker's state next, and one of the two must see the other. */
  } while (!atomic_compare_exchange_weak_explicit(&inbox->top, &top, coro, memory_order_seq_cst,
                                                  memory_order_relaxed));
}

void hdi_inbox_take(hdi_inbox *inbox, hdi_ready *ready) {
  if (atomic_load_explicit(&inbox->top, memory_order_relaxed) == NULL) return;
  hd_coro *newest = atomic_exchange_explicit(&inbox->top, NULL, memory_order_acquire);
  hd_coro *oldest = NULL;
  while (newest != NULL) {
    hd_coro *before = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = before;
  }
  while (oldest != NULL) {
    hd_coro *after = oldest->next;
    hdi_ready_push(ready, oldest);
    oldest = after;
  }
}
