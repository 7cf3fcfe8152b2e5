/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane: deciding as a pure function. Events in, decisions out.
 *
 * It reads no clock, makes no system call and allocates nothing after hd_control_create; time is a field of
 * the event. The same configuration and the same events give the same decisions, byte for byte, on every
 * machine: it computes in integers only. Live use (sched.h) and replay (trace.h) drive this same object. */
#ifndef HEDDLE_CONTROL_H
#define HEDDLE_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include "heddle/device.h"
#include "heddle/host.h"
#include "heddle/limits.h"
#include "heddle/record.h"
#include "heddle/split.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hd_policy_ops;

/* Quality-of-service classes, most urgent first. The names are those of OpenHarmony QoS and Apple GCD, less
 * one. */
typedef enum hd_class {
  HD_CLASS_INTERACTIVE, /* somebody waits and looks */
  HD_CLASS_INITIATED,   /* somebody asked and waits */
  HD_CLASS_DEFAULT,
  HD_CLASS_UTILITY, /* somebody will look later */
  HD_CLASS_BACKGROUND
} hd_class;

/* "interactive" ... "background"; NULL outside the enum. */
const char *hd_class_name(hd_class class_id);

typedef struct hd_class_params {
  /* Longest launch while a more urgent step could come: bounds that step's wait. On a device whose launches
   * cost more than half of it: twice what one costs, so that at least half of a launch is work. */
  uint64_t slice_ns;
  uint32_t weight; /* share under `fair` */
} hd_class_params;

typedef struct hd_control_config {
  uint32_t size;
  hd_limits limits;
  hd_class_params classes[HD_CLASS_COUNT];
  uint32_t fence_after_failures; /* consecutive failures of a device */
  uint32_t replace_after_faults; /* policy answers dropped before the fallback takes over for good */
  uint64_t lease_grace_ns; /* a lease that was asked to leave, and whose slice is over, is taken back so much
                              later when somebody waits */
} hd_control_config;

/* Defaults; the reasons for the numbers stand beside them in sched/control/config.c. */
void hd_control_config_default(hd_control_config *out_config);

/* A configuration as HD_IN_CONFIG records and back, for traces. `write` returns the count it wrote, at most
 * cap (HD_CONFIG_RECORDS_MAX suffices). `read` takes one record at a time; unknown keys are ignored. */
#define HD_CONFIG_RECORDS_MAX 32u
uint32_t hd_control_config_write(const hd_control_config *config, hd_record *out_records, uint32_t cap);
void hd_control_config_read(hd_control_config *config, const hd_record *record);

typedef struct hd_control hd_control;

/* `policy` decides, `fallback` when it must not. Both must outlive the object. `host` lends memory here and
 * nothing later. Errors: INVALID, LIMIT, NO_MEMORY. Threads: one at a time for every function on one object.
 */
hd_status hd_control_create(const hd_host *host, const hd_control_config *config,
                            const struct hd_policy_ops *policy, const struct hd_policy_ops *fallback,
                            hd_control **out_control);
void hd_control_destroy(hd_control *control);

/* Feeds one event and decides what follows from it. `event->seq` is overwritten with the next number;
 * decisions carry the numbers after it. Decisions of this event are read with hd_control_decisions until the
 * next call; there are at most 3 * max_steps + HD_SPLIT_PARTS_MAX + 64. An event that breaks the contract
 * (unknown id, wrong order) changes nothing but the time and the count of such events, and returns INVALID;
 * one that finds a table full does the same and returns LIMIT. Both belong into the trace like any other. */
hd_status hd_control_event(hd_control *control, hd_record *event);
const hd_record *hd_control_decisions(const hd_control *control, size_t *out_count);

/* The split of a graph as last planned; NULL when there is none. Valid until the next HD_EV_PLAN of that
 * graph. */
const hd_split *hd_control_split(const hd_control *control, uint32_t graph_id, hd_phase phase);

/* When asking again may help whoever finds something full: how long until `device` (HD_RECORD_NO_DEVICE: the
 * last of all) is expected to be done with what it has now that is as urgent as `class_id`. At least a
 * millisecond. */
uint64_t hd_control_retry_ns(const hd_control *control, uint16_t device, hd_class class_id);

/* What a request counts as: its class, or that of somebody more urgent who waits for it. Errors: NOT_FOUND.
 */
hd_status hd_control_request_class(const hd_control *control, uint32_t request, hd_class *out_class);

typedef struct hd_control_stats {
  uint64_t events, decisions, runs, completions, refusals, fallbacks, invalid_events;
  uint64_t stops, moves, fences;
  uint64_t reclaims; /* leases that were not released in time */
  uint32_t waiting, running, requests;
  uint64_t busy_ns[HD_DEVICES_MAX]; /* device time of completed launches, times width */
  uint64_t energy_uj[HD_DEVICES_MAX];
  hd_energy_source energy_source[HD_DEVICES_MAX];
} hd_control_stats;
void hd_control_stats_get(const hd_control *control, hd_control_stats *out_stats);

#ifdef __cplusplus
}
#endif
#endif
