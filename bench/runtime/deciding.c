/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane and the lease door: one step decided and dispatched while others wait; one lease taken
 * and given back. */
#include "ours.h"

#include "heddle/control.h"
#include "heddle/heddle.h"
#include "heddle/implement/policy.h"
#include "heddle/lease.h"

enum { OPS = 16, STEPS = 200, LEASES = 200 };

typedef struct plane {
  hd_control *control;
  uint64_t now_ns;
  bool failed;
} plane;

static void feed(plane *p, hd_record event) {
  event.t_ns = ++p->now_ns;
  if (hd_control_event(p->control, &event) != HD_OK) p->failed = true;
}

/* One device that leaves at ops and a graph of OPS ops on it. */
static void furnish(plane *p) {
  const uint64_t params[][2] = {{HD_PARAM_FLAGS, HD_DEVICE_STOPS_AT_OP},
                                {HD_PARAM_NS_PER_MIB, 100000},
                                {HD_PARAM_NS_PER_MFLOP, 50000},
                                {HD_PARAM_LAUNCH_NS, 5000}};
  for (size_t i = 0; i < sizeof params / sizeof *params; i++)
    feed(p, (hd_record){.kind = HD_EV_DEVICE_PARAM, .step = (uint32_t)params[i][0], .a = params[i][1]});
  feed(p, (hd_record){.kind = HD_EV_DEVICE_STATE, .a = HD_DEVICE_READY});
  feed(p, (hd_record){.kind = HD_EV_GRAPH, .request = 1, .a = OPS, .b = OPS});
  for (uint32_t i = 0; i < OPS; i++) {
    feed(p,
         (hd_record){
             .kind = HD_EV_OP, .request = 1, .step = i, .device = (uint16_t)(i + 1), .a = 10000, .b = 10000});
  }
}

static void submit(plane *p, uint32_t slot) {
  hd_record event = {.kind = HD_EV_STEP, .request = slot, .step = slot};
  hd_step_fields fields = {
      .op_end = OPS, .graph = 1, .phase = HD_PHASE_DECODE, .n_tokens = 1, .n_outputs = 1};
  hd_record_pack_step(&event, &fields);
  feed(p, event);
}

/* The step that the last event started; `otherwise` when it started none. */
static uint32_t started(const plane *p, uint32_t otherwise) {
  size_t count;
  const hd_record *decisions = hd_control_decisions(p->control, &count);
  for (size_t i = 0; i < count; i++) {
    if (decisions[i].kind == HD_DE_RUN) return decisions[i].step;
  }
  return otherwise;
}

/* Each turn: the running step completes, the next of those that wait is decided and dispatched, and the one
 * that completed is submitted again. All of it counts. */
static void decide(hb_run *run, const char *policy_name, uint32_t waiting) {
  plane p = {.now_ns = 0};
  hd_host host;
  hd_control_config config;
  hb_batches batches;
  hd_host_posix(&host);
  hd_control_config_default(&config);
  const hd_policy_ops *fallback = hd_policies_builtin()[0];
  const hd_policy_ops *policy = hd_policy_find(hd_policies_builtin(), policy_name);
  if (policy == NULL || hd_control_create(&host, &config, policy, fallback, &p.control) != HD_OK) {
    hb_say_none(run, "the control plane cannot be made");
    return;
  }
  furnish(&p);
  uint32_t running = 1;
  for (uint32_t slot = 1; slot <= waiting + 1; slot++) {
    feed(&p, (hd_record){.kind = HD_EV_REQUEST, .request = slot, .device = HD_CLASS_DEFAULT});
    submit(&p, slot);
    running = started(&p, running);
  }
  hb_batches_begin(&batches, run, STEPS);
  while (hb_batches_next(&batches)) {
    for (uint32_t i = 0; i < STEPS; i++) {
      hd_record event = {.kind = HD_EV_DONE, .step = running, .a = 20000};
      hd_done_fields done = {.op_reached = OPS};
      uint32_t finished = running;
      hd_record_pack_done(&event, &done);
      feed(&p, event);
      running = started(&p, running);
      submit(&p, finished);
    }
  }
  if (p.failed) {
    hb_say_none(run, "an event was not taken");
  } else {
    hb_batches_say(&batches, "heddle");
  }
  hd_control_destroy(p.control);
}

void hb_ours_decide_1(hb_run *run) {
  decide(run, "fifo", 1);
}

void hb_ours_decide_64(hb_run *run) {
  decide(run, "fifo", 64);
}

void hb_ours_decide_1000(hb_run *run) {
  decide(run, "fifo", 1000);
}

void hb_ours_decide_fair_1000(hb_run *run) {
  decide(run, "fair", 1000);
}

/* ---- leases ---- */

static bool take_and_give(hd_request *request) {
  const hd_lease_desc segment = {
      .size = sizeof segment, .layer_end = 8, .n_tokens = 1, .expected_ns = 1000000};
  hd_lease *lease;
  hd_grant grant;
  if (hd_lease_acquire(request, &segment, 0, &lease, &grant) != HD_OK) return false;
  hd_lease_release(lease, NULL);
  return true;
}

static void measure_leases(hb_run *run, hd_sched *sched) {
  const hd_device_props npu = {.size = sizeof npu,
                               .kind = HD_DEVICE_NPU,
                               .name = "npu",
                               .capacity = 1,
                               .max_in_flight = 1,
                               .ns_per_mib = 100000,
                               .ns_per_mflop = 1000};
  const hd_request_desc desc = {.size = sizeof desc, .name = "engine", .class_id = HD_CLASS_DEFAULT};
  uint32_t index;
  hd_request *request;
  hb_batches batches;
  bool granted = hd_sched_add_device(sched, &npu, &index) == HD_OK &&
                 hd_request_begin(sched, &desc, &request, NULL) == HD_OK;
  if (!granted) {
    hb_say_none(run, "no request could begin");
    return;
  }
  hb_batches_begin(&batches, run, LEASES);
  while (granted && hb_batches_next(&batches)) {
    for (uint32_t i = 0; i < LEASES && granted; i++)
      granted = take_and_give(request);
  }
  if (granted) {
    hb_batches_say(&batches, "heddle");
  } else {
    hb_say_none(run, "a lease was not granted");
  }
  hd_request_end(request, HD_OK);
}

void hb_ours_lease(hb_run *run) {
  hd_sched *sched = hb_ours_sched(run, 0);
  if (sched == NULL) return;
  measure_leases(run, sched);
  hd_sched_destroy(sched);
}
