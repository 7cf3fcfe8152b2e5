/* SPDX-License-Identifier: Apache-2.0 */
/* How the runtime's queues link their items. */
#include "queue.h"

#include "state.h"

void hdi_inbox_put(hdi_inbox *inbox, hd_coro *coro) {
  hd_coro *top = atomic_load_explicit(&inbox->top, memory_order_relaxed);
  do {
    coro->next = top;
    /* seq_cst: the caller looks at the worker's state next, and one of the two must see the other. */
  } while (!atomic_compare_exchange_weak_explicit(&inbox->top, &top, coro, memory_order_seq_cst,
                                                  memory_order_relaxed));
}

void hdi_inbox_take(hdi_inbox *inbox, hdi_ready *ready) {
  if (atomic_load_explicit(&inbox->top, memory_order_relaxed) == NULL) return;
  hd_coro *newest = atomic_exchange_explicit(&inbox->top, NULL, memory_order_acquire);
  hd_coro *oldest = NULL;
  while (newest != NULL) {
    hd_coro *before = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = before;
  }
  while (oldest != NULL) {
    hd_coro *after = oldest->next;
    hdi_ready_push(ready, oldest);
    oldest = after;
  }
}

void hdi_shared_init(hdi_shared_queue *queue) {
  pthread_mutex_init(&queue->lock, NULL);
  queue->head = queue->tail = NULL;
  queue->closed = false;
  atomic_init(&queue->count, 0);
}

void hdi_shared_finish(hdi_shared_queue *queue) {
  pthread_mutex_destroy(&queue->lock);
}

hd_status hdi_shared_put(hdi_shared_queue *queue, hd_task *task) {
  task->next = NULL;
  pthread_mutex_lock(&queue->lock);
  bool closed = queue->closed;
  if (!closed) {
    if (queue->tail == NULL) {
      queue->head = task;
    } else {
      queue->tail->next = task;
    }
    queue->tail = task;
    atomic_fetch_add_explicit(&queue->count, 1, memory_order_seq_cst);
  }
  pthread_mutex_unlock(&queue->lock);
  return closed ? HD_E_CLOSED : HD_OK;
}

hd_task *hdi_shared_take(hdi_shared_queue *queue) {
  if (atomic_load_explicit(&queue->count, memory_order_relaxed) == 0) return NULL;
  pthread_mutex_lock(&queue->lock);
  hd_task *task = queue->head;
  if (task != NULL) {
    queue->head = task->next;
    if (queue->head == NULL) queue->tail = NULL;
    atomic_fetch_sub_explicit(&queue->count, 1, memory_order_relaxed);
  }
  pthread_mutex_unlock(&queue->lock);
  return task;
}

void hdi_shared_close(hdi_shared_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->closed = true;
  pthread_mutex_unlock(&queue->lock);
}
