/* SPDX-License-Identifier: Apache-2.0 */
/* What a backend under test is lent: a clock that moves only when told, memory that is counted and can run
 * out, workers (none: all work runs inside execute), a bell. */
#ifndef TESTS_BACKENDS_LENDER_H
#define TESTS_BACKENDS_LENDER_H

#include <pthread.h>
#include "heddle/implement/backend.h"

#define LENDER_THREADS_MAX 4u
#define LENDER_QUEUE       64u

typedef struct lender_task {
  void (*fn)(void *arg);
  void *arg;
} lender_task;

typedef struct lender {
  hd_host host;
  hd_backend_host lent;
  atomic_ullong now_ns;
  atomic_llong bytes;           /* lent and not given back */
  atomic_long allocations;      /* made so far */
  atomic_long allocations_left; /* before the host says no; negative: never */
  uint32_t thread_count;        /* 0: inline */
  pthread_t threads[LENDER_THREADS_MAX];
  pthread_mutex_t lock;
  pthread_cond_t changed; /* work, bells or the end */
  lender_task queue[LENDER_QUEUE];
  uint32_t queued;
  uint32_t refuse_next; /* so many execute() answer AGAIN */
  uint64_t bells;
  bool closing;
} lender;

void lender_open(lender *l, uint32_t thread_count);
/* Ends the threads and says that all memory came back. */
void lender_close(lender *l);

/* Until one completion of device `index` is ready: polls, moves the clock to where the backend asks for it,
 * and sleeps until the bell rings when it does not. */
hd_completion lender_await(lender *l, const hd_backend_ops *ops, void *backend, uint32_t index);

#endif
