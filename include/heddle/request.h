/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: what an app submits. A request is a coroutine: straight-line code that runs steps and awaits
 * them. This is the first of the two doors: heddle's backends run the ops. */
#ifndef HEDDLE_REQUEST_H
#define HEDDLE_REQUEST_H

#include "heddle/sched.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_request hd_request;

typedef struct hd_request_desc {
  uint32_t size;
  const char *name;   /* for traces; copied; may be NULL */
  uint32_t client_id; /* whose request it is; quotas count by it */
  hd_class class_id;
  uint64_t deadline_ns;  /* absolute on the host's clock; 0: none */
  uint64_t memory_bytes; /* what it will hold (hd_session_bytes); counted against the budget until it ends */
  /* The request itself. Runs as a coroutine; its return is the request's status. */
  hd_status (*run)(hd_request *request, void *arg);
  void *arg;
  /* Called once when the request is over, also when it never started (cancelled before). Any worker; must not
   * block. NULL: nothing. */
  void (*done)(void *arg, hd_status status);
} hd_request_desc;

/* What submit learned when it answers HD_E_AGAIN or HD_E_REFUSED. */
typedef struct hd_refusal_info {
  uint64_t retry_after_ns; /* 0: no use */
  hd_refusal reason;
} hd_refusal_info;

/* Admission, then the coroutine starts. `out_refusal` may be NULL. Errors: AGAIN (busy: retry after the time
 * given; also when the runtime's max_coroutines live, as HD_REFUSED_REQUESTS), REFUSED, INVALID, NO_MEMORY,
 * CLOSED. Never blocks. Threads: any. Ownership: `*out_request` stays valid until hd_request_release. */
hd_status hd_request_submit(hd_sched *sched, const hd_request_desc *desc, hd_request **out_request,
                            hd_refusal_info *out_refusal);

/* Asks it to end: its running step is left at the next op and every await in it answers CANCELLED. Threads:
 * any. */
void hd_request_cancel(hd_request *request);

/* Waits until it is over and returns its status. In a coroutine: awaits. On a thread of the host's: sleeps,
 * or, with worker_count 0, dispatches until it is over (hd_sched_dispatch says who). When a request waits
 * (the coroutine is that of a request of the same scheduler), the one waited for is at least as urgent as it
 * meanwhile, for the control plane and on the workers, and so is what that one waits for. Errors also: those
 * of awaits; INVALID (it waits for itself, or another coroutine waits for the same one; of the host's threads
 * any number may). Threads: any but a worker's task. */
hd_status hd_request_wait(hd_request *request);
/* The same for a request without a coroutine (hd_request_begin): its thread waits on behalf of `waiter`,
 * until that one is cancelled (CANCELLED). The one waited for must not end before this is called. Errors
 * also: CLOSED (`waiter` is over). */
hd_status hd_request_wait_as(hd_request *waiter, hd_request *request);
/* HD_E_AGAIN while it runs. Threads: any. */
hd_status hd_request_poll(const hd_request *request);

/* Gives the handle up; takes NULL. A request that still runs goes on. Threads: any. */
void hd_request_release(hd_request *request);

uint32_t hd_request_id(const hd_request *request);
bool hd_request_is_cancelled(const hd_request *request);
hd_sched *hd_request_sched(const hd_request *request);

/* ---- inside the request's coroutine ---- */

/* One run of the whole graph over some tokens. */
typedef struct hd_run {
  uint32_t size;
  const int32_t *tokens; /* n_tokens ids, each in 0 .. n_vocab-1 */
  uint32_t n_tokens;     /* 1 .. session's max_tokens */
  uint32_t n_outputs;    /* 0 .. max_outputs, n_tokens: logits wanted for the last so many tokens */
  float *logits;         /* n_outputs x n_vocab, row-major; not read; may be NULL when n_outputs is 0 */
  hd_phase phase;        /* which split: PREFILL for prompts, DECODE for one token after another */
} hd_run;

/* Appends the tokens at the session's end and runs the graph as steps over the devices of its split; returns
 * when the logits are in place. On failure the session's length is unchanged. Only inside `request`'s
 * coroutine; one run at a time for a session. Errors: INVALID (token id out of range), LIMIT (context full),
 * CANCELLED, DEVICE (no device is left that can), CLOSED. */
hd_status hd_request_run(hd_request *request, hd_session *session, const hd_run *run);

/* Writes HD_IN_MARK into the trace: a place in the request that means something to the caller. Threads: any.
 */
void hd_request_mark(hd_request *request, uint32_t number, uint64_t value);

/* What it has had so far. Threads: any. */
typedef struct hd_request_stats {
  uint64_t steps; /* completed */
  uint64_t launches;
  uint64_t device_ns[HD_DEVICES_MAX];
  uint64_t energy_uj[HD_DEVICES_MAX];
  hd_energy_source energy_source[HD_DEVICES_MAX];
} hd_request_stats;
void hd_request_stats_get(const hd_request *request, hd_request_stats *out_stats);

#ifdef __cplusplus
}
#endif
#endif
