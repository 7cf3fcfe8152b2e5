/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler, live: devices, models and sessions on one side, requests and leases (request.h, lease.h) on
 * the other, one control plane between them. */
#ifndef HEDDLE_SCHED_H
#define HEDDLE_SCHED_H

#include "heddle/buffer.h"
#include "heddle/control.h"
#include "heddle/device.h"
#include "heddle/graph.h"
#include "heddle/runtime.h"
#include "heddle/split.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hd_backend_ops;
struct hd_policy_ops;
struct hd_trace;

typedef struct hd_sched hd_sched;

typedef struct hd_sched_config {
  uint32_t size;
  hd_runtime_config runtime; /* worker_count 0: no thread of heddle's own */
  hd_control_config control;
  const struct hd_backend_ops *const *backends; /* NULL-terminated; NULL: none (the lease door alone) */
  const struct hd_policy_ops *const *policies;  /* NULL-terminated; the first is the fallback */
  const char *policy;                           /* name; NULL: the first */
  /* Devices to open, in order: "cpu,sim:latency_us=50". A name may carry options after ':', separated by ';'.
   * The same backend may stand twice ("sim,sim"): its devices are then sim and sim1. */
  const char *devices;
  struct hd_trace *trace; /* NULL: none. Must outlive the scheduler */
} hd_sched_config;

void hd_sched_config_default(hd_sched_config *out_config);

/* Opens the devices and starts the workers. Errors: INVALID, NOT_FOUND (policy or backend; the error lists
 * what there is), FORMAT (device list), UNSUPPORTED, IO, NO_MEMORY. Threads: any. Ownership: the caller. */
hd_status hd_sched_create(const hd_host *host, const hd_sched_config *config, hd_sched **out_sched,
                          hd_error *out_error);
/* Cancels what is alive, waits for what is on a device and for threads that wait for a request or a lease
 * (they get CANCELLED or CLOSED), ends the requests without a coroutine with CLOSED, stops the workers. Takes
 * NULL. Sessions and models must be destroyed before. Handles of requests stay: they can be polled, waited
 * for, cancelled, released and ended, leases released. Threads: not from a worker; meanwhile no other thread
 * begins a call but on a request without a coroutine. */
void hd_sched_destroy(hd_sched *sched);

/* Threads of both: any. Ownership: the scheduler's. */
hd_runtime *hd_sched_runtime(hd_sched *sched);
const hd_host *hd_sched_host(const hd_sched *sched);

/* For a host that drives (worker_count 0): as hd_runtime_fd and hd_runtime_dispatch; 0 also while another
 * thread is in it. Threads that wait leave it to the thread that called it last; if none ever did, one of
 * those that wait dispatches. */
int hd_sched_fd(const hd_sched *sched);
uint32_t hd_sched_dispatch(hd_sched *sched, uint64_t max_ns);

/* Devices by index, 0 .. count-1, in the order of the list. Each of the outputs may be NULL. Threads: any.
 * Errors: NOT_FOUND. */
uint32_t hd_sched_device_count(const hd_sched *sched);
hd_status hd_sched_device(const hd_sched *sched, uint32_t index, hd_device_props *out_props,
                          hd_device_state *out_state);

/* A consistent copy of the control plane's counters. Threads: any. */
void hd_sched_stats(hd_sched *sched, hd_control_stats *out_stats);

/* How often backends have forked work over several workers, which then meet: what a token costs beside its
 * arithmetic. Threads: any. */
uint64_t hd_sched_meetings(const hd_sched *sched);

/* ---- models: a graph with its weights, prepared on devices, split for each phase ---- */

typedef struct hd_model hd_model;

typedef struct hd_model_desc {
  uint32_t size;
  const hd_graph *graph; /* sealed; outlives the model */
  /* Host address of each weight value, indexed by hd_value (graph's value count entries; others ignored). The
   * memory (usually a mapped file) outlives the model and is not written. Rows are tight in the value's
   * format. */
  const void *const *weights;
  const char *split; /* pins as hd_split_parse reads them; NULL: the planner chooses */
} hd_model_desc;

/* Prepares the graph on every device that some split may use and plans both phases. Errors: INVALID, LIMIT
 * (graphs), UNSUPPORTED (some op runs on no device; the error names op and device), FORMAT/NOT_FOUND (split),
 * NO_MEMORY. Threads: any, not from a worker. May take long: devices may repack. */
hd_status hd_model_create(hd_sched *sched, const hd_model_desc *desc, hd_model **out_model,
                          hd_error *out_error);
/* Takes NULL. Its sessions are destroyed before. Threads: any, not from a worker. */
void hd_model_destroy(hd_model *model);
const hd_graph *hd_model_graph(const hd_model *model);
/* The split in force for a phase. Ownership: copied. Threads: any. */
void hd_model_split(hd_model *model, hd_phase phase, hd_split *out_split);

/* ---- sessions: KV cache and arena of one conversation ---- */

typedef struct hd_session hd_session;

typedef struct hd_session_desc {
  uint32_t size;
  uint32_t max_context; /* positions; 0: the graph's */
  uint32_t max_tokens;  /* most tokens of one run; 0: 128 */
  uint32_t max_outputs; /* most outputs of one run; 0: 1 */
} hd_session_desc;

/* Memory that such a session takes: what its requests should claim at admission. 0: none is made with
 * so long a context. */
uint64_t hd_session_bytes(const hd_model *model, const hd_session_desc *desc);
/* All memory of the session is allocated here, none while it runs. Errors: INVALID, NO_MEMORY. Threads: any.
 */
hd_status hd_session_create(hd_model *model, const hd_session_desc *desc, hd_session **out_session);
/* Takes NULL. No request runs on it. Threads: any. */
void hd_session_destroy(hd_session *session);
/* Positions filled so far, and the room. Threads of these and of truncate: any, while no request runs on it.
 */
uint32_t hd_session_length(const hd_session *session);
uint32_t hd_session_capacity(const hd_session *session);
/* Forgets positions from `length` on. Errors: INVALID (more than there are). */
hd_status hd_session_truncate(hd_session *session, uint32_t length);

#ifdef __cplusplus
}
#endif
#endif
