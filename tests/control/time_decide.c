/* SPDX-License-Identifier: Apache-2.0 */
/* How long a decision takes: one step arriving, being decided, dispatched and done, with n others waiting.
 * Prints, judges nothing. Arguments: policy name, waiting steps, ops a step. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "heddle/control.h"
#include "heddle/implement/policy.h"

static hd_control *control;
static uint64_t now_ns = 1;

static void *take(void *ctx, size_t bytes, size_t align) {
  (void)ctx;
  return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void give(void *ctx, void *memory, size_t bytes) {
  (void)ctx, (void)bytes;
  free(memory);
}

static void feed(hd_record event) {
  event.t_ns = ++now_ns;
  if (hd_control_event(control, &event) == HD_OK) return;
  fprintf(stderr, "event of kind %u was not taken\n", event.kind);
  exit(1);
}

static void step(uint32_t slot, uint16_t ops) {
  hd_record event = {.kind = HD_EV_STEP, .request = slot, .step = slot};
  hd_step_fields fields = {
      .op_end = ops, .graph = 1, .phase = HD_PHASE_DECODE, .n_tokens = 1, .n_outputs = 1};
  hd_record_pack_step(&event, &fields);
  feed(event);
}

static uint32_t started(void) {
  size_t count;
  const hd_record *decisions = hd_control_decisions(control, &count);
  for (size_t i = 0; i < count; i++)
    if (decisions[i].kind == HD_DE_RUN) return decisions[i].step;
  return 0;
}

static uint64_t clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void set_up(const hd_policy_ops *policy, uint16_t ops) {
  hd_control_config config;
  hd_host host = {.size = sizeof host, .alloc = take, .free = give};
  hd_control_config_default(&config);
  if (hd_control_create(&host, &config, policy, hd_policies_builtin()[0], &control) != HD_OK) exit(1);
  const uint64_t params[][2] = {{HD_PARAM_FLAGS, HD_DEVICE_STOPS_AT_OP},
                                {HD_PARAM_NS_PER_MIB, 100000},
                                {HD_PARAM_NS_PER_MFLOP, 50000},
                                {HD_PARAM_LAUNCH_NS, 5000}};
  for (size_t i = 0; i < sizeof params / sizeof *params; i++)
    feed((hd_record){.kind = HD_EV_DEVICE_PARAM, .step = (uint32_t)params[i][0], .a = params[i][1]});
  feed((hd_record){.kind = HD_EV_DEVICE_STATE, .a = HD_DEVICE_READY});
  feed((hd_record){.kind = HD_EV_GRAPH, .request = 1, .a = ops, .b = ops});
  for (uint32_t i = 0; i < ops; i++)
    feed((hd_record){
        .kind = HD_EV_OP, .request = 1, .step = i, .device = (uint16_t)(i + 1), .a = 10000, .b = 10000});
}

int main(int argc, char **argv) {
  const hd_policy_ops *policy = hd_policy_find(hd_policies_builtin(), argc > 1 ? argv[1] : "fifo");
  uint32_t waiting = argc > 2 ? (uint32_t)atoi(argv[2]) : 1;
  uint16_t ops = argc > 3 ? (uint16_t)atoi(argv[3]) : 16;
  enum { ROUNDS = 200000 };
  if (policy == NULL || waiting == 0 || waiting > 1000 || ops == 0) return 2;
  set_up(policy, ops);
  uint32_t running = 0;
  for (uint32_t slot = 1; slot <= waiting + 1; slot++) {
    feed((hd_record){.kind = HD_EV_REQUEST, .request = slot, .device = HD_CLASS_DEFAULT});
    step(slot, ops);
    if (slot == 1) running = started();
  }
  uint64_t begin = clock_ns();
  for (uint32_t i = 0; i < ROUNDS; i++) {
    hd_record event = {.kind = HD_EV_DONE, .step = running, .a = 20000};
    hd_done_fields done = {.op_reached = ops};
    uint32_t finished = running;
    hd_record_pack_done(&event, &done);
    feed(event); /* the next one starts */
    running = started();
    step(finished, ops);
  }
  uint64_t ns = (clock_ns() - begin) / ROUNDS;
  printf("%s, %u waiting, %u ops a step: %u ns for done + decide + dispatch + submit\n", policy->name,
         waiting, ops, (unsigned)ns);
  hd_control_destroy(control);
  return 0;
}
