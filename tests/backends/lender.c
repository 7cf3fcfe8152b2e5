/* SPDX-License-Identifier: Apache-2.0 */
/* See lender.h. */
#include "lender.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint64_t now(void *ctx) {
  return atomic_load(&((lender *)ctx)->now_ns);
}

static void *take(void *ctx, size_t bytes, size_t align) {
  lender *l = ctx;
  long left = atomic_load(&l->allocations_left);
  if (left == 0) return NULL;
  if (left > 0) atomic_store(&l->allocations_left, left - 1);
  void *memory = NULL;
  if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, bytes) != 0) return NULL;
  atomic_fetch_add(&l->bytes, (long long)bytes);
  atomic_fetch_add(&l->allocations, 1);
  return memory;
}

static void give(void *ctx, void *memory, size_t bytes) {
  memset(memory, 0xdd, bytes); /* a size that is too large, or a later use, gives itself away */
  atomic_fetch_sub(&((lender *)ctx)->bytes, (long long)bytes);
  free(memory);
}

static void *work(void *ctx) {
  lender *l = ctx;
  pthread_mutex_lock(&l->lock);
  for (;;) {
    while (l->queued == 0 && !l->closing)
      pthread_cond_wait(&l->changed, &l->lock);
    if (l->queued == 0) break;
    lender_task task = l->queue[0];
    memmove(l->queue, l->queue + 1, --l->queued * sizeof task);
    pthread_mutex_unlock(&l->lock);
    task.fn(task.arg);
    pthread_mutex_lock(&l->lock);
  }
  pthread_mutex_unlock(&l->lock);
  return NULL;
}

static hd_status execute(void *ctx, void (*fn)(void *arg), void *arg) {
  lender *l = ctx;
  hd_status status = HD_OK;
  pthread_mutex_lock(&l->lock);
  if (l->refuse_next > 0) {
    l->refuse_next--;
    status = HD_E_AGAIN;
  } else if (l->thread_count > 0) {
    assert_true(l->queued < LENDER_QUEUE);
    l->queue[l->queued++] = (lender_task){fn, arg};
    pthread_cond_broadcast(&l->changed);
  }
  pthread_mutex_unlock(&l->lock);
  if (status == HD_OK && l->thread_count == 0) fn(arg);
  return status;
}

typedef struct fork_join {
  atomic_uint next;
  uint32_t parts;
  void (*fn)(void *arg, uint32_t part);
  void *arg;
} fork_join;

static void *take_parts(void *arg) {
  fork_join *join = arg;
  for (uint32_t part; (part = atomic_fetch_add(&join->next, 1)) < join->parts;)
    join->fn(join->arg, part);
  return NULL;
}

/* A fresh thread for each helper: slow, and as wild an order as the machine gives. */
static void parallel(void *ctx, uint32_t width, uint32_t parts, void (*fn)(void *arg, uint32_t part),
                     void *arg) {
  lender *l = ctx;
  fork_join join = {0, parts, fn, arg};
  pthread_t helpers[LENDER_THREADS_MAX];
  uint32_t started = 0;
  while (l->thread_count > 0 && started + 1 < width && started < LENDER_THREADS_MAX &&
         pthread_create(&helpers[started], NULL, take_parts, &join) == 0)
    started++;
  take_parts(&join);
  while (started > 0)
    pthread_join(helpers[--started], NULL);
}

static void wake(void *ctx) {
  lender *l = ctx;
  pthread_mutex_lock(&l->lock);
  l->bells++;
  pthread_cond_broadcast(&l->changed);
  pthread_mutex_unlock(&l->lock);
}

void lender_open(lender *l, uint32_t thread_count) {
  memset(l, 0, sizeof *l);
  l->host = (hd_host){sizeof(hd_host), l, now, take, give, NULL};
  l->lent = (hd_backend_host){sizeof(hd_backend_host), &l->host, l, 2, execute, parallel, wake};
  atomic_store(&l->now_ns, 1000);
  atomic_store(&l->allocations_left, -1);
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->changed, NULL);
  l->thread_count = thread_count;
  for (uint32_t i = 0; i < thread_count; i++)
    assert_int_equal(pthread_create(&l->threads[i], NULL, work, l), 0);
}

void lender_close(lender *l) {
  pthread_mutex_lock(&l->lock);
  l->closing = true;
  pthread_cond_broadcast(&l->changed);
  pthread_mutex_unlock(&l->lock);
  for (uint32_t i = 0; i < l->thread_count; i++)
    pthread_join(l->threads[i], NULL);
  pthread_cond_destroy(&l->changed);
  pthread_mutex_destroy(&l->lock);
  assert_int_equal(atomic_load(&l->bytes), 0);
}

hd_completion lender_await(lender *l, const hd_backend_ops *ops, void *backend, uint32_t index) {
  for (;;) {
    pthread_mutex_lock(&l->lock);
    uint64_t heard = l->bells;
    pthread_mutex_unlock(&l->lock);
    hd_completion completion;
    uint32_t count = 0;
    uint64_t next_ns = 0, at_ns = atomic_load(&l->now_ns);
    ops->poll(backend, index, at_ns, &completion, 1, &count, &next_ns);
    if (count == 1) return completion;
    assert_int_equal(count, 0);
    if (next_ns != HD_POLL_NEVER) {
      atomic_store(&l->now_ns, next_ns > at_ns ? next_ns : at_ns + 1);
      continue;
    }
    pthread_mutex_lock(&l->lock);
    while (l->bells == heard)
      pthread_cond_wait(&l->changed, &l->lock); /* a bell that never rings ends in ctest's timeout */
    pthread_mutex_unlock(&l->lock);
  }
}
