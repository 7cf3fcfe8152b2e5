/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: asked for, granted, looked at, released. */
#include "live.h"

/* In the turn. */
static hd_status ask(hd_sched *sched, hd_lease *lease) {
  const hd_lease_desc *desc = &lease->desc;
  uint32_t id = hdl_step_take(sched, NULL, lease);
  if (id == HD_ID_NONE) return HD_E_LIMIT;
  hd_step_fields fields = {.op_begin = (uint16_t)desc->layer_begin,
                           .op_end = (uint16_t)desc->layer_end,
                           .phase = (uint8_t)desc->phase,
                           .n_tokens = desc->n_tokens,
                           .kv_pos = desc->kv_pos};
  hd_record event = {
      .kind = HD_EV_LEASE, .device = (uint16_t)desc->device, .request = lease->request->id, .step = id};
  hd_record_pack_step(&event, &fields);
  lease->id = id;
  hd_status status = hdl_feed(sched, &event);
  if (status != HD_OK) hdl_slots_give(&sched->steps, id);
  return status;
}

void hdl_lease_granted(hd_sched *sched, hd_lease *lease, const hd_record *decision) {
  hd_run_fields fields = hd_record_unpack_run(decision->a);
  uint32_t tokens = lease->desc.n_tokens;
  uint64_t expected = lease->desc.expected_ns, slice = decision->b;
  uint32_t chunk = tokens;
  if (expected > slice && slice > 0) chunk = (uint32_t)((uint64_t)tokens * slice / expected);
  lease->grant = (hd_grant){.device = decision->device,
                            .width = fields.width,
                            .slice_ns = slice,
                            .chunk_tokens = chunk == 0 ? 1 : chunk};
  lease->granted_ns = sched->now_ns;
  atomic_store(&lease->state, HDL_LEASE_GRANTED);
  hd_event_set(&lease->granted);
  hdl_wait_wake(sched);
}

void hdl_lease_complete(hd_sched *sched, hd_lease *lease, hd_status status) {
  lease->status = status == HD_OK ? HD_E_CANCELLED : status;
  atomic_store(&lease->state, HDL_LEASE_OVER);
  hd_event_set(&lease->granted);
  hdl_wait_wake(sched);
}

void hdl_lease_lost(hd_lease *lease) {
  atomic_store(&lease->state, HDL_LEASE_LOST);
  hdl_lease_advise(lease, HD_STOP);
}

void hdl_lease_advise(hd_lease *lease, hd_advice advice) {
  int before = atomic_load(&lease->advice); /* hd_advice grows with its weight */
  while (before < (int)advice && !atomic_compare_exchange_weak(&lease->advice, &before, (int)advice)) {
  }
}

/* In the turn: hands it back, measured or, when it still waits, withdrawn. */
static void give_back(hd_sched *sched, hd_lease *lease, const hd_lease_sample *sample) {
  hd_record event = {.kind = HD_EV_DONE, .device = (uint16_t)lease->desc.device, .step = lease->id};
  if (sample != NULL) {
    uint64_t energy = sample->energy_uj > UINT32_MAX ? UINT32_MAX : sample->energy_uj;
    hd_done_fields fields = {.op_reached = (uint16_t)sample->layer_reached,
                             .status = (uint8_t)-sample->status,
                             .energy_source = (uint8_t)sample->energy_source,
                             .energy_uj = (uint32_t)energy};
    event.device = (uint16_t)lease->grant.device;
    event.a = sample->elapsed_ns;
    hd_record_pack_done(&event, &fields);
  }
  (void)hdl_feed(sched, &event);
  hdl_slots_give(&sched->steps, lease->id);
  atomic_store(&lease->state, HDL_LEASE_OVER);
}

void hdl_lease_drop(hd_sched *sched, hd_request *request) {
  hd_lease *lease = &request->lease;
  if (lease->request == NULL || atomic_load(&lease->state) != HDL_LEASE_GRANTED) return;
  hd_lease_sample nothing = {.layer_reached = lease->desc.layer_begin,
                             .elapsed_ns = sched->now_ns - lease->granted_ns};
  give_back(sched, lease, &nothing);
}

/* In the turn: it cannot be had now, and when to ask again. */
static hd_status not_now(hd_sched *sched, hd_lease *lease) {
  uint64_t retry_ns =
      hd_control_retry_ns(sched->control, (uint16_t)lease->desc.device, lease->request->desc.class_id);
  lease->grant = (hd_grant){.retry_after_ns = retry_ns};
  return HD_E_AGAIN;
}

static hd_status await_grant(hd_lease *lease, uint64_t deadline_ns) {
  if (hd_coro_self() != NULL) return hd_await_event_until(&lease->granted, deadline_ns);
  return hdl_wait_while(lease->request->sched, &lease->state, HDL_LEASE_ASKED, &lease->request->cancelled,
                        deadline_ns);
}

static hd_status check_lease(const hd_request *request, const hd_lease_desc *desc) {
  if (desc->device >= request->sched->device_count || (unsigned)desc->phase >= HD_PHASE_COUNT)
    return HD_E_INVALID;
  if (desc->layer_begin >= desc->layer_end || desc->layer_end > HD_LAYERS_MAX || desc->n_tokens == 0)
    return HD_E_INVALID;
  if (atomic_load(&request->lease.state) != HDL_LEASE_OVER && request->lease.request != NULL)
    return HD_E_INVALID;
  return atomic_load(&request->cancelled) ? HD_E_CANCELLED : HD_OK;
}

static uint64_t deadline_after(hd_sched *sched, uint64_t timeout_ns) {
  uint64_t now = sched->host.now_ns(sched->host.ctx);
  return timeout_ns > HDL_NEVER - now ? HDL_NEVER : now + timeout_ns;
}

/* In the turn: who destroys the scheduler looks at the lease there. */
static hd_status begin(hd_request *request, const hd_lease_desc *desc) {
  if (atomic_load(&request->ending)) return HD_E_CLOSED;
  hd_lease *lease = &request->lease;
  lease->request = request;
  lease->desc = *desc;
  lease->status = HD_OK;
  atomic_store(&lease->state, HDL_LEASE_ASKED);
  atomic_store(&lease->advice, HD_GO_ON);
  hd_event_init(&lease->granted);
  hd_status status = ask(request->sched, lease);
  if (status != HD_OK) atomic_store(&lease->state, HDL_LEASE_OVER);
  return status == HD_E_LIMIT ? not_now(request->sched, lease) : status;
}

/* What became of one that waits no more. */
static hd_status outcome(const hd_lease *lease, int state) {
  return state == HDL_LEASE_OVER ? lease->status : HD_OK;
}

/* It was not free: waits, and withdraws what has not been granted by then. */
static hd_status wait_for_grant(hd_sched *sched, hd_lease *lease, uint64_t timeout_ns) {
  hd_status status = timeout_ns == 0 ? HD_E_AGAIN : await_grant(lease, deadline_after(sched, timeout_ns));
  hdl_turn_enter(sched);
  int state = atomic_load(&lease->state);
  if (state == HDL_LEASE_ASKED) give_back(sched, lease, NULL);
  if (state == HDL_LEASE_ASKED && status == HD_E_AGAIN) (void)not_now(sched, lease);
  hdl_turn_leave(sched);
  if (state != HDL_LEASE_ASKED) return outcome(lease, state);
  return status == HD_OK ? HD_E_INTERNAL : status;
}

static hd_status acquire(hd_request *request, const hd_lease_desc *desc, uint64_t timeout_ns) {
  hd_sched *sched = request->sched;
  hd_lease *lease = &request->lease;
  hd_status status = check_lease(request, desc);
  if (status != HD_OK) return status;
  hdl_turn_enter(sched);
  status = begin(request, desc);
  hdl_turn_leave(sched);
  if (status != HD_OK) return status;
  int state = atomic_load(&lease->state);
  /* Mostly it is free: granted within the turn that asked. */
  return state == HDL_LEASE_ASKED ? wait_for_grant(sched, lease, timeout_ns) : outcome(lease, state);
}

hd_status hd_lease_acquire(hd_request *request, const hd_lease_desc *desc, uint64_t timeout_ns,
                           hd_lease **out_lease, hd_grant *out_grant) {
  if (request == NULL || desc == NULL || out_lease == NULL || out_grant == NULL) return HD_E_INVALID;
  if (!hdl_visit_begin(request)) return HD_E_CLOSED;
  hd_status status = acquire(request, desc, timeout_ns);
  if (status == HD_OK) {
    *out_lease = &request->lease;
    *out_grant = request->lease.grant;
  }
  if (status == HD_E_AGAIN) out_grant->retry_after_ns = request->lease.grant.retry_after_ns;
  hdl_visit_end(request);
  return status;
}

hd_advice hd_lease_checkpoint(const hd_lease *lease) {
  return (hd_advice)atomic_load_explicit(&lease->advice, memory_order_relaxed);
}

static void release(hd_sched *sched, hd_lease *lease, const hd_lease_sample *sample) {
  hd_lease_sample measured = {.layer_reached = lease->desc.layer_end};
  if (sample != NULL) measured = *sample;
  hdl_turn_enter(sched);
  if (measured.elapsed_ns == 0) measured.elapsed_ns = sched->now_ns - lease->granted_ns;
  int state = atomic_load(&lease->state);
  if (state == HDL_LEASE_GRANTED) give_back(sched, lease, &measured);
  if (state == HDL_LEASE_LOST) atomic_store(&lease->state, HDL_LEASE_OVER);
  hdl_turn_leave(sched);
}

void hd_lease_release(hd_lease *lease, const hd_lease_sample *sample) {
  if (lease == NULL || !hdl_visit_begin(lease->request)) return; /* over: given back with the request */
  release(lease->request->sched, lease, sample);
  hdl_visit_end(lease->request);
}
