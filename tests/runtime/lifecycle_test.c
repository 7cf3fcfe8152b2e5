/* SPDX-License-Identifier: Apache-2.0 */
/* A runtime that ends at any moment, and workers that are placed. */
#include "fixture.h"

#include <pthread.h>

static void add_one(void *arg) {
  hd_coro_yield();
  atomic_fetch_add((atomic_uint *)arg, 1);
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
      cmocka_unit_test(a_runtime_may_end_while_coroutines_spawn_and_post),
      cmocka_unit_test(a_set_may_race_with_the_end),
      cmocka_unit_test(placed_workers_run),
  };
  return cmocka_run_group_tests_name("runtime/lifecycle", tests, NULL, NULL);
}
