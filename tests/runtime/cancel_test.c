/* SPDX-License-Identifier: Apache-2.0 */
/* Cancellation: it arrives at whatever a coroutine awaits, now or later, from any thread. */
#include "fixture.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

typedef enum kind { ON_EVENT, ON_EVENT_UNTIL, ON_TIME, ON_FD, KINDS } kind;

typedef struct sleeper {
  kind kind;
  int fd;
  hd_event event;
  _Atomic(hd_coro *) coro;
  hd_event go;      /* it may end: nobody cancels it any more */
  hd_status status; /* of its await */
  hd_status later[KINDS];
  atomic_uint ended;
} sleeper;

static hd_status await(sleeper *s, kind what) {
  switch (what) {
  case ON_EVENT:
    return hd_await_event(&s->event);
  case ON_EVENT_UNTIL:
    return hd_await_event_until(&s->event, UINT64_MAX - 1);
  case ON_TIME:
    return hd_await_time(UINT64_MAX - 1);
  default:
    return hd_await_fd(s->fd, POLLIN, UINT64_MAX, NULL);
  }
}

static void sleep_until_cancelled(void *arg) {
  sleeper *s = arg;
  atomic_store(&s->coro, hd_coro_self());
  s->status = await(s, s->kind);
  for (kind k = ON_EVENT; k < KINDS; k++)
    s->later[k] = await(s, k);
  (void)hd_coro_shield(true);
  (void)hd_await_event(&s->go);
  atomic_fetch_add(&s->ended, 1);
}

static void init(sleeper *s, kind what, int fd) {
  *s = (sleeper){.kind = what, .fd = fd};
  hd_event_init(&s->event);
  hd_event_init(&s->go);
}

static hd_coro *coro_of(sleeper *s) {
  hd_coro *coro;
  while ((coro = atomic_load(&s->coro)) == NULL)
    sched_yield();
  return coro;
}

static void every_await_is_ended_and_so_is_every_later_one(void **state) {
  (void)state;
  int pipe_fds[2];
  assert_int_equal(pipe(pipe_fds), 0);
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_runtime *runtime = make_runtime(workers, 64);
    sleeper sleepers[4 * KINDS];
    for (uint32_t i = 0; i < 4 * KINDS; i++) {
      init(&sleepers[i], (kind)(i % KINDS), pipe_fds[0]);
      spawn(runtime, "s", sleep_until_cancelled, &sleepers[i]);
    }
    if (workers == 0) (void)hd_runtime_dispatch(runtime, 0);
    for (uint32_t i = 0; i < 4 * KINDS; i++) {
      hd_coro *coro = coro_of(&sleepers[i]);
      assert_false(hd_coro_is_cancelled(coro));
      hd_coro_cancel(coro);
      hd_coro_cancel(coro); /* twice is once */
      assert_true(hd_coro_is_cancelled(coro));
      hd_event_set(&sleepers[i].go);
    }
    if (workers == 0) dispatch_all(runtime);
    for (uint32_t i = 0; i < 4 * KINDS; i++) {
      wait_for(&sleepers[i].ended, 1);
      assert_int_equal(sleepers[i].status, HD_E_CANCELLED);
      assert_false(hd_event_is_set(&sleepers[i].event));
      for (kind k = ON_EVENT; k < KINDS; k++)
        assert_int_equal(sleepers[i].later[k], HD_E_CANCELLED);
    }
    hd_runtime_destroy(runtime);
  }
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

static void await_a_set_event(void *arg) {
  sleeper *s = arg;
  hd_coro_cancel(hd_coro_self());
  hd_event_set(&s->event);
  s->status = hd_await_event(&s->event);
  atomic_fetch_add(&s->ended, 1);
}

static void a_cancelled_coroutine_learns_it_even_where_it_need_not_wait(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 4);
  sleeper s;
  init(&s, ON_EVENT, -1);
  spawn(runtime, "s", await_a_set_event, &s); /* and it ends while its name is still in the list */
  dispatch_all(runtime);
  assert_int_equal(s.status, HD_E_CANCELLED);
  assert_int_equal(s.ended, 1);
  hd_runtime_destroy(runtime);
}

static void await_behind_a_shield(void *arg) {
  sleeper *s = arg;
  assert_false(hd_coro_shield(true));
  atomic_store(&s->coro, hd_coro_self());
  s->status = hd_await_event(&s->event);
  assert_true(hd_coro_shield(false));
  s->later[0] = hd_await_time(0);
  atomic_fetch_add(&s->ended, 1);
}

static void behind_a_shield_a_wait_goes_on_and_the_next_one_without_it_is_ended(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 4);
  sleeper s;
  init(&s, ON_EVENT, -1);
  assert_false(hd_coro_shield(true)); /* outside: nothing */
  spawn(runtime, "s", await_behind_a_shield, &s);
  (void)hd_runtime_dispatch(runtime, 0);
  hd_coro_cancel(coro_of(&s));
  (void)hd_runtime_dispatch(runtime, 1000);
  assert_int_equal(s.ended, 0);
  hd_event_set(&s.event);
  dispatch_all(runtime);
  assert_int_equal(s.status, HD_OK);
  assert_int_equal(s.later[0], HD_E_CANCELLED);
  hd_runtime_destroy(runtime);
}

static void awaiting_outside_a_coroutine_is_refused(void **state) {
  (void)state;
  hd_event event;
  hd_event_init(&event);
  short events = 77;
  assert_int_equal(hd_await_event(&event), HD_E_INVALID);
  hd_event_set(&event);
  assert_int_equal(hd_await_event(&event), HD_E_INVALID); /* set or not */
  assert_int_equal(hd_await_event_until(&event, 0), HD_E_INVALID);
  assert_int_equal(hd_await_time(0), HD_E_INVALID);
  assert_int_equal(hd_await_fd(0, POLLIN, 0, &events), HD_E_INVALID);
  assert_int_equal(events, 77);
  assert_null(hd_coro_self());
  assert_false(hd_coro_is_cancelled(NULL));
}

/* ---- cancelled, set and timed out at once ---- */

enum { ROUNDS = 2000 };

typedef struct race {
  hd_event event, go;
  uint64_t deadline_ns;
  _Atomic(hd_coro *) coro;
  atomic_uint ended;
  hd_status status;
} race;

static void await_in_race(void *arg) {
  race *r = arg;
  atomic_store(&r->coro, hd_coro_self());
  r->status = hd_await_event_until(&r->event, r->deadline_ns);
  (void)hd_coro_shield(true);
  (void)hd_await_event(&r->go);
  atomic_store(&r->ended, 1);
}

static void *set_events(void *arg) {
  race *races = arg;
  for (int i = 0; i < ROUNDS; i++) {
    while (atomic_load(&races[i].coro) == NULL)
      sched_yield();
    hd_event_set(&races[i].event);
  }
  return NULL;
}

static void a_cancel_that_races_with_a_set_and_a_deadline_ends_the_wait_once(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(2, ROUNDS);
  race *races = test_calloc(ROUNDS, sizeof *races);
  pthread_t setter;
  for (int i = 0; i < ROUNDS; i++) {
    hd_event_init(&races[i].event);
    hd_event_init(&races[i].go);
  }
  assert_int_equal(pthread_create(&setter, NULL, set_events, races), 0);
  for (int i = 0; i < ROUNDS; i++) {
    races[i].deadline_ns = test_now() + (uint64_t)(i % 50) * 1000;
    spawn(runtime, "r", await_in_race, &races[i]);
    while (atomic_load(&races[i].coro) == NULL)
      sched_yield();
    hd_coro_cancel(races[i].coro);
    hd_event_set(&races[i].go);
  }
  pthread_join(setter, NULL);
  uint32_t cancelled = 0;
  for (int i = 0; i < ROUNDS; i++) {
    wait_for(&races[i].ended, 1);
    hd_status status = races[i].status;
    assert_true(status == HD_OK || status == HD_E_CANCELLED || status == HD_E_TIMEOUT);
    cancelled += status == HD_E_CANCELLED;
  }
  print_message("%u of %u were cancelled before they were set or late\n", cancelled, (unsigned)ROUNDS);
  hd_runtime_destroy(runtime);
  test_free(races);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_await_is_ended_and_so_is_every_later_one),
      cmocka_unit_test(a_cancelled_coroutine_learns_it_even_where_it_need_not_wait),
      cmocka_unit_test(behind_a_shield_a_wait_goes_on_and_the_next_one_without_it_is_ended),
      cmocka_unit_test(awaiting_outside_a_coroutine_is_refused),
      cmocka_unit_test(a_cancel_that_races_with_a_set_and_a_deadline_ends_the_wait_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
