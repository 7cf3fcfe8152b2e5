/* SPDX-License-Identifier: Apache-2.0 */
/* How long a kernel takes: alone, and as two halves on two threads. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include "check.h"

enum { ROUNDS = 9 };

static double now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint32_t calls_for(double once_ns) {
  return once_ns > 2e6 ? 1 : (uint32_t)(2e6 / (once_ns + 1)) + 1;
}

/* A kernel that is slow enough to be told by few rounds is not run longer than this. */
#define ENOUGH_NS 5e8

double check_time_ns(void (*fn)(void *arg), void *arg) {
  double best = 1e30, start = now_ns(), begin = start;
  fn(arg);
  uint32_t calls = calls_for(now_ns() - begin);
  for (int round = 0; round < ROUNDS && (round < 1 || begin - start < ENOUGH_NS); round++) {
    begin = now_ns();
    for (uint32_t i = 0; i < calls; i++)
      fn(arg);
    double ns = (now_ns() - begin) / calls;
    best = ns < best ? ns : best;
  }
  return best;
}

/* The second thread and what it is told. `begun` and `done` count rounds. */
typedef struct other_half {
  void (*fn)(void *arg);
  void *arg;
  uint32_t calls;
  _Atomic uint32_t begun, done;
  _Atomic bool over;
} other_half;

static void wait_for(const _Atomic uint32_t *counter, uint32_t value, const _Atomic bool *over) {
  for (uint32_t i = 1; atomic_load_explicit(counter, memory_order_acquire) < value; i++) {
    if (atomic_load_explicit(over, memory_order_relaxed)) return;
    if (i % 4096 == 0) sched_yield();
  }
}

static void *run_other(void *arg) {
  other_half *half = arg;
  for (uint32_t round = 1; round <= ROUNDS; round++) {
    wait_for(&half->begun, round, &half->over);
    if (atomic_load_explicit(&half->over, memory_order_relaxed)) break;
    for (uint32_t i = 0; i < half->calls; i++)
      half->fn(half->arg);
    atomic_store_explicit(&half->done, round, memory_order_release);
  }
  return NULL;
}

static bool has_two_cores(void) {
  cpu_set_t usable;
  return sched_getaffinity(0, sizeof usable, &usable) == 0 && CPU_COUNT(&usable) > 1;
}

double check_time_both_ns(void (*fn)(void *arg), void *first, void *second) {
  other_half half = {.fn = fn, .arg = second};
  pthread_t thread;
  double best = 1e30, start = now_ns(), begin = start;
  fn(first);
  half.calls = calls_for(now_ns() - begin);
  if (!has_two_cores() || pthread_create(&thread, NULL, run_other, &half) != 0) return 0.0;
  for (uint32_t round = 1; round <= ROUNDS && (round < 2 || begin - start < ENOUGH_NS); round++) {
    begin = now_ns();
    atomic_store_explicit(&half.begun, round, memory_order_release);
    for (uint32_t i = 0; i < half.calls; i++)
      fn(first);
    wait_for(&half.done, round, &half.over);
    double ns = (now_ns() - begin) / half.calls;
    best = ns < best ? ns : best;
  }
  atomic_store_explicit(&half.over, true, memory_order_relaxed);
  pthread_join(thread, NULL);
  return best;
}
