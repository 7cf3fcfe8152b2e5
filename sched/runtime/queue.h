/* SPDX-License-Identifier: Apache-2.0 */
/* The two queues of started coroutines: a worker's ready ones (its thread's alone) and its inbox (anybody
 * puts, the worker takes all). Both are intrusive: nothing is allocated. */
#ifndef HDI_RUNTIME_QUEUE_H
#define HDI_RUNTIME_QUEUE_H

#include "heddle/runtime.h"

/* ---- ready: first in, first out; one thread ---- */

typedef struct hdi_ready {
  hd_coro *head, *tail; /* the tail means nothing while there is no head */
} hdi_ready;

/* hdi_ready_push and hdi_ready_pop stand in state.h: they are in every switch, hence inline. */

/* ---- inbox: many put, one takes ---- */

typedef struct hdi_inbox {
  _Atomic(hd_coro *) top;
} hdi_inbox;

/* Threads: any. */
void hdi_inbox_put(hdi_inbox *inbox, hd_coro *coro);

static inline bool hdi_inbox_is_empty(hdi_inbox *inbox) {
  return atomic_load_explicit(&inbox->top, memory_order_seq_cst) == NULL;
}

/* Moves everything to `ready` in the order in which it was put. Threads: the worker's. */
void hdi_inbox_take(hdi_inbox *inbox, hdi_ready *ready);

#endif
