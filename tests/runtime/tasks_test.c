/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks posted from workers and from foreign threads: each runs exactly once, wherever it waited. */
#include "fixture.h"

#include <pthread.h>
#include <string.h>

enum { MANY = 5000, POSTERS = 3 }; /* more than a worker's ring holds */

typedef struct crowd crowd;

typedef struct member {
  crowd *crowd;
  hd_task task;
  atomic_uint ran;
} member;

struct crowd {
  hd_runtime *runtime;
  atomic_uint ran, next_place;
  unsigned places[MANY]; /* which member ran as the n-th */
  member members[MANY];
};

static crowd the_crowd;

static void runs(void *arg) {
  member *m = arg;
  crowd *c = m->crowd;
  atomic_fetch_add(&m->ran, 1);
  c->places[atomic_fetch_add(&c->next_place, 1)] = (unsigned)(m - c->members);
  atomic_fetch_add(&c->ran, 1);
}

static void gather_crowd(crowd *c, uint32_t workers) {
  memset(c, 0, sizeof *c);
  c->runtime = make_runtime(workers, 16);
  for (unsigned i = 0; i < MANY; i++) {
    c->members[i].crowd = c;
    c->members[i].task = (hd_task){.fn = runs, .arg = &c->members[i]};
  }
}

static void expect_each_ran_once(crowd *c) {
  for (unsigned i = 0; i < MANY; i++) {
    assert_int_equal(c->members[i].ran, 1);
  }
}

static void posts_all(void *arg) {
  crowd *c = arg;
  for (unsigned i = 0; i < MANY; i++) {
    assert_int_equal(hd_runtime_post(c->runtime, &c->members[i].task), HD_OK);
  }
}

static void each_of_more_tasks_than_a_ring_holds_runs_once(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 4; workers++) {
    crowd *c = &the_crowd;
    gather_crowd(c, workers);
    spawn(c->runtime, "poster", posts_all, c);
    while (atomic_load(&c->ran) < MANY) {
      if (hd_runtime_dispatch(c->runtime, 0) == 0) sched_yield();
    }
    hd_runtime_destroy(c->runtime);
    expect_each_ran_once(c);
  }
}

typedef struct poster {
  crowd *crowd;
  unsigned first;
} poster;

static void *posts_every_third(void *arg) {
  poster *p = arg;
  for (unsigned i = p->first; i < MANY; i += POSTERS) {
    assert_int_equal(hd_runtime_post(p->crowd->runtime, &p->crowd->members[i].task), HD_OK);
  }
  return NULL;
}

static void what_several_foreign_threads_post_runs_once_each(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 3; workers++) {
    crowd *c = &the_crowd;
    gather_crowd(c, workers);
    pthread_t threads[POSTERS];
    poster posters[POSTERS];
    for (unsigned i = 0; i < POSTERS; i++) {
      posters[i] = (poster){.crowd = c, .first = i};
      assert_int_equal(pthread_create(&threads[i], NULL, posts_every_third, &posters[i]), 0);
    }
    while (atomic_load(&c->ran) < MANY) {
      if (hd_runtime_dispatch(c->runtime, 0) == 0) sched_yield();
    }
    for (unsigned i = 0; i < POSTERS; i++) {
      (void)pthread_join(threads[i], NULL);
    }
    hd_runtime_destroy(c->runtime);
    expect_each_ran_once(c);
  }
}

static void tasks_posted_before_the_end_run_before_it(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 3; workers++) {
    crowd *c = &the_crowd;
    gather_crowd(c, workers);
    posts_all(c);
    hd_runtime_destroy(c->runtime);
    expect_each_ran_once(c);
  }
}

static void tasks_of_one_worker_run_in_the_order_of_posting(void **state) {
  (void)state;
  crowd *c = &the_crowd;
  gather_crowd(c, 0);
  for (unsigned i = 0; i < 900; i++) {
    assert_int_equal(hd_runtime_post(c->runtime, &c->members[i].task), HD_OK);
  }
  while (hd_runtime_dispatch(c->runtime, 0) > 0) {
  }
  assert_int_equal(c->ran, 900);
  for (unsigned i = 0; i < 900; i++) {
    assert_int_equal(c->places[i], i);
  }
  hd_runtime_destroy(c->runtime);
}

/* ---- stealing and fairness ---- */

typedef struct pair {
  hd_runtime *runtime;
  hd_task held, again;
  atomic_uint stolen, foreign, turns;
} pair;

static void is_stolen(void *arg) {
  atomic_store(&((pair *)arg)->stolen, 1);
}

/* Holds its worker until the task in that worker's ring has run: somebody else must take it. */
static void posts_and_holds(void *arg) {
  pair *p = arg;
  p->held = (hd_task){.fn = is_stolen, .arg = p};
  assert_int_equal(hd_runtime_post(p->runtime, &p->held), HD_OK);
  wait_for(&p->stolen, 1);
}

static void an_idle_worker_takes_what_a_busy_one_posted(void **state) {
  (void)state;
  for (int round = 0; round < 200; round++) {
    pair p = {.runtime = make_runtime(2, 4)};
    hd_task first = {.fn = posts_and_holds, .arg = &p};
    assert_int_equal(hd_runtime_post(p.runtime, &first), HD_OK);
    wait_for(&p.stolen, 1);
    hd_runtime_destroy(p.runtime);
  }
}

static void comes_from_outside(void *arg) {
  atomic_store(&((pair *)arg)->foreign, 1);
}

static void posts_itself_again(void *arg) {
  pair *p = arg;
  atomic_fetch_add(&p->turns, 1);
  if (atomic_load(&p->foreign) == 0) (void)hd_runtime_post(p->runtime, &p->again);
}

static void a_task_that_posts_itself_keeps_no_foreign_one_waiting(void **state) {
  (void)state;
  pair p = {.runtime = make_runtime(1, 4)};
  p.again = (hd_task){.fn = posts_itself_again, .arg = &p};
  assert_int_equal(hd_runtime_post(p.runtime, &p.again), HD_OK);
  wait_for(&p.turns, 1000);
  hd_task outside = {.fn = comes_from_outside, .arg = &p};
  assert_int_equal(hd_runtime_post(p.runtime, &outside), HD_OK);
  wait_for(&p.foreign, 1);
  hd_runtime_destroy(p.runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_of_more_tasks_than_a_ring_holds_runs_once),
      cmocka_unit_test(what_several_foreign_threads_post_runs_once_each),
      cmocka_unit_test(tasks_posted_before_the_end_run_before_it),
      cmocka_unit_test(tasks_of_one_worker_run_in_the_order_of_posting),
      cmocka_unit_test(an_idle_worker_takes_what_a_busy_one_posted),
      cmocka_unit_test(a_task_that_posts_itself_keeps_no_foreign_one_waiting),
  };
  return cmocka_run_group_tests_name("runtime/tasks", tests, NULL, NULL);
}
