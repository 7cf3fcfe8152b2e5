/* SPDX-License-Identifier: Apache-2.0 */
/* How long a worker looks for work before it sleeps, at what, and beside whom. The worker is a driven
 * runtime's, made to spin by hand, and the clock is made of numbers: nothing depends on the machine. */
#include "fixture.h"

#include "runtime/park.h"
#include "runtime/spin.h"

#define US UINT64_C(1000)

/* A clock that goes on a step at each look, and calls somebody at one of them. */
typedef struct desk {
  hd_host posix;
  uint64_t now_ns, step_ns, looks, call_at;
  void (*call)(void *arg);
  void *arg;
  hd_runtime *runtime;
  hdi_worker *worker;
} desk;

static uint64_t desk_now(void *ctx) {
  desk *d = ctx;
  d->now_ns += d->step_ns;
  if (++d->looks == d->call_at) d->call(d->arg);
  return d->now_ns;
}

static void *desk_alloc(void *ctx, size_t bytes, size_t align) {
  desk *d = ctx;
  return d->posix.alloc(d->posix.ctx, bytes, align);
}

static void desk_free(void *ctx, void *memory, size_t bytes) {
  desk *d = ctx;
  d->posix.free(d->posix.ctx, memory, bytes);
}

static void set_up(desk *d) {
  *d = (desk){.posix = test_host(), .now_ns = 1000 * MS, .step_ns = US};
  hd_host host = {.size = sizeof host, .ctx = d, .now_ns = desk_now, .alloc = desk_alloc, .free = desk_free};
  hd_runtime_config config;
  hd_runtime_config_default(&config);
  config.worker_count = 0;
  assert_int_equal(hd_runtime_create(&host, &config, &d->runtime), HD_OK);
  d->worker = &d->runtime->workers[0];
  assert_false(d->runtime->spins); /* a host that drives is never kept from its loop */
  d->runtime->spins = true;
  d->runtime->core_count = 2;
}

static void tear_down(desk *d) {
  d->runtime->spins = false;
  hd_runtime_destroy(d->runtime);
}

/* One sleep of the worker, woken `took_ns` before it runs again. */
static void sleep_and_wake(desk *d, uint64_t slept_ns, uint64_t took_ns) {
  uint64_t begin_ns = d->now_ns;
  d->step_ns = 0;
  d->now_ns += slept_ns;
  atomic_store(&d->worker->woken_ns, d->now_ns);
  d->now_ns += took_ns;
  hdi_spin_slept(d->worker, begin_ns, true);
  d->step_ns = US;
}

static void the_time_of_a_wake_is_learned_within_bounds(void **state) {
  (void)state;
  desk d;
  set_up(&d);
  assert_int_equal(hdi_spin_ns(d.runtime), HDI_WAKE_FIRST_NS);
  for (int i = 0; i < 200; i++) {
    sleep_and_wake(&d, 5 * MS, 50 * US);
  }
  assert_in_range(hdi_spin_ns(d.runtime), 49 * US, 50 * US);
  sleep_and_wake(&d, 5 * MS, 1000 * MS); /* one disturbed wake moves it by an eighth of the bound at most */
  assert_in_range(hdi_spin_ns(d.runtime), 50 * US, 57 * US);
  for (int i = 0; i < 200; i++) {
    sleep_and_wake(&d, 5 * MS, 1000 * MS);
  }
  assert_in_range(hdi_spin_ns(d.runtime), HDI_WAKE_MOST_NS - 10, HDI_WAKE_MOST_NS);
  for (int i = 0; i < 200; i++) {
    sleep_and_wake(&d, 5 * MS, 0);
  }
  assert_in_range(hdi_spin_ns(d.runtime), HDI_WAKE_LEAST_NS, HDI_WAKE_LEAST_NS + 10);
  tear_down(&d);
}

static uint64_t vain_spin_ns(desk *d) {
  uint64_t begin_ns = d->now_ns;
  assert_false(hdi_spin(d->worker, UINT64_MAX));
  return d->now_ns - begin_ns;
}

static void spins_in_vain_get_shorter_until_one_would_have_met_something(void **state) {
  (void)state;
  desk d;
  set_up(&d);
  /* A look at the clock is a microsecond here; two of them are the beginning and the end. */
  assert_in_range(vain_spin_ns(&d), 30 * US, 32 * US);
  assert_in_range(vain_spin_ns(&d), 15 * US, 17 * US);
  assert_in_range(vain_spin_ns(&d), 7 * US, 10 * US);
  for (int i = 0; i < 5; i++) {
    assert_in_range(vain_spin_ns(&d), 3 * US, 6 * US);
  }
  sleep_and_wake(&d, 20 * US, 30 * US);
  assert_in_range(vain_spin_ns(&d), 30 * US, 32 * US);
  sleep_and_wake(&d, 500 * US, 30 * US); /* nothing that a spin would have met */
  assert_in_range(vain_spin_ns(&d), 15 * US, 17 * US);
  tear_down(&d);
}

static void a_spin_ends_with_the_next_deadline(void **state) {
  (void)state;
  desk d;
  set_up(&d);
  uint64_t begin_ns = d.now_ns;
  assert_false(hdi_spin(d.worker, begin_ns + 10 * US));
  assert_in_range(d.now_ns - begin_ns, 10 * US, 12 * US);
  assert_in_range(vain_spin_ns(&d), 30 * US, 32 * US); /* that one was no vain one */
  tear_down(&d);
}

static void a_clock_that_stands_still_does_not_keep_a_worker(void **state) {
  (void)state;
  desk d;
  set_up(&d);
  d.step_ns = 0;
  assert_false(hdi_spin(d.worker, UINT64_MAX));
  assert_int_equal(d.runtime->searching, 0);
  tear_down(&d);
}

static void nobody_spins_beside_a_searcher_or_without_a_core(void **state) {
  (void)state;
  desk d;
  set_up(&d);
  atomic_store(&d.runtime->searching, 1);
  assert_int_equal(vain_spin_ns(&d), 0);
  assert_int_equal(d.runtime->searching, 1);
  d.worker->warm = true; /* from a region: waits for the next one beside a searcher */
  assert_in_range(vain_spin_ns(&d), 30 * US, 32 * US);
  assert_int_equal(d.runtime->searching, 1);
  assert_int_equal(d.runtime->lingering, 0);
  d.worker->warm = false;
  atomic_store(&d.runtime->searching, 0);
  hdi_unpark_from_host(d.worker);
  d.runtime->core_count = 0; /* fewer than workers that are awake */
  assert_int_equal(vain_spin_ns(&d), 0);
  assert_int_equal(hdi_spare_cores(d.runtime), 0);
  tear_down(&d);
}

/* ---- at what it looks ---- */

typedef struct wait {
  hd_event event;
  hd_status status;
  bool ended;
} wait;

static void await_event(void *arg) {
  wait *w = arg;
  w->status = hd_await_event(&w->event);
  w->ended = true;
}

static void set_event(void *arg) {
  hd_event_set(&((wait *)arg)->event);
}

static void begin_wait(desk *d, wait *w) {
  *w = (wait){.status = HD_E_INVALID};
  hd_event_init(&w->event);
  spawn(d->runtime, "w", await_event, w);
  (void)hd_runtime_dispatch(d->runtime, 0);
  assert_ptr_not_equal(d->worker->awaiting, NULL);
  hdi_unpark_from_host(d->worker); /* awake, as a worker that spins is */
}

static void who_sets_an_event_that_is_looked_at_has_nothing_else_to_do(void **state) {
  (void)state;
  desk d;
  wait w;
  set_up(&d);
  begin_wait(&d, &w);
  hd_coro *waiter = d.worker->awaiting;
  d.call_at = d.looks + 5; /* as from another thread: no worker's */
  d.call = set_event;
  d.arg = &w;
  assert_true(hdi_spin(d.worker, UINT64_MAX));
  assert_ptr_equal(d.worker->ready.head, waiter);
  assert_null(d.worker->inbox.top);
  (void)hd_runtime_dispatch(d.runtime, 0);
  assert_true(w.ended);
  assert_int_equal(w.status, HD_OK);
  assert_null(d.worker->awaiting);
  tear_down(&d);
}

static void an_event_that_was_looked_at_in_vain_is_waited_for_as_before(void **state) {
  (void)state;
  desk d;
  wait w;
  set_up(&d);
  begin_wait(&d, &w);
  uintptr_t before = atomic_load(&w.event.state);
  (void)vain_spin_ns(&d);
  assert_int_equal(atomic_load(&w.event.state), before);
  set_event(&w);
  assert_ptr_not_equal(d.worker->inbox.top, NULL);
  /* Set already: there is nothing to look at, and the inbox is found. */
  assert_true(hdi_spin(d.worker, UINT64_MAX));
  (void)hd_runtime_dispatch(d.runtime, 0);
  assert_true(w.ended);
  tear_down(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_time_of_a_wake_is_learned_within_bounds),
      cmocka_unit_test(spins_in_vain_get_shorter_until_one_would_have_met_something),
      cmocka_unit_test(a_spin_ends_with_the_next_deadline),
      cmocka_unit_test(a_clock_that_stands_still_does_not_keep_a_worker),
      cmocka_unit_test(nobody_spins_beside_a_searcher_or_without_a_core),
      cmocka_unit_test(who_sets_an_event_that_is_looked_at_has_nothing_else_to_do),
      cmocka_unit_test(an_event_that_was_looked_at_in_vain_is_waited_for_as_before),
  };
  return cmocka_run_group_tests_name("runtime/spin", tests, NULL, NULL);
}
