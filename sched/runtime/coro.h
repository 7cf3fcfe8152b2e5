/* SPDX-License-Identifier: Apache-2.0 */
/* Coroutines between the files of this room: starting, suspending, making ready. */
#ifndef HDI_RUNTIME_CORO_H
#define HDI_RUNTIME_CORO_H

#include "state.h"

/* The coroutine that runs on this thread, NULL when none does. */
static inline hd_coro *hdi_current(void) {
  hdi_worker *worker = hdi_this_worker;
  return worker == NULL ? NULL : worker->current;
}

/* Whether a task is a coroutine that has not started. */
bool hdi_task_is_seed(const hd_task *task);

/* Gives the seed's coroutine a stack; it begins when it is resumed. Threads: the worker's, from its loop. */
hd_coro *hdi_coro_make(hdi_worker *worker, hd_task *seed_task);

/* ---- switching ----
 * All inline: after a switch, each return into a frame of the flow that was left for this one is
 * mispredicted, so there are as few frames between a wait and the switch as can be. */

/* The same as hdi_next_flow where there is a hook, which goes first when it is asked for. */
hdi_flow *hdi_next_flow_hooked(hdi_worker *worker);

/* Where to go from a coroutine that stops: straight to the next ready one (one switch, predicted), or to the
 * loop when it has something to look after. */
static inline hdi_flow *hdi_next_flow(hdi_worker *worker) {
  hd_coro *next = worker->ready.head;
  if (worker->burst > 0 && next != NULL &&
      atomic_load_explicit(&worker->inbox.top, memory_order_relaxed) == NULL) {
    worker->burst--;
    worker->current = next;
    worker->ready.head = next->next;
    return &next->flow;
  }
  if (worker->follow > 0) return hdi_next_flow_hooked(worker);
  worker->current = NULL;
  return &worker->flow;
}

/* Runs `coro` and at most `burst` things that follow it directly, until the loop gets control back. Returns
 * how many ran. Threads: the worker's, from its loop. */
static inline uint32_t hdi_coro_resume(hdi_worker *worker, hd_coro *coro, uint32_t burst) {
  worker->burst = burst;
  worker->helped = 0;
  worker->lost = 0;
  worker->current = coro;
  hdi_flow_leave(&worker->flow, &coro->flow);
  uint32_t ran = 1 + burst - worker->burst - worker->lost;
  worker->burst = 0;
  hdi_count(&worker->switches, ran);
  return ran;
}

/* The same where there is a hook: `follow` things may follow directly until it is asked for. */
static inline uint32_t hdi_coro_resume_hooked(hdi_worker *worker, hd_coro *coro, uint32_t follow) {
  worker->follow = follow;
  worker->followed = 0;
  (void)hdi_coro_resume(worker, coro, 0);
  worker->follow = 0;
  hdi_count(&worker->switches, worker->followed);
  return 1 + worker->followed;
}

/* Leaves the running coroutine `self` and calls `commit` (NULL is allowed) once everything of it is saved:
 * only then may another thread learn that it waits. Returns when it is resumed. */
static inline void hdi_coro_suspend(hd_coro *self, hdi_then *commit) {
  hdi_worker *worker = self->worker;
  hdi_flow *next = hdi_next_flow(worker);
  if (commit == NULL) {
    hdi_flow_leave(&self->flow, next);
  } else {
    hdi_flow_leave_then(&self->flow, next, false, commit, worker, self);
  }
}

/* Makes a suspended coroutine run again; the caller has won the right to (it ended the wait). Threads: any.
 */
void hdi_coro_make_ready(hd_coro *coro);

/* Ends the wait of `coro` with `status`; false when somebody else ended it already. Threads: its worker's. */
bool hdi_coro_end_wait(hd_coro *coro, hd_status status);

/* Ends all waits of the worker's coroutines with CLOSED, now and from now on. Threads: the worker's. */
void hdi_coro_close_all(hdi_worker *worker);

#endif
