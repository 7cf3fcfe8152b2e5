/* SPDX-License-Identifier: Apache-2.0 */
/* Feeding a control plane by hand: one short call an event, and looking at what it decided. */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include "heddle/control.h"
#include "heddle/implement/policy.h"

/* A host whose memory counts itself: allocations that are alive, and all that were ever made. The clock is
 * never to be read. `fail_at`: the how manyeth allocation fails; 0: none. */
typedef struct feed_memory {
  uint32_t alive, made, fail_at;
} feed_memory;
void feed_host(feed_memory *memory, hd_host *out_host);

typedef struct feed {
  hd_control *control;
  hd_host host;    /* feed_host */
  uint64_t now_ns; /* time of the next event; moves by hand */
  hd_status last;  /* status of the last event */
  feed_memory memory;
} feed;

/* With default configuration changed by `edit` (may be NULL); fifo when `policy` is NULL. */
void feed_init(feed *f, const hd_policy_ops *policy, void (*edit)(hd_control_config *config));
void feed_finish(feed *f);

/* Each answers the status. */
hd_status feed_event(feed *f, hd_record event);
hd_status feed_param(feed *f, uint16_t device, hd_device_param param, uint64_t value);
hd_status feed_state(feed *f, uint16_t device, hd_device_state state);
/* A READY device without costs that stops at ops. */
void feed_device(feed *f, uint16_t device, hd_device_kind kind, uint32_t capacity);
/* A graph of `layers` layers, one op each, `bytes` of weights and `flops` a row each, and its plans for both
 * phases. */
void feed_graph(feed *f, uint32_t id, uint32_t layers, uint64_t bytes, uint64_t flops);
hd_status feed_request(feed *f, uint32_t request, hd_class class_id);
hd_status feed_end(feed *f, uint32_t request);
hd_status feed_cancel(feed *f, uint32_t request);
/* All ops [0, ops) of graph 1, one token of decode. */
hd_status feed_step(feed *f, uint32_t request, uint32_t step, uint16_t device, uint16_t ops);
hd_status feed_lease(feed *f, uint32_t request, uint32_t lease, uint16_t device, uint16_t layers);
hd_status feed_done(feed *f, uint32_t step, uint16_t device, uint16_t reached, hd_status status,
                    uint64_t elapsed_ns);
hd_status feed_time(feed *f);

/* The i-th decision of a kind that the last event caused; NULL when there are fewer. */
const hd_record *feed_decision(const feed *f, hd_record_kind kind, size_t index);
size_t feed_count(const feed *f, hd_record_kind kind);
hd_control_stats feed_stats(const feed *f);
hd_run_fields feed_run_of(const feed *f,
                          uint32_t step); /* of the last event's RUN or GRANT of it; fails without */

#endif
