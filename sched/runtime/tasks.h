/* SPDX-License-Identifier: Apache-2.0 */
/* Where tasks and coroutines that have not started wait: a ring for each worker (its thread puts and takes
 * the oldest, idle workers steal), a list into which foreign threads put, and a queue for what no ring has
 * room for. All but the rings are intrusive: nothing is allocated. No lock is taken but for the overflow, and
 * there once for many tasks. */
#ifndef HDI_RUNTIME_TASKS_H
#define HDI_RUNTIME_TASKS_H

#include "heddle/runtime.h"

#include <pthread.h>

struct hdi_worker;

/* A power of two. A thousand tasks outstanding fit; 8 KiB of pointers stay in the first-level cache. */
#define HDI_RING_TASKS 1024u

/* Bounded, first in first out, one producer, many consumers. First in first out, so that a task that posts
 * itself again starves nobody. Source: the run queues of Go's scheduler (runtime/proc.go, after D. Vyukov,
 * "Scalable Go Scheduler Design Doc", 2012), with two changes. The owner claims a handful at once, so that it
 * pays for one compare-and-swap a handful; a thief moves `head` before it reads, because it reads half of
 * what is there and would lose each race otherwise, and counts itself in `thieves` meanwhile. The producer
 * writes a slot again only when `head` and its own claim have passed it and no thief reads. */
typedef struct hdi_task_ring {
  _Alignas(64) _Atomic uint32_t head;
  _Atomic uint32_t thieves; /* that have moved `head` and may still read the slots before it */
  _Alignas(64) _Atomic uint32_t tail;
  _Atomic(hd_task *) slots[HDI_RING_TASKS];
} hdi_task_ring;

/* How a worker steals. What was stolen in vain, because it took less time than the trip, makes it look less
 * often: each look at another's ring slows its owner down. */
typedef struct hdi_steal_habit {
  uint32_t skip, pause; /* looks to leave out now, and after the next such theft */
  uint32_t count;       /* tasks of the last theft, until they have been weighed */
  uint64_t since_ns;    /* of the last theft */
} hdi_steal_habit;

typedef struct hdi_task_overflow {
  pthread_mutex_t lock;
  hd_task *head, *tail;
  _Atomic uint32_t count; /* also read without the lock */
} hdi_task_overflow;

/* Appends a list of `count` tasks, linked by `next`. Threads: any, of all. */
void hdi_overflow_put(hdi_task_overflow *overflow, hd_task *first, hd_task *last, uint32_t count);
/* Takes the list of the first `most` tasks; NULL: none. */
hd_task *hdi_overflow_take(hdi_task_overflow *overflow, uint32_t most);

void hdi_overflow_init(hdi_task_overflow *overflow);
void hdi_overflow_finish(hdi_task_overflow *overflow);

/* Puts a task into the worker's ring, and wakes a searcher when another worker could take it. Threads: the
 * worker's. */
void hdi_tasks_put(struct hdi_worker *worker, hd_task *task);

/* hd_runtime_post for other threads than the runtime's workers. Stands in runtime.c. */
hd_status hdi_post_from_outside(hd_runtime *runtime, hd_task *task, hd_band band);

/* Threads: any but the workers'. */
void hdi_tasks_put_foreign(hd_runtime *runtime, hd_task *task);

/* The next task for this worker: its own, a foreign thread's, one that overflowed, or another worker's. NULL:
 * none. Threads: the worker's. */
hd_task *hdi_tasks_next(struct hdi_worker *worker);

/* The next task if it is one of `group`, and there is one without looking elsewhere. Threads: the worker's.
 */
hd_task *hdi_tasks_next_of(struct hdi_worker *worker, const hd_group *group);

/* Whether this worker would find a task now; others' rings it leaves out for a while when stealing was not
 * worth it. For who looks again soon: who goes to sleep asks hdi_tasks_any. Threads: the worker's. */
bool hdi_tasks_tempt(struct hdi_worker *worker);

/* Brings what foreign threads have put so far into the queues and returns how many tasks this worker could
 * take without stealing. Threads: the worker's. */
uint32_t hdi_tasks_gather(struct hdi_worker *worker);

/* Whether this worker has taken tasks that it has not run yet. Threads: the worker's. */
bool hdi_tasks_held(const struct hdi_worker *worker);

/* Whether a task waits anywhere, save what workers hold. Threads: any. */
bool hdi_tasks_any(hd_runtime *runtime);

#endif
