/* SPDX-License-Identifier: Apache-2.0 */
/* Fork-join. The caller publishes a region with one store and takes parts like everybody else; it waits only
 * for parts that a helper has begun, so helpers that never come cost nothing and nesting cannot deadlock. */
#include "parallel.h"

#include "park.h"
#include "spin.h"
#include "worker.h"

#define GENERATION  (UINT64_C(1) << 32)
#define JOINED      (UINT64_C(1) << 24)
#define PART_MASK   (JOINED - 1)
#define JOINED_MASK UINT64_C(0xff)
/* No region has so many parts: this value closes one. Longer ones run in stretches. */
#define CLOSED_PART PART_MASK
#define STRETCH     ((uint32_t)CLOSED_PART - 1)

/* Pauses between two looks at the clock while waiting for a helper, and, should the host's clock stand still,
 * before sleeping. */
#define LOOKS_A_CLOCK 32u
#define LOOKS_MOST    (1u << 15)

/* At most 2^4 - 1 regions go without waking anybody. */
#define FRUITLESS_MOST 4u

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

static void run_part(const region_work *work) {
  work->fn(work->arg, work->part);
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

/* Runs parts of a region until there are none. Returns how many. */
static uint32_t work_as_helper(hdi_region *region) {
  region_work work;
  uint64_t generation = 0;
  uint32_t ran = 0;
  while (take_part(region, ran > 0, &generation, &work)) {
    run_part(&work);
    ran++;
  }
  return ran;
}

bool hdi_region_help(hdi_worker *worker) {
  bool helped = false;
  for (uint64_t set = regions_of_others(worker); set != 0; set &= set - 1) {
    hdi_region *region = &worker->runtime->workers[__builtin_ctzll(set)].region;
    atomic_store_explicit(&worker->rescue.helps, region, memory_order_relaxed);
    uint32_t ran = work_as_helper(region);
    atomic_store_explicit(&worker->rescue.helps, NULL, memory_order_relaxed);
    if (ran == 0) continue;
    helped = true;
    /* Both sequentially consistent, as in the caller: either it sees these parts or this sees that it sleeps.
     */
    atomic_fetch_add_explicit(&region->done, ran, memory_order_seq_cst);
    if (atomic_load_explicit(&region->sleeping, memory_order_seq_cst) != 0) hdi_futex_wake(&region->done, 1);
    if (hdi_rescue_is_moved(&worker->rescue)) hdi_rescue_back(worker, false);
  }
  if (helped) worker->warm = true;
  return helped;
}

/* ---- the caller ---- */

bool hdi_region_is_done(hdi_worker *worker, uint32_t wanted) {
  return atomic_load_explicit(&worker->region.done, memory_order_acquire) == wanted;
}

static void wait_done(hdi_worker *worker, uint32_t wanted) {
  hdi_region *region = &worker->region;
  const hd_runtime *runtime = worker->runtime;
  uint64_t end_ns = 0, spin_ns = hdi_spin_ns(runtime);
  uint32_t done = atomic_load_explicit(&region->done, memory_order_acquire);
  for (uint32_t i = 1; done != wanted && spin_ns > 0; i++) {
    hdi_relax();
    done = atomic_load_explicit(&region->done, memory_order_acquire);
    if (i % LOOKS_A_CLOCK != 0) continue;
    uint64_t now_ns = hdi_now(runtime);
    if (end_ns == 0) end_ns = now_ns + spin_ns;
    if (now_ns >= end_ns || i >= LOOKS_MOST) break;
  }
  if (done == wanted) return;
  uint64_t again_ns = runtime->spins ? HDI_RESCUE_AGAIN_NS : UINT64_MAX;
  hdi_rescue_helpers(worker, wanted);
  atomic_store_explicit(&region->sleeping, 1, memory_order_seq_cst);
  while ((done = atomic_load_explicit(&region->done, memory_order_seq_cst)) != wanted) {
    hdi_futex_wait(&region->done, done, again_ns);
    if (again_ns == UINT64_MAX || hdi_region_is_done(worker, wanted)) continue;
    hdi_rescue_helpers(worker, wanted);
    again_ns *= 2;
  }
  atomic_store_explicit(&region->sleeping, 0, memory_order_relaxed);
}

/* Makes the region's parts, but the first, which is the caller's, visible to helpers. Returns its generation.
 */
static uint64_t publish(hdi_region *region, uint32_t helpers, const region_work *work, uint32_t parts) {
  uint64_t generation = atomic_load_explicit(&region->ticket, memory_order_relaxed) / GENERATION;
  /* The last region is closed before the next one's fields are written: see take_part. */
  atomic_store_explicit(&region->ticket, generation * GENERATION | CLOSED_PART, memory_order_relaxed);
  generation = (generation + 1) & UINT32_MAX;
  atomic_store_explicit(&region->done, 0, memory_order_release);
  atomic_store_explicit(&region->parts, parts, memory_order_release);
  atomic_store_explicit(&region->helpers, helpers, memory_order_release);
  atomic_store_explicit(&region->first, work->part, memory_order_release);
  atomic_store_explicit(&region->fn, work->fn, memory_order_release);
  atomic_store_explicit(&region->arg, work->arg, memory_order_release);
  atomic_store_explicit(&region->ticket, generation * GENERATION + 1, memory_order_seq_cst);
  return generation;
}

/* Stays in the list after the region: helpers that wait for the next one then look at its ticket itself, and
 * nobody writes to a line that all of them read. */
static void enlist(hdi_worker *worker) {
  if (worker->region.is_listed) return;
  worker->region.is_listed = true;
  atomic_fetch_or_explicit(&worker->runtime->regions, UINT64_C(1) << worker->index, memory_order_seq_cst);
}

void hdi_region_withdraw(hdi_worker *worker) {
  if (!worker->region.is_listed) return;
  worker->region.is_listed = false;
  atomic_fetch_and_explicit(&worker->runtime->regions, ~(UINT64_C(1) << worker->index), memory_order_relaxed);
}

/* Waking sleepers for regions that are over before they come costs the caller a system call each time for
 * nothing: after such a region the next ones do without, twice as many each time, unless one of them lasts
 * longer than a wake-up. */
static void learn_use(hdi_region *region, uint32_t woken, bool were_helped) {
  if (were_helped) {
    region->fruitless = region->to_go = 0;
  } else if (woken > 0) {
    if (region->fruitless < FRUITLESS_MOST) region->fruitless++;
    region->to_go = (uint8_t)((1u << region->fruitless) - 1);
  }
}

/* Runs parts until there are none. Returns how many helpers it woke, late, because the region lasts. */
static uint32_t work_as_caller(hdi_worker *worker, region_work work, uint64_t generation, uint32_t wakes,
                               uint32_t *out_ran) {
  hd_runtime *runtime = worker->runtime;
  uint64_t begin_ns = wakes > 0 ? hdi_now(runtime) : 0;
  uint32_t ran = 0, woken = 0;
  do {
    run_part(&work);
    ran++;
    if (wakes > 0 &&
        hdi_now(runtime) - begin_ns > atomic_load_explicit(&runtime->wake_ns, memory_order_relaxed)) {
      woken = hdi_wake_helpers(runtime, wakes);
      wakes = 0;
    }
  } while (take_part(&worker->region, true, &generation, &work));
  *out_ran = ran;
  return woken;
}

static void run_region(hdi_worker *worker, uint32_t width, uint32_t parts, const region_work *work) {
  hdi_region *region = &worker->region;
  uint32_t helpers = width - 1 < parts - 1 ? width - 1 : parts - 1;
  uint64_t generation = publish(region, helpers, work, parts);
  enlist(worker);
  bool waits = region->to_go > 0;
  uint32_t woken = 0, ran;
  if (waits) {
    region->to_go--;
  } else {
    woken = hdi_wake_helpers(worker->runtime, helpers);
  }
  woken += work_as_caller(worker, *work, generation, waits ? helpers : 0, &ran);
  learn_use(region, woken, ran < parts);
  wait_done(worker, parts - ran);
}

static bool is_caller(const hdi_worker *worker) {
  return atomic_load_explicit(&worker->rescue.in_region, memory_order_relaxed);
}

void hd_runtime_parallel(hd_runtime *runtime, uint32_t width, uint32_t parts,
                         void (*fn)(void *arg, uint32_t part), void *arg) {
  hdi_worker *worker = hdi_this_worker;
  bool alone = worker == NULL || worker->runtime != runtime || runtime->worker_count == 1 || width <= 1 ||
               parts <= 1 || is_caller(worker);
  if (alone) {
    for (uint32_t part = 0; part < parts; part++) {
      fn(arg, part);
    }
    return;
  }
  uint32_t team = width < runtime->worker_count ? width : runtime->worker_count;
  atomic_store_explicit(&worker->rescue.in_region, true, memory_order_relaxed);
  for (uint32_t first = 0; first < parts;) {
    uint32_t stretch = parts - first < STRETCH ? parts - first : STRETCH;
    run_region(worker, team, stretch, &(region_work){.fn = fn, .arg = arg, .part = first});
    first += stretch;
  }
  atomic_store_explicit(&worker->rescue.in_region, false, memory_order_relaxed);
  if (hdi_rescue_is_moved(&worker->rescue)) hdi_rescue_back(worker, true);
  worker->warm = true;
}
