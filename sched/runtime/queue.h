/* SPDX-License-Identifier: Apache-2.0 */
/* The three queues of the runtime: a worker's ready coroutines (its thread's alone), a worker's inbox
 * (anybody puts, the worker takes all), and the shared queue of what has not started (anybody puts, any
 * worker takes). All are intrusive: nothing is allocated. */
#ifndef HDI_RUNTIME_QUEUE_H
#define HDI_RUNTIME_QUEUE_H

#include "heddle/runtime.h"

#include <pthread.h>

/* ---- ready: first in, first out; one thread ---- */

typedef struct hdi_ready {
  hd_coro *head, *tail;
  uint32_t count;
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

/* ---- shared: many put, many take ---- */

typedef struct hdi_shared_queue {
  pthread_mutex_t lock;
  hd_task *head, *tail;
  bool closed;
  _Atomic uint32_t count; /* also read without the lock */
} hdi_shared_queue;

void hdi_shared_init(hdi_shared_queue *queue);
void hdi_shared_finish(hdi_shared_queue *queue);

/* Errors: CLOSED. Threads: any. */
hd_status hdi_shared_put(hdi_shared_queue *queue, hd_task *task);

/* NULL: empty. Threads: any. */
hd_task *hdi_shared_take(hdi_shared_queue *queue);

/* From here on every put is refused. */
void hdi_shared_close(hdi_shared_queue *queue);

static inline uint32_t hdi_shared_count(hdi_shared_queue *queue) {
  return atomic_load_explicit(&queue->count, memory_order_seq_cst);
}

#endif
