/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: the second door. The engine keeps its kernels and its loop, asks before a segment, looks up inside
 * it and reports after it. No thread, no backend and no coroutine of heddle's is needed (worker_count 0,
 * backends NULL, devices described by the host with hd_sched_add_device). */
#ifndef HEDDLE_LEASE_H
#define HEDDLE_LEASE_H

#include "heddle/request.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Adds a device that heddle has no backend for: the engine runs on it under leases, and no step ever does.
 * Errors: LIMIT, INVALID (name taken). Threads: any. */
hd_status hd_sched_add_device(hd_sched *sched, const hd_device_props *props, uint32_t *out_index);

/* A request without a coroutine: the caller's own thread is the request. Ends with hd_request_end. Errors as
 * submit. */
hd_status hd_request_begin(hd_sched *sched, const hd_request_desc *desc, hd_request **out_request,
                           hd_refusal_info *out_refusal);
/* Ends it with a status and releases the handle. Takes NULL. A lease that it holds is given back unmeasured.
 * Threads: any, when no other call on it is under way but a cancellation. */
void hd_request_end(hd_request *request, hd_status status);

typedef struct hd_lease hd_lease;

typedef struct hd_lease_desc {
  uint32_t size;
  uint32_t device; /* index of the device wanted */
  hd_phase phase;
  uint32_t layer_begin, layer_end; /* the segment, for traces and cost */
  uint32_t n_tokens;
  uint32_t kv_pos;
  uint64_t expected_ns; /* the caller's guess, one unit wide; 0: the cost model's */
} hd_lease_desc;

typedef struct hd_grant {
  uint32_t device;
  uint32_t width;        /* threads to use */
  uint64_t slice_ns;     /* checkpoint says YIELD when it is over and somebody waits */
  uint32_t chunk_tokens; /* process at most so many tokens between checkpoints */
  /* Alone of all, when it was not granted but AGAIN was answered: ask again after so long. */
  uint64_t retry_after_ns;
} hd_grant;

/* Asks for a segment. In a coroutine: awaits. On the host's thread: sleeps until granted, the request is
 * cancelled or `timeout_ns` from now is over; with worker_count 0 dispatches meanwhile (hd_sched_dispatch
 * says who). timeout_ns 0: HD_E_AGAIN at once when it is not free. Errors: AGAIN (also, whatever the timeout:
 * max_steps wait or run already), TIMEOUT, CANCELLED, INVALID (also: the request has a lease), DEVICE
 * (fenced), CLOSED (the scheduler is gone). Threads: any, one at a time a request. */
hd_status hd_lease_acquire(hd_request *request, const hd_lease_desc *desc, uint64_t timeout_ns,
                           hd_lease **out_lease, hd_grant *out_grant);

typedef enum hd_advice {
  HD_GO_ON,
  HD_YIELD, /* somebody more urgent waits, or the slice is over and somebody waits: release, acquire again */
  HD_MIGRATE, /* the device is fenced: release and acquire on another one */
  HD_STOP     /* cancelled, or taken back already (hd_request_is_cancelled tells which): release at once */
} hd_advice;

/* One atomic load: what to do now. Who does not leave within hd_control_config.lease_grace_ns after the end
 * of the slice and after it was asked to, while somebody waits, loses the device: the scheduler takes the
 * lease back (HD_DE_RECLAIM in the trace, `reclaims` in the counters), the checkpoint says HD_STOP, and the
 * release, however late, changes nothing and frees the request to acquire again. Threads: any. */
hd_advice hd_lease_checkpoint(const hd_lease *lease);

typedef struct hd_lease_sample {
  uint32_t size;
  uint64_t elapsed_ns; /* 0: from grant to release */
  uint64_t energy_uj;
  hd_energy_source energy_source;
  uint32_t layer_reached; /* layers done; layer_end when all */
  hd_status status;       /* HD_E_DEVICE when the device failed */
} hd_lease_sample;

/* Gives it back with what was measured (NULL: nothing was). Takes NULL for `lease`. Threads: any. */
void hd_lease_release(hd_lease *lease, const hd_lease_sample *sample);

#ifdef __cplusplus
}
#endif
#endif
