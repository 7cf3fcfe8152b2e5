/* SPDX-License-Identifier: Apache-2.0 */
/* How many system calls wake workers: counted, not timed. One for a burst, none for whom is awake or while
 * somebody searches, and none for whom there is no core. */
#include "fixture.h"

#include "runtime/park.h"
#include "runtime/spin.h"

#include <pthread.h>

enum { SLEEPERS = 50 };

typedef struct bed {
  hd_event event;
  atomic_uint *ended;
} bed;

typedef struct dormitory {
  hd_runtime *runtime;
  bed beds[SLEEPERS];
  atomic_uint asleep, ended;
} dormitory;

static void sleep_in_bed(void *arg) {
  bed *b = arg;
  assert_int_equal(hd_await_event(&b->event), HD_OK);
  atomic_fetch_add(b->ended, 1);
}

static void fill(dormitory *d, hd_runtime *runtime) {
  d->runtime = runtime;
  atomic_init(&d->ended, 0);
  for (int i = 0; i < SLEEPERS; i++) {
    d->beds[i].ended = &d->ended;
    hd_event_init(&d->beds[i].event);
    spawn(runtime, "sleeper", sleep_in_bed, &d->beds[i]);
  }
}

static void *wake_everybody(void *arg) {
  dormitory *d = arg;
  for (int i = 0; i < SLEEPERS; i++) {
    hd_event_set(&d->beds[i].event);
    hd_runtime_wake(d->runtime); /* as a driver's thread does when something is complete */
  }
  return NULL;
}

static void wake_from_elsewhere(void *arg) {
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, wake_everybody, arg), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

static uint64_t wakes(hd_runtime *runtime) {
  hd_runtime_stats stats;
  hd_runtime_stats_get(runtime, &stats);
  return stats.wakes;
}

static uint64_t count_calls(void *arg) {
  atomic_fetch_add((atomic_uint *)arg, 1);
  return UINT64_MAX;
}

/* The descriptor of a driven runtime stands for a sleeping worker for as long as nobody dispatches. */
static void a_burst_of_completions_is_one_write_to_the_descriptor(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, SLEEPERS);
  atomic_uint calls = 0;
  dormitory d;
  hd_runtime_set_hook(runtime, count_calls, &calls);
  fill(&d, runtime);
  for (int i = 0; i < 3; i++) {
    (void)hd_runtime_dispatch(runtime, 0);
  }
  uint64_t before = wakes(runtime);
  wake_from_elsewhere(&d);
  assert_int_equal(wakes(runtime) - before, 1);
  dispatch_all(runtime);
  assert_int_equal(d.ended, SLEEPERS);
  assert_int_equal(wakes(runtime) - before, 1);
  hd_runtime_destroy(runtime);
}

typedef struct shift {
  dormitory *dormitory;
  hd_task task;
  uint64_t wakes;
  atomic_uint done;
} shift;

/* On the sleepers' worker, which is awake all the while. */
static void wake_while_awake(void *arg) {
  shift *s = arg;
  uint64_t before = wakes(s->dormitory->runtime);
  wake_from_elsewhere(s->dormitory);
  s->wakes = wakes(s->dormitory->runtime) - before;
  atomic_fetch_add(&s->done, 1);
}

static void completions_for_a_worker_that_is_awake_make_no_system_call(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 1; workers++) {
    hd_runtime *runtime = make_runtime(workers, SLEEPERS);
    dormitory d;
    fill(&d, runtime);
    shift s = {.dormitory = &d, .wakes = 77};
    s.task = (hd_task){.fn = wake_while_awake, .arg = &s};
    if (workers == 0) (void)hd_runtime_dispatch(runtime, 0);
    assert_int_equal(hd_runtime_post(runtime, &s.task), HD_OK);
    if (workers == 0) dispatch_all(runtime);
    wait_for(&s.done, 1);
    assert_int_equal(s.wakes, 0);
    wait_for(&d.ended, SLEEPERS);
    hd_runtime_destroy(runtime);
  }
}

/* ---- searchers ---- */

static void nothing(void *arg) {
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static void nobody_is_woken_while_somebody_searches(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  (void)hd_runtime_dispatch(runtime, 0);
  uint64_t before = wakes(runtime);
  atomic_uint ran = 0;
  hd_task tasks[30];
  _Atomic uint32_t *const counters[] = {&runtime->searching, &runtime->lingering};
  for (int i = 0; i < 30; i++) {
    tasks[i] = (hd_task){.fn = nothing, .arg = &ran};
  }
  for (int c = 0; c < 2; c++) {
    atomic_store(counters[c], 1);
    for (int i = 0; i < 10; i++) {
      assert_int_equal(hd_runtime_post(runtime, &tasks[c * 10 + i]), HD_OK);
    }
    assert_int_equal(wakes(runtime), before);
    atomic_store(counters[c], 0);
  }
  for (int i = 20; i < 30; i++) {
    assert_int_equal(hd_runtime_post(runtime, &tasks[i]), HD_OK);
  }
  assert_int_equal(wakes(runtime) - before, 1); /* that one searches from here on */
  assert_int_equal(runtime->searching, 1);
  while (atomic_load(&ran) < 30) {
    (void)hd_runtime_dispatch(runtime, 0);
  }
  assert_int_equal(runtime->searching, 0);
  hd_runtime_destroy(runtime);
}

static void there_is_one_searcher_at_most(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(4, 8);
  static hd_task tasks[64];
  unsigned rounds = UNDER_SANITIZER ? 20 : 300;
  atomic_uint ran = 0;
  uint32_t most = 0;
  for (unsigned round = 1; round <= rounds; round++) {
    for (int i = 0; i < 64; i++) {
      tasks[i] = (hd_task){.fn = nothing, .arg = &ran};
      assert_int_equal(hd_runtime_post(runtime, &tasks[i]), HD_OK);
      uint32_t searching = atomic_load(&runtime->searching);
      if (searching > most) most = searching;
    }
    while (atomic_load(&ran) < round * 64) {
      uint32_t searching = atomic_load(&runtime->searching);
      if (searching > most) most = searching;
      sched_yield();
    }
  }
  hd_runtime_destroy(runtime);
  assert_true(most <= 1);
}

/* ---- regions ---- */

static void wait_until_all_sleep(hd_runtime *runtime) {
  uint64_t all = (UINT64_C(1) << runtime->worker_count) - 1;
  while (atomic_load(&runtime->parked) != all) {
    sched_yield();
  }
}

static void helpers_without_a_core_are_left_asleep(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(6, 8);
  uint32_t cores = runtime->core_count;
  wait_until_all_sleep(runtime);
  assert_int_equal(hdi_spare_cores(runtime), cores);
  uint64_t before = wakes(runtime);
  uint32_t woken = hdi_wake_helpers(runtime, 5);
  assert_int_equal(woken, cores < 5 ? cores : 5);
  assert_int_equal(wakes(runtime) - before, woken);
  hd_runtime_destroy(runtime);
}

typedef struct long_region {
  hd_runtime *runtime;
  atomic_uint ran[3], ended;
} long_region;

/* The first part outlasts a wake-up; the second goes on when the third has run, which only a helper can do.
 */
static void run_long_part(void *arg, uint32_t part) {
  long_region *r = arg;
  uint64_t until_ns = test_now() + 2 * HDI_WAKE_MOST_NS;
  while (part == 0 && test_now() < until_ns) {
  }
  if (part == 1) wait_for(&r->ran[2], 1);
  atomic_fetch_add(&r->ran[part], 1);
}

static void run_long_region(void *arg) {
  long_region *r = arg;
  hdi_worker *worker = &r->runtime->workers[hd_runtime_worker_index(r->runtime)];
  worker->region.to_go = 3; /* as after regions that were over before anybody came */
  hd_runtime_parallel(r->runtime, 2, 3, run_long_part, r);
  assert_int_equal(worker->region.to_go, 0); /* helpers came: the next one calls them at once */
  atomic_fetch_add(&r->ended, 1);
}

static void a_region_that_lasts_calls_helpers_late_rather_than_never(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(2, 8);
  if (runtime->core_count < 2) {
    hd_runtime_destroy(runtime);
    skip();
  }
  for (int i = 0; i < 5; i++) {
    long_region r = {.runtime = runtime};
    wait_until_all_sleep(runtime);
    spawn(runtime, "caller", run_long_region, &r);
    wait_for(&r.ended, 1);
  }
  hd_runtime_destroy(runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_burst_of_completions_is_one_write_to_the_descriptor),
      cmocka_unit_test(completions_for_a_worker_that_is_awake_make_no_system_call),
      cmocka_unit_test(nobody_is_woken_while_somebody_searches),
      cmocka_unit_test(there_is_one_searcher_at_most),
      cmocka_unit_test(helpers_without_a_core_are_left_asleep),
      cmocka_unit_test(a_region_that_lasts_calls_helpers_late_rather_than_never),
  };
  return cmocka_run_group_tests_name("runtime/wake", tests, NULL, NULL);
}
