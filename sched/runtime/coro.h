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

/* Gives the seed's coroutine a stack and runs it, until the worker's loop gets control back. Threads: the
 * worker's, from its loop. */
void hdi_coro_start(hdi_worker *worker, hd_task *seed_task);

/* Runs a ready coroutine, until the worker's loop gets control back. Threads: the worker's, from its loop. */
void hdi_coro_resume(hdi_worker *worker, hd_coro *coro);

/* Leaves the running coroutine `self`; whoever runs next calls `commit` (NULL is allowed) once everything of
 * `self` is saved: only then may another thread learn that it waits. Returns when it is resumed. */
void hdi_coro_suspend(hd_coro *self, void (*commit)(hdi_worker *worker, hd_coro *coro));

/* Makes a suspended coroutine run again; the caller has won the right to (it ended the wait). Threads: any.
 */
void hdi_coro_make_ready(hd_coro *coro);

/* Ends the wait of `coro` with `status`; false when somebody else ended it already. Threads: its worker's. */
bool hdi_coro_end_wait(hd_coro *coro, hd_status status);

/* Ends all waits of the worker's coroutines with CLOSED, now and from now on. Threads: the worker's. */
void hdi_coro_close_all(hdi_worker *worker);

#endif
