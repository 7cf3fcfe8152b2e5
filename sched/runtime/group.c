/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of tasks: counting them without a shared word for each, and a waiter that runs them itself.
 *
 * A group counts twice the tasks that have been posted and not run yet, split in two: `own`, which the thread
 * of one worker, its home, alone touches, and `others`. The waiter, who is at home, knows the sum. Before it
 * suspends it moves everything to `others` and adds one there; whoever brings that word to one has counted
 * the last task. */
#include "group.h"

#include "band.h"
#include "cancel.h"
#include "worker.h"

void hd_group_init(hd_group *group, hd_runtime *runtime) {
  hdi_worker *worker = hdi_this_worker;
  group->runtime = runtime;
  group->home = worker != NULL && worker->runtime == runtime ? worker : NULL;
  group->own = 0;
  group->waiting = false;
  /* A store, no atomic_init: as in hd_event_init. */
  atomic_store_explicit(&group->others, 0, memory_order_relaxed);
  hd_event_init(&group->done);
}

/* ---- counting ---- */

/* `count` tasks less. The last one may let the group go. */
static void take_off(hd_group *group, uintptr_t count) {
  uintptr_t before = atomic_fetch_sub_explicit(&group->others, 2 * count, memory_order_acq_rel);
  if (before - 2 * count == 1) hd_event_set(&group->done);
}

void hdi_group_fold(hdi_worker *worker) {
  hd_group *group = worker->folding;
  worker->folding = NULL;
  take_off(group, worker->folded);
}

static bool is_at_home(const hdi_worker *worker, const hd_group *group) {
  return worker != NULL && group->home == worker && !group->waiting;
}

void hdi_group_ran_first(hdi_worker *worker, hd_group *group) {
  if (is_at_home(worker, group)) {
    group->own -= 2;
  } else {
    worker->folding = group;
    worker->folded = 1;
  }
}

hd_status hd_group_post(hd_group *group, hd_task *task) {
  if (group == NULL || group->runtime == NULL || task == NULL || task->fn == NULL) return HD_E_INVALID;
  hd_runtime *runtime = group->runtime;
  hdi_worker *worker = hdi_this_worker;
  if (worker != NULL && worker->runtime != runtime) worker = NULL;
  if (worker != NULL && atomic_load_explicit(&runtime->closing, memory_order_relaxed)) return HD_E_CLOSED;
  task->group = group;
  if (is_at_home(worker, group)) {
    group->own += 2;
  } else {
    atomic_fetch_add_explicit(&group->others, 2, memory_order_relaxed);
  }
  if (worker != NULL) {
    hdi_tasks_put(worker, task);
    return HD_OK;
  }
  hd_status status = hdi_post_from_outside(runtime, task, HD_BAND_NORMAL);
  if (status != HD_OK) take_off(group, 1);
  return status;
}

/* ---- waiting ---- */

/* Whether the loop has something for which the waiter should let go of the worker. */
static bool is_wanted(hdi_worker *worker) {
  return hdi_any_ready(worker) || atomic_load_explicit(&worker->inbox.top, memory_order_relaxed) != NULL ||
         hdi_cancels_any(worker) || hdi_region_wants(worker);
}

/* Runs tasks of the group on the waiter's stack, as long as the worker's loop would run nothing else: without
 * a hook, and at most as many as may follow each other without the loop. */
static void help(hdi_worker *worker, hd_coro *self, hd_group *group) {
  hd_task *task;
  uint32_t before = worker->helped;
  worker->current = NULL; /* a task is in no coroutine */
  while (worker->burst > 0 && worker->helped < HDI_BURST && !is_wanted(worker) &&
         (task = hdi_tasks_next_of(worker, group)) != NULL) {
    worker->helped++;
    task->fn(task->arg);
    group->own -= 2;
  }
  worker->current = self;
  hdi_count(&worker->tasks, worker->helped - before);
}

/* Whether all has run. Resets the group then. */
static bool is_over(hd_group *group) {
  if (group->own + atomic_load_explicit(&group->others, memory_order_acquire) != 0) return false;
  group->own = 0;
  atomic_store_explicit(&group->others, 0, memory_order_relaxed);
  return true;
}

/* Suspends until the last task has been counted. Errors: CANCELLED. */
static hd_status wait_for_the_last(hd_group *group) {
  if (!group->waiting) {
    uintptr_t own = group->own;
    group->waiting = true;
    group->own = 0;
    uintptr_t before = atomic_fetch_add_explicit(&group->others, own + 1, memory_order_acq_rel);
    if (before + own == 0) hd_event_set(&group->done);
  }
  hd_status status;
  /* What was posted runs before the runtime is gone, and it is not gone before this coroutine. */
  while ((status = hd_await_event(&group->done)) == HD_E_CLOSED) {
    hd_coro_yield();
  }
  if (status == HD_OK) hd_group_init(group, group->runtime);
  return status;
}

hd_status hd_await_group(hd_group *group) {
  hd_coro *self = hdi_current();
  if (self == NULL || group == NULL) return HD_E_INVALID;
  hdi_worker *worker = self->worker;
  if (group->runtime != worker->runtime || (group->home != NULL && group->home != worker))
    return HD_E_INVALID;
  if (hdi_is_cancelled(self)) return HD_E_CANCELLED;
  if (!group->waiting) {
    if (group->home == worker) help(worker, self, group);
    if (is_over(group)) return HD_OK;
  }
  return wait_for_the_last(group);
}
