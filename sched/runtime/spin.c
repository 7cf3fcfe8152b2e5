/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for work before going to sleep. How long pays is what a wake-up takes: who spins as long and then
 * sleeps needs at most twice the time of one who knows the future (the ski-rental rule: Karlin, Manasse,
 * McGeoch, Owicki, "Competitive randomized algorithms for nonuniform problems", 1990). Wake-ups are measured
 * as they happen; and who spun in vain spins half as long the next time, until something comes that a full
 * spin would have met, so that a worker that a timer wakes now and then costs next to nothing. */
#include "spin.h"

#include "band.h"
#include "event.h"
#include "worker.h"

/* Pauses with a look at the words that matter, between two looks at everything. */
#define PAUSES_A_LOOK 8u
/* The same with descriptors: each is a system call. */
#define POLLS_A_LOOK 2u
/* Looks at everything between two at the clock, which takes as long as they do. */
#define LOOKS_A_CLOCK 4u
/* For a host clock that stands still: about a millisecond. */
#define LOOKS_MOST 4096u

/* A spin is never cut below this fraction: 1/8. */
#define CUT_MOST 3u

/* Of what was measured, an eighth counts: one disturbed wake-up moves the time by little. */
#define LEARN_SHARE 8

/* ---- who may ---- */

static uint32_t awake(const hd_runtime *runtime) {
  uint64_t parked = atomic_load_explicit(&runtime->parked, memory_order_seq_cst);
  return runtime->worker_count - (uint32_t)__builtin_popcountll(parked);
}

uint32_t hdi_spare_cores(const hd_runtime *runtime) {
  uint32_t busy = awake(runtime);
  return busy < runtime->core_count ? runtime->core_count - busy : 0;
}

/* One searcher at a time; beside it those that took part in a region since they last slept, because the next
 * region is usually near. */
static bool enter(hdi_worker *worker) {
  hd_runtime *runtime = worker->runtime;
  if (!runtime->spins || awake(runtime) > runtime->core_count) return false;
  if (worker->warm) {
    atomic_fetch_add_explicit(&runtime->lingering, 1, memory_order_seq_cst);
    return true;
  }
  uint32_t none = 0;
  return atomic_load_explicit(&runtime->searching, memory_order_relaxed) == 0 &&
         atomic_compare_exchange_strong_explicit(&runtime->searching, &none, 1, memory_order_seq_cst,
                                                 memory_order_relaxed);
}

static void leave(hdi_worker *worker) {
  hd_runtime *runtime = worker->runtime;
  atomic_fetch_sub_explicit(worker->warm ? &runtime->lingering : &runtime->searching, 1,
                            memory_order_seq_cst);
}

/* ---- at what ---- */

/* The words of which one usually says that the wait is over. */
static inline bool is_called(hdi_worker *worker, const hd_event *watched) {
  return (watched != NULL && hd_event_is_set(watched)) || !hdi_inbox_is_empty(&worker->inbox) ||
         hdi_region_wants(worker);
}

static bool look(hdi_worker *worker, const hd_event *watched) {
  bool polls = worker->poller.waiting > 0;
  for (uint32_t i = polls ? POLLS_A_LOOK : PAUSES_A_LOOK; i > 0; i--) {
    if (polls) {
      hdi_poller_wait(worker, 0); /* long enough: no pause beside it */
      if (hdi_any_ready(worker)) return true;
    } else {
      hdi_relax();
    }
    if (is_called(worker, watched)) return true;
  }
  return hdi_worker_is_tempted(worker);
}

static bool look_until(hdi_worker *worker, const hd_event *watched, uint64_t end_ns) {
  for (uint32_t i = 1; i <= LOOKS_MOST; i++) {
    if (look(worker, watched)) return true;
    if (i % LOOKS_A_CLOCK == 0 && hdi_now(worker->runtime) >= end_ns) return false;
  }
  return false;
}

/* Looks, and at the event that was awaited last itself: its setter then writes one word and is done. */
static bool watch_until(hdi_worker *worker, uint64_t end_ns) {
  hd_coro *waiter = worker->awaiting;
  if (waiter == NULL || !hdi_event_watch_begin(waiter)) return look_until(worker, NULL, end_ns);
  bool found = look_until(worker, waiter->event, end_ns);
  if (hdi_event_watch_end(waiter)) return found;
  hdi_make_runnable(worker, waiter);
  return true;
}

/* ---- how long ---- */

bool hdi_spin(hdi_worker *worker, uint64_t until_ns) {
  if (!enter(worker)) return false;
  uint64_t now_ns = hdi_now(worker->runtime);
  uint64_t end_ns = now_ns + (hdi_spin_ns(worker->runtime) >> worker->spin_cut);
  bool is_cut_short = end_ns > until_ns;
  bool found = watch_until(worker, is_cut_short ? until_ns : end_ns);
  leave(worker);
  hdi_worker_hand_on(worker);
  if (found) {
    worker->spin_cut = 0;
  } else if (!is_cut_short && worker->spin_cut < CUT_MOST) {
    worker->spin_cut++;
  }
  return found;
}

static void learn_wake(hd_runtime *runtime, uint64_t took_ns) {
  if (took_ns < HDI_WAKE_LEAST_NS) took_ns = HDI_WAKE_LEAST_NS;
  if (took_ns > HDI_WAKE_MOST_NS) took_ns = HDI_WAKE_MOST_NS;
  /* Several workers may learn at once; one of them is then forgotten. */
  int64_t known_ns = (int64_t)atomic_load_explicit(&runtime->wake_ns, memory_order_relaxed);
  int64_t learned_ns = known_ns + ((int64_t)took_ns - known_ns) / LEARN_SHARE;
  atomic_store_explicit(&runtime->wake_ns, (uint64_t)learned_ns, memory_order_relaxed);
}

void hdi_spin_slept(hdi_worker *worker, uint64_t begin_ns, bool was_woken) {
  hd_runtime *runtime = worker->runtime;
  if (!runtime->spins) return;
  uint64_t now_ns = hdi_now(runtime), came_ns = now_ns;
  if (was_woken) {
    came_ns = atomic_load_explicit(&worker->woken_ns, memory_order_relaxed);
    if (came_ns < begin_ns || came_ns > now_ns) return; /* another sleep's */
    learn_wake(runtime, now_ns - came_ns);
  }
  if (came_ns - begin_ns < hdi_spin_ns(runtime)) worker->spin_cut = 0;
}
