/* SPDX-License-Identifier: Apache-2.0 */
/* What happens in the world: its events, drawn from the seed. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* splitmix64 (Steele, Lea and Flood, 2014). */
uint32_t world_random(world *w, uint32_t below) {
  uint64_t z = (w->random += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (uint32_t)((z ^ z >> 31) >> 33) % below;
}

static bool chance(world *w, uint32_t percent) {
  return world_random(w, 100) < percent;
}

uint64_t world_op_bytes(uint32_t graph, uint32_t op) {
  return (uint64_t)(1 + (op * 7 + graph) % 11) << 17;
}

static void set_param(world *w, uint32_t device, hd_device_param param, uint64_t value) {
  assert_int_equal(
      world_feed(
          w, (hd_record){.kind = HD_EV_DEVICE_PARAM, .device = (uint16_t)device, .step = param, .a = value}),
      HD_OK);
}

static void set_state(world *w, uint32_t device, hd_device_state state) {
  hd_record event = {.kind = HD_EV_DEVICE_STATE, .device = (uint16_t)device, .a = state};
  if (state == HD_DEVICE_READY || w->devices[device].state != HD_DEVICE_READY)
    w->devices[device].state = state;
  assert_int_equal(world_feed(w, event), HD_OK);
}

static void make_devices(world *w) {
  static const hd_device_kind kinds[WORLD_DEVICES] = {HD_DEVICE_CPU, HD_DEVICE_CPU, HD_DEVICE_GPU,
                                                      HD_DEVICE_NPU};
  for (uint32_t d = 0; d < WORLD_DEVICES; d++) {
    world_device *device = &w->devices[d];
    device->kind = kinds[d];
    device->flags = kinds[d] == HD_DEVICE_CPU ? HD_DEVICE_STOPS_AT_OP
                    : chance(w, 50)           ? HD_DEVICE_CUT_AT_LAYER
                                              : 0;
    device->capacity = kinds[d] == HD_DEVICE_CPU ? 1 + world_random(w, 8) : 1 + world_random(w, 2);
    device->max_in_flight = 1 + world_random(w, 4);
    set_param(w, d, HD_PARAM_KIND, device->kind);
    set_param(w, d, HD_PARAM_FLAGS, device->flags);
    set_param(w, d, HD_PARAM_CAPACITY, device->capacity);
    set_param(w, d, HD_PARAM_MAX_IN_FLIGHT, device->max_in_flight);
    set_param(w, d, HD_PARAM_LAUNCH_NS, world_random(w, 100000));
    set_param(w, d, HD_PARAM_NS_PER_MIB, world_random(w, 2000000));
    set_param(w, d, HD_PARAM_NS_PER_MFLOP, world_random(w, 200000));
    set_param(w, d, HD_PARAM_ACTIVE_POWER_UW, world_random(w, 9000000));
    set_state(w, d, HD_DEVICE_READY);
  }
}

static void make_graph(world *w, uint32_t id) {
  hd_record graph = {.kind = HD_EV_GRAPH,
                     .request = id,
                     .step = 4096,
                     .a = WORLD_OPS,
                     .b = world_op_layer(WORLD_OPS - 1) - 1u};
  assert_int_equal(world_feed(w, graph), HD_OK);
  for (uint32_t op = 0; op < WORLD_OPS; op++) {
    hd_record event = {.kind = HD_EV_OP, .request = id, .step = op, .device = world_op_layer(op)};
    event.a = world_op_bytes(id, op);
    event.b = 2 * event.a;
    assert_int_equal(world_feed(w, event), HD_OK);
  }
}

static void plan(world *w) {
  uint32_t id = 1 + world_random(w, WORLD_GRAPHS);
  hd_record event = {.kind = HD_EV_PLAN, .request = id, .a = world_random(w, HD_PHASE_COUNT)};
  assert_int_equal(world_feed(w, event), HD_OK);
  const hd_split *split = hd_control_split(w->f.control, id, (hd_phase)event.a);
  uint32_t at = 0;
  for (uint32_t i = 0; split != NULL && i < split->count; i++) {
    assert_int_equal(split->parts[i].op_begin, at);
    assert_int_equal(w->devices[split->parts[i].device].state, HD_DEVICE_READY);
    at = split->parts[i].op_end;
  }
  if (split != NULL) assert_int_equal(at, WORLD_OPS);
}

static void request_comes(world *w) {
  uint32_t slot = world_random(w, WORLD_REQUESTS);
  world_request *request = &w->requests[slot];
  if (request->id != 0) return;
  request->class_id = (hd_class)world_random(w, HD_CLASS_COUNT);
  request->cancelled = false;
  request->steps = 0;
  request->waits_for = 0;
  hd_record event = {
      .kind = HD_EV_REQUEST, .device = (uint16_t)request->class_id, .a = world_random(w, 1000)};
  event.request = (uint32_t)++request->generation << HD_ID_SLOT_BITS | slot;
  if (chance(w, 10)) event.b = w->f.now_ns + world_random(w, 10000000);
  assert_int_equal(world_feed(w, event), HD_OK);
}

static world_request *some_request(world *w) {
  uint32_t first = world_random(w, WORLD_REQUESTS);
  for (uint32_t i = 0; i < WORLD_REQUESTS; i++)
    if (w->requests[(first + i) % WORLD_REQUESTS].id != 0) return &w->requests[(first + i) % WORLD_REQUESTS];
  return NULL;
}

static void step_comes(world *w, bool is_lease) {
  world_request *request = some_request(w);
  uint32_t slot = world_random(w, WORLD_STEPS);
  world_step *step = &w->steps[slot];
  if (request == NULL || step->id != 0 || request->steps >= 3) return;
  uint16_t begin = (uint16_t)world_random(w, WORLD_OPS), left = (uint16_t)(WORLD_OPS - begin);
  /* One draw a statement: the order of draws in an initialiser is the compiler's choice. */
  uint16_t device = (uint16_t)world_random(w, WORLD_DEVICES);
  uint16_t end = (uint16_t)(begin + 1 + world_random(w, left));
  uint32_t graph = 1 + world_random(w, WORLD_GRAPHS);
  *step = (world_step){.id = (uint32_t)++w->step_generation[slot] << HD_ID_SLOT_BITS | slot,
                       .request = request->id,
                       .is_lease = is_lease,
                       .device = device,
                       .at = begin,
                       .end = end,
                       .graph = graph};
  step->deaf = is_lease && w->options.deaf && chance(w, 30);
  if (step->id == 0) step->id = (uint32_t)++w->step_generation[slot] << HD_ID_SLOT_BITS | slot;
  hd_record event = {.kind = is_lease ? HD_EV_LEASE : HD_EV_STEP, .device = step->device};
  hd_step_fields fields = {.op_begin = step->at, .op_end = step->end, .graph = (uint16_t)step->graph};
  fields.phase = (uint8_t)world_random(w, HD_PHASE_COUNT);
  fields.n_tokens = fields.phase == HD_PHASE_DECODE ? 1 : 1 + world_random(w, 512);
  fields.kv_pos = world_random(w, 4096);
  fields.n_outputs = 1;
  event.request = step->request;
  event.step = step->id;
  hd_record_pack_step(&event, &fields);
  request->steps++;
  w->waiting++;
  w->submitted++;
  assert_int_equal(world_feed(w, event), HD_OK);
}

static void request_ends(world *w) {
  world_request *request = some_request(w);
  if (request == NULL) return;
  hd_record event = {.kind = HD_EV_REQUEST_END, .request = request->id};
  if (request->steps > 0) {
    assert_int_equal(world_feed(w, event), HD_E_INVALID);
    return;
  }
  for (uint32_t i = 0; i < WORLD_REQUESTS; i++)
    if (w->requests[i].waits_for == request->id) w->requests[i].waits_for = 0;
  request->id = 0;
  w->alive--;
  assert_int_equal(world_feed(w, event), HD_OK);
}

static void request_is_cancelled(world *w) {
  world_request *request = some_request(w);
  if (request == NULL) return;
  request->cancelled = true;
  assert_int_equal(world_feed(w, (hd_record){.kind = HD_EV_CANCEL, .request = request->id}), HD_OK);
}

/* Begins to wait for another, or ends to. Sometimes what it must not. */
static void request_waits(world *w) {
  world_request *waiter = some_request(w), *target = some_request(w);
  if (waiter == NULL) return;
  hd_record event = {.kind = HD_EV_WAIT, .request = waiter->id, .step = target->id, .a = chance(w, 60)};
  bool right = waiter != target && waiter->waits_for == (event.a == 1 ? 0 : target->id);
  if (right) waiter->waits_for = event.a == 1 ? target->id : 0;
  w->waits += right;
  assert_int_equal(world_feed(w, event), right ? HD_OK : HD_E_INVALID);
}

static void lease_is_withdrawn(world *w) {
  world_step *step = &w->steps[world_random(w, WORLD_STEPS)];
  if (step->id == 0 || step->running || !step->is_lease) return;
  hd_record event = {.kind = HD_EV_DONE, .step = step->id, .device = step->device};
  w->requests[step->request & HD_ID_SLOT_MASK].steps--;
  step->id = 0;
  w->waiting--;
  assert_int_equal(world_feed(w, event), HD_OK);
}

/* How a launch ends. */
static hd_done_fields ending(world *w, const world_step *step) {
  uint16_t length = (uint16_t)(step->launch_end - step->at);
  hd_done_fields done = {.op_reached = step->launch_end};
  if (chance(w, 30)) done.energy_uj = world_random(w, 5000), done.energy_source = HD_ENERGY_MEASURED;
  if (step->stopped || chance(w, 5)) {
    done.op_reached = (uint16_t)(step->at + world_random(w, length + 1u));
    if (!step->stopped && done.op_reached == step->at) done.op_reached++;
  }
  if (w->draining || !w->options.device_trouble || !chance(w, 8)) return done;
  static const uint8_t troubles[] = {5, 5, 5, 1, 1, 4, 3, 6, 77, 0};
  done.status = troubles[world_random(w, sizeof troubles)];
  done.op_reached = chance(w, 50) ? step->at : (uint16_t)world_random(w, 60);
  return done;
}

/* What the picture believes of it: as record.h says. */
static void believe(world_step *step, const hd_done_fields *done) {
  hd_status status = -(hd_status)done->status;
  bool inside = done->op_reached >= step->at && done->op_reached <= step->launch_end;
  bool sound = status == HD_OK || status == HD_E_CANCELLED;
  bool idle = done->op_reached == step->at && !step->stopped;
  bool unable = status == HD_E_UNSUPPORTED || status == HD_E_NO_MEMORY;
  if (sound && inside && !idle) {
    step->at = done->op_reached;
  } else if (unable) {
    step->failed_on |= 1u << step->device;
  } else if (status != HD_E_AGAIN) {
    step->failed_on |= 1u << step->device;
    if (inside && done->op_reached < step->launch_end) step->at = done->op_reached;
  }
}

static void launch_ends(world *w, world_step *step) {
  hd_done_fields done = ending(w, step);
  world_device *device = &w->devices[step->device];
  hd_record event = {
      .kind = HD_EV_DONE, .step = step->id, .device = step->device, .a = world_random(w, 4000000)};
  hd_record_pack_done(&event, &done);
  step->running = false;
  device->used -= step->width;
  device->in_flight--;
  w->running--;
  if (step->is_lease) {
    w->requests[step->request & HD_ID_SLOT_MASK].steps--;
    step->id = 0;
  } else {
    believe(step, &done);
    w->waiting++;
  }
  assert_int_equal(world_feed(w, event), HD_OK);
}

/* Something that breaks the contract, or bytes without any sense. They must change nothing. */
static void nonsense(world *w) {
  hd_record event = {
      .kind = (uint16_t)(1 + world_random(w, 24)), .device = 40, .request = 0xfffff, .step = 0xfff00};
  if (event.kind == HD_EV_TIME || event.kind == HD_EV_REQUEST) return;
  event.a = UINT64_MAX - world_random(w, 2);
  event.b = event.a;
  assert_int_equal(world_feed(w, event), HD_E_INVALID);
}

/* The next thing that is due by itself: a launch's end or the timer. */
static world_step *next_due(world *w, uint64_t *out_due_ns) {
  world_step *next = NULL;
  for (uint32_t i = 0; i < WORLD_STEPS; i++) {
    world_step *step = &w->steps[i];
    if (step->id != 0 && step->running && (next == NULL || step->due_ns < next->due_ns)) next = step;
  }
  *out_due_ns = next != NULL ? next->due_ns : UINT64_MAX;
  return next;
}

/* Lets the due thing happen; false when nothing is due at all. */
static bool pass_time(world *w) {
  uint64_t due_ns;
  world_step *step = next_due(w, &due_ns);
  if (w->timer_ns != 0 && w->timer_ns <= due_ns) {
    if (w->timer_ns > w->f.now_ns) w->f.now_ns = w->timer_ns;
    w->timer_ns = 0;
    assert_int_equal(world_feed(w, (hd_record){.kind = HD_EV_TIME}), HD_OK);
    return true;
  }
  if (step == NULL) return false;
  if (due_ns > w->f.now_ns) w->f.now_ns = due_ns;
  launch_ends(w, step);
  return true;
}

static void trouble(world *w) {
  uint32_t d = world_random(w, WORLD_DEVICES);
  static const hd_device_state states[] = {HD_DEVICE_READY, HD_DEVICE_READY, HD_DEVICE_READY,
                                           HD_DEVICE_FENCED, HD_DEVICE_ABSENT};
  if (chance(w, 30))
    set_param(w, d, HD_PARAM_NS_PER_MIB, world_random(w, 2000000));
  else
    set_state(w, d, states[world_random(w, sizeof states / sizeof *states)]);
}

static void happen(world *w) {
  uint32_t what = world_random(w, 100);
  w->f.now_ns += world_random(w, 50000);
  if (what < 10)
    request_comes(w);
  else if (what < 35)
    step_comes(w, false);
  else if (what < 45)
    step_comes(w, true);
  else if (what < 49)
    request_ends(w);
  else if (what < 51)
    request_is_cancelled(w);
  else if (what < 53)
    lease_is_withdrawn(w);
  else if (what < 54)
    plan(w);
  else if (what < 56 && w->options.device_trouble)
    trouble(w);
  else if (what < 60 && w->options.hostile)
    nonsense(w);
  else if (what >= 60 && what < 68 && w->options.waits)
    request_waits(w);
  else
    pass_time(w);
}

static void edit_config(hd_control_config *config) {
  config->limits.max_requests = WORLD_REQUESTS;
  config->limits.max_steps = WORLD_STEPS;
  config->limits.max_waiting_per_device = 16;
  config->limits.max_ops = WORLD_GRAPHS * WORLD_OPS;
  config->limits.memory_budget_bytes = 8000;
}

/* All that was begun ends, and nothing stays behind. */
static void drain(world *w) {
  w->draining = true;
  for (uint32_t d = 0; d < WORLD_DEVICES; d++)
    set_state(w, d, HD_DEVICE_READY);
  uint32_t guard = 100000;
  while (pass_time(w))
    assert_true(guard-- > 0);
  assert_int_equal(w->waiting + w->running, 0);
  while (w->alive > 0)
    request_ends(w);
  /* The whole budget is there again, and so is every slot. */
  hd_record event = {.kind = HD_EV_REQUEST, .request = 0xabc0000, .device = HD_CLASS_BACKGROUND, .a = 8000};
  assert_int_equal(world_feed(w, event), HD_OK);
  assert_non_null(feed_decision(&w->f, HD_DE_ADMIT, 0));
}

void world_run(world *w, const world_options *options) {
  *w = (world){.options = *options, .random = options->seed, .hash = 14695981039346656037u};
  feed_init(&w->f, options->waits ? world_witness(w) : options->policy, edit_config);
  uint32_t made = w->f.memory.made;
  make_devices(w);
  for (uint32_t id = 1; id <= WORLD_GRAPHS; id++)
    make_graph(w, id);
  for (uint32_t i = 0; i < options->events; i++)
    happen(w);
  drain(w);
  assert_int_equal(w->f.memory.made, made); /* nothing was allocated after it was made */
  feed_finish(&w->f);
}
