/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a coroutine: spawned as a seed, started on the worker that takes it, suspended and resumed
 * there, freed where it ends. */
#include "cancel.h"

#include "event.h"
#include "park.h"

#include <assert.h>
#include <string.h>

_Thread_local hdi_worker *hdi_this_worker;

/* ---- switching ---- */

/* Publishes the wait of the flow that was just left, or frees it. */
static inline void run_commit(hdi_worker *worker) {
  void (*commit)(hdi_worker *, hd_coro *) = worker->commit;
  if (commit == NULL) return;
  worker->commit = NULL;
  commit(worker, worker->commit_coro);
}

static inline void switch_to(hdi_worker *worker, hdi_flow *from, hdi_flow *to) {
  worker->left = from;
  hdi_flow_leave(from, to, false);
  hdi_flow_land(from, worker->left);
  run_commit(worker);
}

/* Where to go from a coroutine that stops: straight to the next ready one (one switch, predicted), or to the
 * loop when it has something to look after. */
static inline hdi_flow *next_flow(hdi_worker *worker) {
  if (worker->burst > 0 && worker->ready.head != NULL && hdi_inbox_is_empty(&worker->inbox)) {
    worker->burst--;
    worker->current = hdi_ready_pop(&worker->ready);
    hdi_count(&worker->switches);
    return &worker->current->flow;
  }
  worker->current = NULL;
  return &worker->flow;
}

void hdi_coro_resume(hdi_worker *worker, hd_coro *coro) {
  worker->current = coro;
  hdi_count(&worker->switches);
  switch_to(worker, &worker->flow, &coro->flow);
}

void hdi_coro_suspend(hd_coro *self, void (*commit)(hdi_worker *worker, hd_coro *coro)) {
  hdi_worker *worker = self->worker;
  worker->commit = commit;
  worker->commit_coro = self;
  switch_to(worker, &self->flow, next_flow(worker));
}

void hd_coro_yield(void) {
  hd_coro *self = hdi_current();
  if (self == NULL) return;
  hdi_worker *worker = self->worker;
  hdi_ready_push(&worker->ready, self);
  hdi_flow *next = next_flow(worker);
  if (next == &self->flow) return; /* alone */
  switch_to(worker, &self->flow, next);
}

/* ---- birth and death ---- */

/* The marker in a seed's task; never called. */
static void seed_marker(void *arg) {
  (void)arg;
}

bool hdi_task_is_seed(const hd_task *task) {
  return task->fn == seed_marker;
}

static hdi_seed *take_seed(hd_runtime *runtime) {
  hdi_seed *seed = runtime->free_seeds;
  if (seed != NULL) {
    runtime->free_seeds = (hdi_seed *)(void *)seed->task.next;
    return seed;
  }
  return &runtime->seeds[runtime->fresh_seeds++];
}

static void give_seed(hd_runtime *runtime, hdi_seed *seed) {
  pthread_mutex_lock(&runtime->spawn_lock);
  seed->task.next = runtime->free_seeds == NULL ? NULL : &runtime->free_seeds->task;
  runtime->free_seeds = seed;
  pthread_mutex_unlock(&runtime->spawn_lock);
}

/* Counts one more coroutine and sees that it will get a seed and a stack. */
static hd_status reserve(hd_runtime *runtime, hdi_seed **out_seed) {
  hd_status status = HD_OK;
  pthread_mutex_lock(&runtime->spawn_lock);
  uint32_t alive = atomic_load_explicit(&runtime->alive, memory_order_acquire);
  if (alive >= runtime->config.max_coroutines) {
    status = HD_E_LIMIT;
  } else {
    status = hdi_stack_pool_ensure(&runtime->stacks, alive + 1 + runtime->worker_count * HDI_SPARE_STACKS);
  }
  if (status == HD_OK) {
    atomic_fetch_add_explicit(&runtime->alive, 1, memory_order_relaxed);
    *out_seed = take_seed(runtime);
  }
  pthread_mutex_unlock(&runtime->spawn_lock);
  return status;
}

/* One coroutine less. The last one of a runtime that closes lets every worker go. */
static void unreserve(hd_runtime *runtime) {
  uint32_t before = atomic_fetch_sub_explicit(&runtime->alive, 1, memory_order_seq_cst);
  if (before == 1 && atomic_load_explicit(&runtime->closing, memory_order_seq_cst)) hdi_wake_all(runtime);
}

hd_status hd_coro_spawn(hd_runtime *runtime, const char *name, void (*fn)(void *arg), void *arg) {
  if (runtime == NULL || fn == NULL) return HD_E_INVALID;
  if (atomic_load_explicit(&runtime->closing, memory_order_acquire)) return HD_E_CLOSED;
  hdi_seed *seed = NULL;
  hd_status status = reserve(runtime, &seed);
  if (status != HD_OK) return status;
  *seed = (hdi_seed){.task = {.fn = seed_marker}, .fn = fn, .arg = arg};
  if (name != NULL) {
    size_t length = strnlen(name, sizeof seed->name - 1);
    memcpy(seed->name, name, length);
  }
  status = hd_runtime_post(runtime, &seed->task);
  if (status != HD_OK) {
    give_seed(runtime, seed);
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

static void free_coro(hdi_worker *worker, hd_coro *coro) {
  if (hd_coro_is_cancelled(coro)) hdi_cancels_take(worker); /* it may still be in that list */
  if (coro->newer != NULL) {
    coro->newer->older = coro->older;
  } else {
    worker->newest = coro->older;
  }
  if (coro->older != NULL) coro->older->newer = coro->newer;
  hdi_flow_finish(&coro->flow);
  give_stack(worker, coro->stack);
  unreserve(worker->runtime);
}

/* The first frame of every coroutine; never returns. */
static void coro_main(void) {
  hdi_worker *worker = hdi_this_worker;
  hd_coro *self = worker->current;
  hdi_flow_land(&self->flow, worker->left);
  run_commit(worker);
  self->fn(self->arg);
  worker->commit = free_coro;
  worker->commit_coro = self;
  worker->left = &self->flow;
  hdi_flow_leave(&self->flow, next_flow(worker), true);
}

void hdi_coro_start(hdi_worker *worker, hd_task *seed_task) {
  hdi_seed *seed = (hdi_seed *)(void *)seed_task;
  hdi_stack stack = take_stack(worker);
  char *place = stack.top - (sizeof(hd_coro) + HDI_CACHE_LINE - 1) / HDI_CACHE_LINE * HDI_CACHE_LINE;
  hd_coro *coro = (hd_coro *)(void *)place;
  *coro =
      (hd_coro){.worker = worker, .fn = seed->fn, .arg = seed->arg, .older = worker->newest, .stack = stack};
  memcpy(coro->name, seed->name, sizeof coro->name);
  give_seed(worker->runtime, seed);
  if (coro->older != NULL) coro->older->newer = coro;
  worker->newest = coro;
  hdi_flow_init(&coro->flow, stack.low, place, coro_main);
  hdi_coro_resume(worker, coro);
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
    hdi_ready_push(&worker->ready, coro);
    return;
  }
  /* Once the coroutine is in the inbox it may run, end, and let the runtime be destroyed: the count keeps the
   * worker's memory until it has been woken. */
  hd_runtime *runtime = worker->runtime;
  atomic_fetch_add_explicit(&runtime->visitors, 1, memory_order_relaxed);
  hdi_inbox_put(&worker->inbox, coro);
  hdi_wake(worker);
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
    hdi_fd_forget(&coro->worker->poller, &coro->fd);
    break;
  }
  hdi_timer_disarm(&coro->worker->timers, &coro->timer);
  coro->waits = HDI_WAIT_NONE;
  coro->result = status;
  hdi_ready_push(&coro->worker->ready, coro);
  return true;
}

void hdi_coro_close_all(hdi_worker *worker) {
  worker->closed = true;
  for (hd_coro *coro = worker->newest; coro != NULL; coro = coro->older) {
    (void)hdi_coro_end_wait(coro, HD_E_CLOSED);
  }
}
