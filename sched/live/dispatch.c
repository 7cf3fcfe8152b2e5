/* SPDX-License-Identifier: Apache-2.0 */
/* Launches on their way to devices and back. Runs in the turn. */
#include "live.h"

#include <string.h>

static hdl_launch *launch_take(hd_sched *sched) {
  for (uint32_t i = 0; i < HDL_LAUNCHES_MAX; i++) {
    uint32_t index = (sched->launch_hint + i) % HDL_LAUNCHES_MAX;
    hdl_launch *launch = &sched->launches[index];
    if (launch->in_use) continue;
    sched->launch_hint = index + 1;
    launch->in_use = true;
    launch->generation++;
    launch->launch.id = (uint32_t)launch->generation << 16 | index;
    atomic_store(&launch->stop, 0);
    return launch;
  }
  return NULL;
}

static hdl_launch *launch_find(hd_sched *sched, uint32_t device, uint32_t id) {
  uint32_t index = id & 0xffffu;
  if (index >= HDL_LAUNCHES_MAX) return NULL;
  hdl_launch *launch = &sched->launches[index];
  bool ours = launch->in_use && !launch->abandoned && launch->launch.id == id && launch->device == device;
  return ours ? launch : NULL;
}

/* Tells the control plane how a launch went. `elapsed` and energy as the device said. */
static hd_record done_event(const hdl_launch *launch, const hd_completion *completion) {
  hd_record event = {.kind = HD_EV_DONE, .device = launch->device, .step = launch->step};
  uint64_t energy = completion->energy_uj > UINT32_MAX ? UINT32_MAX : completion->energy_uj;
  hd_done_fields fields = {.op_reached = (uint16_t)completion->op_reached,
                           .status = (uint8_t)-completion->status,
                           .energy_source = (uint8_t)completion->energy_source,
                           .energy_uj = (uint32_t)energy};
  event.a = completion->elapsed_ns;
  hd_record_pack_done(&event, &fields);
  return event;
}

static void fill_launch(hdl_launch *out, const hdl_run *run, const hd_record *decision) {
  hd_run_fields fields = hd_record_unpack_run(decision->a);
  const hd_session *session = run->session;
  out->step = decision->step;
  out->device = decision->device;
  uint32_t id = out->launch.id;
  out->launch = (hd_launch){
      .size = sizeof out->launch,
      .id = id,
      .graph = session->model->graph,
      .program = session->model->programs[decision->device],
      .op_begin = fields.op_begin,
      .op_end = fields.op_end,
      .n_tokens = run->what->n_tokens,
      .n_outputs = run->what->n_outputs,
      .n_context = session->max_context,
      .kv_pos = run->kv_pos,
      .width = fields.width,
      .values = session->values,
      .stop = &out->stop,
  };
}

static void trace_submit(hd_sched *sched, const hd_record *decision, hd_status status) {
  if (sched->trace == NULL || status == HD_OK) return; /* success shows by its completion */
  hd_record record = {.t_ns = sched->now_ns,
                      .kind = HD_IN_SUBMIT,
                      .device = decision->device,
                      .request = decision->request,
                      .step = decision->step,
                      .a = (uint64_t)-status};
  hd_trace_emit(sched->trace, 0, &record);
}

static hd_status submit(hd_sched *sched, hdl_launch *launch, hdl_run *run, const hd_record *decision) {
  hdl_device *device = &sched->devices[decision->device];
  if (device->backend == NULL) return HD_E_UNSUPPORTED;
  fill_launch(launch, run, decision);
  if (launch->launch.program == NULL) return HD_E_UNSUPPORTED;
  return device->backend->ops->submit(device->backend->handle, device->index_in_backend, &launch->launch);
}

static uint64_t hang_time(const hd_sched *sched, const hd_record *decision);

void hdl_dispatch(hd_sched *sched, const hd_record *decision) {
  hdl_step *step = hdl_slots_find(&sched->steps, decision->step);
  if (step == NULL || step->run == NULL) return;
  hdl_launch *launch = launch_take(sched);
  hd_status status = launch == NULL ? HD_E_LIMIT : submit(sched, launch, step->run, decision);
  if (status == HD_OK) {
    sched->devices[decision->device].in_flight++;
    sched->devices[decision->device].next_poll_ns = 0; /* ask once: it may be ready at once */
    atomic_store(&sched->bell, true);
    launch->hung_ns = hang_time(sched, decision);
    step->launch = launch;
    step->run->request->stats.launches++;
    return;
  }
  /* The control plane knows what follows: AGAIN soon, UNSUPPORTED elsewhere, DEVICE counted and elsewhere. */
  trace_submit(sched, decision, status);
  hdl_launch unsent = {.step = decision->step, .device = decision->device};
  hd_completion failed = {.status = status == HD_E_LIMIT ? HD_E_AGAIN : status,
                          .op_reached = hd_record_unpack_run(decision->a).op_begin};
  hd_record event = done_event(&unsent, &failed);
  if (launch != NULL) launch->in_use = false;
  hdl_feed_later(sched, &event);
}

static void account(hdl_run *run, uint32_t device, const hd_completion *completion) {
  hd_request_stats *stats = &run->request->stats;
  stats->device_ns[device] += completion->elapsed_ns;
  stats->energy_uj[device] += completion->energy_uj;
  if (completion->energy_source > stats->energy_source[device])
    stats->energy_source[device] = completion->energy_source;
}

/* A device that claims ops it was not given, or a status it may not give, lies: none of its work is believed.
 */
static void disbelieve(const hd_launch *launch, hd_completion *completion) {
  bool sound = completion->op_reached >= launch->op_begin && completion->op_reached <= launch->op_end &&
               completion->status <= 0 && completion->status > -(hd_status)HD_STATUS_COUNT &&
               (unsigned)completion->energy_source <= HD_ENERGY_MEASURED;
  if (sound) return;
  completion->status = HD_E_DEVICE;
  completion->op_reached = launch->op_begin;
  completion->energy_uj = 0;
  completion->energy_source = HD_ENERGY_NONE;
}

static void take_completion(hd_sched *sched, uint32_t device, const hd_completion *given) {
  hdl_launch *launch = launch_find(sched, device, given->launch_id);
  if (launch == NULL) return; /* of a launch that was abandoned: too late */
  hd_completion completion = *given;
  disbelieve(&launch->launch, &completion);
  hdl_step *step = hdl_slots_find(&sched->steps, launch->step);
  if (step != NULL && step->run != NULL) account(step->run, device, &completion);
  if (step != NULL) step->launch = NULL;
  hd_record event = done_event(launch, &completion);
  launch->in_use = false;
  sched->devices[device].in_flight--;
  (void)hdl_feed(sched, &event);
}

static void poll_device(hd_sched *sched, uint32_t index) {
  hdl_device *device = &sched->devices[index];
  uint32_t count = HDL_POLL_BATCH;
  while (device->in_flight > 0 && count == HDL_POLL_BATCH) {
    hd_completion completions[HDL_POLL_BATCH];
    count = 0;
    uint64_t next = HD_POLL_NEVER;
    device->backend->ops->poll(device->backend->handle, device->index_in_backend, sched->now_ns, completions,
                               HDL_POLL_BATCH, &count, &next);
    device->next_poll_ns = next;
    for (uint32_t i = 0; i < count; i++)
      take_completion(sched, index, &completions[i]);
  }
}

void hdl_poll_devices(hd_sched *sched) {
  for (uint32_t d = 0; d < sched->device_count; d++)
    if (sched->devices[d].in_flight > 0) poll_device(sched, d);
}

/* How long a launch may be out before its device counts as hung: far longer than any that is only slow. The
 * floor is what a user takes for a stall; the factor covers a cost model that has not learned yet. The CPU is
 * left out: there it is our own code that runs, and a machine that stops for a while (a debugger, a suspended
 * laptop) must not lose it. */
enum { HANG_FACTOR = 50, WATCH_EVERY_NS = 200 * 1000 * 1000 };
#define HANG_FLOOR_NS 2000000000ull

static uint64_t hang_time(const hd_sched *sched, const hd_record *decision) {
  if (sched->devices[decision->device].props.kind == HD_DEVICE_CPU) return HDL_NEVER;
  uint64_t expected = decision->b;
  uint64_t allowed =
      expected > HANG_FLOOR_NS ? expected * HANG_FACTOR : expected * HANG_FACTOR + HANG_FLOOR_NS;
  return sched->now_ns + allowed;
}

void hdl_watch_devices(hd_sched *sched) {
  uint32_t watched = 0;
  for (uint32_t d = 0; d < sched->device_count; d++)
    if (sched->devices[d].props.kind != HD_DEVICE_CPU) watched += sched->devices[d].in_flight;
  if (watched == 0) {
    sched->watch_ns = HDL_NEVER;
    return;
  }
  if (sched->watch_ns == HDL_NEVER) sched->watch_ns = sched->now_ns + WATCH_EVERY_NS;
  if (sched->watch_ns > sched->now_ns) return;
  sched->watch_ns = sched->now_ns + WATCH_EVERY_NS;
  for (uint32_t i = 0; i < HDL_LAUNCHES_MAX; i++) {
    hdl_launch *launch = &sched->launches[i];
    if (!launch->in_use || launch->abandoned || launch->hung_ns > sched->now_ns) continue;
    hd_record event = {.kind = HD_EV_DEVICE_STATE, .device = launch->device, .a = HD_DEVICE_FENCED};
    (void)hdl_feed(sched, &event); /* abandons every launch of that device */
  }
}

void hdl_abandon_launches(hd_sched *sched, uint32_t device) {
  hdl_device *d = &sched->devices[device];
  for (uint32_t i = 0; i < HDL_LAUNCHES_MAX && d->backend != NULL; i++) {
    hdl_launch *launch = &sched->launches[i];
    if (!launch->in_use || launch->abandoned || launch->device != device) continue;
    d->backend->ops->cancel(d->backend->handle, d->index_in_backend, launch->launch.id);
    launch->abandoned = true;
    d->in_flight--;
    hdl_step *step = hdl_slots_find(&sched->steps, launch->step);
    if (step != NULL) step->launch = NULL;
    hd_completion failed = {.status = HD_E_DEVICE, .op_reached = launch->launch.op_begin};
    hd_record event = done_event(launch, &failed);
    hdl_feed_later(sched, &event);
  }
}
