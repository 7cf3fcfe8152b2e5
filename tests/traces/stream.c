/* SPDX-License-Identifier: Apache-2.0 */
/* See stream.h. The life need not be a good one: events that break the contract are recorded and replayed
 * like others. */
#include "stream.h"
#include <string.h>
#include "heddle/implement/policy.h"

enum { DEVICES = 3, OPS = 12, LAYERS = 4, REQUESTS = 8 };

typedef struct running {
  uint32_t step; /* 0: free */
  uint16_t device, begin, end;
  bool stopped;
} running;

typedef struct life {
  stream *out;
  hd_control *control;
  uint64_t random, now_ns;
  uint32_t requests[REQUESTS]; /* ids; 0: free */
  uint32_t steps[REQUESTS];    /* the one step of each; 0: none */
  uint32_t generation;
  running running[REQUESTS];
} life;

static uint32_t below(life *l, uint32_t bound) {
  return (uint32_t)(next_random(&l->random) % bound);
}

static void append(stream *s, const hd_record *record) {
  assert_true(s->count < STREAM_RECORDS);
  s->records[s->count++] = *record;
}

static void take_decision(life *l, const hd_record *d) {
  for (uint32_t i = 0; i < REQUESTS; i++) {
    running *r = &l->running[i];
    if (d->kind == HD_DE_RUN && r->step == 0) {
      hd_run_fields f = hd_record_unpack_run(d->a);
      *r = (running){d->step, d->device, f.op_begin, f.op_end, false};
      return;
    }
    if (d->kind == HD_DE_STOP && r->step == d->step) r->stopped = true;
    if (d->kind == HD_DE_COMPLETE && l->steps[i] == d->step) l->steps[i] = 0;
    if (d->kind == HD_DE_REFUSE && l->requests[i] == d->request) l->requests[i] = 0;
  }
}

static void feed(life *l, hd_record event) {
  size_t count = 0;
  event.t_ns = l->now_ns += below(l, 100000);
  hd_control_event(l->control, &event);
  append(l->out, &event);
  l->out->events++;
  const hd_record *decisions = hd_control_decisions(l->control, &count);
  for (size_t i = 0; i < count; i++) {
    append(l->out, &decisions[i]);
    l->out->decisions++;
    take_decision(l, &decisions[i]);
  }
}

static void introduce_devices(life *l) {
  for (uint16_t d = 0; d < DEVICES; d++) {
    const uint64_t params[][2] = {{HD_PARAM_KIND, d},           {HD_PARAM_CAPACITY, d + 1u},
                                  {HD_PARAM_MAX_IN_FLIGHT, 2},  {HD_PARAM_LAUNCH_NS, 5000},
                                  {HD_PARAM_NS_PER_MIB, 50000}, {HD_PARAM_NS_PER_MFLOP, 10000}};
    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++)
      feed(l,
           (hd_record){
               .kind = HD_EV_DEVICE_PARAM, .device = d, .step = (uint32_t)params[i][0], .a = params[i][1]});
    feed(l, (hd_record){.kind = HD_EV_DEVICE_STATE, .device = d, .a = HD_DEVICE_READY});
  }
}

static void introduce_graph(life *l) {
  feed(l, (hd_record){.kind = HD_EV_GRAPH, .request = 1, .a = OPS, .b = LAYERS, .step = 1024});
  for (uint32_t op = 0; op < OPS; op++)
    feed(l, (hd_record){.kind = HD_EV_OP,
                        .request = 1,
                        .step = op,
                        .device = (uint16_t)(op / 3 + 1),
                        .a = 4u << 20,
                        .b = 2000000});
  for (uint64_t phase = 0; phase < HD_PHASE_COUNT; phase++)
    feed(l, (hd_record){.kind = HD_EV_PLAN, .request = 1, .a = phase});
}

static void begin_request(life *l, uint32_t slot) {
  l->requests[slot] = ++l->generation << 16 | slot;
  feed(l, (hd_record){.kind = HD_EV_REQUEST,
                      .request = l->requests[slot],
                      .device = (uint16_t)below(l, HD_CLASS_COUNT),
                      .step = below(l, 3),
                      .a = below(l, 1000)});
}

static void submit_step(life *l, uint32_t slot) {
  uint16_t begin = (uint16_t)below(l, OPS - 1);
  hd_step_fields f = {.op_begin = begin,
                      .op_end = (uint16_t)(begin + 1 + below(l, (uint32_t)(OPS - begin))),
                      .graph = 1,
                      .phase = HD_PHASE_DECODE,
                      .n_tokens = 1 + below(l, 4),
                      .n_outputs = 1};
  hd_record event = {.kind = HD_EV_STEP, .request = l->requests[slot], .device = (uint16_t)below(l, DEVICES)};
  event.step = l->steps[slot] = ++l->generation << 16 | slot;
  hd_record_pack_step(&event, &f);
  feed(l, event);
}

static void complete(life *l, running *r) {
  static const uint8_t outcomes[] = {0, 0, 0, 0, 0, 0, -HD_E_DEVICE, -HD_E_AGAIN};
  hd_done_fields f = {.op_reached = r->end,
                      .status = outcomes[below(l, 8)],
                      .energy_uj = below(l, 50),
                      .energy_source = HD_ENERGY_MODELLED};
  if (f.status != 0 || r->stopped) f.op_reached = r->begin;
  hd_record event = {.kind = HD_EV_DONE, .step = r->step, .device = r->device, .a = below(l, 200000)};
  hd_record_pack_done(&event, &f);
  r->step = 0;
  feed(l, event);
}

/* Something happens. */
static void live_on(life *l) {
  uint32_t slot = below(l, REQUESTS), dice = below(l, 100);
  running *r = &l->running[below(l, REQUESTS)];
  if (dice < 40) {
    if (r->step != 0) complete(l, r);
  } else if (dice < 85) {
    if (l->requests[slot] == 0)
      begin_request(l, slot);
    else if (l->steps[slot] == 0)
      submit_step(l, slot);
  } else if (dice < 90) {
    if (l->requests[slot] != 0) feed(l, (hd_record){.kind = HD_EV_CANCEL, .request = l->requests[slot]});
  } else if (dice < 95) {
    if (l->requests[slot] == 0 || l->steps[slot] != 0) return;
    feed(l, (hd_record){.kind = HD_EV_REQUEST_END, .request = l->requests[slot]});
    l->requests[slot] = 0;
  } else if (dice < 97) {
    feed(l, (hd_record){.kind = HD_EV_DONE, .step = 77, .device = 1}); /* breaks the contract */
  } else {
    feed(l, (hd_record){.kind = HD_EV_TIME});
  }
}

static void put_name(stream *s, hd_name_kind kind, uint32_t id, const char *name) {
  hd_record record = {.kind = HD_IN_NAME, .step = (uint32_t)kind, .request = id};
  for (unsigned i = 0; i < 8 && name[i]; i++)
    record.a |= (uint64_t)(uint8_t)name[i] << (8 * i);
  append(s, &record);
}

void stream_make(stream *s, const hd_host *host, const char *policy, uint64_t seed) {
  memset(s, 0, sizeof *s);
  life l = {.out = s, .random = seed};
  const hd_policy_ops *const *policies = hd_policies_builtin();
  hd_control_config config;
  hd_record records[HD_CONFIG_RECORDS_MAX];
  hd_control_config_default(&config);
  config.limits.max_requests = 5; /* fewer than come: the configuration shows in the decisions */
  uint32_t count = hd_control_config_write(&config, records, HD_CONFIG_RECORDS_MAX);
  for (uint32_t i = 0; i < count; i++)
    append(s, &records[i]);
  put_name(s, HD_NAME_POLICY, 0, policy);
  put_name(s, HD_NAME_DEVICE, 1, "sim");
  assert_int_equal(
      hd_control_create(host, &config, hd_policy_find(policies, policy), policies[0], &l.control), HD_OK);
  introduce_devices(&l);
  introduce_graph(&l);
  while (s->count + 100 < STREAM_RECORDS)
    live_on(&l);
  hd_control_destroy(l.control);
}

void stream_build(const stream *s, uint64_t seed, builder *out) {
  builder_begin(out);
  for (uint32_t at = 0; at < s->count;) {
    uint32_t count = 1 + (uint32_t)(next_random(&seed) % 300);
    if (count > s->count - at) count = s->count - at;
    builder_chunk(out, 0, s->records + at, count);
    at += count;
  }
}

uint32_t stream_decision(const stream *s, uint32_t n) {
  for (uint32_t i = 0; i < s->count; i++)
    if (hd_record_is_decision(&s->records[i]) && n-- == 0) return i;
  fail();
  return 0;
}

uint32_t stream_event(const stream *s, uint32_t n) {
  for (uint32_t i = 0; i < s->count; i++)
    if (hd_record_is_event(&s->records[i]) && n-- == 0) return i;
  fail();
  return 0;
}

void stream_remove(stream *s, uint32_t index) {
  s->count--;
  memmove(&s->records[index], &s->records[index + 1], (s->count - index) * sizeof s->records[0]);
}
