/* SPDX-License-Identifier: Apache-2.0 */
/* How workers sleep (on a futex, or in their epoll set when coroutines await descriptors) and are woken. */
#include "park.h"

#include "spin.h"
#include "worker.h"

#include "kernel_shims/membarrier.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

void hdi_futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns) {
  struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
                             .tv_nsec = (long)(timeout_ns % NS_PER_S)};
  (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns == UINT64_MAX ? NULL : &timeout,
                NULL, 0);
}

void hdi_futex_wake(_Atomic uint32_t *word, uint32_t count) {
  (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static uint64_t bit_of(const hdi_worker *worker) {
  return UINT64_C(1) << worker->index;
}

/* Says that the worker sleeps in this way; false when there is work after all. */
static bool declare(hdi_worker *worker, uint32_t how) {
  hd_runtime *runtime = worker->runtime;
  atomic_store_explicit(&worker->state, how, memory_order_seq_cst);
  uint64_t parked = atomic_fetch_or_explicit(&runtime->parked, bit_of(worker), memory_order_seq_cst);
  /* For those who put tasks without a fence. When all others sleep there are none: whoever of them rises
   * changes the same word after this, and then sees that this one sleeps. The kernel's barrier takes as long
   * as going to sleep and being woken by a timer. */
  bool others_sleep = (uint32_t)__builtin_popcountll(parked | bit_of(worker)) == runtime->worker_count;
  if (runtime->quiet_puts && !others_sleep) hdk_membarrier();
  return hdi_inbox_sleep(&worker->inbox) && !hdi_worker_has_work(worker);
}

/* Returns whether somebody has woken it. */
static bool retract(hdi_worker *worker) {
  hd_runtime *runtime = worker->runtime;
  uint32_t how = atomic_exchange_explicit(&worker->state, HDI_AWAKE, memory_order_seq_cst);
  atomic_fetch_and_explicit(&runtime->parked, ~bit_of(worker), memory_order_seq_cst);
  hdi_inbox_rise(&worker->inbox);
  if (how != HDI_SEARCHER) return how == HDI_AWAKE;
  /* It counted as searching since it was called, so that the things that came meanwhile called nobody else.
   */
  atomic_fetch_sub_explicit(&runtime->searching, 1, memory_order_seq_cst);
  hdi_worker_hand_on(worker);
  return true;
}

void hdi_park(hdi_worker *worker, uint64_t until_ns) {
  uint64_t now_ns = hdi_now(worker->runtime), timeout_ns = UINT64_MAX;
  if (until_ns != UINT64_MAX) {
    if (until_ns <= now_ns) return;
    timeout_ns = until_ns - now_ns;
  }
  bool polls = worker->poller.waiting > 0;
  bool sleeps = declare(worker, polls ? HDI_PARKED_POLL : HDI_PARKED_FUTEX);
  if (sleeps) {
    hdi_count(&worker->parks, 1);
    if (polls) {
      hdi_poller_wait(worker, timeout_ns);
    } else {
      hdi_futex_wait(&worker->state, HDI_PARKED_FUTEX, timeout_ns);
    }
    worker->warm = false;
    hdi_rescue_woken(worker);
  }
  bool was_woken = retract(worker);
  if (sleeps) hdi_spin_slept(worker, now_ns, was_woken);
}

bool hdi_park_in_host(hdi_worker *worker) {
  if (declare(worker, HDI_PARKED_POLL)) return true;
  (void)retract(worker);
  return false;
}

void hdi_unpark_from_host(hdi_worker *worker) {
  (void)retract(worker);
}

/* Wakes the worker if it sleeps and nobody else wakes it. `as`: HDI_AWAKE or HDI_SEARCHER; `helps`: by
 * the caller of a region. */
static bool wake(hdi_worker *worker, uint32_t as, bool helps) {
  uint32_t how = atomic_load_explicit(&worker->state, memory_order_seq_cst);
  if (how != HDI_PARKED_FUTEX && how != HDI_PARKED_POLL) return false;
  if (helps) hdi_rescue_call(worker);
  /* Before the exchange: once it is awake it may end and take the runtime along. */
  if (worker->runtime->spins) {
    atomic_store_explicit(&worker->woken_ns, hdi_now(worker->runtime), memory_order_relaxed);
  }
  if (!atomic_compare_exchange_strong_explicit(&worker->state, &how, as, memory_order_seq_cst,
                                               memory_order_seq_cst)) {
    return false;
  }
  atomic_fetch_add_explicit(&worker->runtime->wakes, 1, memory_order_relaxed);
  if (how == HDI_PARKED_POLL) {
    hdi_poller_ring(&worker->poller);
  } else {
    hdi_futex_wake(&worker->state, 1);
  }
  return true;
}

void hdi_wake(hdi_worker *worker) {
  (void)wake(worker, HDI_AWAKE, false);
}

/* Wakes at most `count` of those that sleep, to help a region or as searchers. Returns how many. */
static uint32_t wake_some(hd_runtime *runtime, uint32_t count, uint32_t as) {
  uint32_t woken = 0;
  uint64_t parked = atomic_load_explicit(&runtime->parked, memory_order_seq_cst);
  for (; parked != 0 && woken < count; parked &= parked - 1) {
    if (wake(&runtime->workers[__builtin_ctzll(parked)], as, as == HDI_AWAKE)) woken++;
  }
  return woken;
}

/* Whether somebody sleeps, apart from those who are about to say that they no longer do. */
static bool any_sleeps(hd_runtime *runtime) {
  uint64_t parked = atomic_load_explicit(&runtime->parked, memory_order_seq_cst);
  for (; parked != 0; parked &= parked - 1) {
    hdi_worker *worker = &runtime->workers[__builtin_ctzll(parked)];
    uint32_t how = atomic_load_explicit(&worker->state, memory_order_seq_cst);
    if (how == HDI_PARKED_FUTEX || how == HDI_PARKED_POLL) return true;
  }
  return false;
}

void hdi_wake_searcher(hd_runtime *runtime) {
  if (atomic_load_explicit(&runtime->parked, memory_order_seq_cst) == 0) return;
  do {
    uint32_t none = 0;
    if (atomic_load_explicit(&runtime->searching, memory_order_seq_cst) != 0) return;
    if (atomic_load_explicit(&runtime->lingering, memory_order_seq_cst) != 0) return;
    if (!atomic_compare_exchange_strong_explicit(&runtime->searching, &none, 1, memory_order_seq_cst,
                                                 memory_order_seq_cst)) {
      return;
    }
    if (wake_some(runtime, 1, HDI_SEARCHER) > 0) return;
    atomic_fetch_sub_explicit(&runtime->searching, 1, memory_order_seq_cst);
    /* Those who slept had got up. While this counted as a searcher another may have lain down, and somebody
     * who had work for it woken nobody, because there was a searcher. Who lies down from now on looks after
     * that work was put. */
  } while (any_sleeps(runtime));
}

uint32_t hdi_wake_helpers(hd_runtime *runtime, uint32_t count) {
  /* Nobody sleeps: the counters, which those who look for work change all the time, need no look. */
  if (atomic_load_explicit(&runtime->parked, memory_order_seq_cst) == 0) return 0;
  uint32_t spare = hdi_spare_cores(runtime);
  uint32_t looking = atomic_load_explicit(&runtime->searching, memory_order_seq_cst) +
                     atomic_load_explicit(&runtime->lingering, memory_order_seq_cst);
  if (looking >= count) return 0;
  return wake_some(runtime, count - looking < spare ? count - looking : spare, HDI_AWAKE);
}

void hdi_wake_all(hd_runtime *runtime) {
  for (uint32_t i = 0; i < runtime->worker_count; i++) {
    hdi_wake(&runtime->workers[i]);
  }
}
