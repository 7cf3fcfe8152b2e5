/* SPDX-License-Identifier: Apache-2.0 */
/* Making and ending a runtime, and its small public functions. */
#include "heddle/runtime.h"

#include "band.h"
#include "coro.h"
#include "overflow.h"
#include "park.h"
#include "spin.h"
#include "worker.h"

#include "kernel_shims/affinity.h"
#include "kernel_shims/membarrier.h"
#include "kernel_shims/topology.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_COROUTINES  1024u
#define DEFAULT_STACK_BYTES (64u * 1024)
#define MIN_STACK_BYTES     (16u * 1024)
/* Bounds the tables; 2^20 stacks of 64 KiB are 64 GiB of address space. */
#define MAX_COROUTINES (1u << 20)
/* Far above any stack; keeps a slab's size in range on 32 bits too. */
#define MAX_STACK_BYTES (16u * 1024 * 1024)

/* What both ABIs ask of a stack pointer. */
#define SIGNAL_STACK_ALIGN 16

/* ---- configuration ---- */

static uint32_t usable_cores(void) {
  hdk_cpu_mask mask;
  if (hdk_affinity_get(&mask) != HD_OK) return 1;
  uint32_t count = hdk_cpu_mask_count(&mask);
  return count > 0 ? count : 1;
}

void hd_runtime_config_default(hd_runtime_config *out_config) {
  uint32_t cores = usable_cores();
  *out_config = (hd_runtime_config){
      .size = sizeof *out_config,
      .worker_count = cores < HDI_WORKERS_MAX ? cores : HDI_WORKERS_MAX,
      .max_coroutines = DEFAULT_COROUTINES,
      .stack_bytes = DEFAULT_STACK_BYTES,
  };
}

/* What the caller's (perhaps older and shorter) structure asks for. Errors: INVALID. */
static hd_status read_config(const hd_runtime_config *config, hd_runtime_config *out_config) {
  hd_runtime_config asked;
  hd_runtime_config_default(&asked);
  if (config != NULL) {
    if (config->size < sizeof config->size) return HD_E_INVALID;
    memcpy(&asked, config, config->size < sizeof asked ? config->size : sizeof asked);
  }
  if (asked.max_coroutines == 0) asked.max_coroutines = DEFAULT_COROUTINES;
  if (asked.stack_bytes == 0) asked.stack_bytes = DEFAULT_STACK_BYTES;
  if (asked.worker_count > HDI_WORKERS_MAX || asked.max_coroutines > MAX_COROUTINES ||
      asked.stack_bytes < MIN_STACK_BYTES || asked.stack_bytes > MAX_STACK_BYTES ||
      asked.signal_stack_bytes > MAX_STACK_BYTES) {
    return HD_E_INVALID;
  }
  asked.size = sizeof asked;
  asked.signal_stack_bytes = hdi_signal_stack_bytes(asked.signal_stack_bytes);
  *out_config = asked;
  return HD_OK;
}

/* ---- making ---- */

static size_t runtime_bytes(uint32_t worker_count) {
  return sizeof(hd_runtime) + worker_count * sizeof(hdi_worker);
}

static hd_status init_worker(hd_runtime *runtime, uint32_t index) {
  hdi_worker *worker = &runtime->workers[index];
  worker->runtime = runtime;
  worker->index = index;
  atomic_init(&worker->inbox.top, NULL);
  atomic_init(&worker->cancels, NULL);
  hdi_region_init(&worker->region);
  if (!runtime->driven && runtime->config.signal_stack_bytes > 0) {
    worker->signal_stack =
        runtime->host.alloc(runtime->host.ctx, runtime->config.signal_stack_bytes, SIGNAL_STACK_ALIGN);
    if (worker->signal_stack == NULL) return HD_E_NO_MEMORY;
  }
  return hdi_poller_init(&worker->poller, runtime->driven);
}

/* Threads of heddle run no signal handler of the host, save for faults that they cause themselves. */
static void block_signals(sigset_t *out_before) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF};
  sigset_t all;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    sigdelset(&all, faults[i]);
  }
  (void)pthread_sigmask(SIG_SETMASK, &all, out_before);
}

static void name_and_place(hd_runtime *runtime, const hdk_core *cores, uint32_t core_count) {
  for (uint32_t i = 0; i < runtime->started; i++) {
    char name[16]; /* the kernel's limit, pthread_setname_np(3) */
    (void)snprintf(name, sizeof name, "heddle-%u", i % HDI_WORKERS_MAX);
    (void)pthread_setname_np(runtime->workers[i].thread, name);
    /* More workers than cores: the rest may go where there is room. A refusal costs speed, nothing else. */
    if (i < core_count) (void)hdk_affinity_pin(runtime->workers[i].thread, cores[i].cpu);
  }
}

static hd_status start_threads(hd_runtime *runtime) {
  if (runtime->driven) return HD_OK;
  static const uint32_t cap = HDI_WORKERS_MAX;
  hdk_core cores[HDI_WORKERS_MAX];
  uint32_t core_count = 0;
  if (runtime->config.place_workers && hdk_topology_usable(cores, cap, &core_count) != HD_OK) core_count = 0;
  sigset_t before;
  block_signals(&before);
  for (uint32_t i = 0; i < runtime->worker_count; i++) {
    if (pthread_create(&runtime->workers[i].thread, NULL, hdi_worker_main, &runtime->workers[i]) != 0) break;
    runtime->started++;
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  name_and_place(runtime, cores, core_count);
  if (runtime->started < runtime->worker_count) return HD_E_IO;
  if (runtime->spins && runtime->worker_count > 1) hdi_rescue_enable(runtime, &hdi_rescue_posix);
  return HD_OK;
}

/* Stacks and seeds. There may be fewer stacks than asked for; then so many coroutines. */
static hd_status init_tables(hd_runtime *runtime) {
  hd_runtime_config *config = &runtime->config;
  uint32_t spare = runtime->worker_count * HDI_SPARE_STACKS;
  hd_status status = hdi_stack_pool_init(&runtime->stacks, &runtime->host, config->stack_bytes,
                                         config->max_coroutines + spare, HDI_GUARD_UNKNOWN);
  if (status != HD_OK) return status;
  if (runtime->stacks.limit <= spare) return HD_E_NO_MEMORY;
  if (config->max_coroutines > runtime->stacks.limit - spare) {
    config->max_coroutines = runtime->stacks.limit - spare;
  }
  /* Untouched memory until seeds are used: not zeroed. */
  runtime->seed_count = config->max_coroutines + runtime->worker_count * HDI_KEPT_SEEDS;
  runtime->seeds =
      runtime->host.alloc(runtime->host.ctx, runtime->seed_count * sizeof(hdi_seed), _Alignof(hdi_seed));
  return runtime->seeds == NULL ? HD_E_NO_MEMORY : HD_OK;
}

static hd_status init_runtime(hd_runtime *runtime) {
  pthread_mutex_init(&runtime->spawn_lock, NULL);
  hdi_overflow_init(&runtime->overflow);
  hdi_overflow_init(&runtime->urgent);
  hdi_overflow_init(&runtime->background);
  hd_status status = init_tables(runtime);
  for (uint32_t i = 0; i < runtime->worker_count && status == HD_OK; i++) {
    status = init_worker(runtime, i);
  }
  if (status != HD_OK) return status;
  if (runtime->driven) {
    /* Until the first dispatch the host sleeps on the descriptor. */
    (void)hdi_park_in_host(&runtime->workers[0]);
  }
  return start_threads(runtime);
}

hd_status hd_runtime_create(const hd_host *host, const hd_runtime_config *config, hd_runtime **out_runtime) {
  if (host == NULL || out_runtime == NULL) return HD_E_INVALID;
  if (host->now_ns == NULL || host->alloc == NULL || host->free == NULL) return HD_E_INVALID;
  hd_runtime_config asked;
  hd_status status = read_config(config, &asked);
  if (status != HD_OK) return status;
  uint32_t workers = asked.worker_count == 0 ? 1 : asked.worker_count;
  hd_runtime *runtime = hd_host_zalloc(host, 1, runtime_bytes(workers), HDI_CACHE_LINE);
  if (runtime == NULL) return HD_E_NO_MEMORY;
  runtime->host = *host;
  runtime->config = asked;
  runtime->worker_count = workers;
  runtime->driven = asked.worker_count == 0;
  runtime->quiet_puts = workers == 1 || hdk_membarrier_register();
  runtime->core_count = usable_cores();
  /* On a single core whoever spins holds up those that it waits for. */
  runtime->spins = !runtime->driven && runtime->core_count > 1;
  atomic_init(&runtime->wake_ns, HDI_WAKE_FIRST_NS);
  for (uint32_t i = 0; i < workers; i++) {
    runtime->workers[i].poller = (hdi_poller){.epoll_fd = -1, .bell_fd = -1, .timer_fd = -1};
  }
  status = init_runtime(runtime);
  if (status != HD_OK) {
    hd_runtime_destroy(runtime);
    return status;
  }
  *out_runtime = runtime;
  return HD_OK;
}

/* ---- ending ---- */

/* What they do takes no more than one wake. */
static void wait_for_visitors(hd_runtime *runtime) {
  while (atomic_load_explicit(&runtime->visitors, memory_order_seq_cst) != 0) {
    (void)sched_yield();
  }
}

void hd_runtime_destroy(hd_runtime *runtime) {
  if (runtime == NULL) return;
  atomic_store_explicit(&runtime->closing, true, memory_order_seq_cst);
  wait_for_visitors(runtime);
  atomic_store_explicit(&runtime->sealed, true, memory_order_seq_cst);
  hdi_wake_all(runtime);
  if (runtime->driven) {
    while (!hdi_runtime_is_drained(runtime)) {
      if (hd_runtime_dispatch(runtime, 0) == 0)
        (void)sched_yield(); /* somebody is about to hand over a waiter */
    }
  }
  for (uint32_t i = 0; i < runtime->started; i++) {
    (void)pthread_join(runtime->workers[i].thread, NULL);
  }
  wait_for_visitors(runtime);
  for (uint32_t i = 0; i < runtime->worker_count; i++) {
    hdi_poller_finish(&runtime->workers[i].poller);
    hd_host_free(&runtime->host, runtime->workers[i].signal_stack, 1, runtime->config.signal_stack_bytes);
  }
  hdi_stack_pool_finish(&runtime->stacks);
  if (runtime->seeds != NULL) {
    runtime->host.free(runtime->host.ctx, runtime->seeds, runtime->seed_count * sizeof(hdi_seed));
  }
  hdi_overflow_finish(&runtime->overflow);
  hdi_overflow_finish(&runtime->urgent);
  hdi_overflow_finish(&runtime->background);
  pthread_mutex_destroy(&runtime->spawn_lock);
  hd_host host = runtime->host;
  hd_host_free(&host, runtime, 1, runtime_bytes(runtime->worker_count));
}

/* ---- using ---- */

uint32_t hd_runtime_worker_count(const hd_runtime *runtime) {
  return runtime->worker_count;
}

uint32_t hd_runtime_max_coroutines(const hd_runtime *runtime) {
  return runtime->config.max_coroutines;
}

/* The visitor's count keeps the runtime's memory, which the task itself may let go, until somebody has been
 * woken; and whoever closes the runtime waits until those who found it open have put their task. */
hd_status hdi_post_from_outside(hd_runtime *runtime, hd_task *task, hd_band band) {
  atomic_fetch_add_explicit(&runtime->visitors, 1, memory_order_seq_cst);
  bool closing = atomic_load_explicit(&runtime->closing, memory_order_seq_cst);
  if (!closing) {
    if (band == HD_BAND_NORMAL) {
      hdi_tasks_put_foreign(runtime, task);
      hdi_wake_searcher(runtime);
    } else {
      hdi_band_put(runtime, task, band);
    }
  }
  atomic_fetch_sub_explicit(&runtime->visitors, 1, memory_order_release);
  return closing ? HD_E_CLOSED : HD_OK;
}

hd_status hd_runtime_post_in(hd_runtime *runtime, hd_task *task, hd_band band) {
  if (runtime == NULL || task == NULL || task->fn == NULL) return HD_E_INVALID;
  if (band == HD_BAND_NORMAL) return hd_runtime_post(runtime, task);
  if (band != HD_BAND_URGENT && band != HD_BAND_BACKGROUND) return HD_E_INVALID;
  task->group = NULL;
  const hdi_worker *worker = hdi_this_worker;
  if (worker == NULL || worker->runtime != runtime) return hdi_post_from_outside(runtime, task, band);
  if (atomic_load_explicit(&runtime->closing, memory_order_relaxed)) return HD_E_CLOSED;
  hdi_band_put(runtime, task, band);
  return HD_OK;
}

hd_status hd_runtime_post(hd_runtime *runtime, hd_task *task) {
  if (runtime == NULL || task == NULL || task->fn == NULL) return HD_E_INVALID;
  task->group = NULL;
  hdi_worker *worker = hdi_this_worker;
  if (worker == NULL || worker->runtime != runtime)
    return hdi_post_from_outside(runtime, task, HD_BAND_NORMAL);
  if (atomic_load_explicit(&runtime->closing, memory_order_relaxed)) return HD_E_CLOSED;
  hdi_tasks_put(worker, task);
  return HD_OK;
}

void hd_runtime_set_hook(hd_runtime *runtime, uint64_t (*hook)(void *arg), void *arg) {
  atomic_store_explicit(&runtime->hook_arg, arg, memory_order_relaxed);
  atomic_store_explicit(&runtime->hook, hook, memory_order_release);
  hd_runtime_wake(runtime);
}

void hd_runtime_wake(hd_runtime *runtime) {
  atomic_fetch_add_explicit(&runtime->wake_requests, 1, memory_order_seq_cst);
  hdi_wake_searcher(runtime);
}

void hd_runtime_ask_hook(hd_runtime *runtime) {
  hdi_worker *worker = hdi_this_worker;
  if (worker == NULL || worker->runtime != runtime) {
    hd_runtime_wake(runtime);
    return;
  }
  worker->wants_hook = true;
  worker->follow = 0;
}

void hd_runtime_stats_get(const hd_runtime *runtime, hd_runtime_stats *out_stats) {
  hd_runtime_stats stats = {0};
  for (uint32_t i = 0; i < runtime->worker_count; i++) {
    const hdi_worker *worker = &runtime->workers[i];
    stats.switches += atomic_load_explicit(&worker->switches, memory_order_relaxed);
    stats.tasks += atomic_load_explicit(&worker->tasks, memory_order_relaxed);
    stats.parks += atomic_load_explicit(&worker->parks, memory_order_relaxed);
  }
  stats.wakes = atomic_load_explicit(&runtime->wakes, memory_order_relaxed);
  stats.coroutines = atomic_load_explicit(&runtime->alive, memory_order_relaxed);
  *out_stats = stats;
}
