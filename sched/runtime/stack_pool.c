/* SPDX-License-Identifier: Apache-2.0 */
/* Where stacks come from. A slab holds 64: one mapping, and dense page tables. */
#include "stack_pool.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLAB_STACKS 64u

/* Linux 6.13: a guard that needs no mapping of its own, so that vm.max_map_count (65,530) does not bound the
 * stacks at 32,742. Source: madvise(2), linux/mman.h. */
#define ADVICE_GUARD_INSTALL 102
/* Linux 5.14; fails with EFAULT at a guard. */
#define ADVICE_POPULATE_READ 22

/* Tops of equal alignment would fall into the same cache sets, which makes switching among 100 coroutines 2.5
 * times slower. 5 and 32 are coprime: 32 colours of one cache line each, at most half of a page. */
#define COLOUR_STEP  5u
#define COLOURS      32u
#define COLOUR_BYTES 64u

static size_t round_up(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

hd_status hdi_stack_pool_init(hdi_stack_pool *pool, const hd_host *host, size_t stack_bytes, uint32_t limit) {
  long page = sysconf(_SC_PAGESIZE);
  *pool = (hdi_stack_pool){.host = host, .page_bytes = page > 0 ? (size_t)page : 4096, .limit = limit};
  pool->stack_bytes = round_up(stack_bytes, pool->page_bytes);
  pool->stride_bytes = pool->stack_bytes + pool->page_bytes;
  pool->slabs =
      hd_host_zalloc(host, (limit + SLAB_STACKS - 1) / SLAB_STACKS, sizeof *pool->slabs, sizeof(void *));
  if (pool->slabs == NULL) return HD_E_NO_MEMORY;
  pthread_mutex_init(&pool->lock, NULL);
  return HD_OK;
}

void hdi_stack_pool_finish(hdi_stack_pool *pool) {
  if (pool->slabs == NULL) return;
  for (uint32_t i = 0; i < pool->mapped / SLAB_STACKS; i++) {
    (void)munmap(pool->slabs[i], SLAB_STACKS * pool->stride_bytes);
  }
  hd_host_free(pool->host, pool->slabs, (pool->limit + SLAB_STACKS - 1) / SLAB_STACKS, sizeof *pool->slabs);
  pthread_mutex_destroy(&pool->lock);
  pool->slabs = NULL;
}

/* Whether the kernel knows light guards. An emulator may accept any advice and do nothing: so ask whether the
 * page can be read afterwards. */
static hdi_guard_kind guard_kind(void *page, size_t page_bytes) {
  if (madvise(page, page_bytes, ADVICE_GUARD_INSTALL) != 0) return HDI_GUARD_MPROTECT;
  return madvise(page, page_bytes, ADVICE_POPULATE_READ) == 0 ? HDI_GUARD_MPROTECT : HDI_GUARD_LIGHT;
}

static int guard(hdi_stack_pool *pool, char *page) {
  if (pool->guard == HDI_GUARD_UNKNOWN) pool->guard = guard_kind(page, pool->page_bytes);
  if (pool->guard == HDI_GUARD_LIGHT) return madvise(page, pool->page_bytes, ADVICE_GUARD_INSTALL);
  return mprotect(page, pool->page_bytes, PROT_NONE);
}

static hdi_stack stack_at(const hdi_stack_pool *pool, uint32_t index) {
  char *base = pool->slabs[index / SLAB_STACKS] + (index % SLAB_STACKS) * pool->stride_bytes;
  size_t colour = (index * COLOUR_STEP % COLOURS) * COLOUR_BYTES;
  return (hdi_stack){.low = base + pool->page_bytes, .top = base + pool->stride_bytes - colour};
}

static hd_status map_slab(hdi_stack_pool *pool) {
  size_t bytes = SLAB_STACKS * pool->stride_bytes;
  char *slab = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (slab == MAP_FAILED) return HD_E_NO_MEMORY;
  /* One touched stack must cost one page, not a huge one. Refused where there are none: no matter. */
  (void)madvise(slab, bytes, MADV_NOHUGEPAGE);
  for (uint32_t i = 0; i < SLAB_STACKS; i++) {
    if (guard(pool, slab + i * pool->stride_bytes) != 0) {
      (void)munmap(slab, bytes);
      return HD_E_NO_MEMORY;
    }
  }
  pool->slabs[pool->mapped / SLAB_STACKS] = slab;
  pool->mapped += SLAB_STACKS;
  return HD_OK;
}

hd_status hdi_stack_pool_ensure(hdi_stack_pool *pool, uint32_t count) {
  assert(count <= pool->limit);
  if (atomic_load_explicit(&pool->mapped, memory_order_acquire) >= count) return HD_OK;
  hd_status status = HD_OK;
  pthread_mutex_lock(&pool->lock);
  while (status == HD_OK && pool->mapped < count) {
    status = map_slab(pool);
  }
  pthread_mutex_unlock(&pool->lock);
  return status;
}

/* A free stack's link, at its top. */
typedef struct free_link {
  void *next;
  hdi_stack stack;
} free_link;

hdi_stack hdi_stack_pool_take(hdi_stack_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  hdi_stack stack;
  free_link *link = pool->used;
  if (link != NULL) {
    stack = link->stack;
    pool->used = link->next;
  } else {
    assert(pool->fresh < pool->mapped);
    stack = stack_at(pool, pool->fresh++);
  }
  pthread_mutex_unlock(&pool->lock);
  return stack;
}

void hdi_stack_pool_give(hdi_stack_pool *pool, hdi_stack stack) {
  free_link *link = (free_link *)(void *)(stack.top - sizeof *link);
  pthread_mutex_lock(&pool->lock);
  *link = (free_link){.next = pool->used, .stack = stack};
  pool->used = link;
  pthread_mutex_unlock(&pool->lock);
}
