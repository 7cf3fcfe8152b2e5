/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as events: 24 each, small fields narrowed so that ids and devices meet often. Whatever comes, the
 * counters agree with the decisions, and no unit of a device is given twice. */
#include <stdlib.h>
#include <string.h>
#include "heddle/control.h"
#include "heddle/implement/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { EVENT_BYTES = 24, STEPS = 16, REQUESTS = 8, OPS = 64 };

static void check(int holds) {
  if (!holds) abort();
}

static void *take(void *ctx, size_t bytes, size_t align) {
  (void)ctx;
  return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void give(void *ctx, void *memory, size_t bytes) {
  (void)ctx, (void)bytes;
  free(memory);
}

static uint64_t read_number(const uint8_t *bytes, uint32_t count) {
  uint64_t number = 0;
  for (uint32_t i = 0; i < count; i++)
    number |= (uint64_t)bytes[i] << 8 * i;
  return number;
}

/* kind, device, request, step: a byte each; time: 2 bytes more than before; a, b: 8 each; request and step
 * generations: a byte each. */
static hd_record read_event(const uint8_t *bytes, uint64_t *now_ns) {
  hd_record event = {.kind = (uint16_t)(bytes[0] % 24), .device = (uint16_t)(bytes[1] % 20)};
  *now_ns += read_number(bytes + 4, 2) << 8;
  event.t_ns = *now_ns;
  event.request = bytes[2] | (uint32_t)bytes[22] << HD_ID_SLOT_BITS;
  event.step = bytes[3] | (uint32_t)bytes[23] << HD_ID_SLOT_BITS;
  event.a = read_number(bytes + 6, 8);
  event.b = read_number(bytes + 14, 8);
  return event;
}

typedef struct usage {
  uint32_t out, width[STEPS]; /* launches out; of each step: its width while it runs, else 0 */
} usage;

static void follow(usage *u, const hd_record *d) {
  uint32_t slot = d->step & HD_ID_SLOT_MASK;
  if (d->kind == HD_DE_RECLAIM) {
    check(slot < STEPS && u->width[slot] > 0);
    u->width[slot] = 0;
    u->out--;
    return;
  }
  if (d->kind != HD_DE_RUN && d->kind != HD_DE_GRANT && d->kind != HD_DE_STOP && d->kind != HD_DE_COMPLETE)
    return;
  check(slot < STEPS);
  if (d->kind == HD_DE_STOP) {
    check(u->width[slot] > 0);
  } else {
    check(u->width[slot] == 0); /* neither started nor completed while it runs */
    if (d->kind == HD_DE_COMPLETE) return;
    hd_run_fields run = hd_record_unpack_run(d->a);
    check(run.width > 0 && run.op_begin < run.op_end && d->device < HD_DEVICES_MAX);
    u->width[slot] = run.width;
    u->out++;
  }
}

static void feed(hd_control *control, usage *u, hd_record *event) {
  hd_control_stats stats;
  size_t count = 0;
  hd_status status = hd_control_event(control, event);
  const hd_record *decisions = hd_control_decisions(control, &count);
  check(status == HD_OK || ((status == HD_E_INVALID || status == HD_E_LIMIT) && count == 0));
  check(count <= 3 * STEPS + HD_SPLIT_PARTS_MAX + 64);
  uint32_t slot = event->step & HD_ID_SLOT_MASK;
  if (status == HD_OK && event->kind == HD_EV_DONE && u->width[slot] > 0) {
    u->width[slot] = 0;
    u->out--;
  }
  for (size_t i = 0; i < count; i++)
    follow(u, &decisions[i]);
  hd_control_stats_get(control, &stats);
  check(stats.running == u->out);
  check(stats.waiting + stats.running <= STEPS && stats.requests <= REQUESTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  hd_host host = {.size = sizeof host, .alloc = take, .free = give};
  const hd_policy_ops *const *policies = hd_policies_builtin();
  hd_control_config config;
  hd_control *control = NULL;
  usage u = {0};
  uint64_t now_ns = 0;
  if (size == 0) return 0;
  hd_control_config_default(&config);
  config.limits.max_steps = STEPS;
  config.limits.max_requests = REQUESTS;
  config.limits.max_ops = OPS;
  config.limits.max_waiting_per_device = 4;
  const hd_policy_ops *policy = hd_policy_find(policies, bytes[0] % 2 == 0 ? "fifo" : "fair");
  check(hd_control_create(&host, &config, policy, policies[0], &control) == HD_OK);
  for (size_t at = 1; at + EVENT_BYTES <= size; at += EVENT_BYTES) {
    hd_record event = read_event(bytes + at, &now_ns);
    feed(control, &u, &event);
  }
  hd_control_destroy(control);
  return 0;
}
