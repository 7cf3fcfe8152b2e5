/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime without threads: the host's loop watches one descriptor and calls dispatch. */
#include "heddle/runtime.h"

#include "coro.h"
#include "park.h"
#include "trim.h"
#include "worker.h"

/* Names the calling thread: the address of something that each thread has its own of. */
static uintptr_t this_thread(void) {
  static _Thread_local char identity;
  return (uintptr_t)&identity;
}

int hd_runtime_worker_index(const hd_runtime *runtime) {
  const hdi_worker *worker = hdi_this_worker;
  if (worker != NULL && worker->runtime == runtime) return (int)worker->index;
  bool drives =
      runtime->driven && atomic_load_explicit(&runtime->dispatcher, memory_order_relaxed) == this_thread();
  return drives ? 0 : -1;
}

int hd_runtime_fd(const hd_runtime *runtime) {
  return runtime->driven ? runtime->workers[0].poller.epoll_fd : -1;
}

static uint32_t ready_count(const hdi_ready *ready) {
  uint32_t count = 0;
  for (const hd_coro *coro = ready->head; coro != NULL; coro = coro->next) {
    count++;
    if (coro == ready->tail) break;
  }
  return count;
}

/* Runs each thing once that is ready now. */
static uint32_t one_pass(hdi_worker *worker) {
  hdi_worker_gather(worker, true);
  uint32_t ready = ready_count(&worker->ready) + ready_count(&worker->urgent);
  uint32_t tasks = hdi_tasks_gather(worker);
  uint32_t background = ready_count(&worker->background) +
                        atomic_load_explicit(&worker->runtime->background.count, memory_order_relaxed);
  uint32_t ran = hdi_worker_run(worker, ready, tasks);
  for (; background > 0; background--) {
    ran += hdi_worker_run(worker, 0, 0); /* nothing but one of the background */
  }
  return ran;
}

/* Runs what is ready and what that makes ready, until the time is over. Descriptors are looked at in between,
 * because that is a system call. */
static uint32_t passes_until(hdi_worker *worker, uint64_t end_ns) {
  uint32_t ran = 0, count = one_pass(worker);
  while (count > 0 && hdi_now(worker->runtime) < end_ns) {
    ran += count;
    bool poll_fds = worker->poller.waiting > 0 && worker->turns++ % HDI_TURNS_A_POLL == 0;
    hdi_worker_gather(worker, poll_fds);
    count = hdi_worker_run(worker, HDI_BURST, 1);
  }
  return ran + count;
}

/* Makes the descriptor readable for what is left and for the next deadline. */
static void leave(hdi_worker *worker) {
  uint64_t until_ns = hdi_worker_hook(worker);
  uint64_t timer_ns = hdi_timer_next(&worker->timers);
  if (timer_ns < until_ns) until_ns = timer_ns;
  uint64_t trim_ns = hdi_trim_idle(worker);
  if (trim_ns < until_ns) until_ns = trim_ns;
  uint64_t after_ns = UINT64_MAX;
  if (until_ns != UINT64_MAX) {
    uint64_t now_ns = hdi_now(worker->runtime);
    after_ns = until_ns > now_ns ? until_ns - now_ns : 0;
  }
  /* Unchanged in the usual case, "no deadline": no system call then. */
  if (after_ns != UINT64_MAX || worker->armed_ns != UINT64_MAX)
    hdi_poller_set_timer(&worker->poller, after_ns);
  worker->armed_ns = after_ns;
  if (!hdi_park_in_host(worker)) hdi_poller_ring(&worker->poller);
}

uint32_t hd_runtime_dispatch(hd_runtime *runtime, uint64_t max_ns) {
  if (!runtime->driven) return 0;
  hdi_worker *worker = &runtime->workers[0];
  hdi_worker *outer = hdi_this_worker;
  if (outer == worker) return 0; /* from inside itself */
  atomic_store_explicit(&runtime->dispatcher, this_thread(), memory_order_relaxed);
  hdi_this_worker = worker;
  hdi_flow_of_thread(&worker->flow);
  hdi_unpark_from_host(worker);
  uint32_t ran = max_ns == 0 ? one_pass(worker) : passes_until(worker, hdi_now(runtime) + max_ns);
  leave(worker);
  hdi_this_worker = outer;
  return ran;
}
