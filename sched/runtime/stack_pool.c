/* SPDX-License-Identifier: Apache-2.0 */
/* Where stacks come from. A slab holds 64: one mapping, and dense page tables. */
#include "stack_pool.h"

#include "kernel_shims/root_file.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLAB_STACKS 64u

/* Linux 6.13: a guard that needs no mapping of its own, so that vm.max_map_count (65,530) does not bound the
 * stacks at 32,742. Source: madvise(2), linux/mman.h. */
#define ADVICE_GUARD_INSTALL 102
/* Linux 5.14; fails with EFAULT at a guard. */
#define ADVICE_POPULATE_READ 22

/* Linux's vm.max_map_count where nobody changed it, for when it cannot be read. */
#define DEFAULT_MAX_MAPS 65530u

/* Tops of equal alignment would fall into the same cache sets, which makes switching among 100 coroutines 2.5
 * times slower. 5 and 32 are coprime: 32 colours of one cache line each, at most half of a page. */
#define COLOUR_STEP  5u
#define COLOURS      32u
#define COLOUR_BYTES 64u

static size_t round_up(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

/* A mapping of whole pages without memory so far; NULL: refused. */
static char *map(size_t bytes) {
  char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

/* ---- guards ---- */

/* Whether the kernel knows light guards. An emulator may accept any advice and do nothing: so ask whether the
 * page can be read afterwards. */
static hdi_guard_kind guard_kind(size_t page_bytes) {
  char *page = map(page_bytes);
  if (page == NULL) return HDI_GUARD_UNKNOWN;
  bool light = madvise(page, page_bytes, ADVICE_GUARD_INSTALL) == 0 &&
               madvise(page, page_bytes, ADVICE_POPULATE_READ) != 0;
  (void)munmap(page, page_bytes);
  return light ? HDI_GUARD_LIGHT : HDI_GUARD_MPROTECT;
}

/* Stacks that can have a guard of PROT_NONE: each costs two mappings (its own and the guard's). Seven eighths
 * of the process's mappings are ours at most, because the host needs some too. */
static uint32_t mprotect_limit(void) {
  uint64_t maps = DEFAULT_MAX_MAPS;
  int root_fd;
  if (hdk_root_open("/", &root_fd) == HD_OK) {
    (void)hdk_read_u64(root_fd, "proc/sys/vm/max_map_count", &maps);
    (void)close(root_fd);
  }
  uint64_t stacks = (maps - maps / 8) / 2;
  return stacks > UINT32_MAX ? UINT32_MAX : (uint32_t)stacks;
}

/* The guards of a new slab, where they are mappings: those must be had before anybody counts on the stack. */
static bool protect_slab(const hdi_stack_pool *pool, char *slab) {
  if (pool->guard == HDI_GUARD_LIGHT) return true;
  for (uint32_t i = 0; i < SLAB_STACKS; i++) {
    if (mprotect(slab + i * pool->stride_bytes, pool->page_bytes, PROT_NONE) != 0) return false;
  }
  return true;
}

/* The guard of a stack that is used for the first time, where it is light: it costs a page table, which a
 * coroutine that has not started need not have. It fails only when the kernel has no page for that; then it
 * has none for the stack either, and the mapping is the last thing to try. */
static void guard_first_use(const hdi_stack_pool *pool, hdi_stack stack) {
  if (pool->guard != HDI_GUARD_LIGHT) return;
  char *page = stack.low - pool->page_bytes;
  if (madvise(page, pool->page_bytes, ADVICE_GUARD_INSTALL) == 0) return;
  (void)mprotect(page, pool->page_bytes, PROT_NONE);
}

/* ---- making ---- */

static uint32_t slab_count(const hdi_stack_pool *pool) {
  return (pool->limit + SLAB_STACKS - 1) / SLAB_STACKS;
}

hd_status hdi_stack_pool_init(hdi_stack_pool *pool, const hd_host *host, size_t stack_bytes, uint32_t limit,
                              hdi_guard_kind guard) {
  long page = sysconf(_SC_PAGESIZE);
  *pool = (hdi_stack_pool){.host = host, .page_bytes = page > 0 ? (size_t)page : 4096};
  pool->stack_bytes = round_up(stack_bytes, pool->page_bytes);
  pool->stride_bytes = pool->stack_bytes + pool->page_bytes;
  pool->guard = guard == HDI_GUARD_UNKNOWN ? guard_kind(pool->page_bytes) : guard;
  if (pool->guard == HDI_GUARD_UNKNOWN) return HD_E_NO_MEMORY;
  uint32_t most = pool->guard == HDI_GUARD_LIGHT ? limit : mprotect_limit();
  pool->limit = limit < most ? limit : most;
  pool->slabs = hd_host_zalloc(host, slab_count(pool), sizeof *pool->slabs, sizeof(void *));
  if (pool->slabs == NULL) return HD_E_NO_MEMORY;
  /* Untouched until stacks come back: not zeroed. */
  pool->free = host->alloc(host->ctx, pool->limit * sizeof *pool->free, _Alignof(uint32_t));
  if (pool->free == NULL) {
    hd_host_free(host, pool->slabs, slab_count(pool), sizeof *pool->slabs);
    pool->slabs = NULL;
    return HD_E_NO_MEMORY;
  }
  pthread_mutex_init(&pool->lock, NULL);
  return HD_OK;
}

void hdi_stack_pool_finish(hdi_stack_pool *pool) {
  if (pool->slabs == NULL) return;
  for (uint32_t i = 0; i < pool->mapped / SLAB_STACKS; i++) {
    (void)munmap(pool->slabs[i], SLAB_STACKS * pool->stride_bytes);
  }
  hd_host_free(pool->host, pool->slabs, slab_count(pool), sizeof *pool->slabs);
  hd_host_free(pool->host, pool->free, pool->limit, sizeof *pool->free);
  pthread_mutex_destroy(&pool->lock);
  pool->slabs = NULL;
}

static hdi_stack stack_at(const hdi_stack_pool *pool, uint32_t index) {
  char *base = pool->slabs[index / SLAB_STACKS] + (index % SLAB_STACKS) * pool->stride_bytes;
  size_t colour = (index * COLOUR_STEP % COLOURS) * COLOUR_BYTES;
  return (hdi_stack){
      .low = base + pool->page_bytes, .top = base + pool->stride_bytes - colour, .index = index};
}

static hd_status map_slab(hdi_stack_pool *pool) {
  size_t bytes = SLAB_STACKS * pool->stride_bytes;
  char *slab = map(bytes);
  if (slab == NULL) return HD_E_NO_MEMORY;
  /* One touched stack must cost one page, not a huge one. Refused where there are none: no matter. */
  (void)madvise(slab, bytes, MADV_NOHUGEPAGE);
  if (!protect_slab(pool, slab)) {
    (void)munmap(slab, bytes);
    return HD_E_NO_MEMORY;
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

/* ---- using ---- */

static void count_warm(hdi_stack_pool *pool) {
  atomic_store_explicit(&pool->warm, pool->free_count - pool->cold, memory_order_relaxed);
}

hdi_stack hdi_stack_pool_take(hdi_stack_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  bool first_use = pool->free_count == 0;
  uint32_t index;
  if (first_use) {
    assert(pool->fresh < pool->mapped);
    index = pool->fresh++;
  } else {
    index = pool->free[--pool->free_count];
    if (pool->quiet > pool->free_count) pool->quiet = pool->free_count;
    if (pool->cold > pool->free_count) pool->cold = pool->free_count;
    count_warm(pool);
  }
  pthread_mutex_unlock(&pool->lock);
  hdi_stack stack = stack_at(pool, index);
  if (first_use) guard_first_use(pool, stack);
  return stack;
}

void hdi_stack_pool_give(hdi_stack_pool *pool, hdi_stack stack) {
  pthread_mutex_lock(&pool->lock);
  pool->free[pool->free_count++] = stack.index;
  count_warm(pool);
  pthread_mutex_unlock(&pool->lock);
}

/* ---- giving back ---- */

uint32_t hdi_stack_pool_trim(hdi_stack_pool *pool, uint32_t count, bool quiet) {
  pthread_mutex_lock(&pool->lock);
  uint32_t end = quiet ? pool->quiet : pool->free_count, begin = pool->cold;
  if (end < begin) end = begin;
  if (end - begin > count) end = begin + count;
  for (uint32_t i = begin; i < end; i++) {
    /* A light guard stays where it is (madvise(2)). */
    char *low = stack_at(pool, pool->free[i]).low;
    (void)madvise(low, pool->stack_bytes, MADV_DONTNEED);
  }
  pool->cold = end;
  count_warm(pool);
  pthread_mutex_unlock(&pool->lock);
  return end - begin;
}

void hdi_stack_pool_mark(hdi_stack_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->quiet = pool->free_count;
  pthread_mutex_unlock(&pool->lock);
}
