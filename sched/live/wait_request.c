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
  return hdl_feed(sched, &event) == HD_OK;
}

/* The handle of a request without a coroutine goes with its end: this keeps it until its status was read. */
static hd_status wait_over(hd_request *request) {
  atomic_fetch_add(&request->refs, 1);
  hd_status status = hd_coro_self() != NULL
                         ? hd_await_event(&request->over_event)
                         : hdl_wait_while(request->sched, &request->over, false, HDL_NEVER);
  if (status == HD_OK) status = request->status;
  hdl_request_unref(request);
  return status;
}

static hd_status wait_as(hd_request *waiter, hd_request *request) {
  hd_sched *sched = request->sched;
  atomic_fetch_add(&request->refs, 1);
  hdl_turn_enter(sched);
  bool told = tell(sched, waiter, request, true);
  hdl_turn_leave(sched);
  hd_status status = wait_over(request);
  if (told) {
    hdl_turn_enter(sched);
    (void)tell(sched, waiter, request, false); /* over: the control plane has ended it by itself */
    hdl_turn_leave(sched);
  }
  hdl_request_unref(request);
  return status;
}

hd_status hd_request_wait_as(hd_request *waiter, hd_request *request) {
  if (waiter == NULL || request == NULL || waiter == request || waiter->sched != request->sched)
    return HD_E_INVALID;
  return atomic_load(&request->over) ? request->status : wait_as(waiter, request);
}

hd_status hd_request_wait(hd_request *request) {
  if (request == NULL) return HD_E_INVALID;
  if (atomic_load(&request->over)) return request->status;
  const hd_coro *self = hd_coro_self();
  if (self == NULL) return wait_over(request);
  hd_sched *sched = request->sched;
  hdl_turn_enter(sched);
  hd_request *waiter = request_of(sched, self);
  hdl_turn_leave(sched);
  if (waiter == NULL) return wait_over(request);
  return hd_request_wait_as(waiter, request);
}
