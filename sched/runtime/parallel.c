/* SPDX-License-Identifier: Apache-2.0 */
/* Fork-join. The caller publishes a region with one store and takes parts like everybody else; it waits only
 * for parts that a helper has begun, so helpers that never come cost nothing and nesting cannot deadlock. */
#include "parallel.h"

#include "park.h"
#include "worker.h"

#define GENERATION  (UINT64_C(1) << 32)
#define JOINED      (UINT64_C(1) << 24)
#define PART_MASK   (JOINED - 1)
#define JOINED_MASK UINT64_C(0xff)
/* No region has so many parts: this value closes one. Longer ones run in stretches. */
#define CLOSED_PART PART_MASK
#define STRETCH     ((uint32_t)CLOSED_PART - 1)

#define LOOKS_A_CLOCK 32u

typedef struct region_work {
  void (*fn)(void *arg, uint32_t part);
  void *arg;
  uint32_t part;
} region_work;

void hdi_region_init(hdi_region *region) {
  atomic_init(&region->ticket, CLOSED_PART);
}

/* ---- taking parts ---- */

/* Takes the next part, joining first unless `is_member`. `generation` (high half of the ticket) gets the
 * region's when it joins, and must still be its when it is a member. */
static bool take_part(hdi_region *region, bool is_member, uint64_t *generation, region_work *out_work) {
  uint64_t ticket = atomic_load_explicit(&region->ticket, memory_order_acquire);
  for (;;) {
    /* These may be the next region's already; then the exchange below fails, because the ticket was closed
     * before they were written: each is a release store there and an acquire load here, so who sees one sees
     * the closed ticket. */
    uint64_t part = ticket & PART_MASK;
    if (part >= atomic_load_explicit(&region->parts, memory_order_acquire)) return false;
    if (is_member && ticket / GENERATION != *generation) return false;
    uint64_t joined = ticket / JOINED & JOINED_MASK;
    if (!is_member && joined >= atomic_load_explicit(&region->helpers, memory_order_acquire)) return false;
    *out_work = (region_work){
        .fn = atomic_load_explicit(&region->fn, memory_order_acquire),
        .arg = atomic_load_explicit(&region->arg, memory_order_acquire),
        .part = atomic_load_explicit(&region->first, memory_order_acquire) + (uint32_t)part,
    };
    uint64_t taken = ticket + 1 + (is_member ? 0 : JOINED);
    if (atomic_compare_exchange_weak_explicit(&region->ticket, &ticket, taken, memory_order_acq_rel,
                                              memory_order_acquire)) {
      *generation = taken / GENERATION;
      return true;
    }
  }
}

/* Runs parts of one region until there are none. Returns how many. */
static uint32_t work_on(hdi_region *region, bool is_caller, uint64_t generation) {
  region_work work;
  uint32_t ran = 0;
  while (take_part(region, is_caller || ran > 0, &generation, &work)) {
    work.fn(work.arg, work.part);
    ran++;
  }
  return ran;
}

/* ---- helpers ---- */

static bool has_part(hdi_region *region) {
  uint64_t ticket = atomic_load_explicit(&region->ticket, memory_order_seq_cst);
  return (ticket & PART_MASK) < atomic_load_explicit(&region->parts, memory_order_relaxed) &&
         (ticket / JOINED & JOINED_MASK) < atomic_load_explicit(&region->helpers, memory_order_relaxed);
}

/* Regions of others in flight, by bit. */
static uint64_t regions_of_others(hdi_worker *worker) {
  return atomic_load_explicit(&worker->runtime->regions, memory_order_seq_cst) &
         ~(UINT64_C(1) << worker->index);
}

bool hdi_region_wants(hdi_worker *worker) {
  for (uint64_t set = regions_of_others(worker); set != 0; set &= set - 1) {
    if (has_part(&worker->runtime->workers[__builtin_ctzll(set)].region)) return true;
  }
  return false;
}

bool hdi_region_help(hdi_worker *worker) {
  bool helped = false;
  for (uint64_t set = regions_of_others(worker); set != 0; set &= set - 1) {
    hdi_region *region = &worker->runtime->workers[__builtin_ctzll(set)].region;
    uint32_t ran = work_on(region, false, 0);
    if (ran == 0) continue;
    helped = true;
    /* Both sequentially consistent, as in the caller: either it sees these parts or this sees that it sleeps.
     */
    atomic_fetch_add_explicit(&region->done, ran, memory_order_seq_cst);
    if (atomic_load_explicit(&region->sleeping, memory_order_seq_cst) != 0) hdi_futex_wake(&region->done, 1);
  }
  if (helped) worker->warm = true;
  return helped;
}

/* ---- the caller ---- */

static void wait_done(hdi_worker *worker, uint32_t wanted) {
  hdi_region *region = &worker->region;
  const hd_runtime *runtime = worker->runtime;
  uint32_t done = atomic_load_explicit(&region->done, memory_order_seq_cst);
  if (done == wanted) return;
  if (runtime->spin_ns > 0) {
    uint64_t end_ns = hdi_now(runtime) + runtime->spin_ns;
    do {
      for (uint32_t i = 0; i < LOOKS_A_CLOCK && done != wanted; i++) {
        hdi_relax();
        done = atomic_load_explicit(&region->done, memory_order_acquire);
      }
    } while (done != wanted && hdi_now(runtime) < end_ns);
  }
  if (done == wanted) return;
  atomic_store_explicit(&region->sleeping, 1, memory_order_seq_cst);
  while ((done = atomic_load_explicit(&region->done, memory_order_seq_cst)) != wanted) {
    hdi_futex_wait(&region->done, done, UINT64_MAX);
  }
  atomic_store_explicit(&region->sleeping, 0, memory_order_relaxed);
}

static void run_region(hdi_worker *worker, uint32_t width, uint32_t first, uint32_t parts,
                       void (*fn)(void *arg, uint32_t part), void *arg) {
  hd_runtime *runtime = worker->runtime;
  hdi_region *region = &worker->region;
  uint32_t helpers = width - 1 < parts - 1 ? width - 1 : parts - 1;
  uint64_t generation = atomic_load_explicit(&region->ticket, memory_order_relaxed) / GENERATION + 1;
  generation &= UINT32_MAX;
  atomic_store_explicit(&region->done, 0, memory_order_relaxed);
  atomic_store_explicit(&region->parts, parts, memory_order_release);
  atomic_store_explicit(&region->helpers, helpers, memory_order_release);
  atomic_store_explicit(&region->first, first, memory_order_release);
  atomic_store_explicit(&region->fn, fn, memory_order_release);
  atomic_store_explicit(&region->arg, arg, memory_order_release);
  atomic_store_explicit(&region->ticket, generation * GENERATION, memory_order_seq_cst);
  uint64_t bit = UINT64_C(1) << worker->index;
  atomic_fetch_or_explicit(&runtime->regions, bit, memory_order_seq_cst);
  hdi_wake_helpers(runtime, helpers);

  uint32_t ran = work_on(region, true, generation);
  atomic_fetch_and_explicit(&runtime->regions, ~bit, memory_order_relaxed);
  wait_done(worker, parts - ran);
  /* Closed before the next region's fields are written: see take_part. */
  atomic_store_explicit(&region->ticket, generation * GENERATION | CLOSED_PART, memory_order_seq_cst);
}

void hd_runtime_parallel(hd_runtime *runtime, uint32_t width, uint32_t parts,
                         void (*fn)(void *arg, uint32_t part), void *arg) {
  hdi_worker *worker = hdi_this_worker;
  bool alone = worker == NULL || worker->runtime != runtime || runtime->worker_count == 1 || width <= 1 ||
               parts <= 1 || worker->region.busy;
  if (alone) {
    for (uint32_t part = 0; part < parts; part++) {
      fn(arg, part);
    }
    return;
  }
  uint32_t team = width < runtime->worker_count ? width : runtime->worker_count;
  worker->region.busy = true;
  for (uint32_t first = 0; first < parts;) {
    uint32_t stretch = parts - first < STRETCH ? parts - first : STRETCH;
    run_region(worker, team, first, stretch, fn, arg);
    first += stretch;
  }
  worker->region.busy = false;
  worker->warm = true;
}
