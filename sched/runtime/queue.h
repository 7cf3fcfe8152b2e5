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

/* An empty inbox whose worker sleeps holds this: who puts something finds out in the same operation whether
 * there is anybody to wake, and need not touch the runtime again when there is not. */
#define HDI_INBOX_ASLEEP ((hd_coro *)(void *)(uintptr_t)1)

/* Puts the coroutine unless the worker is asleep and `wakes` is false; false: it is, and nothing was put.
 * True with `out_was_asleep` set: now wake it. Threads: any. */
bool hdi_inbox_put(hdi_inbox *inbox, hd_coro *coro, bool wakes, bool *out_was_asleep);

/* Marks the inbox of a worker that goes to sleep; false: there is something in it. Threads of both: the
 * worker's. */
bool hdi_inbox_sleep(hdi_inbox *inbox);
void hdi_inbox_rise(hdi_inbox *inbox);

static inline bool hdi_inbox_is_empty(hdi_inbox *inbox) {
  hd_coro *top = atomic_load_explicit(&inbox->top, memory_order_seq_cst);
  return top == NULL || top == HDI_INBOX_ASLEEP;
}

struct hdi_worker;
/* Makes everything in the worker's inbox ready in the order in which it was put. Threads: the worker's,
 * awake.
 */
void hdi_inbox_take(struct hdi_worker *worker);

#endif
