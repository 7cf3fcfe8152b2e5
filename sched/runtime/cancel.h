/* SPDX-License-Identifier: Apache-2.0 */
/* Cancellation between the files of this room. Threads of all: the coroutine's worker's. */
#ifndef HDI_RUNTIME_CANCEL_H
#define HDI_RUNTIME_CANCEL_H

#include "coro.h"

/* Whether an await of the running coroutine has to answer CANCELLED. */
static inline bool hdi_is_cancelled(const hd_coro *self) {
  return !self->shielded && atomic_load_explicit(&self->cancelled, memory_order_acquire);
}

static inline bool hdi_cancels_any(hdi_worker *worker) {
  return atomic_load_explicit(&worker->cancels, memory_order_seq_cst) != NULL;
}

/* Ends the waits of the worker's coroutines that were cancelled since the last call. */
void hdi_cancels_take(hdi_worker *worker);

#endif
