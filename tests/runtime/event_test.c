/* SPDX-License-Identifier: Apache-2.0 */
/* Events and timers: every order of setting and waiting, deadlines, and the end of the runtime. */
#include "fixture.h"

#include <pthread.h>

static void await_and_count(void *arg);

typedef struct waiter {
  hd_event event;
  atomic_uint ended;
  hd_status status;
  uint64_t deadline_ns;
} waiter;

static void await_and_count(void *arg) {
  waiter *w = arg;
  w->status =
      w->deadline_ns == 0 ? hd_await_event(&w->event) : hd_await_event_until(&w->event, w->deadline_ns);
  atomic_fetch_add(&w->ended, 1);
}

static void an_event_set_before_is_not_waited_for(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  waiter w = {0};
  hd_event_init(&w.event);
  hd_event_set(&w.event);
  spawn(runtime, "w", await_and_count, &w);
  assert_int_equal(hd_runtime_dispatch(runtime, 0), 1);
  assert_int_equal(w.ended, 1);
  assert_int_equal(w.status, HD_OK);
  hd_runtime_destroy(runtime);
}

static void an_event_set_after_resumes_the_waiter(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  waiter w = {0};
  hd_event_init(&w.event);
  spawn(runtime, "w", await_and_count, &w);
  (void)hd_runtime_dispatch(runtime, 0);
  assert_int_equal(w.ended, 0);
  assert_false(hd_event_is_set(&w.event));
  hd_event_set(&w.event);
  assert_true(hd_event_is_set(&w.event));
  assert_int_equal(hd_runtime_dispatch(runtime, 0), 1);
  assert_int_equal(w.status, HD_OK);
  hd_runtime_destroy(runtime);
}

static void a_second_waiter_is_refused(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  waiter first = {0};
  hd_event_init(&first.event);
  spawn(runtime, "first", await_and_count, &first);
  (void)hd_runtime_dispatch(runtime, 0);
  /* Same event: the structure's other fields belong to the refused one from here on. */
  spawn(runtime, "second", await_and_count, &first);
  (void)hd_runtime_dispatch(runtime, 0);
  assert_int_equal(first.ended, 1);
  assert_int_equal(first.status, HD_E_INVALID);
  hd_event_set(&first.event);
  dispatch_all(runtime);
  assert_int_equal(first.ended, 2);
  assert_int_equal(first.status, HD_OK);
  hd_runtime_destroy(runtime);
}

static void a_deadline_ends_the_wait_and_the_event_can_be_used_again(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  waiter w = {.deadline_ns = test_now() + MS};
  hd_event_init(&w.event);
  spawn(runtime, "w", await_and_count, &w);
  dispatch_all(runtime);
  assert_int_equal(w.status, HD_E_TIMEOUT);
  assert_true(test_now() >= w.deadline_ns);
  assert_false(hd_event_is_set(&w.event));
  w.deadline_ns = UINT64_MAX;
  spawn(runtime, "w", await_and_count, &w);
  (void)hd_runtime_dispatch(runtime, 0);
  hd_event_set(&w.event);
  dispatch_all(runtime);
  assert_int_equal(w.status, HD_OK);
  hd_runtime_destroy(runtime);
}

/* ---- set by another thread at the same time ---- */

enum { RACES = UNDER_SANITIZER ? 500 : 20000 };

typedef struct race {
  atomic_uint turn; /* of the setter: set event number turn - 1 */
  _Atomic(hd_event *) event;
  atomic_uint ended;
  uint64_t patience_ns;
  unsigned timeouts;
} race;

static void *set_each(void *arg) {
  race *r = arg;
  for (unsigned i = 1; i <= RACES; i++) {
    while (atomic_load(&r->turn) < i) {
      sched_yield();
    }
    hd_event_set(atomic_load(&r->event));
    atomic_fetch_add(&r->ended, 1);
  }
  return NULL;
}

static void await_each(void *arg) {
  race *r = arg;
  hd_event events[2];
  for (unsigned i = 1; i <= RACES; i++) {
    hd_event *event = &events[i % 2];
    hd_event_init(event);
    atomic_store(&r->event, event);
    atomic_store(&r->turn, i);
    hd_status status = r->patience_ns == 0 ? hd_await_event(event)
                                           : hd_await_event_until(event, test_now() + i % 2 * r->patience_ns);
    if (status == HD_E_TIMEOUT) {
      r->timeouts++;
      /* The event lives on this stack: wait for the setter to be done with it. */
      while (atomic_load(&r->ended) < i) {
        hd_coro_yield();
        sched_yield(); /* alone on its worker the coroutine would use up a time slice of a busy machine */
      }
    } else {
      assert_int_equal(status, HD_OK);
    }
  }
}

static void run_race(uint64_t patience_ns) {
  hd_runtime *runtime = make_runtime(1, 8);
  race r = {.patience_ns = patience_ns};
  pthread_t setter;
  assert_int_equal(pthread_create(&setter, NULL, set_each, &r), 0);
  spawn(runtime, "w", await_each, &r);
  assert_int_equal(pthread_join(setter, NULL), 0);
  hd_runtime_destroy(runtime);
}

static void no_set_is_lost_however_it_races_with_the_wait(void **state) {
  (void)state;
  run_race(0);
}

static void a_set_that_races_with_the_deadline_counts_once(void **state) {
  (void)state;
  run_race(2000);
}

/* ---- coroutines that wake each other ---- */

typedef struct pair {
  hd_event ping, pong;
  unsigned rounds;
} pair;

static void play_ping(void *arg) {
  pair *p = arg;
  for (unsigned i = 0; i < p->rounds; i++) {
    hd_event_set(&p->ping);
    assert_int_equal(hd_await_event(&p->pong), HD_OK);
    hd_event_init(&p->pong);
  }
}

static void play_pong(void *arg) {
  pair *p = arg;
  for (unsigned i = 0; i < p->rounds; i++) {
    assert_int_equal(hd_await_event(&p->ping), HD_OK);
    hd_event_init(&p->ping);
    hd_event_set(&p->pong);
  }
}

static void two_coroutines_play_ping_pong_on_any_workers(void **state) {
  (void)state;
  for (uint32_t workers = 1; workers <= 3; workers++) {
    hd_runtime *runtime = make_runtime(workers, 64);
    pair pairs[10];
    for (int i = 0; i < 10; i++) {
      pairs[i].rounds = UNDER_SANITIZER ? 100 : 2000;
      hd_event_init(&pairs[i].ping);
      hd_event_init(&pairs[i].pong);
      spawn(runtime, "ping", play_ping, &pairs[i]);
      spawn(runtime, "pong", play_pong, &pairs[i]);
    }
    hd_runtime_stats stats;
    do {
      sched_yield();
      hd_runtime_stats_get(runtime, &stats);
    } while (stats.coroutines > 0);
    hd_runtime_destroy(runtime);
  }
}

/* ---- timers ---- */

enum { SLEEPERS = 50 };

static unsigned sleep_order[SLEEPERS];
static unsigned slept;

typedef struct sleeper {
  uint64_t until_ns;
  unsigned number;
} sleeper;

static void sleep_and_log(void *arg) {
  sleeper *s = arg;
  assert_int_equal(hd_await_time(s->until_ns), HD_OK);
  assert_true(test_now() >= s->until_ns);
  sleep_order[slept++] = s->number;
}

static void sleepers_wake_in_the_order_of_their_deadlines(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, SLEEPERS);
  sleeper sleepers[SLEEPERS];
  uint64_t now_ns = test_now();
  slept = 0;
  for (unsigned i = 0; i < SLEEPERS; i++) {
    /* 17 and 50 are coprime: a permutation. Every two share a deadline, and then spawning order decides. */
    unsigned rank = i * 17 % SLEEPERS;
    sleepers[i] = (sleeper){.until_ns = now_ns + rank / 2 * (MS / 4), .number = rank};
    spawn(runtime, "s", sleep_and_log, &sleepers[i]);
  }
  dispatch_all(runtime);
  for (unsigned i = 0; i < SLEEPERS; i++) {
    assert_int_equal(sleep_order[i] / 2, i / 2);
  }
  hd_runtime_destroy(runtime);
}

static void sleep_a_little(void *arg) {
  for (int i = 0; i < 5; i++) {
    uint64_t until_ns = test_now() + MS / 2;
    assert_int_equal(hd_await_time(until_ns), HD_OK);
    assert_true(test_now() >= until_ns);
  }
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static void workers_sleep_no_longer_than_their_timers(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(2, 64);
  atomic_uint ended = 0;
  for (int i = 0; i < 20; i++) {
    spawn(runtime, "s", sleep_a_little, &ended);
  }
  wait_for(&ended, 20);
  hd_runtime_destroy(runtime);
}

/* ---- the end ---- */

static void await_all_and_count(void *arg) {
  waiter *w = arg;
  w->status = hd_await_event(&w->event);
  assert_int_equal(w->status, HD_E_CLOSED);
  assert_int_equal(hd_await_time(0), HD_E_CLOSED);
  assert_int_equal(hd_await_fd(0, 1, UINT64_MAX, NULL), HD_E_CLOSED);
  hd_event set;
  hd_event_init(&set);
  hd_event_set(&set);
  assert_int_equal(hd_await_event(&set), HD_OK);
  hd_coro_yield();
  atomic_fetch_add(&w->ended, 1);
}

static void sleep_for_ever(void *arg) {
  assert_int_equal(hd_await_time(UINT64_MAX - 1), HD_E_CLOSED);
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static void waiting_coroutines_are_closed_and_end(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 3; workers++) {
    hd_runtime *runtime = make_runtime(workers, 256);
    waiter waiters[50] = {0};
    atomic_uint sleepers = 0;
    for (int i = 0; i < 50; i++) {
      hd_event_init(&waiters[i].event);
      spawn(runtime, "w", await_all_and_count, &waiters[i]);
      spawn(runtime, "s", sleep_for_ever, &sleepers);
    }
    if (workers == 0) (void)hd_runtime_dispatch(runtime, 0);
    hd_runtime_destroy(runtime);
    for (int i = 0; i < 50; i++) {
      assert_int_equal(waiters[i].ended, 1);
    }
    assert_int_equal(sleepers, 50);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_event_set_before_is_not_waited_for),
      cmocka_unit_test(an_event_set_after_resumes_the_waiter),
      cmocka_unit_test(a_second_waiter_is_refused),
      cmocka_unit_test(a_deadline_ends_the_wait_and_the_event_can_be_used_again),
      cmocka_unit_test(no_set_is_lost_however_it_races_with_the_wait),
      cmocka_unit_test(a_set_that_races_with_the_deadline_counts_once),
      cmocka_unit_test(two_coroutines_play_ping_pong_on_any_workers),
      cmocka_unit_test(sleepers_wake_in_the_order_of_their_deadlines),
      cmocka_unit_test(workers_sleep_no_longer_than_their_timers),
      cmocka_unit_test(waiting_coroutines_are_closed_and_end),
  };
  return cmocka_run_group_tests_name("runtime/event", tests, NULL, NULL);
}
