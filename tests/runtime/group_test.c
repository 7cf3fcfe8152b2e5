/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of tasks: when the await returns all have run, whoever ran them and whatever happened meanwhile. */
#include "fixture.h"

#include <string.h>

enum { MANY = 3000, BRANCHES = 4, ROUNDS = 200 }; /* more than a worker's ring holds */

typedef struct party {
  hd_runtime *runtime;
  hd_group group;
  hd_event go;
  hd_coro *waiter;
  atomic_uint ran, over, in_coroutine, begun;
  hd_status status;
  unsigned rounds;
  hd_task tasks[MANY];
} party;

static party the_party;

static party *invite(uint32_t workers) {
  party *p = &the_party;
  memset(p, 0, sizeof *p);
  p->runtime = make_runtime(workers, 16);
  hd_event_init(&p->go);
  return p;
}

static void dismiss(party *p) {
  while (atomic_load(&p->over) == 0) {
    if (hd_runtime_dispatch(p->runtime, 0) == 0) sched_yield();
  }
  hd_runtime_destroy(p->runtime);
}

static void runs(void *arg) {
  party *p = arg;
  if (hd_coro_self() != NULL || hd_await_event(&p->go) != HD_E_INVALID) atomic_fetch_add(&p->in_coroutine, 1);
  atomic_fetch_add(&p->ran, 1);
}

static void post_some(party *p, void (*fn)(void *arg), unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    p->tasks[i] = (hd_task){.fn = fn, .arg = p};
    assert_int_equal(hd_group_post(&p->group, &p->tasks[i]), HD_OK);
  }
}

/* ---- all have run ---- */

static void posts_and_awaits(void *arg) {
  party *p = arg;
  static const unsigned counts[] = {0, 1, 2, 63, 64, 65, 1024, MANY};
  unsigned expected = 0;
  const hd_coro *self = hd_coro_self();
  hd_group_init(&p->group, p->runtime);
  for (unsigned round = 0; round < sizeof counts / sizeof *counts; round++) {
    post_some(p, runs, counts[round]);
    expected += counts[round];
    assert_int_equal(hd_await_group(&p->group), HD_OK);
    assert_int_equal(p->ran, expected);
    assert_ptr_equal(hd_coro_self(), self);
  }
  atomic_store(&p->over, 1);
}

static void each_task_of_a_group_has_run_when_the_await_returns(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 4; workers++) {
    party *p = invite(workers);
    spawn(p->runtime, "host", posts_and_awaits, p);
    dismiss(p);
    assert_int_equal(p->in_coroutine, 0);
  }
}

static void posts_often(void *arg) {
  party *p = arg;
  hd_group_init(&p->group, p->runtime);
  for (unsigned round = 0; round < p->rounds; round++) {
    post_some(p, runs, round % 9);
    assert_int_equal(hd_await_group(&p->group), HD_OK);
  }
  atomic_store(&p->over, 1);
}

static void a_group_is_used_again_and_again(void **state) {
  (void)state;
  for (uint32_t workers = 1; workers <= 3; workers++) {
    party *p = invite(workers);
    p->rounds = 20 * ROUNDS;
    spawn(p->runtime, "host", posts_often, p);
    dismiss(p);
    assert_int_equal(p->ran, p->rounds / 9 * 36 + (p->rounds % 9) * (p->rounds % 9 - 1) / 2);
  }
}

/* ---- among other things ---- */

static hd_task *next_place(party *p) {
  unsigned place = atomic_fetch_add(&p->begun, 1);
  return place < MANY ? &p->tasks[place] : NULL;
}

static void branches(void *arg) {
  party *p = arg;
  atomic_fetch_add(&p->ran, 1);
  for (unsigned i = 0; i < BRANCHES; i++) {
    hd_task *task = next_place(p);
    if (task == NULL) return;
    *task = (hd_task){.fn = branches, .arg = p};
    assert_int_equal(hd_group_post(&p->group, task), HD_OK);
  }
}

static void plants_a_tree(void *arg) {
  party *p = arg;
  hd_group_init(&p->group, p->runtime);
  hd_task *root = next_place(p);
  *root = (hd_task){.fn = branches, .arg = p};
  assert_int_equal(hd_group_post(&p->group, root), HD_OK);
  assert_int_equal(hd_await_group(&p->group), HD_OK);
  assert_int_equal(p->ran, MANY);
  atomic_store(&p->over, 1);
}

static void tasks_of_a_group_post_more_to_it(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 4; workers++) {
    for (unsigned round = 0; round < 10; round++) {
      party *p = invite(workers);
      spawn(p->runtime, "gardener", plants_a_tree, p);
      dismiss(p);
    }
  }
}

static void mixes(void *arg) {
  party *p = arg;
  hd_group mine, other;
  hd_task tasks[30];
  hd_group_init(&mine, p->runtime);
  hd_group_init(&other, p->runtime);
  for (unsigned round = 0; round < ROUNDS; round++) {
    for (unsigned i = 0; i < 30; i++) {
      tasks[i] = (hd_task){.fn = runs, .arg = p};
      if (i % 3 == 0) {
        assert_int_equal(hd_group_post(&mine, &tasks[i]), HD_OK);
      } else if (i % 3 == 1) {
        assert_int_equal(hd_group_post(&other, &tasks[i]), HD_OK);
      } else {
        assert_int_equal(hd_runtime_post(p->runtime, &tasks[i]), HD_OK);
      }
    }
    assert_int_equal(hd_await_group(&mine), HD_OK);
    if (round % 2 == 0) hd_coro_yield();
    assert_int_equal(hd_await_group(&other), HD_OK);
    while (atomic_load(&p->ran) % 30 != 0) { /* those in no group */
      hd_coro_yield();
    }
  }
  atomic_store(&p->over, 1);
}

static void groups_and_single_tasks_share_the_workers(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 3; workers++) {
    party *p = invite(workers);
    spawn(p->runtime, "host", mixes, p);
    dismiss(p);
    assert_int_equal(p->ran, ROUNDS * 30);
  }
}

static void waits_for_go(void *arg) {
  party *p = arg;
  (void)hd_await_event(&p->go);
  atomic_fetch_add(&p->begun, 1);
}

static void lets_go(void *arg) {
  hd_event_set(&((party *)arg)->go);
}

static void does_group_after_group(void *arg) {
  party *p = arg;
  hd_group_init(&p->group, p->runtime);
  post_some(p, lets_go, 1);
  while (atomic_load(&p->begun) == 0) {
    assert_int_equal(hd_await_group(&p->group), HD_OK);
    post_some(p, runs, 1);
  }
  assert_int_equal(hd_await_group(&p->group), HD_OK);
  atomic_store(&p->over, 1);
}

static void who_awaits_group_after_group_keeps_no_other_coroutine_waiting(void **state) {
  (void)state;
  party *p = invite(1);
  spawn(p->runtime, "guest", waits_for_go, p);
  spawn(p->runtime, "host", does_group_after_group, p);
  dismiss(p);
}

/* ---- trouble ---- */

static void holds(void *arg) {
  party *p = arg;
  atomic_fetch_add(&p->begun, 1);
  wait_for(&p->over, 1);
  atomic_fetch_add(&p->ran, 1);
}

/* Its task is held on the other worker when it awaits. */
static void is_cancelled(void *arg) {
  party *p = arg;
  p->waiter = hd_coro_self();
  hd_group_init(&p->group, p->runtime);
  post_some(p, holds, 1);
  wait_for(&p->begun, 1);
  p->status = hd_await_group(&p->group);
  assert_int_equal(hd_await_group(&p->group), HD_E_CANCELLED);
  atomic_store(&p->over, 1);
  (void)hd_coro_shield(true);
  assert_int_equal(hd_await_group(&p->group), HD_OK);
  assert_int_equal(p->ran, 1);
}

static void a_cancelled_await_of_a_group_is_made_again_while_shielded(void **state) {
  (void)state;
  for (unsigned round = 0; round < 20; round++) {
    party *p = invite(2);
    spawn(p->runtime, "host", is_cancelled, p);
    wait_for(&p->begun, 1);
    hd_coro_cancel(p->waiter);
    dismiss(p);
    assert_int_equal(p->status, HD_E_CANCELLED);
    assert_int_equal(p->ran, 1);
  }
}

static void is_closed(void *arg) {
  party *p = arg;
  hd_group_init(&p->group, p->runtime);
  post_some(p, runs, 100);
  atomic_store(&p->over, 1);
  assert_int_equal(hd_await_event(&p->go), HD_E_CLOSED);
  hd_task late = {.fn = runs, .arg = p};
  assert_int_equal(hd_group_post(&p->group, &late), HD_E_CLOSED);
  assert_int_equal(hd_await_group(&p->group), HD_OK);
  assert_int_equal(p->ran, 100);
  atomic_store(&p->over, 2);
}

static void a_runtime_that_closes_runs_what_a_group_has_posted(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 3; workers++) {
    party *p = invite(workers);
    spawn(p->runtime, "host", is_closed, p);
    dismiss(p);
    assert_int_equal(p->over, 2);
  }
}

static void has_a_group(void *arg) {
  party *p = arg;
  hd_group_init(&p->group, p->runtime);
  post_some(p, runs, 1);
  atomic_store(&p->begun, 1);
  while (atomic_load(&p->over) == 0) {
    sched_yield(); /* not a coroutine's yield: this worker stays its home's */
  }
  assert_int_equal(hd_await_group(&p->group), HD_OK);
}

static void wants_the_others_group(void *arg) {
  party *p = arg;
  wait_for(&p->begun, 1);
  p->status = hd_await_group(&p->group);
  atomic_store(&p->over, 1);
}

static void a_group_is_not_awaited_from_another_worker(void **state) {
  (void)state;
  party *p = invite(2);
  spawn(p->runtime, "host", has_a_group, p);
  spawn(p->runtime, "other", wants_the_others_group, p);
  dismiss(p);
  assert_int_equal(p->status, HD_E_INVALID);
}

static void wrong_uses_are_refused(void **state) {
  (void)state;
  party *p = invite(0);
  hd_task task = {.fn = runs, .arg = p}, empty = {.fn = NULL};
  hd_group_init(&p->group, p->runtime);
  assert_int_equal(hd_await_group(&p->group), HD_E_INVALID); /* in no coroutine */
  assert_int_equal(hd_group_post(&p->group, NULL), HD_E_INVALID);
  assert_int_equal(hd_group_post(&p->group, &empty), HD_E_INVALID);
  assert_int_equal(hd_group_post(NULL, &task), HD_E_INVALID);
  atomic_store(&p->over, 1);
  dismiss(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_task_of_a_group_has_run_when_the_await_returns),
      cmocka_unit_test(a_group_is_used_again_and_again),
      cmocka_unit_test(tasks_of_a_group_post_more_to_it),
      cmocka_unit_test(groups_and_single_tasks_share_the_workers),
      cmocka_unit_test(who_awaits_group_after_group_keeps_no_other_coroutine_waiting),
      cmocka_unit_test(a_cancelled_await_of_a_group_is_made_again_while_shielded),
      cmocka_unit_test(a_runtime_that_closes_runs_what_a_group_has_posted),
      cmocka_unit_test(a_group_is_not_awaited_from_another_worker),
      cmocka_unit_test(wrong_uses_are_refused),
  };
  return cmocka_run_group_tests_name("runtime/group", tests, NULL, NULL);
}
