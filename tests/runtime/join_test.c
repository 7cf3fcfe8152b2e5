/* SPDX-License-Identifier: Apache-2.0 */
/* Joining a coroutine: each order of its end and the wait, each wrong use, cancellation and closing. */
#include "fixture.h"

enum { CHILDREN = 50 };

typedef struct family {
  hd_runtime *runtime;
  hd_join join, joins[CHILDREN];
  hd_event go;
  hd_coro *parent;
  hd_status statuses[4];
  atomic_uint ended, over, begun;
} family;

static void ends(void *arg) {
  family *f = arg;
  atomic_fetch_add(&f->ended, 1);
}

static void waits_and_ends(void *arg) {
  family *f = arg;
  atomic_fetch_add(&f->begun, 1);
  (void)hd_await_event(&f->go);
  hd_coro_yield();
  atomic_fetch_add(&f->ended, 1);
}

static hd_status bear(family *f, void (*fn)(void *arg), hd_join *join) {
  hd_coro_options options = {.size = sizeof options, .join = join};
  return hd_coro_spawn_with(f->runtime, "child", fn, f, &options);
}

/* Plays `parent` in a runtime of so many workers to the end of all. */
static family play(uint32_t workers, void (*parent)(void *arg)) {
  family f = {.runtime = make_runtime(workers, 2 * CHILDREN)};
  hd_event_init(&f.go);
  spawn(f.runtime, "parent", parent, &f);
  while (atomic_load(&f.over) == 0) {
    if (hd_runtime_dispatch(f.runtime, 0) == 0) sched_yield();
  }
  hd_runtime_destroy(f.runtime);
  return f;
}

static void joins_many(void *arg) {
  family *f = arg;
  for (unsigned i = 0; i < CHILDREN; i++) {
    assert_int_equal(bear(f, i % 2 == 0 ? ends : waits_and_ends, &f->joins[i]), HD_OK);
  }
  for (unsigned i = 0; i < CHILDREN; i++) {
    assert_int_equal(hd_coro_join(&f->joins[CHILDREN - 1 - i]), HD_OK);
  }
  f->statuses[0] = atomic_load(&f->ended) == CHILDREN ? HD_OK : HD_E_INVALID;
  atomic_store(&f->over, 1);
}

static void who_joins_goes_on_when_the_other_has_returned(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 3; workers++) {
    family f = {.runtime = make_runtime(workers, 2 * CHILDREN)};
    hd_event_init(&f.go);
    hd_event_set(&f.go); /* an event has one waiter: these find it set */
    spawn(f.runtime, "parent", joins_many, &f);
    while (atomic_load(&f.over) == 0) {
      if (hd_runtime_dispatch(f.runtime, 0) == 0) sched_yield();
    }
    hd_runtime_destroy(f.runtime);
    assert_int_equal(f.statuses[0], HD_OK);
  }
}

static void joins_three_times(void *arg) {
  family *f = arg;
  assert_int_equal(bear(f, ends, &f->join), HD_OK);
  f->statuses[0] = hd_coro_join(&f->join);
  f->statuses[1] = hd_coro_join(&f->join);
  hd_coro_yield();
  f->statuses[2] = hd_coro_join(&f->join);
  atomic_store(&f->over, 1);
}

static void one_that_has_finished_is_joined_at_once_and_again(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    family f = play(workers, joins_three_times);
    for (unsigned i = 0; i < 3; i++) {
      assert_int_equal(f.statuses[i], HD_OK);
    }
    assert_int_equal(f.ended, 1);
  }
}

static void joins_itself(void *arg) {
  family *f = arg;
  f->statuses[1] = hd_coro_join(&f->join);
  atomic_store(&f->over, 1);
}

static void bears_one_that_joins_itself(void *arg) {
  family *f = arg;
  assert_int_equal(bear(f, joins_itself, &f->join), HD_OK);
  f->statuses[0] = hd_coro_join(&f->join);
}

static void a_coroutine_that_joins_itself_is_refused(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    family f = play(workers, bears_one_that_joins_itself);
    assert_int_equal(f.statuses[0], HD_OK);
    assert_int_equal(f.statuses[1], HD_E_INVALID);
  }
}

static void joins_as_second(void *arg) {
  family *f = arg;
  f->statuses[1] = hd_coro_join(&f->join);
  hd_event_set(&f->go);
}

static void joins_as_first(void *arg) {
  family *f = arg;
  assert_int_equal(bear(f, waits_and_ends, &f->join), HD_OK);
  spawn(f->runtime, "second", joins_as_second, f);
  f->statuses[0] = hd_coro_join(&f->join);
  atomic_store(&f->over, 1);
}

static void of_two_that_join_at_the_same_time_the_second_is_refused(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 1; workers++) {
    family f = play(workers, joins_as_first);
    assert_int_equal(f.statuses[0], HD_OK);
    assert_int_equal(f.statuses[1], HD_E_INVALID);
  }
}

static void is_cancelled_while_it_joins(void *arg) {
  family *f = arg;
  f->parent = hd_coro_self();
  assert_int_equal(bear(f, waits_and_ends, &f->join), HD_OK);
  atomic_store(&f->begun, 1);
  f->statuses[0] = hd_coro_join(&f->join);
  f->statuses[1] = hd_coro_join(&f->join);
  f->statuses[2] = atomic_load(&f->ended) == 0 ? HD_OK : HD_E_INVALID;
  (void)hd_coro_shield(true);
  hd_event_set(&f->go);
  f->statuses[3] = hd_coro_join(&f->join);
  atomic_store(&f->over, 1);
}

static void a_cancelled_join_leaves_the_other_running(void **state) {
  (void)state;
  for (unsigned round = 0; round < 20; round++) {
    family f = {.runtime = make_runtime(2, 4)};
    hd_event_init(&f.go);
    spawn(f.runtime, "parent", is_cancelled_while_it_joins, &f);
    wait_for(&f.begun, 1);
    hd_coro_cancel(f.parent);
    wait_for(&f.over, 1);
    hd_runtime_destroy(f.runtime);
    assert_int_equal(f.statuses[0], HD_E_CANCELLED);
    assert_int_equal(f.statuses[1], HD_E_CANCELLED);
    assert_int_equal(f.statuses[2], HD_OK);
    assert_int_equal(f.statuses[3], HD_OK);
    assert_int_equal(f.ended, 1);
  }
}

static void joins_to_the_end(void *arg) {
  family *f = arg;
  hd_join join; /* in this frame: the child must not write to it later */
  assert_int_equal(bear(f, waits_and_ends, &join), HD_OK);
  atomic_store(&f->over, 1);
  f->statuses[0] = hd_coro_join(&join);
  f->statuses[1] = atomic_load(&f->ended) == 1 ? HD_OK : HD_E_INVALID;
}

static void a_join_outlives_the_closing_of_the_runtime(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    family f = play(workers, joins_to_the_end);
    assert_int_equal(f.statuses[0], HD_OK);
    assert_int_equal(f.statuses[1], HD_OK);
  }
}

static void wrong_uses_are_refused(void **state) {
  (void)state;
  family f = {.runtime = make_runtime(0, 4)};
  hd_coro_options options = {.size = 1};
  assert_int_equal(hd_coro_spawn_with(f.runtime, "child", ends, &f, &options), HD_E_INVALID);
  assert_int_equal(hd_coro_spawn_with(f.runtime, "child", ends, &f, NULL), HD_OK);
  assert_int_equal(bear(&f, ends, &f.join), HD_OK);
  assert_int_equal(hd_coro_join(&f.join), HD_E_INVALID); /* in no coroutine */
  assert_int_equal(hd_coro_join(NULL), HD_E_INVALID);
  dispatch_all(f.runtime);
  assert_int_equal(f.ended, 2);
  hd_runtime_destroy(f.runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_joins_goes_on_when_the_other_has_returned),
      cmocka_unit_test(one_that_has_finished_is_joined_at_once_and_again),
      cmocka_unit_test(a_coroutine_that_joins_itself_is_refused),
      cmocka_unit_test(of_two_that_join_at_the_same_time_the_second_is_refused),
      cmocka_unit_test(a_cancelled_join_leaves_the_other_running),
      cmocka_unit_test(a_join_outlives_the_closing_of_the_runtime),
      cmocka_unit_test(wrong_uses_are_refused),
  };
  return cmocka_run_group_tests_name("runtime/join", tests, NULL, NULL);
}
