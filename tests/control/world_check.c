/* SPDX-License-Identifier: Apache-2.0 */
/* The world's picture of what must be true, held against every decision. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

uint16_t world_op_layer(uint32_t op) {
  return (uint16_t)(op / 3);
} /* layer + 1: ops 0..2 come before layer 0 */

static world_step *find_step(world *w, const hd_record *d) {
  world_step *step = &w->steps[d->step & HD_ID_SLOT_MASK];
  assert_in_range(d->step & HD_ID_SLOT_MASK, 0, WORLD_STEPS - 1);
  assert_int_equal(step->id, d->step); /* decided about a step that is alive */
  assert_int_equal(step->request, d->request);
  return step;
}

static void start(world *w, const hd_record *d) {
  world_step *step = find_step(w, d);
  hd_run_fields run = hd_record_unpack_run(d->a);
  assert_false(step->running);
  assert_int_equal(step->is_lease, d->kind == HD_DE_GRANT);
  assert_int_equal(step->device, d->device); /* after a MOVE, where there was one */
  world_device *device = &w->devices[d->device];
  assert_int_equal(device->state, HD_DEVICE_READY);
  assert_in_range(run.width, 1, device->capacity - device->used);
  assert_true(device->in_flight < device->max_in_flight);
  assert_int_equal(run.op_begin, step->at);
  assert_in_range(run.op_end, run.op_begin + 1u, step->end);
  assert_int_equal(run.launch, ++step->launches);
  bool by_layer = !step->is_lease && (device->flags & HD_DEVICE_CUT_AT_LAYER) != 0 && run.op_end < step->end;
  if (by_layer) assert_int_not_equal(world_op_layer(run.op_end), world_op_layer(run.op_end - 1u));
  step->running = true;
  step->stopped = false;
  step->start_ns = w->f.now_ns;
  step->slice_ns = step->is_lease ? d->b : 0;
  step->launch_end = run.op_end;
  step->width = run.width;
  step->due_ns = w->f.now_ns + 1 + world_random(w, 3000000);
  if (step->deaf) step->due_ns += 400000000;
  device->used += run.width;
  device->in_flight++;
  w->running++;
  w->waiting--;
  w->runs++;
}

static void stop(world *w, const hd_record *d) {
  world_step *step = find_step(w, d);
  assert_true(step->running && !step->stopped); /* once a launch */
  assert_true(step->is_lease || (w->devices[step->device].flags & HD_DEVICE_STOPS_AT_OP) != 0);
  step->stopped = true;
  step->stopped_ns = w->f.now_ns;
  if (!step->deaf && step->due_ns > w->f.now_ns + 1000) step->due_ns = w->f.now_ns + 1000;
  w->stops++;
}

static void complete(world *w, const hd_record *d) {
  world_step *step = find_step(w, d);
  world_request *request = &w->requests[step->request & HD_ID_SLOT_MASK];
  assert_false(step->running);
  if (d->a == 0) {
    assert_false(step->is_lease); /* a lease ends by its holder */
    assert_int_equal(step->at, step->end);
    assert_false(request->cancelled);
  } else if (d->a == (uint64_t)-HD_E_CANCELLED) {
    assert_true(request->cancelled);
  } else {
    assert_int_equal(d->a, (uint64_t)-HD_E_DEVICE);
    for (uint32_t k = 0; k < WORLD_DEVICES; k++) { /* nobody is left who might do it */
      bool may = step->is_lease ? k == step->device : (step->failed_on >> k & 1u) == 0;
      if (may) assert_int_not_equal(w->devices[k].state, HD_DEVICE_READY);
    }
    w->device_failures++;
  }
  step->id = 0;
  request->steps--;
  w->waiting--;
  w->completed++;
}

static uint64_t patience_ns(const world *w, const world_step *lease) {
  hd_control_config config;
  hd_control_config_default(&config);
  uint64_t slice_ns = config.classes[world_class(w, &w->requests[lease->request & HD_ID_SLOT_MASK])].slice_ns;
  uint64_t from_ns = lease->start_ns + slice_ns;
  return (from_ns > lease->stopped_ns ? from_ns : lease->stopped_ns) + config.lease_grace_ns;
}

static bool is_full(const world_device *device) {
  return device->used == device->capacity || device->in_flight == device->max_in_flight;
}

/* A lease is taken back from a holder who was asked and had its time, for somebody who waits. */
static void reclaim(world *w, const hd_record *d) {
  world_step *step = find_step(w, d);
  world_device *device = &w->devices[d->device];
  assert_true(step->is_lease && step->running && step->stopped);
  assert_int_equal(step->device, d->device);
  assert_true(w->waiting > 0 && device->state == HD_DEVICE_READY && is_full(device));
  assert_true(patience_ns(w, step) <= w->f.now_ns);
  assert_int_equal(d->a, w->f.now_ns - step->start_ns);
  assert_int_equal(d->b, w->f.now_ns - step->stopped_ns);
  device->used -= step->width;
  device->in_flight--;
  w->requests[step->request & HD_ID_SLOT_MASK].steps--;
  w->running--;
  w->reclaims++;
  step->id = 0;
}

static void move(world *w, const hd_record *d) {
  world_step *step = find_step(w, d);
  assert_false(step->running);
  assert_false(step->is_lease);
  assert_int_equal(d->a, step->device);
  assert_int_not_equal(d->device, step->device);
  assert_int_equal(w->devices[d->device].state, HD_DEVICE_READY);
  step->device = d->device;
  w->moves++;
}

static void take(world *w, const hd_record *d) {
  switch (d->kind) {
  case HD_DE_ADMIT:
    w->requests[d->request & HD_ID_SLOT_MASK].id = d->request;
    w->alive++;
    break;
  case HD_DE_REFUSE:
    assert_in_range(d->b, HD_REFUSED_REQUESTS, HD_REFUSED_NO_DEVICE);
    break;
  case HD_DE_RUN:
  case HD_DE_GRANT:
    start(w, d);
    break;
  case HD_DE_STOP:
    stop(w, d);
    break;
  case HD_DE_COMPLETE:
    complete(w, d);
    break;
  case HD_DE_MOVE:
    move(w, d);
    break;
  case HD_DE_RECLAIM:
    reclaim(w, d);
    break;
  case HD_DE_FENCE:
    assert_int_equal(w->devices[d->device].state, HD_DEVICE_READY); /* once */
    w->devices[d->device].state = d->a == HD_FENCED_GONE ? HD_DEVICE_ABSENT : HD_DEVICE_FENCED;
    w->fences++;
    break;
  case HD_DE_TIMER:
    assert_true(d->b > w->f.now_ns);
    w->timer_ns = d->b; /* the last one counts */
    break;
  case HD_DE_FALLBACK:
  case HD_DE_REPLACED:
    assert_false(w->options.policy_is_good);
    break;
  default:
    assert_int_equal(d->kind, HD_DE_SPLIT);
  }
}

static void hash_record(world *w, const hd_record *record) {
  const unsigned char *bytes = (const unsigned char *)record; /* FNV-1a; records have no padding */
  for (size_t i = 0; i < sizeof *record; i++)
    w->hash = (w->hash ^ bytes[i]) * 1099511628211u;
}

/* Nothing may be left lying: who waits while his device is free and nothing runs would wait for ever. */
static void check_progress(const world *w) {
  if (w->running > 0 || w->timer_ns != 0) return;
  for (uint32_t i = 0; i < WORLD_STEPS; i++)
    if (w->steps[i].id != 0) assert_int_not_equal(w->devices[w->steps[i].device].state, HD_DEVICE_READY);
}

/* Nobody waits for ever for a holder that does not listen: it is overdue only until the timer that is set. */
static void check_patience(const world *w) {
  for (uint32_t i = 0; i < WORLD_STEPS; i++) {
    const world_step *waiting = &w->steps[i];
    if (waiting->id == 0 || waiting->running) continue;
    const world_device *device = &w->devices[waiting->device];
    for (uint32_t k = 0; k < WORLD_STEPS; k++) {
      const world_step *lease = &w->steps[k];
      bool holds = lease->id != 0 && lease->running && lease->is_lease && lease->device == waiting->device;
      if (!holds || device->state != HD_DEVICE_READY || !is_full(device)) continue;
      bool overdue = lease->stopped && patience_ns(w, lease) <= w->f.now_ns;
      if (overdue) assert_in_range(w->timer_ns, w->f.now_ns + 1, w->f.now_ns + 1000000);
      if (lease->stopped) assert_int_not_equal(w->timer_ns, 0);
    }
  }
}

hd_class world_class(const world *w, const world_request *request) {
  hd_class most = request->class_id;
  for (uint32_t i = 0; i < WORLD_REQUESTS; i++) {
    const world_request *from = &w->requests[i];
    if (from->id == 0 || from->class_id >= most) continue;
    const world_request *at = from;
    for (uint32_t hops = 0; hops < WORLD_REQUESTS && at->waits_for != 0 && at != request; hops++)
      at = &w->requests[at->waits_for & HD_ID_SLOT_MASK];
    if (at == request) most = from->class_id;
  }
  return most;
}

static world *witnessed;

static void witness_view(const hd_view *view) {
  hd_ready_walk walk = hd_ready_begin(view);
  const hd_waiting *item;
  while ((item = hd_ready_next(&walk, UINT32_MAX)) != NULL) {
    const world_request *request = &witnessed->requests[item->request & HD_ID_SLOT_MASK];
    assert_int_equal(item->class_id, world_class(witnessed, request));
  }
}

static void witness_event(void *state, const hd_view *view, const hd_record *event) {
  const hd_policy_ops *policy = witnessed->options.policy;
  witness_view(view);
  if (policy->event != NULL) policy->event(state, view, event);
}

static uint32_t witness_decide(void *state, const hd_view *view, hd_policy_decision *out_decisions,
                               uint32_t cap) {
  witness_view(view);
  return witnessed->options.policy->decide(state, view, out_decisions, cap);
}

const hd_policy_ops *world_witness(world *w) {
  static hd_policy_ops witness;
  witnessed = w;
  witness = *w->options.policy;
  witness.event = witness_event;
  witness.decide = witness_decide;
  return &witness;
}

hd_status world_feed(world *w, hd_record event) {
  hd_status status = feed_event(&w->f, event);
  size_t count;
  uint32_t seq = 0;
  const hd_record *decisions = hd_control_decisions(w->f.control, &count);
  assert_true(status == HD_OK || count == 0);
  assert_true(count <= 3 * WORLD_STEPS + HD_SPLIT_PARTS_MAX + 64);
  for (size_t i = 0; i < count; i++) {
    const hd_record *d = &decisions[i];
    assert_true(hd_record_is_decision(d));
    assert_int_equal(d->t_ns, w->f.now_ns);
    assert_true(i == 0 || d->seq == seq + 1);
    seq = d->seq;
    hash_record(w, d);
    take(w, d);
  }
  hd_control_stats stats = feed_stats(&w->f);
  assert_int_equal(stats.waiting, w->waiting);
  assert_int_equal(stats.running, w->running);
  assert_int_equal(stats.requests, w->alive);
  if (status == HD_OK) check_progress(w);
  if (status == HD_OK) check_patience(w);
  return status;
}
