/* SPDX-License-Identifier: Apache-2.0 */
/* Regions: every part runs exactly once, at any width, from several callers, nested, and from a foreign
 * thread. */
#include "fixture.h"

enum { MAX_PARTS = 1000 };

typedef struct region {
  hd_runtime *runtime;
  uint32_t width, parts;
  atomic_uint counts[MAX_PARTS];
  atomic_uint running, most, ended;
} region;

static void run_part(void *arg, uint32_t part) {
  region *r = arg;
  unsigned now = atomic_fetch_add(&r->running, 1) + 1;
  unsigned most = atomic_load(&r->most);
  while (now > most && !atomic_compare_exchange_weak(&r->most, &most, now)) {
  }
  atomic_fetch_add(&r->counts[part], 1);
  atomic_fetch_sub(&r->running, 1);
}

static void check_and_clear(region *r) {
  for (uint32_t i = 0; i < MAX_PARTS; i++) {
    assert_int_equal(atomic_exchange(&r->counts[i], 0), i < r->parts ? 1 : 0);
  }
}

enum { ROUNDS = UNDER_SANITIZER ? 30 : 300 };

static void run_regions(void *arg) {
  region *r = arg;
  static const uint32_t sizes[] = {0, 1, 2, 3, 7, 64, MAX_PARTS};
  for (unsigned i = 0; i < ROUNDS; i++) {
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
      r->parts = sizes[s];
      hd_runtime_parallel(r->runtime, r->width, r->parts, run_part, r);
      check_and_clear(r);
      assert_true(atomic_load(&r->most) <= r->width);
    }
    hd_coro_yield();
  }
  atomic_fetch_add(&r->ended, 1);
}

static void every_part_runs_once_at_any_width(void **state) {
  (void)state;
  for (uint32_t workers = 1; workers <= 4; workers++) {
    for (uint32_t width = 1; width <= 4; width++) {
      hd_runtime *runtime = make_runtime(workers, 8);
      region r = {.runtime = runtime, .width = width};
      spawn(runtime, "caller", run_regions, &r);
      wait_for(&r.ended, 1);
      hd_runtime_destroy(runtime);
    }
  }
}

static void several_callers_have_regions_in_flight_at_once(void **state) {
  (void)state;
  static region regions[6];
  hd_runtime *runtime = make_runtime(3, 8);
  for (uint32_t i = 0; i < 6; i++) {
    regions[i] = (region){.runtime = runtime, .width = 1 + i % 4};
    spawn(runtime, "caller", run_regions, &regions[i]);
  }
  for (uint32_t i = 0; i < 6; i++) {
    wait_for(&regions[i].ended, 1);
  }
  hd_runtime_destroy(runtime);
}

static void run_task_region(void *arg) {
  region *r = arg;
  r->parts = 64;
  hd_runtime_parallel(r->runtime, r->width, r->parts, run_part, r);
  check_and_clear(r);
  atomic_fetch_add(&r->ended, 1);
}

static void a_task_may_call_it_and_a_foreign_thread_works_alone(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(2, 8);
  region r = {.runtime = runtime, .width = 2};
  hd_task task = {.fn = run_task_region, .arg = &r};
  assert_int_equal(hd_runtime_post(runtime, &task), HD_OK);
  wait_for(&r.ended, 1);
  region alone = {.runtime = runtime, .width = 2};
  run_task_region(&alone);
  assert_int_equal(alone.most, 1);
  hd_runtime_destroy(runtime);
}

typedef struct nest {
  hd_runtime *runtime;
  atomic_uint leaves, ended;
} nest;

static void run_leaf(void *arg, uint32_t part) {
  (void)part;
  atomic_fetch_add(&((nest *)arg)->leaves, 1);
}

static void run_branch(void *arg, uint32_t part) {
  (void)part;
  hd_runtime_parallel(((nest *)arg)->runtime, 4, 5, run_leaf, arg);
}

static void run_nest(void *arg) {
  nest *n = arg;
  hd_runtime_parallel(n->runtime, 4, 7, run_branch, arg);
  atomic_fetch_add(&n->ended, 1);
}

static void nesting_does_not_deadlock(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(4, 8);
  nest n = {.runtime = runtime};
  for (unsigned i = 1; i <= 100; i++) {
    spawn(runtime, "nest", run_nest, &n);
    wait_for(&n.ended, i);
    assert_int_equal(n.leaves, i * 35);
  }
  hd_runtime_destroy(runtime);
}

static atomic_uint many;

static void count_many(void *arg, uint32_t part) {
  (void)arg;
  (void)part;
  atomic_fetch_add_explicit(&many, 1, memory_order_relaxed);
}

static void run_many(void *arg) {
  hd_runtime_parallel(arg, 2, (1u << 24) + 5, count_many, NULL);
  atomic_fetch_add(&many, 1);
}

static void more_parts_than_a_ticket_counts_run_in_stretches(void **state) {
  (void)state;
  if (UNDER_SANITIZER) skip(); /* 16 million parts take too long */
  hd_runtime *runtime = make_runtime(2, 8);
  spawn(runtime, "many", run_many, runtime);
  wait_for(&many, (1u << 24) + 6);
  hd_runtime_destroy(runtime);
  assert_int_equal(many, (1u << 24) + 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_part_runs_once_at_any_width),
      cmocka_unit_test(several_callers_have_regions_in_flight_at_once),
      cmocka_unit_test(a_task_may_call_it_and_a_foreign_thread_works_alone),
      cmocka_unit_test(nesting_does_not_deadlock),
      cmocka_unit_test(more_parts_than_a_ticket_counts_run_in_stretches),
  };
  return cmocka_run_group_tests_name("runtime/parallel", tests, NULL, NULL);
}
