/* SPDX-License-Identifier: Apache-2.0 */
/* Making and ending a runtime when things are refused: memory at every allocation, threads, descriptors. */
#include "fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- an allocator that fails at its n-th call ---- */

typedef struct failing {
  hd_host posix;
  atomic_int left; /* calls that succeed */
  atomic_long balance_bytes;
} failing;

static uint64_t failing_now(void *ctx) {
  failing *f = ctx;
  return f->posix.now_ns(f->posix.ctx);
}

static void *failing_alloc(void *ctx, size_t bytes, size_t align) {
  failing *f = ctx;
  if (atomic_fetch_sub(&f->left, 1) <= 0) return NULL;
  atomic_fetch_add(&f->balance_bytes, (long)bytes);
  return f->posix.alloc(f->posix.ctx, bytes, align);
}

static void failing_free(void *ctx, void *memory, size_t bytes) {
  failing *f = ctx;
  atomic_fetch_sub(&f->balance_bytes, (long)bytes);
  f->posix.free(f->posix.ctx, memory, bytes);
}

static void add_one(void *arg) {
  hd_coro_yield();
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    bool made = false;
    for (int n = 0; !made; n++) {
      assert_true(n < 100);
      failing f = {.posix = test_host()};
      atomic_init(&f.left, n);
      hd_host host = {.size = sizeof host,
                      .ctx = &f,
                      .now_ns = failing_now,
                      .alloc = failing_alloc,
                      .free = failing_free};
      hd_runtime_config config;
      hd_runtime_config_default(&config);
      config.worker_count = workers;
      config.place_workers = true;
      hd_runtime *runtime = NULL;
      hd_status status = hd_runtime_create(&host, &config, &runtime);
      made = status == HD_OK;
      if (!made) {
        assert_int_equal(status, HD_E_NO_MEMORY);
        assert_null(runtime);
      } else {
        /* From here on none succeeds, and none is needed. */
        atomic_store(&f.left, 0);
        atomic_uint ended = 0;
        for (int i = 0; i < 100; i++) {
          spawn(runtime, "c", add_one, &ended);
        }
        hd_runtime_destroy(runtime);
        assert_int_equal(ended, 100);
      }
      assert_int_equal(f.balance_bytes, 0);
    }
  }
}

/* ---- refusals of the kernel, in a child whose limits can be lowered ---- */

static unsigned entries_of(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) return 0;
  unsigned count = 0;
  while (readdir(folder) != NULL) {
    count++;
  }
  (void)closedir(folder);
  return count;
}

static void lower(__rlimit_resource_t what, rlim_t to) {
  struct rlimit limit = {.rlim_cur = to, .rlim_max = to};
  if (setrlimit(what, &limit) != 0) _exit(10);
}

/* Exit status of a child for which a limit does not hold (an emulator may ignore it). */
#define NO_LIMIT 77

static void lower_memory(unsigned long spare_bytes) {
  unsigned long pages = 0;
  FILE *statm = fopen("/proc/self/statm", "r");
  if (statm == NULL || fscanf(statm, "%lu", &pages) != 1) _exit(11);
  (void)fclose(statm);
  lower(RLIMIT_AS, pages * (unsigned long)sysconf(_SC_PAGESIZE) + spare_bytes);
  void *more =
      mmap(NULL, 2 * spare_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (more != MAP_FAILED) _exit(NO_LIMIT);
}

static void expect_exit_0(pid_t child) {
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == NO_LIMIT) {
    print_message("skipped: memory limits do not hold here\n");
    skip();
  }
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect_in_child(void (*refuse)(void), hd_status expected) {
  pid_t child = fork();
  if (child == 0) {
    hd_host host = test_host();
    hd_runtime_config config;
    hd_runtime_config_default(&config);
    config.worker_count = 16;
    unsigned fds = entries_of("/proc/self/fd"), tasks = entries_of("/proc/self/task");
    hd_runtime *runtime = NULL;
    refuse();
    hd_status status = hd_runtime_create(&host, &config, &runtime);
    if (status != expected || runtime != NULL) _exit(1);
    if (entries_of("/proc/self/fd") != fds) _exit(2);
    /* A joined thread may still be listed for a moment. */
    for (int i = 0; entries_of("/proc/self/task") != tasks; i++) {
      if (i == 1000) _exit(3);
      (void)usleep(1000);
    }
    _exit(0);
  }
  expect_exit_0(child);
}

static void refuse_descriptors(void) {
  lower(RLIMIT_NOFILE, 20);
}

/* Room for some of the 16 threads' stacks (8 MiB each), not for all. */
static void refuse_threads(void) {
  lower(RLIMIT_STACK, 8 << 20);
  lower_memory(40ul << 20);
}

static void running_out_of_descriptors_leaves_nothing_behind(void **state) {
  (void)state;
  expect_in_child(refuse_descriptors, HD_E_IO);
}

static void a_thread_that_cannot_be_had_leaves_nothing_behind(void **state) {
  (void)state;
  if (UNDER_SANITIZER) skip(); /* its shadow memory is over any limit */
  expect_in_child(refuse_threads, HD_E_IO);
}

static void a_stack_that_cannot_be_mapped_is_reported_by_spawn(void **state) {
  (void)state;
  if (UNDER_SANITIZER) skip();
  pid_t child = fork();
  if (child == 0) {
    hd_runtime *runtime = make_runtime(0, 8);
    atomic_uint ended = 0;
    lower_memory(1ul << 20); /* less than one slab of stacks */
    if (hd_coro_spawn(runtime, "c", add_one, &ended) != HD_E_NO_MEMORY) _exit(1);
    hd_runtime_stats stats;
    hd_runtime_stats_get(runtime, &stats);
    if (stats.coroutines != 0) _exit(2);
    hd_runtime_destroy(runtime);
    _exit(0);
  }
  expect_exit_0(child);
}

/* ---- ends at any moment ---- */

typedef struct ending {
  hd_runtime *runtime;
  hd_event event;
  atomic_uint ended;
} ending;

static void set_event(void *arg) {
  hd_event_set(&((ending *)arg)->event);
}

static void spawn_more_until_closed(void *arg) {
  ending *e = arg;
  for (;;) {
    hd_status status = hd_coro_spawn(e->runtime, "more", add_one, &e->ended);
    if (status == HD_E_CLOSED) break;
    if (hd_await_time(test_now() + 1000) == HD_E_CLOSED) break;
  }
  hd_task late = {.fn = set_event, .arg = e};
  while (hd_runtime_post(e->runtime, &late) == HD_OK) {
    assert_int_equal(hd_await_event(&e->event), HD_OK);
    hd_event_init(&e->event);
  }
  atomic_fetch_add(&e->ended, 1);
}

static void a_runtime_may_end_while_coroutines_spawn_and_post(void **state) {
  (void)state;
  for (int round = 0; round < (UNDER_SANITIZER ? 20 : 200); round++) {
    ending e = {.runtime = make_runtime((uint32_t)round % 4, 64)};
    hd_event_init(&e.event);
    spawn(e.runtime, "spawner", spawn_more_until_closed, &e);
    for (int i = 0; i < round % 7; i++) {
      (void)hd_runtime_dispatch(e.runtime, 0);
      sched_yield();
    }
    hd_runtime_destroy(e.runtime);
    assert_true(e.ended >= 1);
  }
}

static void *set_from_elsewhere(void *arg) {
  ending *e = arg;
  hd_event_set(&e->event);
  return NULL;
}

static void await_event(void *arg) {
  ending *e = arg;
  hd_status status = hd_await_event(&e->event);
  assert_true(status == HD_OK || status == HD_E_CLOSED);
  atomic_fetch_add(&e->ended, 1);
}

static void a_set_may_race_with_the_end(void **state) {
  (void)state;
  for (int round = 0; round < (UNDER_SANITIZER ? 50 : 500); round++) {
    ending e = {.runtime = make_runtime((uint32_t)round % 3, 8)};
    hd_event_init(&e.event);
    spawn(e.runtime, "w", await_event, &e);
    if (round % 3 == 0) (void)hd_runtime_dispatch(e.runtime, 0);
    pthread_t setter;
    assert_int_equal(pthread_create(&setter, NULL, set_from_elsewhere, &e), 0);
    hd_runtime_destroy(e.runtime);
    assert_int_equal(e.ended, 1);
    assert_int_equal(pthread_join(setter, NULL), 0);
  }
}

static void placed_workers_run(void **state) {
  (void)state;
  hd_host host = test_host();
  hd_runtime_config config;
  hd_runtime_config_default(&config);
  config.worker_count = 3;
  config.place_workers = true;
  hd_runtime *runtime = NULL;
  assert_int_equal(hd_runtime_create(&host, &config, &runtime), HD_OK);
  assert_int_equal(hd_runtime_worker_count(runtime), 3);
  assert_int_equal(hd_runtime_worker_index(runtime), -1);
  atomic_uint ended = 0;
  for (int i = 0; i < 30; i++) {
    spawn(runtime, "c", add_one, &ended);
  }
  wait_for(&ended, 30);
  hd_runtime_destroy(runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(running_out_of_descriptors_leaves_nothing_behind),
      cmocka_unit_test(a_thread_that_cannot_be_had_leaves_nothing_behind),
      cmocka_unit_test(a_stack_that_cannot_be_mapped_is_reported_by_spawn),
      cmocka_unit_test(a_runtime_may_end_while_coroutines_spawn_and_post),
      cmocka_unit_test(a_set_may_race_with_the_end),
      cmocka_unit_test(placed_workers_run),
  };
  return cmocka_run_group_tests_name("runtime/lifecycle", tests, NULL, NULL);
}
