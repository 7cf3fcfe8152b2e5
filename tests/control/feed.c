/* SPDX-License-Identifier: Apache-2.0 */
/* Feeding a control plane by hand. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static uint64_t no_clock(void *ctx) {
  (void)ctx;
  fail_msg("the control plane reads no clock");
  return 0;
}

static void *counted_alloc(void *ctx, size_t bytes, size_t align) {
  feed_memory *memory = ctx;
  if (++memory->made == memory->fail_at) return NULL;
  memory->alive++;
  return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void counted_free(void *ctx, void *bytes, size_t size) {
  (void)size;
  ((feed_memory *)ctx)->alive--;
  free(bytes);
}

void feed_host(feed_memory *memory, hd_host *out_host) {
  *out_host = (hd_host){.size = sizeof *out_host,
                        .ctx = memory,
                        .now_ns = no_clock,
                        .alloc = counted_alloc,
                        .free = counted_free};
}

void feed_init(feed *f, const hd_policy_ops *policy, void (*edit)(hd_control_config *config)) {
  hd_control_config config;
  const hd_policy_ops *fallback = hd_policies_builtin()[0];
  *f = (feed){.now_ns = 1000};
  feed_host(&f->memory, &f->host);
  hd_control_config_default(&config);
  if (edit != NULL) edit(&config);
  hd_status status =
      hd_control_create(&f->host, &config, policy != NULL ? policy : fallback, fallback, &f->control);
  assert_int_equal(status, HD_OK);
}

void feed_finish(feed *f) {
  hd_control_destroy(f->control);
}

hd_status feed_event(feed *f, hd_record event) {
  event.t_ns = f->now_ns;
  f->last = hd_control_event(f->control, &event);
  return f->last;
}

hd_status feed_param(feed *f, uint16_t device, hd_device_param param, uint64_t value) {
  return feed_event(f, (hd_record){.kind = HD_EV_DEVICE_PARAM, .device = device, .step = param, .a = value});
}

hd_status feed_state(feed *f, uint16_t device, hd_device_state state) {
  return feed_event(f, (hd_record){.kind = HD_EV_DEVICE_STATE, .device = device, .a = state});
}

void feed_device(feed *f, uint16_t device, hd_device_kind kind, uint32_t capacity) {
  assert_int_equal(feed_param(f, device, HD_PARAM_KIND, kind), HD_OK);
  assert_int_equal(feed_param(f, device, HD_PARAM_FLAGS, HD_DEVICE_STOPS_AT_OP), HD_OK);
  assert_int_equal(feed_param(f, device, HD_PARAM_CAPACITY, capacity), HD_OK);
  assert_int_equal(feed_param(f, device, HD_PARAM_MAX_IN_FLIGHT, capacity), HD_OK);
  assert_int_equal(feed_state(f, device, HD_DEVICE_READY), HD_OK);
}

void feed_graph(feed *f, uint32_t id, uint32_t layers, uint64_t bytes, uint64_t flops) {
  hd_record graph = {.kind = HD_EV_GRAPH, .request = id, .a = layers, .b = layers};
  assert_int_equal(feed_event(f, graph), HD_OK);
  for (uint32_t i = 0; i < layers; i++) {
    hd_record op = {
        .kind = HD_EV_OP, .request = id, .step = i, .device = (uint16_t)(i + 1), .a = bytes, .b = flops};
    assert_int_equal(feed_event(f, op), HD_OK);
  }
  for (uint32_t phase = 0; phase < HD_PHASE_COUNT; phase++)
    assert_int_equal(feed_event(f, (hd_record){.kind = HD_EV_PLAN, .request = id, .a = phase}), HD_OK);
}

hd_status feed_request(feed *f, uint32_t request, hd_class class_id) {
  return feed_event(f, (hd_record){.kind = HD_EV_REQUEST, .request = request, .device = (uint16_t)class_id});
}

hd_status feed_end(feed *f, uint32_t request) {
  return feed_event(f, (hd_record){.kind = HD_EV_REQUEST_END, .request = request});
}

hd_status feed_cancel(feed *f, uint32_t request) {
  return feed_event(f, (hd_record){.kind = HD_EV_CANCEL, .request = request});
}

hd_status feed_step(feed *f, uint32_t request, uint32_t step, uint16_t device, uint16_t ops) {
  hd_record event = {.kind = HD_EV_STEP, .request = request, .step = step, .device = device};
  hd_step_fields fields = {
      .op_end = ops, .graph = 1, .phase = HD_PHASE_DECODE, .n_tokens = 1, .n_outputs = 1};
  hd_record_pack_step(&event, &fields);
  return feed_event(f, event);
}

hd_status feed_lease(feed *f, uint32_t request, uint32_t lease, uint16_t device, uint16_t layers) {
  hd_record event = {.kind = HD_EV_LEASE, .request = request, .step = lease, .device = device};
  hd_step_fields fields = {.op_end = layers, .phase = HD_PHASE_DECODE, .n_tokens = 1};
  hd_record_pack_step(&event, &fields);
  return feed_event(f, event);
}

hd_status feed_done(feed *f, uint32_t step, uint16_t device, uint16_t reached, hd_status status,
                    uint64_t elapsed_ns) {
  hd_record event = {.kind = HD_EV_DONE, .step = step, .device = device, .a = elapsed_ns};
  hd_done_fields fields = {.op_reached = reached, .status = (uint8_t)-status};
  hd_record_pack_done(&event, &fields);
  return feed_event(f, event);
}

hd_status feed_time(feed *f) {
  return feed_event(f, (hd_record){.kind = HD_EV_TIME});
}

const hd_record *feed_decision(const feed *f, hd_record_kind kind, size_t index) {
  size_t count;
  const hd_record *decisions = hd_control_decisions(f->control, &count);
  for (size_t i = 0; i < count; i++)
    if (decisions[i].kind == kind && index-- == 0) return &decisions[i];
  return NULL;
}

size_t feed_count(const feed *f, hd_record_kind kind) {
  size_t count = 0;
  while (feed_decision(f, kind, count) != NULL)
    count++;
  return count;
}

hd_control_stats feed_stats(const feed *f) {
  hd_control_stats stats;
  hd_control_stats_get(f->control, &stats);
  return stats;
}

hd_run_fields feed_run_of(const feed *f, uint32_t step) {
  size_t count;
  const hd_record *decisions = hd_control_decisions(f->control, &count);
  for (size_t i = 0; i < count; i++)
    if ((decisions[i].kind == HD_DE_RUN || decisions[i].kind == HD_DE_GRANT) && decisions[i].step == step)
      return hd_record_unpack_run(decisions[i].a);
  fail_msg("step %u was not started by this event", step);
  return (hd_run_fields){0};
}
