/* SPDX-License-Identifier: Apache-2.0 */
/* Events and sleeping. One word decides every race: clear, set, or the waiting coroutine; whoever replaces
 * the coroutine in it (a setter, the deadline, the end of the runtime) is the one who makes it ready. */
#include "event.h"

#include "band.h"
#include "cancel.h"

/* A waiter's address (a multiple of the cache line's length) may have WATCHED added. */
enum { CLEAR = 0, SET = 1, WATCHED = 2 };

void hd_event_init(hd_event *event) {
  /* A store, no atomic_init: when an event is used again, a late set of before may still come. */
  atomic_store_explicit(&event->state, CLEAR, memory_order_relaxed);
}

bool hd_event_is_set(const hd_event *event) {
  return atomic_load_explicit(&event->state, memory_order_acquire) == SET;
}

void hd_event_set(hd_event *event) {
  uintptr_t before = atomic_exchange_explicit(&event->state, SET, memory_order_acq_rel);
  if (before > SET && (before & WATCHED) == 0) hdi_coro_make_ready((hd_coro *)before);
}

bool hdi_event_watch_begin(hd_coro *waiter) {
  uintptr_t expected = (uintptr_t)waiter;
  return atomic_compare_exchange_strong_explicit(&waiter->event->state, &expected, expected | WATCHED,
                                                 memory_order_acq_rel, memory_order_acquire);
}

bool hdi_event_watch_end(hd_coro *waiter) {
  uintptr_t expected = (uintptr_t)waiter | WATCHED;
  return atomic_compare_exchange_strong_explicit(&waiter->event->state, &expected, (uintptr_t)waiter,
                                                 memory_order_acq_rel, memory_order_acquire);
}

bool hdi_event_take_back(hd_event *event, hd_coro *waiter) {
  uintptr_t expected = (uintptr_t)waiter;
  return atomic_compare_exchange_strong_explicit(&event->state, &expected, CLEAR, memory_order_acq_rel,
                                                 memory_order_acquire);
}

/* After the switch: from here on any thread may make `coro` ready. */
static void publish(hdi_worker *worker, hd_coro *coro) {
  uintptr_t expected = CLEAR;
  coro->waits = HDI_WAIT_EVENT;
  if (atomic_compare_exchange_strong_explicit(&coro->event->state, &expected, (uintptr_t)coro,
                                              memory_order_acq_rel, memory_order_acquire)) {
    worker->awaiting = coro;
    return;
  }
  if (expected != SET) coro->result = HD_E_INVALID; /* another coroutine was faster to wait */
  hdi_make_runnable(worker, coro);
}

hd_status hd_await_event_until(hd_event *event, uint64_t deadline_ns) {
  hd_coro *self = hdi_current();
  if (self == NULL) return HD_E_INVALID;
  if (hdi_is_cancelled(self)) return HD_E_CANCELLED;
  uintptr_t state = atomic_load_explicit(&event->state, memory_order_acquire);
  if (state == SET) return HD_OK;
  if (state != CLEAR) return HD_E_INVALID;
  hdi_worker *worker = self->worker;
  if (worker->closed) return HD_E_CLOSED;
  self->event = event;
  self->result = HD_OK;
  if (deadline_ns != UINT64_MAX) hdi_timer_arm(&worker->timers, &self->timer, deadline_ns);
  hdi_coro_suspend(self, publish);
  if (worker->awaiting == self) worker->awaiting = NULL;
  self->waits = HDI_WAIT_NONE;
  hdi_timer_disarm(&worker->timers, &self->timer);
  return self->result;
}

hd_status hd_await_event(hd_event *event) {
  return hd_await_event_until(event, UINT64_MAX);
}

hd_status hd_await_time(uint64_t until_ns) {
  hd_coro *self = hdi_current();
  if (self == NULL) return HD_E_INVALID;
  if (hdi_is_cancelled(self)) return HD_E_CANCELLED;
  hdi_worker *worker = self->worker;
  if (worker->closed) return HD_E_CLOSED;
  self->result = HD_OK;
  self->waits = HDI_WAIT_TIME;
  hdi_timer_arm(&worker->timers, &self->timer, until_ns);
  hdi_coro_suspend(self, NULL);
  return self->result;
}
