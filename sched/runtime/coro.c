/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a coroutine: spawned as a seed, started on the worker that takes it, suspended and resumed
 * there, freed where it ends. */
#include "cancel.h"

#include "band.h"
#include "event.h"
#include "park.h"

#include <assert.h>
#include <string.h>

_Thread_local hdi_worker *hdi_this_worker HDI_WORKER_TLS;

/* ---- switching: see coro.h ---- */

/* Nothing but what is ready here wants the worker: the one that stops may be followed directly. */
static bool may_follow(hdi_worker *worker) {
  if (worker->burst == 0 && (worker->follow == 0 || hdi_hook_is_asked_for(worker->runtime))) return false;
  return hdi_inbox_is_empty(&worker->inbox);
}

static void count_follower(hdi_worker *worker) {
  if (worker->burst > 0) {
    worker->burst--;
    return;
  }
  worker->follow--;
  worker->followed++;
}

hdi_flow *hdi_next_flow_hooked(hdi_worker *worker) {
  hd_coro *next = worker->ready.head;
  if (next == NULL || !may_follow(worker)) {
    worker->current = NULL;
    return &worker->flow;
  }
  count_follower(worker);
  worker->current = next;
  worker->ready.head = next->next;
  return &next->flow;
}

/* Alone, or something waits for the loop. */
static __attribute__((noinline)) void yield_slowly(hdi_worker *worker, hd_coro *self) {
  hdi_make_runnable(worker, self);
  hdi_flow *next = hdi_next_flow(worker);
  if (next != &self->flow) hdi_flow_leave(&self->flow, next);
}

void hd_coro_yield(void) {
  hdi_worker *worker = hdi_this_worker;
  if (worker == NULL || worker->current == NULL) return;
  hd_coro *self = worker->current, *next = worker->ready.head;
  if (next == NULL || worker->burst == 0 ||
      atomic_load_explicit(&worker->inbox.top, memory_order_relaxed) != NULL) {
    yield_slowly(worker, self);
    return;
  }
  /* Behind the last, then away with the first: when they are the same one, it is followed by `self` by now.
   */
  worker->burst--;
  worker->ready.tail->next = self;
  worker->ready.tail = self;
  self->next = NULL;
  worker->ready.head = next->next;
  worker->current = next;
  hdi_flow_leave(&self->flow, &next->flow);
}

/* ---- birth and death ---- */

/* The marker in a seed's task; never called. */
static void seed_marker(void *arg) {
  (void)arg;
}

bool hdi_task_is_seed(const hd_task *task) {
  return task->fn == seed_marker;
}

/* Takes the next of the runtime's free seeds; NULL: none. Under spawn_lock. */
static hdi_seed *take_shared_seed(hd_runtime *runtime) {
  hdi_seed *seed = runtime->free_seeds;
  if (seed != NULL) {
    runtime->free_seeds = (hdi_seed *)(void *)seed->task.next;
    return seed;
  }
  return runtime->fresh_seeds < runtime->seed_count ? &runtime->seeds[runtime->fresh_seeds++] : NULL;
}

static void keep_seed(hdi_worker *worker, hdi_seed *seed) {
  seed->task.next = worker->free_seeds == NULL ? NULL : &worker->free_seeds->task;
  worker->free_seeds = seed;
  worker->free_seed_count++;
}

static hdi_seed *unkeep_seed(hdi_worker *worker) {
  hdi_seed *seed = worker->free_seeds;
  worker->free_seeds = (hdi_seed *)(void *)seed->task.next;
  worker->free_seed_count--;
  return seed;
}

/* Never fails for who has reserved. `worker`: the calling thread's, NULL for a foreign one. */
static hdi_seed *take_seed(hd_runtime *runtime, hdi_worker *worker) {
  if (worker != NULL && worker->free_seeds != NULL) return unkeep_seed(worker);
  pthread_mutex_lock(&runtime->spawn_lock);
  hdi_seed *seed = take_shared_seed(runtime), *more;
  /* Some more for the next times, so that the lock is taken once for many. */
  while (worker != NULL && worker->free_seed_count < HDI_KEPT_SEEDS / 2 &&
         (more = take_shared_seed(runtime)) != NULL) {
    keep_seed(worker, more);
  }
  pthread_mutex_unlock(&runtime->spawn_lock);
  assert(seed != NULL); /* there are as many as may be alive and be kept */
  return seed;
}

static void give_shared_seed(hd_runtime *runtime, hdi_seed *seed) {
  seed->task.next = runtime->free_seeds == NULL ? NULL : &runtime->free_seeds->task;
  runtime->free_seeds = seed;
}

static void give_seed(hd_runtime *runtime, hdi_worker *worker, hdi_seed *seed) {
  if (worker != NULL && worker->free_seed_count < HDI_KEPT_SEEDS) {
    keep_seed(worker, seed);
    return;
  }
  pthread_mutex_lock(&runtime->spawn_lock);
  give_shared_seed(runtime, seed);
  while (worker != NULL && worker->free_seed_count > HDI_KEPT_SEEDS / 2) {
    give_shared_seed(runtime, unkeep_seed(worker));
  }
  pthread_mutex_unlock(&runtime->spawn_lock);
}

/* One coroutine less. The last one of a runtime that closes lets every worker go. */
static void unreserve(hd_runtime *runtime) {
  uint32_t before = atomic_fetch_sub_explicit(&runtime->alive, 1, memory_order_seq_cst);
  if (before == 1 && atomic_load_explicit(&runtime->closing, memory_order_seq_cst)) hdi_wake_all(runtime);
}

/* Counts one more coroutine and sees that it will get a stack. Errors: LIMIT, NO_MEMORY. */
static hd_status reserve(hd_runtime *runtime) {
  uint32_t alive = atomic_load_explicit(&runtime->alive, memory_order_relaxed);
  do {
    if (alive >= runtime->config.max_coroutines) return HD_E_LIMIT;
  } while (!atomic_compare_exchange_weak_explicit(&runtime->alive, &alive, alive + 1, memory_order_acquire,
                                                  memory_order_relaxed));
  uint32_t stacks = alive + 1 + runtime->worker_count * HDI_SPARE_STACKS;
  if (hdi_stack_pool_ensure(&runtime->stacks, stacks) == HD_OK) return HD_OK;
  unreserve(runtime);
  return HD_E_NO_MEMORY;
}

/* What the caller's (perhaps older and shorter) structure asks for. Errors: INVALID. */
static hd_status read_options(const hd_coro_options *options, hd_coro_options *out_options) {
  hd_coro_options asked = {.size = sizeof asked};
  if (options != NULL) {
    if (options->size < sizeof options->size) return HD_E_INVALID;
    memcpy(&asked, options, options->size < sizeof asked ? options->size : sizeof asked);
  }
  if (asked.band > HD_BAND_BACKGROUND) return HD_E_INVALID;
  *out_options = asked;
  return HD_OK;
}

static void fill_seed(hdi_seed *seed, const char *name, void (*fn)(void *arg), void *arg,
                      const hd_coro_options *options) {
  seed->task.fn = seed_marker;
  seed->task.group = NULL;
  seed->fn = fn;
  seed->arg = arg;
  seed->join = options->join;
  seed->band = options->band;
  if (seed->join != NULL) hd_event_init(&seed->join->ended);
  size_t length = name == NULL ? 0 : strnlen(name, sizeof seed->name - 1);
  if (length > 0) memcpy(seed->name, name, length);
  seed->name[length] = '\0';
}

hd_status hd_coro_spawn(hd_runtime *runtime, const char *name, void (*fn)(void *arg), void *arg) {
  return hd_coro_spawn_with(runtime, name, fn, arg, NULL);
}

hd_status hd_coro_spawn_with(hd_runtime *runtime, const char *name, void (*fn)(void *arg), void *arg,
                             const hd_coro_options *options) {
  if (runtime == NULL || fn == NULL) return HD_E_INVALID;
  hd_coro_options asked;
  if (read_options(options, &asked) != HD_OK) return HD_E_INVALID;
  if (atomic_load_explicit(&runtime->closing, memory_order_acquire)) return HD_E_CLOSED;
  hd_status status = reserve(runtime);
  if (status != HD_OK) return status;
  hdi_worker *worker = hdi_this_worker;
  if (worker != NULL && worker->runtime != runtime) worker = NULL;
  hdi_seed *seed = take_seed(runtime, worker);
  fill_seed(seed, name, fn, arg, &asked);
  if (worker != NULL) {
    if (asked.band == HD_BAND_NORMAL) {
      hdi_tasks_put(worker, &seed->task);
    } else {
      hdi_band_put(runtime, &seed->task, asked.band);
    }
    return HD_OK;
  }
  status = hdi_post_from_outside(runtime, &seed->task, asked.band);
  if (status != HD_OK) {
    give_seed(runtime, NULL, seed);
    unreserve(runtime);
  }
  return status;
}

static hdi_stack take_stack(hdi_worker *worker) {
  if (worker->spare_count > 0) return worker->spare[--worker->spare_count];
  return hdi_stack_pool_take(&worker->runtime->stacks);
}

static void give_stack(hdi_worker *worker, hdi_stack stack) {
  if (worker->spare_count < HDI_SPARE_STACKS) {
    worker->spare[worker->spare_count++] = stack;
  } else {
    hdi_stack_pool_give(&worker->runtime->stacks, stack);
  }
}

/* Makes `coro`, whose stack and flow are there, the seed's coroutine. */
static void begin_life(hdi_worker *worker, hd_coro *coro, hdi_seed *seed) {
  coro->fn = seed->fn;
  coro->arg = seed->arg;
  coro->join = seed->join;
  atomic_init(&coro->band, (uint8_t)seed->band);
  coro->waits = HDI_WAIT_NONE;
  coro->shielded = false;
  atomic_init(&coro->cancelled, false);
  coro->timer = (hdi_timer){0};
  memcpy(coro->name, seed->name, sizeof coro->name);
  give_seed(worker->runtime, worker, seed);
  coro->newer = NULL;
  coro->older = worker->newest;
  if (coro->older != NULL) coro->older->newer = coro;
  worker->newest = coro;
}

static void end_life(hdi_worker *worker, hd_coro *coro) {
  if (hd_coro_is_cancelled(coro)) hdi_cancels_take(worker); /* it may still be in that list */
  if (coro->newer != NULL) {
    coro->newer->older = coro->older;
  } else {
    worker->newest = coro->older;
  }
  if (coro->older != NULL) coro->older->newer = coro->newer;
}

static void free_coro(hdi_worker *worker, hd_coro *coro) {
  end_life(worker, coro);
  hdi_flow_finish(&coro->flow);
  give_stack(worker, coro->stack);
  unreserve(worker->runtime);
}

/* A coroutine that has not started and may do so on the stack of the one that ends, without a switch: when
 * the loop would take it next anyway. A task found instead is left to the loop. */
static hdi_seed *next_seed(hdi_worker *worker) {
  if (!may_follow(worker) || worker->held_task != NULL || hdi_any_ready(worker) || hdi_cancels_any(worker) ||
      hdi_region_wants(worker)) {
    return NULL;
  }
  hd_task *task = hdi_tasks_next(worker);
  if (task == NULL) return NULL;
  /* What is urgent or of the background runs with no burst, which the one that ends has. */
  if (!hdi_task_is_seed(task) || ((hdi_seed *)(void *)task)->band != HD_BAND_NORMAL) {
    worker->held_task = task;
    return NULL;
  }
  count_follower(worker);
  return (hdi_seed *)(void *)task;
}

/* The first frame of every coroutine; never returns. */
static void coro_main(void) {
  hdi_worker *worker = hdi_this_worker;
  hd_coro *self = worker->current;
  hdi_flow_land(&self->flow);
  for (;;) {
    self->fn(self->arg);
    if (self->join != NULL) hd_event_set(&self->join->ended);
    hdi_seed *seed = next_seed(worker);
    if (seed == NULL) break;
    end_life(worker, self);
    unreserve(worker->runtime);
    begin_life(worker, self, seed);
  }
  hdi_flow_leave_then(&self->flow, hdi_next_flow(worker), true, free_coro, worker, self);
}

hd_coro *hdi_coro_make(hdi_worker *worker, hd_task *seed_task) {
  hdi_stack stack = take_stack(worker);
  char *place = stack.top - (sizeof(hd_coro) + HDI_CACHE_LINE - 1) / HDI_CACHE_LINE * HDI_CACHE_LINE;
  hd_coro *coro = (hd_coro *)(void *)place;
  coro->worker = worker;
  coro->stack = stack;
  begin_life(worker, coro, (hdi_seed *)(void *)seed_task);
  hdi_flow_init(&coro->flow, stack.low, place, coro_main);
  return coro;
}

hd_coro *hd_coro_self(void) {
  return hdi_current();
}

const char *hd_coro_name(const hd_coro *coro) {
  return coro->name;
}

/* ---- waiting ---- */

void hdi_coro_make_ready(hd_coro *coro) {
  hdi_worker *worker = coro->worker;
  if (hdi_this_worker == worker) {
    hdi_make_runnable(worker, coro);
    return;
  }
  bool was_asleep;
  if (hdi_inbox_put(&worker->inbox, coro, false, &was_asleep)) return;
  /* Once the coroutine is in the inbox it may run, end, and let the runtime be destroyed: the count keeps the
   * worker's memory until it has been woken. */
  hd_runtime *runtime = worker->runtime;
  atomic_fetch_add_explicit(&runtime->visitors, 1, memory_order_relaxed);
  (void)hdi_inbox_put(&worker->inbox, coro, true, &was_asleep);
  if (was_asleep) hdi_wake(worker);
  atomic_fetch_sub_explicit(&runtime->visitors, 1, memory_order_release);
}

bool hdi_coro_end_wait(hd_coro *coro, hd_status status) {
  switch ((hdi_wait)coro->waits) {
  case HDI_WAIT_NONE:
    return false;
  case HDI_WAIT_EVENT:
    if (!hdi_event_take_back(coro->event, coro)) return false;
    break;
  case HDI_WAIT_TIME:
    break;
  case HDI_WAIT_FD:
    hdi_fd_forget(&coro->worker->poller, coro);
    break;
  }
  hdi_timer_disarm(&coro->worker->timers, &coro->timer);
  coro->waits = HDI_WAIT_NONE;
  coro->result = status;
  hdi_make_runnable(coro->worker, coro);
  return true;
}

void hdi_coro_close_all(hdi_worker *worker) {
  worker->closed = true;
  for (hd_coro *coro = worker->newest; coro != NULL; coro = coro->older) {
    (void)hdi_coro_end_wait(coro, HD_E_CLOSED);
  }
}
