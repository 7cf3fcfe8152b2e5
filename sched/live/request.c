/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: admission, the coroutine, cancellation, the end. */
#include "live.h"

#include <sched.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

void hdl_request_unref(hd_request *request) {
  if (atomic_fetch_sub(&request->refs, 1) != 1) return;
  hd_host host = request->host;
  hd_host_free(&host, request, 1, sizeof *request);
}

bool hdl_visit_begin(hd_request *request) {
  atomic_fetch_add(&request->visits, 1); /* before the look: who ends it looks at this after */
  if (!atomic_load(&request->over)) {
    atomic_fetch_add(&request->sched->visitors, 1);
    return true;
  }
  atomic_fetch_sub(&request->visits, 1);
  return false;
}

void hdl_visit_end(hd_request *request) {
  atomic_fetch_sub(&request->sched->visitors, 1);
  atomic_fetch_sub(&request->visits, 1);
}

static hd_status check_desc(const hd_sched *sched, const hd_request_desc *desc) {
  if (sched == NULL || desc == NULL || (unsigned)desc->class_id >= HD_CLASS_COUNT) return HD_E_INVALID;
  return HD_OK;
}

/* Nobody waits for the last two classes. The others share the normal band, whose coroutines follow each other
 * directly; which of their steps goes first the policy decides. Who waits for a lease of the background waits
 * for the few things that go before its holder's, each of microseconds. */
static hd_band band_of(hd_class class_id) {
  return class_id >= HD_CLASS_UTILITY ? HD_BAND_BACKGROUND : HD_BAND_NORMAL;
}

static hd_request *make(hd_sched *sched, const hd_request_desc *desc) {
  hd_request *request = hd_host_zalloc(&sched->host, 1, sizeof *request, alignof(hd_request));
  if (request == NULL) return NULL;
  request->host = sched->host;
  request->sched = sched;
  request->desc = *desc;
  snprintf(request->name, sizeof request->name, "%s", desc->name == NULL ? "request" : desc->name);
  request->desc.name = request->name;
  request->band = band_of(desc->class_id);
  atomic_init(&request->refs, 1);
  hd_event_init(&request->over_event);
  return request;
}

static hd_status refused(const hd_record *decision, hd_refusal_info *out_refusal) {
  if (out_refusal != NULL)
    *out_refusal = (hd_refusal_info){.retry_after_ns = decision->a, .reason = (hd_refusal)decision->b};
  return decision->a == 0 ? HD_E_REFUSED : HD_E_AGAIN;
}

/* In the turn. */
static hd_status admit(hd_request *request, hd_refusal_info *out_refusal) {
  hd_sched *sched = request->sched;
  request->id = hdl_slots_take(&sched->requests, request);
  bool has_slot = request->id != HD_ID_NONE;
  /* One too many is refused by the control plane, which knows when to ask again: it gets the first id past
   * the last. */
  if (!has_slot) request->id = sched->requests.cap;
  if (has_slot && sched->trace != NULL)
    hd_trace_name(sched->trace, sched->now_ns, HD_NAME_REQUEST, request->id, request->name);
  hd_record event = {.kind = HD_EV_REQUEST,
                     .device = (uint16_t)request->desc.class_id,
                     .request = request->id,
                     .step = request->desc.client_id,
                     .a = request->desc.memory_bytes,
                     .b = request->desc.deadline_ns};
  hd_status status = hdl_feed(sched, &event);
  size_t count = 0;
  const hd_record *decisions = hd_control_decisions(sched->control, &count);
  bool admitted = false;
  for (size_t i = 0; i < count && status == HD_OK; i++) {
    if (decisions[i].request != request->id) continue;
    if (decisions[i].kind == HD_DE_ADMIT) admitted = true;
    if (decisions[i].kind == HD_DE_REFUSE) status = refused(&decisions[i], out_refusal);
  }
  if (status == HD_OK && !admitted) status = HD_E_INTERNAL;
  if (status != HD_OK && has_slot) hdl_slots_give(&sched->requests, request->id);
  return status;
}

static hd_status enter(hd_sched *sched, const hd_request_desc *desc, hd_request **out_request,
                       hd_refusal_info *out_refusal) {
  if (atomic_load(&sched->closing)) return HD_E_CLOSED;
  hd_request *request = make(sched, desc);
  if (request == NULL) return HD_E_NO_MEMORY;
  hdl_turn_enter(sched);
  hd_status status = admit(request, out_refusal);
  hdl_turn_leave(sched);
  if (status != HD_OK) {
    hdl_request_unref(request);
    return status;
  }
  *out_request = request;
  return HD_OK;
}

void hdl_request_end(hd_request *request, hd_status status) {
  hd_sched *sched = request->sched;
  hdl_turn_enter(sched);
  request->coro = NULL; /* from here on nobody cancels it */
  hdl_lease_drop(sched, request);
  hd_record event = {.kind = HD_EV_REQUEST_END,
                     .device = HD_RECORD_NO_DEVICE,
                     .request = request->id,
                     .a = (uint64_t)-status};
  (void)hdl_feed(sched, &event);
  hdl_slots_give(&sched->requests, request->id);
  if (sched->raised > 0) hdl_bands_refresh(sched); /* whoever it waited for */
  hdl_turn_leave(sched);
  request->status = status;
  if (request->desc.done != NULL) request->desc.done(request->desc.arg, status);
  atomic_store(&request->over, true);
  hd_event_set(&request->over_event);
  hdl_wait_wake(sched);
}

/* False: another coroutine has begun it. */
static bool begin(hd_request *request) {
  hd_sched *sched = request->sched;
  hdl_turn_enter(sched);
  bool first = !request->begun;
  request->begun = true;
  if (first) {
    request->coro = hd_coro_self(); /* before the look at `cancelled`: who cancels sets that first */
    hd_coro_set_band(request->coro, request->band);
  }
  hdl_turn_leave(sched);
  return first;
}

static void request_main(void *arg) {
  hd_request *request = arg;
  hd_sched *sched = request->sched;
  if (begin(request)) {
    hd_status status = HD_E_CANCELLED;
    if (!atomic_load(&request->cancelled)) status = request->desc.run(request, request->desc.arg);
    hdl_request_end(request, status);
  }
  hdl_request_unref(request);
  atomic_fetch_sub(&sched->coroutines, 1);
  hdl_wait_wake(sched);
}

/* Starts a coroutine for it. */
static hd_status spawn(hd_request *request, hd_band band) {
  hd_sched *sched = request->sched;
  atomic_fetch_add(&request->refs, 1);
  atomic_fetch_add(&sched->coroutines, 1);
  hd_coro_options options = {.size = sizeof options, .band = band};
  hd_status status = hd_coro_spawn_with(sched->runtime, request->name, request_main, request, &options);
  if (status == HD_OK) return HD_OK;
  atomic_fetch_sub(&sched->coroutines, 1);
  hdl_request_unref(request);
  return status;
}

static void move(hd_request *request, hd_band band) {
  request->band = band;
  if (request->coro != NULL)
    hd_coro_set_band(request->coro, band);
  else if (!request->begun && band == HD_BAND_NORMAL)
    (void)spawn(request, band); /* what waits to start stays where it is; where there is no room, it waits */
}

void hdl_bands_refresh(hd_sched *sched) {
  sched->raised = 0;
  for (uint32_t i = 0; i < sched->requests.cap; i++) {
    hd_request *request = sched->requests.entries[i].object;
    hd_class class_id = HD_CLASS_DEFAULT;
    if (request == NULL || request->desc.run == NULL) continue;
    if (hd_control_request_class(sched->control, request->id, &class_id) != HD_OK) continue;
    if (band_of(class_id) != request->band) move(request, band_of(class_id));
    if (request->band != band_of(request->desc.class_id)) sched->raised++;
  }
}

/* The runtime has no room for a coroutine. */
static hd_status crowded(hd_sched *sched, hd_refusal_info *out_refusal) {
  hdl_turn_enter(sched);
  uint64_t retry_ns = hd_control_retry_ns(sched->control, HD_RECORD_NO_DEVICE, HD_CLASS_BACKGROUND);
  hdl_turn_leave(sched);
  if (out_refusal != NULL)
    *out_refusal = (hd_refusal_info){.retry_after_ns = retry_ns, .reason = HD_REFUSED_REQUESTS};
  return HD_E_AGAIN;
}

hd_status hd_request_submit(hd_sched *sched, const hd_request_desc *desc, hd_request **out_request,
                            hd_refusal_info *out_refusal) {
  hd_status status = check_desc(sched, desc);
  if (status != HD_OK || desc->run == NULL || out_request == NULL) return HD_E_INVALID;
  hd_request *request = NULL;
  status = enter(sched, desc, &request, out_refusal);
  if (status != HD_OK) return status;
  status = spawn(request, band_of(desc->class_id)); /* `band` is the turn's by now */
  if (status != HD_OK) {
    request->desc.done = NULL; /* it never started, and the caller is told so here */
    hdl_request_end(request, status);
    hdl_request_unref(request);
    return status == HD_E_LIMIT ? crowded(sched, out_refusal) : status;
  }
  *out_request = request;
  return HD_OK;
}

hd_status hd_request_begin(hd_sched *sched, const hd_request_desc *desc, hd_request **out_request,
                           hd_refusal_info *out_refusal) {
  hd_status status = check_desc(sched, desc);
  if (status != HD_OK || out_request == NULL) return HD_E_INVALID;
  hd_request_desc guest = *desc;
  guest.run = NULL; /* tells it from one with a coroutine */
  return enter(sched, &guest, out_request, out_refusal);
}

void hd_request_end(hd_request *request, hd_status status) {
  if (request == NULL) return;
  if (hdl_visit_begin(request)) {
    if (!atomic_exchange(&request->ending, true)) hdl_request_end(request, status);
    hdl_visit_end(request);
  }
  hdl_request_unref(request);
}

void hdl_guests_end(hd_sched *sched) {
  for (uint32_t i = 0; i < sched->requests.cap; i++) {
    hdl_turn_enter(sched);
    hd_request *request = sched->requests.entries[i].object;
    bool is_guest = request != NULL && request->desc.run == NULL;
    if (is_guest) atomic_fetch_add(&request->refs, 1);
    hdl_turn_leave(sched);
    if (!is_guest) continue;
    while (atomic_load(&request->lease.state) == HDL_LEASE_ASKED)
      sched_yield(); /* its thread has been woken by the cancellation */
    if (!atomic_exchange(&request->ending, true)) hdl_request_end(request, HD_E_CLOSED);
    while (atomic_load(&request->visits) > 0)
      sched_yield(); /* it is on its way out */
    hdl_request_unref(request);
  }
}

static void take_cancel(hd_sched *sched, hdl_note *note) {
  hd_request *request = (hd_request *)((char *)note - offsetof(hd_request, cancel_note));
  if (hdl_slots_find(&sched->requests, request->id) == request) {
    hd_record event = {.kind = HD_EV_CANCEL, .device = HD_RECORD_NO_DEVICE, .request = request->id};
    (void)hdl_feed(sched, &event);
    if (request->coro != NULL) hd_coro_cancel(request->coro);
  }
  hdl_request_unref(request);
}

static void cancel(hd_request *request) {
  if (atomic_load(&request->lease.state) == HDL_LEASE_GRANTED) hdl_lease_advise(&request->lease, HD_STOP);
  atomic_fetch_add(&request->refs, 1);
  request->cancel_note.take = take_cancel;
  hd_sched *sched = request->sched;
  hdl_note_push(sched, &request->cancel_note);
  (void)hdl_turn_try(sched);
  hd_runtime_wake(sched->runtime);
  hdl_wait_wake(sched); /* a thread of the host's that waits on its behalf */
}

void hd_request_cancel(hd_request *request) {
  if (request == NULL || !hdl_visit_begin(request)) return;
  if (!atomic_exchange(&request->cancelled, true)) cancel(request);
  hdl_visit_end(request);
}

hd_status hd_request_poll(const hd_request *request) {
  return atomic_load(&request->over) ? request->status : HD_E_AGAIN;
}

void hd_request_release(hd_request *request) {
  if (request != NULL) hdl_request_unref(request);
}

uint32_t hd_request_id(const hd_request *request) {
  return request->id;
}

bool hd_request_is_cancelled(const hd_request *request) {
  return atomic_load(&request->cancelled);
}

hd_sched *hd_request_sched(const hd_request *request) {
  return request->sched;
}

void hd_request_mark(hd_request *request, uint32_t number, uint64_t value) {
  if (!hdl_visit_begin(request)) return;
  hd_sched *sched = request->sched;
  if (sched->trace != NULL) {
    hdl_turn_enter(sched);
    hd_record record = {.t_ns = sched->now_ns,
                        .kind = HD_IN_MARK,
                        .device = HD_RECORD_NO_DEVICE,
                        .request = request->id,
                        .step = number,
                        .a = value};
    hd_trace_emit(sched->trace, 0, &record);
    hdl_turn_leave(sched);
  }
  hdl_visit_end(request);
}

/* The counts of one that is over change no more. */
void hd_request_stats_get(const hd_request *asked, hd_request_stats *out_stats) {
  hd_request *request = (hd_request *)(uintptr_t)asked; /* only its count of visits is written */
  bool visits = hdl_visit_begin(request);
  if (visits) hdl_turn_enter(request->sched);
  *out_stats = request->stats;
  if (visits) {
    hdl_turn_leave(request->sched);
    hdl_visit_end(request);
  }
}
