/* SPDX-License-Identifier: Apache-2.0 */
/* A tiny world made of a seed: devices that run, stop, fail, lie and vanish, requests that come, submit,
 * cancel and end. It feeds a control plane and holds every decision against its own, much simpler picture of
 * what must be true. */
#ifndef WORLD_H
#define WORLD_H

#include "feed.h"

enum { WORLD_DEVICES = 4, WORLD_GRAPHS = 2, WORLD_OPS = 24, WORLD_REQUESTS = 24, WORLD_STEPS = 48 };

typedef struct world_options {
  uint64_t seed;
  const hd_policy_ops *policy;
  uint32_t events;     /* random ones; then everything is let run out */
  bool device_trouble; /* failures, refusals, lies, fences, unplugging */
  bool hostile;        /* events that break the contract in between */
  bool policy_is_good; /* it must never be overruled */
  bool waits;          /* requests wait for each other */
  bool deaf;           /* some holders of leases do not listen */
} world_options;

typedef struct world_step {
  uint32_t id; /* 0: free */
  uint32_t request;
  bool is_lease, running, stopped, deaf;
  uint64_t start_ns, stopped_ns, slice_ns;
  uint16_t device;
  uint16_t at, end; /* ops */
  uint32_t graph;
  uint16_t launch_end, width, launches;
  uint64_t due_ns;
  uint32_t failed_on; /* devices */
} world_step;

typedef struct world_request {
  uint32_t id; /* 0: free */
  uint16_t generation;
  hd_class class_id;
  bool cancelled;
  uint32_t steps;     /* alive */
  uint32_t waits_for; /* id of another; 0: none */
} world_request;

typedef struct world_device {
  hd_device_kind kind;
  hd_device_state state;
  uint32_t flags, capacity, max_in_flight;
  uint32_t used, in_flight;
} world_device;

typedef struct world {
  feed f;
  world_options options;
  uint64_t random;
  bool draining; /* nothing new comes and nothing fails any more */
  world_device devices[WORLD_DEVICES];
  world_request requests[WORLD_REQUESTS];
  world_step steps[WORLD_STEPS];
  uint16_t step_generation[WORLD_STEPS];
  uint64_t timer_ns; /* 0: none */
  uint32_t waiting, running, alive;
  uint64_t completed, submitted, runs, fences, moves, stops, device_failures, reclaims, waits;
  uint64_t hash; /* of every decision's bytes in order */
} world;

/* Lives one life and checks it. The caller looks at the counters. */
void world_run(world *w, const world_options *options);

/* Between the two files of the world. */
uint32_t world_random(world *w, uint32_t below);
/* Feeds an event and takes its decisions; the status is the event's. */
hd_status world_feed(world *w, hd_record event);
/* By brute force: the most urgent of all from whom a chain of waits leads here. */
hd_class world_class(const world *w, const world_request *request);
uint64_t world_op_bytes(uint32_t graph, uint32_t op);
uint16_t world_op_layer(uint32_t op);
/* The policy of the options, with a look at every view first. One world at a time. */
const hd_policy_ops *world_witness(world *w);

#endif
