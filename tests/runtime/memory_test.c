/* SPDX-License-Identifier: Apache-2.0 */
/* What coroutines cost in memory, before they start, while they wait and when they have ended; 100,000 of
 * them with the kernel's usual settings. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* A sanitizer takes tens of KiB for each stack, and an emulator its time: fewer then, and no bytes counted,
 * which would be theirs. */
#if defined(HDT_EMULATED)
enum { CROWD = 2000, COUNTED = 0 };
#else
enum { CROWD = UNDER_SANITIZER ? 2000 : 100000, COUNTED = !UNDER_SANITIZER };
#endif

/* The line "Key:   123 kB" of a file of /proc/self, in bytes. */
static size_t line_of(const char *path, const char *key) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  char line[256];
  size_t kb = 0;
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, key, strlen(key)) == 0) (void)sscanf(line + strlen(key), "%zu", &kb);
  }
  (void)fclose(file);
  return kb * 1024;
}

/* Resident memory, counted page by page, and page tables. */
static size_t memory_bytes(void) {
  return line_of("/proc/self/smaps_rollup", "Rss:") + line_of("/proc/self/status", "VmPTE:");
}

static size_t bytes_since(size_t before) {
  size_t now = memory_bytes();
  return now > before ? now - before : 0;
}

/* ---- before they start, and while they wait ---- */

typedef struct hall {
  atomic_uint next, ended;
  hd_event events[CROWD];
} hall;

static hall crowd_hall;

static void waits(void *arg) {
  hall *h = arg;
  assert_int_equal(hd_await_event(&h->events[atomic_fetch_add(&h->next, 1)]), HD_OK);
  atomic_fetch_add(&h->ended, 1);
}

static void a_crowd_waits_at_once_and_costs_a_page_each(void **state) {
  (void)state;
  hall *h = &crowd_hall;
  memset(h, 0, sizeof *h);
  for (uint32_t i = 0; i < CROWD; i++) {
    hd_event_init(&h->events[i]);
  }
  size_t before = memory_bytes();
  hd_runtime *runtime = make_runtime(0, CROWD);
  uint32_t count = hd_runtime_max_coroutines(runtime);
  assert_true(count <= CROWD);
  if (count < CROWD) print_message("the kernel allows %u of %u\n", count, (unsigned)CROWD);
  for (uint32_t i = 0; i < count; i++) {
    spawn(runtime, "one of many", waits, h);
  }
  assert_int_equal(hd_coro_spawn(runtime, "too many", waits, h), HD_E_LIMIT);
  size_t unstarted = bytes_since(before) / count;
  while (atomic_load(&h->next) < count) {
    (void)hd_runtime_dispatch(runtime, 0);
  }
  size_t parked = bytes_since(before) / count;
  print_message("%u coroutines: %zu bytes each before they start, %zu while they wait\n", count, unstarted,
                parked);
  if (COUNTED) assert_true(unstarted <= 192);
  if (COUNTED) assert_true(parked <= 4400);
  for (uint32_t i = 0; i < count; i++) {
    hd_event_set(&h->events[i]);
  }
  dispatch_all(runtime);
  assert_int_equal(h->ended, count);
  hd_runtime_destroy(runtime);
}

static uint64_t max_maps(void) {
  unsigned long long maps = 65530;
  FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
  if (file == NULL) return maps;
  if (fscanf(file, "%llu", &maps) != 1) maps = 65530;
  (void)fclose(file);
  return maps;
}

/* All that was asked for, or what an old kernel's mappings allow, two a stack, less the worker's own eight.
 */
static void the_runtime_says_how_many_it_can_have(void **state) {
  (void)state;
  enum { ASKED = 1000000 };
  hd_runtime *runtime = make_runtime(0, ASKED);
  uint64_t maps = max_maps(), by_maps = (maps - maps / 8) / 2 - 8;
  uint32_t count = hd_runtime_max_coroutines(runtime);
  assert_true(count == ASKED || count == by_maps);
  hd_runtime_destroy(runtime);
}

/* ---- when they have ended ---- */

static void says_where_it_is(void *arg) {
  *(uintptr_t *)arg = (uintptr_t)__builtin_frame_address(0);
}

static void a_coroutine_gets_the_stack_of_the_one_that_ended_last(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  uintptr_t places[4] = {0};
  for (int i = 0; i < 4; i++) {
    spawn(runtime, "next", says_where_it_is, &places[i]);
    dispatch_all(runtime);
    assert_true(places[i] == places[0]);
  }
  /* Of two that end one after the other, the second one's is still warmer. */
  uintptr_t first = 0, second = 0, third = 0;
  spawn(runtime, "first", says_where_it_is, &first);
  spawn(runtime, "second", says_where_it_is, &second);
  dispatch_all(runtime);
  spawn(runtime, "third", says_where_it_is, &third);
  dispatch_all(runtime);
  assert_true(third == second);
  hd_runtime_destroy(runtime);
}

enum { USERS = 200, USED_BYTES = 32 * 1024 };

static atomic_uint arrived;

static void uses_its_stack(void *arg) {
  volatile char place[USED_BYTES];
  /* clang keeps of a volatile array only the elements that it sees used, unless its address leaves. */
  __asm__ volatile("" : : "r"(place) : "memory");
  for (size_t i = 0; i < sizeof place; i += 1024) {
    place[i] = (char)i;
  }
  atomic_fetch_add(&arrived, 1);
  (void)hd_await_event(arg);
  assert_int_equal(place[1024], 0);
}

/* USERS coroutines that are alive together and end. */
static void use_stacks(hd_runtime *runtime) {
  static hd_event events[USERS];
  atomic_store(&arrived, 0);
  for (int i = 0; i < USERS; i++) {
    hd_event_init(&events[i]);
    spawn(runtime, "user", uses_its_stack, &events[i]);
  }
  while (atomic_load(&arrived) < USERS) {
    (void)hd_runtime_dispatch(runtime, 0);
  }
  for (int i = 0; i < USERS; i++) {
    hd_event_set(&events[i]);
  }
  dispatch_all(runtime);
}

static void a_trim_gives_memory_back(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, USERS);
  assert_int_equal(hd_runtime_trim(runtime), 0);
  for (int round = 0; round < 2; round++) {
    use_stacks(runtime);
    size_t used = memory_bytes();
    assert_int_equal(hd_runtime_trim(runtime), USERS - 8); /* the worker keeps 8 */
    size_t left = memory_bytes();
    if (COUNTED) assert_true(used - left >= (size_t)(USERS - 8) * USED_BYTES);
    assert_int_equal(hd_runtime_trim(runtime), 0);
  }
  hd_runtime_destroy(runtime);
  assert_int_equal(hd_runtime_trim(NULL), 0);
}

/* No time is asserted: it waits until it happens. */
static void wait_until_below(size_t bytes) {
  const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
  while (memory_bytes() > bytes) {
    (void)nanosleep(&pause, NULL);
  }
}

static void an_idle_worker_gives_memory_back(void **state) {
  (void)state;
  if (!COUNTED) skip();
  hd_runtime *runtime = make_runtime(1, USERS);
  use_stacks(runtime);
  size_t used = memory_bytes();
  wait_until_below(used - (size_t)(USERS - 8) * USED_BYTES);
  use_stacks(runtime); /* and again */
  wait_until_below(used - (size_t)(USERS - 8) * USED_BYTES);
  assert_int_equal(hd_runtime_trim(runtime), 0);
  hd_runtime_destroy(runtime);
}

static uint64_t stopped_ns;

static uint64_t stopped_now(void *ctx) {
  (void)ctx;
  return stopped_ns;
}

static void a_driving_host_is_called_to_give_memory_back(void **state) {
  (void)state;
  hd_host host = test_host();
  host.now_ns = stopped_now;
  stopped_ns = 1;
  hd_runtime_config config;
  hd_runtime_config_default(&config);
  config.worker_count = 0;
  hd_runtime *runtime = NULL;
  assert_int_equal(hd_runtime_create(&host, &config, &runtime), HD_OK);
  use_stacks(runtime);
  for (int seconds = 0; seconds < 3; seconds++) {
    stopped_ns += 1100 * MS;
    (void)hd_runtime_dispatch(runtime, 0);
  }
  assert_int_equal(hd_runtime_trim(runtime), 0); /* it has happened */
  hd_runtime_destroy(runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_crowd_waits_at_once_and_costs_a_page_each),
      cmocka_unit_test(the_runtime_says_how_many_it_can_have),
      cmocka_unit_test(a_coroutine_gets_the_stack_of_the_one_that_ended_last),
      cmocka_unit_test(a_trim_gives_memory_back),
      cmocka_unit_test(an_idle_worker_gives_memory_back),
      cmocka_unit_test(a_driving_host_is_called_to_give_memory_back),
  };
  return cmocka_run_group_tests_name("runtime/memory", tests, NULL, NULL);
}
