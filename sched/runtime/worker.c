/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's loop: help a region, gather what became ready, run some of it, give the hook its turn, and sleep
 * when there is nothing. */
#include "worker.h"

#include "band.h"
#include "cancel.h"
#include "group.h"
#include "overflow.h"
#include "park.h"
#include "spin.h"
#include "trim.h"

uint64_t hdi_worker_hook(hdi_worker *worker) {
  hd_runtime *runtime = worker->runtime;
  /* Answered before the call: a request that comes while the hook runs asks for another. Two workers may
   * store in either order; that costs a needless call at worst. */
  if (hdi_hook_is_asked_for(runtime)) {
    uint32_t requests = atomic_load_explicit(&runtime->wake_requests, memory_order_seq_cst);
    atomic_store_explicit(&runtime->wake_answers, requests, memory_order_relaxed);
  }
  worker->wants_hook = false;
  uint64_t (*hook)(void *) = atomic_load_explicit(&runtime->hook, memory_order_acquire);
  if (hook == NULL) return UINT64_MAX;
  uint64_t next_ns = hook(atomic_load_explicit(&runtime->hook_arg, memory_order_relaxed));
  worker->hook_sleeps = next_ns == UINT64_MAX;
  return next_ns;
}

/* ---- running ---- */

static bool is_hooked(hd_runtime *runtime) {
  return atomic_load_explicit(&runtime->hook, memory_order_relaxed) != NULL;
}

/* With a hook, coroutines follow each other directly until it is asked for. Whether its time has come only
 * the loop looks at, because that takes a clock: after a few, unless it has no time. */
static uint32_t followers(const hdi_worker *worker, uint32_t limit) {
  uint32_t most = worker->hook_sleeps ? HDI_BURST : HDI_HOOKED_BURST;
  return most < limit ? most : limit;
}

static inline uint32_t resume(hdi_worker *worker, hd_coro *coro, bool hooked, uint32_t burst) {
  if (hdi_band_of(coro) != HD_BAND_NORMAL) burst = 0;
  if (hooked) return hdi_coro_resume_hooked(worker, coro, followers(worker, burst));
  return hdi_coro_resume(worker, coro, burst);
}

/* Runs one task, or starts one coroutine and at most `burst` things that follow it directly. Returns how many
 * ran. */
static inline uint32_t run_task(hdi_worker *worker, hd_task *task, bool hooked, uint32_t burst) {
  hd_group *group = task->group; /* while it is the runtime's */
  if (worker->folding != group) hdi_group_fold_end(worker);
  if (hdi_task_is_seed(task)) return resume(worker, hdi_coro_make(worker, task), hooked, burst);
  hdi_count(&worker->tasks, 1);
  task->fn(task->arg);
  if (group != NULL) hdi_group_ran(worker, group);
  return 1;
}

static inline hd_task *next_task(hdi_worker *worker) {
  hd_task *task = worker->held_task;
  if (task == NULL) return hdi_tasks_next(worker);
  worker->held_task = NULL;
  return task;
}

static inline uint32_t run_ready(hdi_worker *worker, uint32_t limit) {
  bool hooked = is_hooked(worker->runtime);
  uint32_t ran = 0;
  hd_coro *coro;
  while (ran < limit && (coro = hdi_band_next(worker)) != NULL) {
    ran += resume(worker, coro, hooked, limit - ran - 1);
    if (hooked) (void)hdi_worker_hook(worker);
    hdi_inbox_take(worker);
    if (hdi_any_urgent_task(worker)) break;
  }
  return ran;
}

/* Runs one coroutine or task of the background when it is its turn, the one and the other by turns. */
static __attribute__((noinline)) uint32_t run_background(hdi_worker *worker, uint32_t ran) {
  hdi_band_sift(worker);
  if (!hdi_band_background(worker, ran)) return 0;
  bool hooked = is_hooked(worker->runtime);
  hd_task *task = NULL;
  if (worker->background.head == NULL || worker->background_turns++ % 2 == 0)
    task = hdi_overflow_take(&worker->runtime->background, 1);
  if (task != NULL) {
    (void)run_task(worker, task, hooked, 0);
  } else {
    hd_coro *coro = hdi_ready_pop(&worker->background);
    if (coro == NULL) return 0; /* another worker took the task */
    (void)resume(worker, coro, hooked, 0);
  }
  if (hooked) (void)hdi_worker_hook(worker);
  return 1;
}

uint32_t hdi_worker_run(hdi_worker *worker, uint32_t ready_limit, uint32_t task_limit) {
  uint32_t ran = run_ready(worker, ready_limit);
  hd_task *task;
  for (; task_limit > 0 && (task = next_task(worker)) != NULL; task_limit--) {
    ran += run_task(worker, task, false, 0);
    hdi_group_fold_end(worker);
    (void)hdi_worker_hook(worker);
  }
  return hdi_any_background(worker) ? ran + run_background(worker, ran) : ran;
}

/* Whether something should have its turn before the next task. */
static bool is_wanted(hdi_worker *worker) {
  return worker->ready.head != NULL || worker->urgent.head != NULL || !hdi_inbox_is_empty(&worker->inbox) ||
         hdi_cancels_any(worker) || hdi_region_wants(worker) || hdi_hook_is_asked_for(worker->runtime);
}

/* Runs tasks and starts coroutines until something else wants the worker. Returns how many ran. */
static inline uint32_t run_tasks(hdi_worker *worker) {
  bool hooked = is_hooked(worker->runtime);
  /* A task may be long: timers and descriptors do not wait for a second one. */
  bool alone = worker->timers.root == NULL && worker->poller.waiting == 0;
  uint32_t limit = alone ? HDI_BURST : 1, ran = 0;
  hd_task *task;
  while (ran < limit && (task = next_task(worker)) != NULL) {
    ran += run_task(worker, task, hooked, HDI_BURST);
    if (hooked) {
      hdi_group_fold_end(worker);
      (void)hdi_worker_hook(worker);
    }
    if (is_wanted(worker)) break;
  }
  hdi_group_fold_end(worker);
  return ran;
}

static void fire_timers(hdi_worker *worker) {
  if (hdi_timer_next(&worker->timers) == UINT64_MAX) return;
  uint64_t now_ns = hdi_now(worker->runtime);
  hdi_timer *timer;
  while ((timer = hdi_timer_due(&worker->timers, now_ns)) != NULL) {
    hd_coro *coro = (hd_coro *)(void *)((char *)timer - offsetof(hd_coro, timer));
    (void)hdi_coro_end_wait(coro, coro->waits == HDI_WAIT_TIME ? HD_OK : HD_E_TIMEOUT);
  }
}

void hdi_worker_gather(hdi_worker *worker, bool poll_fds) {
  hd_runtime *runtime = worker->runtime;
  if (!worker->closed && atomic_load_explicit(&runtime->closing, memory_order_acquire))
    hdi_coro_close_all(worker);
  if (poll_fds) hdi_poller_wait(worker, 0);
  hdi_inbox_take(worker);
  fire_timers(worker);
  /* Before whatever runs next, which may be long. */
  if (worker->wants_hook || hdi_hook_is_asked_for(runtime)) (void)hdi_worker_hook(worker);
  hdi_cancels_take(worker); /* the hook may have cancelled */
}

/* ---- idling ---- */

bool hdi_runtime_is_drained(hd_runtime *runtime) {
  return atomic_load_explicit(&runtime->sealed, memory_order_seq_cst) &&
         atomic_load_explicit(&runtime->alive, memory_order_seq_cst) == 0 && !hdi_tasks_any(runtime);
}

static bool wants(hdi_worker *worker) {
  hd_runtime *runtime = worker->runtime;
  return hdi_any_ready(worker) || !hdi_inbox_is_empty(&worker->inbox) || hdi_cancels_any(worker) ||
         hdi_region_wants(worker) || worker->wants_hook || hdi_hook_is_asked_for(runtime) ||
         (!worker->closed && atomic_load_explicit(&runtime->closing, memory_order_seq_cst));
}

bool hdi_worker_has_work(hdi_worker *worker) {
  return wants(worker) || hdi_tasks_held(worker) || hdi_tasks_any(worker->runtime) ||
         hdi_runtime_is_drained(worker->runtime);
}

bool hdi_worker_is_tempted(hdi_worker *worker) {
  return wants(worker) || hdi_tasks_tempt(worker) || hdi_runtime_is_drained(worker->runtime);
}

void hdi_worker_hand_on(hdi_worker *worker) {
  bool own = hdi_any_ready(worker) || !hdi_inbox_is_empty(&worker->inbox) || hdi_region_wants(worker);
  if (own && hdi_tasks_any(worker->runtime)) hdi_wake_searcher(worker->runtime);
}

static void idle(hdi_worker *worker) {
  if (hdi_rescue_is_moved(&worker->rescue)) hdi_rescue_back(worker, false);
  uint64_t until_ns = hdi_worker_hook(worker);
  uint64_t timer_ns = hdi_timer_next(&worker->timers);
  if (timer_ns < until_ns) until_ns = timer_ns;
  if (hdi_worker_is_tempted(worker)) return;
  if (hdi_spin(worker, until_ns)) {
    (void)run_ready(worker, HDI_BURST); /* straight on: it was waited for */
    return;
  }
  if (hdi_rescue_caller(worker)) return;
  uint64_t trim_ns = hdi_trim_idle(worker);
  if (trim_ns < until_ns) until_ns = trim_ns;
  hdi_park(worker, until_ns);
}

void *hdi_worker_main(void *arg) {
  hdi_worker *worker = arg;
  hdi_this_worker = worker;
  hdi_flow_of_thread(&worker->flow);
  stack_t before;
  hdi_signal_stack_enter(worker, &before);
  while (hdi_tasks_held(worker) || !hdi_runtime_is_drained(worker->runtime)) {
    bool poll_fds = worker->poller.waiting > 0 && worker->turns++ % HDI_TURNS_A_POLL == 0;
    hdi_region_withdraw(worker);
    bool helped = hdi_region_help(worker);
    hdi_worker_gather(worker, poll_fds);
    uint32_t ran = run_ready(worker, HDI_BURST);
    ran += run_tasks(worker);
    if (hdi_any_background(worker)) ran += run_background(worker, ran);
    if (ran == 0 && !helped) idle(worker);
  }
  hdi_signal_stack_leave(worker, &before);
  hdi_this_worker = NULL;
  return NULL;
}
