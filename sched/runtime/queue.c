/* SPDX-License-Identifier: Apache-2.0 */
/* How the runtime's queues link their items. */
#include "queue.h"

#include "band.h"

bool hdi_inbox_put(hdi_inbox *inbox, hd_coro *coro, bool wakes, bool *out_was_asleep) {
  hd_coro *top = atomic_load_explicit(&inbox->top, memory_order_relaxed);
  do {
    *out_was_asleep = top == HDI_INBOX_ASLEEP;
    if (*out_was_asleep && !wakes) return false;
    coro->next = *out_was_asleep ? NULL : top;
  } while (!atomic_compare_exchange_weak_explicit(&inbox->top, &top, coro, memory_order_acq_rel,
                                                  memory_order_relaxed));
  return true;
}

bool hdi_inbox_sleep(hdi_inbox *inbox) {
  hd_coro *empty = NULL;
  return atomic_compare_exchange_strong_explicit(&inbox->top, &empty, HDI_INBOX_ASLEEP, memory_order_acq_rel,
                                                 memory_order_relaxed);
}

void hdi_inbox_rise(hdi_inbox *inbox) {
  hd_coro *asleep = HDI_INBOX_ASLEEP;
  (void)atomic_compare_exchange_strong_explicit(&inbox->top, &asleep, NULL, memory_order_acq_rel,
                                                memory_order_relaxed);
}

void hdi_inbox_take(hdi_worker *worker) {
  hdi_inbox *inbox = &worker->inbox;
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
    hdi_make_runnable(worker, oldest);
    oldest = after;
  }
}
