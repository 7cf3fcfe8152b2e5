/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks: mapped in slabs when first needed, guarded, reused last in first out, their memory given back when
 * they have not been used for a while. */
#ifndef HDI_RUNTIME_STACK_POOL_H
#define HDI_RUNTIME_STACK_POOL_H

#include "heddle/host.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hdi_stack {
  char *low; /* lowest usable byte; the guard, a page, lies below */
  char *top; /* one past the highest, moved down by the stack's colour; 64-byte aligned */
  uint32_t index;
} hdi_stack;

/* UNKNOWN: to be found out. */
typedef enum hdi_guard_kind { HDI_GUARD_UNKNOWN, HDI_GUARD_LIGHT, HDI_GUARD_MPROTECT } hdi_guard_kind;

typedef struct hdi_stack_pool {
  const hd_host *host;
  pthread_mutex_t lock;
  size_t page_bytes, stack_bytes, stride_bytes;
  hdi_guard_kind guard;
  uint32_t limit;          /* stacks in all */
  _Atomic uint32_t mapped; /* stacks in mapped slabs; grows under the lock */
  char **slabs;
  /* Under the lock. Stacks that were given back, the newest at the end. Of the first `cold` the memory has
   * been given back; those from there to `quiet` have not been taken since the last mark. */
  uint32_t *free;
  uint32_t free_count, cold, quiet;
  uint32_t fresh;        /* stacks never used so far begin here */
  _Atomic uint32_t warm; /* free_count - cold, also read without the lock */
} hdi_stack_pool;

/* At most `limit` stacks of `stack_bytes` (rounded up to pages, guard not counted): fewer, as pool->limit
 * then says, where the guards are mappings of their own, of which the kernel allows a process few. Maps
 * nothing yet. `host` must outlive the pool. `guard`: UNKNOWN, or the one that a test wants. Errors:
 * NO_MEMORY. */
hd_status hdi_stack_pool_init(hdi_stack_pool *pool, const hd_host *host, size_t stack_bytes, uint32_t limit,
                              hdi_guard_kind guard);

/* Unmaps everything. No stack is in use. Takes a zeroed pool. */
void hdi_stack_pool_finish(hdi_stack_pool *pool);

/* Makes sure that `count` stacks (at most the limit) can be taken together: their addresses and mappings, not
 * their memory. Errors: NO_MEMORY. Threads: any. */
hd_status hdi_stack_pool_ensure(hdi_stack_pool *pool, uint32_t count);

/* Never fails while no more are out than were ensured. Threads: any. */
hdi_stack hdi_stack_pool_take(hdi_stack_pool *pool);
void hdi_stack_pool_give(hdi_stack_pool *pool, hdi_stack stack);

/* Gives back the memory of at most `count` free stacks, least lately used first; with `quiet` only of those
 * that have not been taken since the last mark. Returns of how many. Threads: any; holds the lock for about a
 * microsecond a stack. */
uint32_t hdi_stack_pool_trim(hdi_stack_pool *pool, uint32_t count, bool quiet);
void hdi_stack_pool_mark(hdi_stack_pool *pool);

#endif
