/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks alone: colours, order of reuse, guards of both kinds, what memory they hold, how many there can be.
 */
#include "fixture.h"

#include "runtime/stack_pool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(HDT_EMULATED)
enum { EMULATED = 1 }; /* mincore and memory limits are the emulator's */
#else
enum { EMULATED = 0 };
#endif

enum { STACK_BYTES = 64 * 1024 };

static hd_host host;

static void make_pool(hdi_stack_pool *pool, uint32_t limit, hdi_guard_kind guard) {
  host = test_host();
  assert_int_equal(hdi_stack_pool_init(pool, &host, STACK_BYTES, limit, guard), HD_OK);
}

static size_t resident_pages(const hdi_stack_pool *pool, hdi_stack stack) {
  unsigned char there[STACK_BYTES / 4096];
  size_t pages = pool->stack_bytes / pool->page_bytes, count = 0;
  assert_int_equal(mincore(stack.low, pool->stack_bytes, there), 0);
  for (size_t i = 0; i < pages; i++) {
    count += there[i] & 1u;
  }
  return count;
}

static void use(const hdi_stack_pool *pool, hdi_stack stack) {
  memset(stack.low, 0x5a, pool->stack_bytes);
}

/* ---- order and colour ---- */

static void the_stack_given_back_last_is_taken_first(void **state) {
  (void)state;
  enum { COUNT = 200 };
  hdi_stack_pool pool;
  hdi_stack stacks[COUNT];
  make_pool(&pool, COUNT, HDI_GUARD_UNKNOWN);
  assert_int_equal(hdi_stack_pool_ensure(&pool, COUNT), HD_OK);
  for (int i = 0; i < COUNT; i++) {
    stacks[i] = hdi_stack_pool_take(&pool);
  }
  for (int i = 0; i < COUNT; i++) {
    hdi_stack_pool_give(&pool, stacks[i]);
  }
  for (int i = COUNT - 1; i >= 0; i--) {
    assert_ptr_equal(hdi_stack_pool_take(&pool).low, stacks[i].low);
  }
  hdi_stack_pool_finish(&pool);
}

static void tops_fall_into_different_cache_sets(void **state) {
  (void)state;
  enum { COLOURS = 32 };
  hdi_stack_pool pool;
  make_pool(&pool, COLOURS, HDI_GUARD_UNKNOWN);
  assert_int_equal(hdi_stack_pool_ensure(&pool, COLOURS), HD_OK);
  bool seen[COLOURS] = {false};
  size_t lowest = SIZE_MAX;
  for (int i = 0; i < COLOURS; i++) {
    hdi_stack stack = hdi_stack_pool_take(&pool);
    size_t used = (size_t)(stack.top - stack.low);
    if (used < lowest) lowest = used;
    size_t line = (uintptr_t)stack.top / 64 % COLOURS;
    assert_int_equal((uintptr_t)stack.top % 64, 0);
    assert_false(seen[line]);
    seen[line] = true;
  }
  assert_true(lowest >= pool.stack_bytes - pool.page_bytes / 2); /* at most half a page is lost */
  hdi_stack_pool_finish(&pool);
}

/* ---- guards ---- */

/* In a child that must die when it writes there and must not when it writes above. */
static bool dies_writing(volatile char *place) {
  pid_t child = fork();
  if (child == 0) {
    (void)signal(SIGSEGV, SIG_DFL);
    (void)signal(SIGBUS, SIG_DFL);
    *place = 1;
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
}

static void check_guards(hdi_guard_kind guard) {
  enum { COUNT = 70 }; /* in two slabs */
  hdi_stack_pool pool;
  make_pool(&pool, COUNT, guard);
  assert_int_equal(hdi_stack_pool_ensure(&pool, COUNT), HD_OK);
  for (int i = 0; i < COUNT; i++) {
    hdi_stack stack = hdi_stack_pool_take(&pool);
    if (i % 23 != 0 && i != COUNT - 1) continue;
    assert_false(dies_writing(stack.low));
    assert_true(dies_writing(stack.low - 1));
    assert_true(dies_writing(stack.low - pool.page_bytes));
    use(&pool, stack);
    hdi_stack_pool_give(&pool, stack);
    assert_int_equal(hdi_stack_pool_trim(&pool, UINT32_MAX, false), 1);
    assert_int_equal(stack.low[0], 0); /* the memory is gone, the guard is not */
    assert_true(dies_writing(stack.low - 1));
    assert_ptr_equal(hdi_stack_pool_take(&pool).low, stack.low);
  }
  hdi_stack_pool_finish(&pool);
}

static void each_stack_has_a_guard(void **state) {
  (void)state;
  check_guards(HDI_GUARD_UNKNOWN);
}

static void each_stack_has_a_guard_on_an_old_kernel(void **state) {
  (void)state;
  check_guards(HDI_GUARD_MPROTECT);
}

static uint64_t max_maps(void) {
  unsigned long long maps = 65530;
  FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
  if (file == NULL) return maps;
  if (fscanf(file, "%llu", &maps) != 1) maps = 65530;
  (void)fclose(file);
  return maps;
}

static void an_old_kernel_gets_as_many_as_its_map_count_holds(void **state) {
  (void)state;
  if (UNDER_SANITIZER || EMULATED || max_maps() > 200000) skip();
  enum { WANTED = 100000 };
  hdi_stack_pool pool;
  make_pool(&pool, WANTED, HDI_GUARD_MPROTECT);
  assert_true(pool.limit >= max_maps() * 2 / 5 && pool.limit < max_maps() / 2); /* two mappings each */
  assert_int_equal(hdi_stack_pool_ensure(&pool, pool.limit), HD_OK);
  hdi_stack stack = hdi_stack_pool_take(&pool);
  for (uint32_t i = 1; i < pool.limit; i++) {
    stack = hdi_stack_pool_take(&pool);
  }
  assert_true(dies_writing(stack.low - 1));
  /* The host can still map, thousands of times; each second page read-only, so that no two become one. */
  enum { MORE = 4000 };
  char *more = mmap(NULL, MORE * pool.page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(more != MAP_FAILED);
  for (size_t i = 0; i < MORE; i += 2) {
    assert_int_equal(mprotect(more + i * pool.page_bytes, pool.page_bytes, PROT_READ), 0);
  }
  assert_int_equal(munmap(more, MORE * pool.page_bytes), 0);
  hdi_stack_pool_finish(&pool);
}

/* ---- memory ---- */

static void only_what_is_used_is_resident(void **state) {
  (void)state;
  if (EMULATED) skip();
  hdi_stack_pool pool;
  make_pool(&pool, 64, HDI_GUARD_UNKNOWN);
  assert_int_equal(hdi_stack_pool_ensure(&pool, 64), HD_OK);
  hdi_stack stack = hdi_stack_pool_take(&pool);
  assert_int_equal(resident_pages(&pool, stack), 0);
  stack.top[-1] = 1;
  assert_int_equal(resident_pages(&pool, stack), 1);
  hdi_stack_pool_give(&pool, stack);
  assert_int_equal(resident_pages(&pool, stack), 1);
  hdi_stack_pool_finish(&pool);
}

static void memory_goes_back_from_the_stacks_that_nobody_used_since_the_last_look(void **state) {
  (void)state;
  enum { COUNT = 100, BUSY = 30 };
  hdi_stack_pool pool;
  hdi_stack stacks[COUNT];
  make_pool(&pool, COUNT, HDI_GUARD_UNKNOWN);
  assert_int_equal(hdi_stack_pool_ensure(&pool, COUNT), HD_OK);
  for (int i = 0; i < COUNT; i++) {
    stacks[i] = hdi_stack_pool_take(&pool);
    use(&pool, stacks[i]);
  }
  for (int i = 0; i < COUNT; i++) {
    hdi_stack_pool_give(&pool, stacks[i]);
  }
  assert_int_equal(pool.warm, COUNT);
  assert_int_equal(hdi_stack_pool_trim(&pool, UINT32_MAX, true), 0); /* all were used just now */
  hdi_stack_pool_mark(&pool);
  hdi_stack busy[BUSY];
  for (int i = 0; i < BUSY; i++) {
    busy[i] = hdi_stack_pool_take(&pool);
  }
  for (int i = 0; i < BUSY; i++) {
    hdi_stack_pool_give(&pool, busy[i]);
  }
  assert_int_equal(hdi_stack_pool_trim(&pool, 50, true), 50);
  assert_int_equal(hdi_stack_pool_trim(&pool, 50, true), COUNT - BUSY - 50);
  assert_int_equal(hdi_stack_pool_trim(&pool, 50, true), 0);
  assert_int_equal(pool.warm, BUSY);
  for (int i = 0; i < COUNT && !EMULATED; i++) {
    size_t pages = pool.stack_bytes / pool.page_bytes;
    assert_int_equal(resident_pages(&pool, stacks[i]), i < COUNT - BUSY ? 0 : pages);
  }
  assert_int_equal(hdi_stack_pool_trim(&pool, UINT32_MAX, false), BUSY);
  assert_int_equal(pool.warm, 0);
  /* Taken again they are all there, and count as warm when they come back. */
  for (int i = 0; i < COUNT; i++) {
    use(&pool, hdi_stack_pool_take(&pool));
  }
  hdi_stack_pool_give(&pool, stacks[0]);
  assert_int_equal(pool.warm, 1);
  hdi_stack_pool_finish(&pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_stack_given_back_last_is_taken_first),
      cmocka_unit_test(tops_fall_into_different_cache_sets),
      cmocka_unit_test(each_stack_has_a_guard),
      cmocka_unit_test(each_stack_has_a_guard_on_an_old_kernel),
      cmocka_unit_test(an_old_kernel_gets_as_many_as_its_map_count_holds),
      cmocka_unit_test(only_what_is_used_is_resident),
      cmocka_unit_test(memory_goes_back_from_the_stacks_that_nobody_used_since_the_last_look),
  };
  return cmocka_run_group_tests_name("runtime/stack_pool", tests, NULL, NULL);
}
