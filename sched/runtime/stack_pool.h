/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks: mapped in slabs when first needed, guarded, reused last in first out. */
#ifndef HDI_RUNTIME_STACK_POOL_H
#define HDI_RUNTIME_STACK_POOL_H

#include "heddle/host.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hdi_stack {
  char *low; /* lowest usable byte; the guard lies below */
  char *top; /* one past the highest, moved down by the stack's colour; 64-byte aligned */
} hdi_stack;

typedef enum hdi_guard_kind { HDI_GUARD_UNKNOWN, HDI_GUARD_LIGHT, HDI_GUARD_MPROTECT } hdi_guard_kind;

typedef struct hdi_stack_pool {
  const hd_host *host;
  pthread_mutex_t lock;
  size_t page_bytes, stack_bytes, stride_bytes;
  uint32_t limit;          /* stacks in all */
  _Atomic uint32_t mapped; /* stacks in mapped slabs; grows under the lock */
  uint32_t fresh;          /* stacks never used so far begin here */
  hdi_guard_kind guard;
  char **slabs;
  void *used; /* given back, newest first; linked through the stacks' tops */
} hdi_stack_pool;

/* At most `limit` stacks of `stack_bytes` (rounded up to pages, guard not counted). Maps nothing yet. `host`
 * must outlive the pool. Errors: NO_MEMORY. */
hd_status hdi_stack_pool_init(hdi_stack_pool *pool, const hd_host *host, size_t stack_bytes, uint32_t limit);

/* Unmaps everything. No stack is in use. */
void hdi_stack_pool_finish(hdi_stack_pool *pool);

/* Makes sure that `count` stacks (at most the limit) can be taken together. Errors: NO_MEMORY. Threads: any.
 */
hd_status hdi_stack_pool_ensure(hdi_stack_pool *pool, uint32_t count);

/* Never fails while no more are out than were ensured. Threads: any. */
hdi_stack hdi_stack_pool_take(hdi_stack_pool *pool);
void hdi_stack_pool_give(hdi_stack_pool *pool, hdi_stack stack);

#endif
