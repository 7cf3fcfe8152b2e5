/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a request, and telling the control plane who waits for whom, so that what somebody urgent waits
 * for becomes urgent. */
#include "live.h"

/* In the turn: alive for the control plane. */
static bool is_alive(hd_sched *sched, const hd_request *request) {
  return hdl_slots_find(&sched->requests, request->id) == request;
}

/* In the turn: the request whose coroutine this is; NULL. A walk over the table: waits are rare. */
static hd_request *request_of(hd_sched *sched, const hd_coro *coro) {
  for (uint32_t i = 0; coro != NULL && i < sched->requests.cap; i++) {
    hd_request *request = sched->requests.entries[i].object;
    if (request != NULL && request->coro == coro) return request;
  }
  return NULL;
}

/* In the turn. False: there is nothing to tell, one of them is over or the waiter waits already. */
static bool tell(hd_sched *sched, const hd_request *waiter, const hd_request *request, bool waits) {
  if (!is_alive(sched, waiter) || !is_alive(sched, request)) return false;
  hd_record event = {.kind = HD_EV_WAIT,
                     .device = HD_RECORD_NO_DEVICE,
                     .request = waiter->id,
                     .step = request->id,
                     .a = waits};
  if (hdl_feed(sched, &event) != HD_OK) return false;
  hdl_bands_refresh(sched);
  return true;
}

/* `waiter`: on whose behalf a thread waits; NULL: its own. */
static hd_status wait_over(const hd_request *waiter, hd_request *request) {
  const atomic_bool *cancelled = waiter == NULL ? NULL : &waiter->cancelled;
  hd_status status = hd_coro_self() != NULL
                         ? hd_await_event(&request->over_event)
                         : hdl_wait_while(request->sched, &request->over, false, cancelled, HDL_NEVER);
  return status == HD_OK ? request->status : status;
}

static hd_status wait_as(hd_request *waiter, hd_request *request) {
  hd_sched *sched = request->sched;
  hdl_turn_enter(sched);
  bool told = tell(sched, waiter, request, true);
  hdl_turn_leave(sched);
  hd_status status = wait_over(waiter, request);
  if (told) {
    hdl_turn_enter(sched);
    (void)tell(sched, waiter, request, false); /* over: the control plane has ended it by itself */
    hdl_turn_leave(sched);
  }
  return status;
}

/* `waiter` NULL: nobody, as far as the control plane knows. */
static hd_status visit(hd_request *waiter, hd_request *request) {
  if (!hdl_visit_begin(request)) return request->status;
  hd_status status = waiter == NULL ? wait_over(NULL, request) : wait_as(waiter, request);
  hdl_visit_end(request);
  return status;
}

static hd_status visit_as(hd_request *waiter, hd_request *request) {
  if (!hdl_visit_begin(waiter)) return HD_E_CLOSED;
  hd_status status = visit(waiter, request);
  hdl_visit_end(waiter);
  return status;
}

/* The handle of a request without a coroutine goes with its end: who waits for it keeps it until the status
 * was read. */
hd_status hd_request_wait_as(hd_request *waiter, hd_request *request) {
  if (waiter == NULL || request == NULL || waiter == request || waiter->sched != request->sched)
    return HD_E_INVALID;
  atomic_fetch_add(&request->refs, 1);
  hd_status status = visit_as(waiter, request);
  hdl_request_unref(request);
  return status;
}

/* The request whose coroutine this is; NULL: none of this one's scheduler. */
static hd_request *who_waits(hd_request *request) {
  const hd_coro *self = hd_coro_self();
  if (self == NULL || !hdl_visit_begin(request)) return NULL;
  hdl_turn_enter(request->sched);
  hd_request *waiter = request_of(request->sched, self);
  hdl_turn_leave(request->sched);
  hdl_visit_end(request);
  return waiter;
}

hd_status hd_request_wait(hd_request *request) {
  if (request == NULL) return HD_E_INVALID;
  atomic_fetch_add(&request->refs, 1);
  hd_request *waiter = who_waits(request);
  hd_status status = waiter == request ? HD_E_INVALID : visit(waiter, request);
  hdl_request_unref(request);
  return status;
}
