/* SPDX-License-Identifier: Apache-2.0 */
/* Cancelling a coroutine from any thread: its worker alone may end its wait, so the coroutine's name travels
 * to it in a list of its own and is looked at where the worker gathers what became ready. */
#include "cancel.h"

#include "park.h"

void hd_coro_cancel(hd_coro *coro) {
  if (atomic_exchange_explicit(&coro->cancelled, true, memory_order_acq_rel)) return;
  hdi_worker *worker = coro->worker;
  hd_runtime *runtime = worker->runtime;
  /* As in hdi_coro_make_ready: the count keeps the worker's memory until it has been woken. */
  atomic_fetch_add_explicit(&runtime->visitors, 1, memory_order_relaxed);
  hd_coro *top = atomic_load_explicit(&worker->cancels, memory_order_relaxed);
  do {
    coro->cancel_next = top;
    /* seq_cst: hdi_wake looks at the worker's state next, and one of the two must see the other. */
  } while (!atomic_compare_exchange_weak_explicit(&worker->cancels, &top, coro, memory_order_seq_cst,
                                                  memory_order_relaxed));
  hdi_wake(worker);
  atomic_fetch_sub_explicit(&runtime->visitors, 1, memory_order_release);
}

bool hd_coro_is_cancelled(const hd_coro *coro) {
  return coro != NULL && atomic_load_explicit(&coro->cancelled, memory_order_acquire);
}

bool hd_coro_shield(bool shielded) {
  hd_coro *self = hdi_current();
  if (self == NULL) return false;
  bool before = self->shielded;
  self->shielded = shielded;
  return before;
}

void hdi_cancels_take(hdi_worker *worker) {
  if (!hdi_cancels_any(worker)) return;
  hd_coro *coro = atomic_exchange_explicit(&worker->cancels, NULL, memory_order_acquire);
  while (coro != NULL) {
    hd_coro *next = coro->cancel_next; /* once it is ready, the coroutine may be gone at any switch */
    if (!coro->shielded) (void)hdi_coro_end_wait(coro, HD_E_CANCELLED);
    coro = next;
  }
}
