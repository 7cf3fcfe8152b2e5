/* SPDX-License-Identifier: Apache-2.0 */
/* When free stacks lose their memory: some time after their last use, or when the host says so. */
#include "trim.h"

#include "worker.h"

/* A stack that is taken again within this time keeps its memory: giving a page back and having it again costs
 * about 3 us, and an interactive load comes back sooner than that. */
#define KEEP_NS UINT64_C(1000000000)

/* Stacks between two looks for work: about 40 us under the pool's lock. */
#define CHUNK 32u

uint32_t hd_runtime_trim(hd_runtime *runtime) {
  if (runtime == NULL) return 0;
  uint32_t count = 0, some;
  while ((some = hdi_stack_pool_trim(&runtime->stacks, CHUNK, false)) > 0) {
    count += some;
  }
  return count;
}

uint64_t hdi_trim_idle(hdi_worker *worker) {
  hd_runtime *runtime = worker->runtime;
  hdi_stack_pool *pool = &runtime->stacks;
  if (atomic_load_explicit(&pool->warm, memory_order_relaxed) == 0) return UINT64_MAX;
  uint64_t now_ns = hdi_now(runtime), due_ns = atomic_load_explicit(&runtime->trim_ns, memory_order_relaxed);
  if (now_ns < due_ns) return due_ns;
  /* One worker does it. */
  if (!atomic_compare_exchange_strong_explicit(&runtime->trim_ns, &due_ns, now_ns + KEEP_NS,
                                               memory_order_relaxed, memory_order_relaxed)) {
    return due_ns;
  }
  while (hdi_stack_pool_trim(pool, CHUNK, true) > 0) {
    if (hdi_worker_has_work(worker)) return now_ns;
  }
  hdi_stack_pool_mark(pool);
  return atomic_load_explicit(&pool->warm, memory_order_relaxed) == 0 ? UINT64_MAX : now_ns + KEEP_NS;
}
