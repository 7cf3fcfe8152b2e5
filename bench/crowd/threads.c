/* SPDX-License-Identifier: Apache-2.0 */
/* The same crowd as one kernel thread each, on condition variables. */
#include "crowd.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

/* Enough for what they do, and not more, so that a thousand start quickly. */
enum { STACK_BYTES = 64 * 1024 };

typedef struct member {
  struct hb_threads *all;
  uint32_t index;
  uint64_t tokens; /* guarded by lock */
  pthread_mutex_t lock;
  pthread_cond_t cond;
  pthread_t thread;
} member;

struct hb_threads {
  hb_crowd_kind kind;
  uint32_t count, started;
  atomic_bool over;
  atomic_uint waiting;
  atomic_uint_least64_t wakes;
  uint32_t next; /* reader; its decode's */
  member members[];
};

static struct timespec after(struct timespec t, uint64_t ns) {
  ns += (uint64_t)t.tv_nsec;
  t.tv_sec += (time_t)(ns / NS_PER_S);
  t.tv_nsec = (long)(ns % NS_PER_S);
  return t;
}

static void wait_for_time(member *m) {
  const uint64_t period_ns = NS_PER_S / HB_CROWD_WAKES_PER_S;
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  next = after(next, period_ns * m->index / m->all->count);
  while (!atomic_load(&m->all->over)) {
    if (pthread_cond_timedwait(&m->cond, &m->lock, &next) == 0) continue;
    atomic_fetch_add_explicit(&m->all->wakes, 1, memory_order_relaxed);
    next = after(next, period_ns);
  }
}

static void wait_for_tokens(member *m) {
  uint64_t seen = m->tokens;
  while (!atomic_load(&m->all->over)) {
    pthread_cond_wait(&m->cond, &m->lock);
    if (m->tokens == seen) continue;
    seen = m->tokens;
    atomic_fetch_add_explicit(&m->all->wakes, 1, memory_order_relaxed);
  }
}

static void *member_main(void *arg) {
  member *m = arg;
  pthread_mutex_lock(&m->lock);
  atomic_fetch_add(&m->all->waiting, 1);
  if (m->all->kind == HB_CROWD_THREAD_TIMERS) {
    wait_for_time(m);
  } else {
    wait_for_tokens(m);
  }
  pthread_mutex_unlock(&m->lock);
  return NULL;
}

static bool start(member *m) {
  pthread_attr_t attr;
  pthread_condattr_t clock;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, STACK_BYTES);
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_mutex_init(&m->lock, NULL);
  pthread_cond_init(&m->cond, &clock);
  bool started = pthread_create(&m->thread, &attr, member_main, m) == 0;
  pthread_condattr_destroy(&clock);
  pthread_attr_destroy(&attr);
  return started;
}

hd_status hb_threads_gather(hb_crowd_kind kind, uint32_t count, hb_threads **out_threads) {
  const struct timespec pause = {.tv_nsec = 5000000};
  hb_threads *all = calloc(1, sizeof *all + count * sizeof all->members[0]);
  if (all == NULL) return HD_E_NO_MEMORY;
  all->kind = kind;
  all->count = count;
  for (uint32_t i = 0; i < count; i++) {
    all->members[i].all = all;
    all->members[i].index = i;
    if (!start(&all->members[i])) break;
    all->started++;
  }
  if (all->started < count) {
    hb_threads_send_home(all);
    return HD_E_IO;
  }
  while (atomic_load(&all->waiting) < count)
    nanosleep(&pause, NULL);
  nanosleep(&pause, NULL);
  *out_threads = all;
  return HD_OK;
}

void hb_threads_token(hb_threads *all) {
  if (all->kind != HB_CROWD_THREAD_READERS) return;
  member *m = &all->members[all->next];
  all->next = (all->next + 1) % all->count;
  pthread_mutex_lock(&m->lock);
  m->tokens++;
  pthread_cond_signal(&m->cond);
  pthread_mutex_unlock(&m->lock);
}

uint64_t hb_threads_wakes(const hb_threads *all) {
  return atomic_load(&all->wakes);
}

void hb_threads_send_home(hb_threads *all) {
  if (all == NULL) return;
  atomic_store(&all->over, true);
  for (uint32_t i = 0; i < all->started; i++) {
    member *m = &all->members[i];
    pthread_mutex_lock(&m->lock);
    pthread_cond_signal(&m->cond);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
  }
  free(all);
}
