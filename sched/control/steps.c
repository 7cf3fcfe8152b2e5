/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of requests and steps: finding them, counting them, and what is shown of them. */
#include "stations.h"
#include "arith.h"

#include <assert.h>

/* An epoch of `active` is 2^24 ns, 16.8 ms: longer than what lies between two steps of one request (sampling
 * a token, a part on another device), shorter than what anybody would notice as idle cores. */
enum { EPOCH_SHIFT = 24 };

hdi_request *hdi_request_find(hd_control *c, uint32_t id) {
  uint32_t slot = id & HD_ID_SLOT_MASK;
  if (id == HD_ID_NONE || slot >= c->config.limits.max_requests || c->requests[slot].id != id) return NULL;
  return &c->requests[slot];
}

hdi_step *hdi_step_find(hd_control *c, uint32_t id) {
  uint32_t slot = id & HD_ID_SLOT_MASK;
  if (id == HD_ID_NONE || slot >= c->config.limits.max_steps || c->steps[slot].id != id) return NULL;
  return &c->steps[slot];
}

uint32_t hdi_step_slot(const hd_control *c, const hdi_step *step) {
  return (uint32_t)(step - c->steps);
}

/* ---- coming and going ---- */

static void link_to_request(hd_control *c, hdi_step *step) {
  hdi_request *request = &c->requests[step->request];
  uint32_t slot = hdi_step_slot(c, step);
  step->request_prev = HDI_NONE;
  step->request_next = request->steps_head;
  if (request->steps_head != HDI_NONE) c->steps[request->steps_head].request_prev = slot;
  request->steps_head = slot;
}

static void unlink_from_request(hd_control *c, hdi_step *step) {
  if (step->request_prev != HDI_NONE)
    c->steps[step->request_prev].request_next = step->request_next;
  else
    c->requests[step->request].steps_head = step->request_next;
  if (step->request_next != HDI_NONE) c->steps[step->request_next].request_prev = step->request_prev;
}

/* What steps and leases have in common; `graph` is HDI_NONE for leases. */
static hd_status add(hd_control *c, const hd_record *event, const hd_step_fields *f, uint32_t graph) {
  hdi_request *request = hdi_request_find(c, event->request);
  uint32_t slot = event->step & HD_ID_SLOT_MASK;
  if (request == NULL || event->step == HD_ID_NONE || slot >= c->config.limits.max_steps) return HD_E_INVALID;
  hdi_step *step = &c->steps[slot];
  bool device_known = event->device < HD_DEVICES_MAX && c->devices[event->device].known;
  if (step->id != HD_ID_NONE || !device_known || f->phase >= HD_PHASE_COUNT) return HD_E_INVALID;
  if (f->n_tokens == 0 || f->op_begin >= f->op_end) return HD_E_INVALID;
  *step = (hdi_step){
      .id = event->step,
      .is_lease = graph == HDI_NONE,
      .class_id = request->class_id,
      .phase = (hd_phase)f->phase,
      .device = event->device,
      .request = event->request & HD_ID_SLOT_MASK,
      .graph = graph,
      .op_begin = f->op_begin,
      .op_end = f->op_end,
      .size = {.n_tokens = f->n_tokens, .n_outputs = f->n_outputs, .kv_pos = f->kv_pos},
      .weighed_device = HDI_NONE,
  };
  if (graph != HDI_NONE) c->graphs[graph].steps++;
  link_to_request(c, step);
  if (request->cancelled)
    hdi_complete(c, step, HD_E_CANCELLED);
  else
    hdi_settle(c, step, HDI_PLACE_LAST);
  return HD_OK;
}

hd_status hdi_on_step(hd_control *c, const hd_record *event) {
  hd_step_fields f = hd_record_unpack_step(event);
  uint32_t graph = hdi_graph_find(c, f.graph);
  if (graph == HDI_NONE || f.op_end > c->graphs[graph].op_count) return HD_E_INVALID;
  return add(c, event, &f, graph);
}

hd_status hdi_on_lease(hd_control *c, const hd_record *event) {
  hd_step_fields f = hd_record_unpack_step(event);
  return add(c, event, &f, HDI_NONE);
}

void hdi_step_free(hd_control *c, hdi_step *step) {
  assert(step->state == HDI_STEP_FREE);
  if (!step->is_lease) c->graphs[step->graph].steps--;
  unlink_from_request(c, step);
  step->id = HD_ID_NONE;
}

hd_status hdi_on_cancel(hd_control *c, const hd_record *event) {
  hdi_request *request = hdi_request_find(c, event->request);
  if (request == NULL) return HD_E_INVALID;
  request->cancelled = true;
  for (uint32_t slot = request->steps_head, next; slot != HDI_NONE; slot = next) {
    hdi_step *step = &c->steps[slot];
    next = step->request_next;
    if (step->state == HDI_STEP_WAITING) {
      hdi_step_unwait(c, step);
      hdi_complete(c, step, HD_E_CANCELLED);
    } else {
      hdi_stop(c, step);
    }
  }
  return HD_OK;
}

/* ---- waiting ---- */

static void weigh(hd_control *c, hdi_step *step) {
  const hdi_device *device = &c->devices[step->device];
  bool fresh = step->weighed_device == step->device && step->weighed_version == device->cost_version;
  /* A capped figure says nothing about the rest after a part was taken away. */
  if (fresh && !step->is_lease && step->raw_ns < HDI_NS_MAX / 2) return;
  step->raw_ns = hdi_cost_range(c, step, step->op_begin, step->op_end);
  step->weighed_device = step->device;
  step->weighed_version = device->cost_version;
}

/* The most units that any device of the mask has. */
static uint16_t greatest_width(const hd_control *c, const hdi_step *step) {
  uint32_t width = 0;
  for (uint32_t mask = step->mask; mask != 0; mask &= mask - 1) {
    uint32_t capacity = c->view_devices[__builtin_ctz(mask)].capacity;
    if (width < capacity) width = capacity;
  }
  return (uint16_t)width;
}

/* `sign` 1: the step begins to wait; -1: it ends to. */
static void count_waiting(hd_control *c, const hdi_step *step, int sign) {
  uint32_t one = (uint32_t)sign;
  for (uint32_t mask = step->mask; mask != 0; mask &= mask - 1)
    c->devices[__builtin_ctz(mask)].candidates += one;
  hdi_device *device = &c->devices[step->device];
  device->waiting_of[step->class_id] += one;
  if (!step->asked) device->eager_of[step->class_id] += one;
  device->backlog_ns[step->class_id] += sign > 0 ? step->backlog_ns : 0 - step->backlog_ns;
  c->view_devices[step->device].waiting += one;
  if ((step->mask & (step->mask - 1)) != 0) c->view_devices[step->device].roaming += one;
  c->stats.waiting += one;
}

void hdi_step_wait(hd_control *c, hdi_step *step, hdi_place place) {
  const hdi_request *request = &c->requests[step->request];
  weigh(c, step);
  if (place == HDI_PLACE_LAST) step->ready_seq = ++c->ready_seq;
  step->state = HDI_STEP_WAITING;
  step->asked = false;
  step->backlog_ns = hdi_cost_expected(&c->devices[step->device], step->phase, step->raw_ns, 1);
  hd_waiting item = {
      .step = step->id,
      .request = request->id,
      .class_id = step->class_id,
      .phase = step->phase,
      .device = step->device,
      .device_mask = step->mask,
      .is_lease = step->is_lease,
      .max_width = greatest_width(c, step),
      .ready_ns = c->now_ns,
      .deadline_ns = request->deadline_ns,
      .expected_ns = step->backlog_ns,
      .used_ns = request->used_ns,
      .order = step->ready_seq,
  };
  hdi_queue_insert(c, &item);
  count_waiting(c, step, 1);
  hdi_tell_waiting(c, &c->waiting[hdi_step_slot(c, step)], HD_WAITING_BEGINS);
  hdi_step_touch(c, step);
}

void hdi_step_unwait(hd_control *c, hdi_step *step) {
  assert(step->state == HDI_STEP_WAITING);
  uint32_t slot = hdi_step_slot(c, step);
  hdi_tell_waiting(c, &c->waiting[slot], HD_WAITING_ENDS);
  hdi_queue_remove(c, slot);
  count_waiting(c, step, -1);
  step->state = HDI_STEP_FREE;
}

void hdi_step_show_cost(hd_control *c, hdi_step *step) {
  count_waiting(c, step, -1);
  weigh(c, step);
  step->backlog_ns = hdi_cost_expected(&c->devices[step->device], step->phase, step->raw_ns, 1);
  count_waiting(c, step, 1);
  hd_waiting *item = &c->waiting[hdi_step_slot(c, step)];
  item->expected_ns = step->backlog_ns;
  item->max_width = greatest_width(c, step);
}

void hdi_request_show_used(hd_control *c, const hdi_request *request) {
  for (uint32_t slot = request->steps_head; slot != HDI_NONE; slot = c->steps[slot].request_next) {
    if (c->steps[slot].state != HDI_STEP_WAITING) continue;
    c->waiting[slot].used_ns = request->used_ns;
    hdi_tell_waiting(c, &c->waiting[slot], HD_WAITING_CHANGES);
  }
}

/* A waiting step of another class may ask once more for somebody to leave. */
static void reclass_waiting(hd_control *c, hdi_step *step, hd_class class_id) {
  count_waiting(c, step, -1);
  step->class_id = class_id;
  step->asked = false;
  count_waiting(c, step, 1);
  hd_waiting *item = &c->waiting[hdi_step_slot(c, step)];
  item->class_id = class_id;
  hdi_tell_waiting(c, item, HD_WAITING_CHANGES);
}

void hdi_request_set_class(hd_control *c, hdi_request *request, hd_class class_id) {
  request->class_id = class_id;
  for (uint32_t slot = request->steps_head; slot != HDI_NONE; slot = c->steps[slot].request_next) {
    hdi_step *step = &c->steps[slot];
    if (step->state == HDI_STEP_WAITING) {
      reclass_waiting(c, step, class_id);
      continue;
    }
    hdi_device *device = &c->devices[step->device];
    device->running_of[step->class_id]--;
    step->class_id = class_id;
    device->running_of[step->class_id]++;
  }
}

/* ---- running ---- */

static uint64_t load_ns(const hdi_step *step) {
  return hdi_min(step->launch.expected_ns * step->launch.width, HDI_NS_MAX);
}

void hdi_step_start(hd_control *c, hdi_step *step) {
  hdi_device *device = &c->devices[step->device];
  uint32_t slot = hdi_step_slot(c, step);
  step->state = HDI_STEP_RUNNING;
  step->stop_sent = false;
  step->start_ns = c->now_ns;
  step->running_prev = HDI_NONE;
  step->running_next = device->running_head;
  if (device->running_head != HDI_NONE) c->steps[device->running_head].running_prev = slot;
  device->running_head = slot;
  device->used_units += step->launch.width;
  device->running_of[step->class_id]++;
  device->leases += step->is_lease;
  device->running_ns += load_ns(step);
  c->view_devices[step->device].in_flight++;
  c->stats.running++;
  hdi_device_show(c, step->device);
  hdi_step_touch(c, step);
}

void hdi_step_finish_launch(hd_control *c, hdi_step *step) {
  hdi_device *device = &c->devices[step->device];
  assert(step->state == HDI_STEP_RUNNING);
  step->state = HDI_STEP_FREE;
  if (step->running_prev != HDI_NONE)
    c->steps[step->running_prev].running_next = step->running_next;
  else
    device->running_head = step->running_next;
  if (step->running_next != HDI_NONE) c->steps[step->running_next].running_prev = step->running_prev;
  device->used_units -= step->launch.width;
  device->running_of[step->class_id]--;
  device->leases -= step->is_lease;
  device->leases_leaving -= step->is_lease && step->stop_sent;
  device->running_ns -= load_ns(step);
  c->view_devices[step->device].in_flight--;
  c->stats.running--;
  hdi_device_show(c, step->device);
  hdi_step_touch(c, step);
}

/* ---- who uses a device lately ----
 * A request counts for a device in the epoch in which it was seen there and in the next one. Two bits a
 * request and device and two counters a device keep that without any list. */

void hdi_epoch_advance(hd_control *c) {
  uint64_t epoch = c->now_ns >> EPOCH_SHIFT;
  if (epoch == c->epoch) return;
  for (uint32_t d = 0; d < c->view.device_count; d++) {
    c->view_devices[d].active = epoch == c->epoch + 1 ? c->devices[d].active_now : 0;
    c->devices[d].active_now = 0;
  }
  c->epoch = epoch;
}

static void request_advance(const hd_control *c, hdi_request *request) {
  if (request->epoch == c->epoch) return;
  request->active_before = request->epoch + 1 == c->epoch ? request->active_now : 0;
  request->active_now = 0;
  request->epoch = c->epoch;
}

void hdi_step_touch(hd_control *c, const hdi_step *step) {
  hdi_request *request = &c->requests[step->request];
  uint16_t bit = (uint16_t)(1u << step->device);
  request_advance(c, request);
  if ((request->active_now & bit) != 0) return;
  request->active_now |= bit;
  c->devices[step->device].active_now++;
  if ((request->active_before & bit) == 0) c->view_devices[step->device].active++;
}

void hdi_request_untouch(hd_control *c, hdi_request *request) {
  request_advance(c, request);
  for (uint32_t d = 0; d < c->view.device_count; d++) {
    if (hdi_has(request->active_now, d)) c->devices[d].active_now--;
    if (hdi_has((uint32_t)request->active_now | request->active_before, d)) c->view_devices[d].active--;
  }
}
