/* SPDX-License-Identifier: Apache-2.0 */
/* Finding workers that have lost their core, and moving them. Who moves another leaves a note (`moved`), and
 * the moved one undoes it by itself, because its mover may get no core before that: on the way to its turn
 * the mover is on the same one. */
#include "rescue.h"

#include "state.h"
#include "worker.h"

#include "kernel_shims/affinity.h"

/* For a host clock that stands still. */
#define LOOKS_MOST 4096u

/* Who used less than this part of the time it was watched does not run. */
#define RUNS_SHARE 4u

#define MOVING 1u

const hdi_rescue_kernel hdi_rescue_posix = {
    .cpu_ns = hdk_thread_cpu_ns,
    .current = hdk_cpu_current,
    .get = hdk_affinity_of,
    .set = hdk_affinity_set,
};

void hdi_rescue_enable(hd_runtime *runtime, const hdi_rescue_kernel *kernel) {
  for (uint32_t i = 0; i < runtime->worker_count; i++) {
    hdi_worker *worker = &runtime->workers[i];
    if (kernel->get(worker->thread, &worker->rescue.home) != HD_OK) return;
  }
  atomic_store_explicit(&runtime->rescues, kernel, memory_order_release);
}

static const hdi_rescue_kernel *kernel_of(hd_runtime *runtime) {
  return atomic_load_explicit(&runtime->rescues, memory_order_acquire);
}

/* ---- who is lost ---- */

static uint64_t helpers_of(hdi_worker *caller) {
  uint64_t set = 0;
  for (uint32_t i = 0; i < caller->runtime->worker_count; i++) {
    const hdi_rescue *other = &caller->runtime->workers[i].rescue;
    if (atomic_load_explicit(&other->helps, memory_order_relaxed) == &caller->region) set |= UINT64_C(1) << i;
  }
  return set;
}

/* Callers of regions, but those that sleep because they wait for a helper. */
static uint64_t callers(hdi_worker *self) {
  uint64_t listed = atomic_load_explicit(&self->runtime->regions, memory_order_relaxed), set = 0;
  for (listed &= ~(UINT64_C(1) << self->index); listed != 0; listed &= listed - 1) {
    hdi_worker *other = &self->runtime->workers[__builtin_ctzll(listed)];
    if (atomic_load_explicit(&other->rescue.in_region, memory_order_relaxed) &&
        atomic_load_explicit(&other->region.sleeping, memory_order_relaxed) == 0)
      set |= listed & -listed;
  }
  return set;
}

static bool is_wanted(hdi_worker *worker, uint32_t unused) {
  (void)unused;
  return hdi_worker_is_tempted(worker);
}

/* Those of `set` that do not run, after watching them for a while; none when `is_over` meanwhile. */
static uint64_t lost_of(hdi_worker *worker, uint64_t set, bool (*is_over)(hdi_worker *, uint32_t),
                        uint32_t wanted) {
  hd_runtime *runtime = worker->runtime;
  const hdi_rescue_kernel *kernel = kernel_of(runtime);
  uint64_t before_ns[HDI_WORKERS_MAX], cpu_ns, lost = 0;
  for (uint64_t rest = set; rest != 0; rest &= rest - 1) {
    uint32_t i = (uint32_t)__builtin_ctzll(rest);
    if (kernel->cpu_ns(runtime->workers[i].thread, &before_ns[i]) != HD_OK) set &= ~(rest & -rest);
  }
  uint64_t begin_ns = hdi_now(runtime), took_ns = 0;
  for (uint32_t i = 0; i < LOOKS_MOST && took_ns < HDI_RESCUE_WATCH_NS; i++) {
    if (is_over(worker, wanted)) return 0;
    hdi_relax();
    took_ns = hdi_now(runtime) - begin_ns;
  }
  if (took_ns < HDI_RESCUE_WATCH_NS) return 0;
  for (; set != 0; set &= set - 1) {
    uint32_t i = (uint32_t)__builtin_ctzll(set);
    if (kernel->cpu_ns(runtime->workers[i].thread, &cpu_ns) == HD_OK &&
        cpu_ns - before_ns[i] < took_ns / RUNS_SHARE)
      lost |= set & -set;
  }
  return lost;
}

/* ---- moving ---- */

/* Whether the thread may run where it may from the beginning. If not, it was moved and has not been back, or
 * somebody else has decided where it runs, and that holds. */
static bool is_at_home(hdi_worker *worker) {
  hdk_cpu_mask mask;
  return kernel_of(worker->runtime)->get(worker->thread, &mask) == HD_OK &&
         hdk_cpu_mask_equals(&mask, &worker->rescue.home);
}

/* Moves another worker to this core. It runs there as soon as this one sleeps or leaves. */
static bool pull(hdi_worker *other) {
  const hdi_rescue_kernel *kernel = kernel_of(other->runtime);
  uint32_t cpu, none = 0;
  if (!is_at_home(other) || kernel->current(&cpu) != HD_OK) return false;
  uint32_t note = (cpu + 1) * 2;
  if (!atomic_compare_exchange_strong_explicit(&other->rescue.moved, &none, note | MOVING,
                                               memory_order_relaxed, memory_order_relaxed))
    return false;
  hdk_cpu_mask here = {{0}};
  hdk_cpu_mask_add(&here, cpu);
  bool moved = kernel->set(other->thread, &here) == HD_OK;
  /* A worker that was fast has undone it already, and does so once more: it cannot know what came first. */
  atomic_store_explicit(&other->rescue.moved, moved ? note : 0, memory_order_release);
  return moved;
}

/* Leaves this core for any other that the worker may use, and may use this one again after that. */
static void leave(hdi_worker *self, uint32_t cpu) {
  const hdi_rescue_kernel *kernel = kernel_of(self->runtime);
  hdk_cpu_mask elsewhere = self->rescue.home;
  hdk_cpu_mask_drop(&elsewhere, cpu);
  if (hdk_cpu_mask_count(&elsewhere) > 0) (void)kernel->set(self->thread, &elsewhere);
  (void)kernel->set(self->thread, &self->rescue.home);
}

void hdi_rescue_back(hdi_worker *worker, bool stays) {
  const hdi_rescue_kernel *kernel = kernel_of(worker->runtime);
  uint32_t note = atomic_load_explicit(&worker->rescue.moved, memory_order_acquire), cpu;
  if ((note & MOVING) == 0) atomic_store_explicit(&worker->rescue.moved, 0, memory_order_relaxed);
  if (!stays && kernel->current(&cpu) == HD_OK && cpu == note / 2 - 1) {
    leave(worker, cpu);
  } else {
    (void)kernel->set(worker->thread, &worker->rescue.home);
  }
}

/* ---- the three occasions ---- */

void hdi_rescue_helpers(hdi_worker *worker, uint32_t wanted) {
  if (kernel_of(worker->runtime) == NULL) return;
  uint64_t set = helpers_of(worker);
  if (set == 0) return;
  set = lost_of(worker, set, hdi_region_is_done, wanted) & helpers_of(worker);
  for (; set != 0; set &= set - 1) {
    (void)pull(&worker->runtime->workers[__builtin_ctzll(set)]);
  }
}

bool hdi_rescue_caller(hdi_worker *worker) {
  const hdi_rescue_kernel *kernel = kernel_of(worker->runtime);
  if (kernel == NULL || !worker->warm) return false;
  uint64_t set = callers(worker);
  if (set == 0) return false;
  set = lost_of(worker, set, is_wanted, 0) & callers(worker);
  uint32_t cpu;
  if (set == 0 || !pull(&worker->runtime->workers[__builtin_ctzll(set)])) return false;
  if (!hdi_rescue_is_moved(&worker->rescue) && kernel->current(&cpu) == HD_OK) leave(worker, cpu);
  return true;
}

void hdi_rescue_call(hdi_worker *sleeper) {
  const hdi_rescue_kernel *kernel = kernel_of(sleeper->runtime);
  uint32_t cpu;
  if (kernel == NULL || kernel->current(&cpu) != HD_OK) return;
  atomic_store_explicit(&sleeper->rescue.called_from, cpu + 1, memory_order_relaxed);
}

void hdi_rescue_woken(hdi_worker *worker) {
  const hdi_rescue_kernel *kernel = kernel_of(worker->runtime);
  if (kernel == NULL) return;
  uint32_t from = atomic_exchange_explicit(&worker->rescue.called_from, 0, memory_order_relaxed), cpu;
  if (hdi_rescue_is_moved(&worker->rescue)) {
    hdi_rescue_back(worker, false);
  } else if (from != 0 && kernel->current(&cpu) == HD_OK && cpu + 1 == from && is_at_home(worker)) {
    leave(worker, cpu);
  }
}
