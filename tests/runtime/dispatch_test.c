/* SPDX-License-Identifier: Apache-2.0 */
/* A host drives: everything happens from poll(2) on one descriptor, and no thread is started. */
#include "fixture.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

static unsigned thread_count(void) {
  DIR *tasks = opendir("/proc/self/task");
  assert_non_null(tasks);
  unsigned count = 0;
  for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
    if (entry->d_name[0] != '.') count++;
  }
  (void)closedir(tasks);
  return count;
}

static bool is_readable(hd_runtime *runtime) {
  struct pollfd fd = {.fd = hd_runtime_fd(runtime), .events = POLLIN};
  return poll(&fd, 1, 0) == 1;
}

/* A host's loop: sleeps in poll alone, and dispatches when it is told. Returns how often it slept. */
static unsigned drive(hd_runtime *runtime) {
  unsigned sleeps = 0;
  hd_runtime_stats stats;
  hd_runtime_stats_get(runtime, &stats);
  while (stats.coroutines > 0) {
    struct pollfd fd = {.fd = hd_runtime_fd(runtime), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 60 * 1000), 1); /* a minute without a word means that one was lost */
    (void)hd_runtime_dispatch(runtime, 0);
    sleeps++;
    hd_runtime_stats_get(runtime, &stats);
  }
  return sleeps;
}

static void nothing_to_do_means_not_readable(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  assert_int_equal(hd_runtime_worker_count(runtime), 1);
  assert_true(hd_runtime_fd(runtime) >= 0);
  assert_false(is_readable(runtime));
  assert_int_equal(hd_runtime_dispatch(runtime, 0), 0);
  assert_false(is_readable(runtime));
  hd_runtime_destroy(runtime);
  hd_runtime *threaded = make_runtime(1, 8);
  assert_int_equal(hd_runtime_fd(threaded), -1);
  assert_int_equal(hd_runtime_dispatch(threaded, 0), 0);
  hd_runtime_destroy(threaded);
}

typedef struct index_seen {
  hd_runtime *runtime;
  int index;
} index_seen;

static void note_index(void *arg) {
  index_seen *seen = arg;
  seen->index = hd_runtime_worker_index(seen->runtime);
}

static void the_dispatching_thread_is_worker_0(void **state) {
  (void)state;
  index_seen seen = {.runtime = make_runtime(0, 8), .index = 77};
  assert_int_equal(hd_runtime_worker_index(seen.runtime), -1);
  spawn(seen.runtime, "index", note_index, &seen);
  assert_true(is_readable(seen.runtime));
  assert_int_equal(hd_runtime_dispatch(seen.runtime, 0), 1);
  assert_int_equal(seen.index, 0);
  assert_int_equal(hd_runtime_worker_index(seen.runtime), 0);
  assert_false(is_readable(seen.runtime));
  hd_runtime *other = make_runtime(0, 8);
  assert_int_equal(hd_runtime_worker_index(other), -1);
  hd_runtime_destroy(other);
  hd_runtime_destroy(seen.runtime);
}

typedef struct world {
  hd_event event;
  int ends[2];
  uint64_t until_ns;
  unsigned ended;
} world;

static void sleep_then_set(void *arg) {
  world *w = arg;
  assert_int_equal(hd_await_time(w->until_ns), HD_OK);
  hd_event_set(&w->event);
  w->ended++;
}

static void await_then_write(void *arg) {
  world *w = arg;
  assert_int_equal(hd_await_event(&w->event), HD_OK);
  assert_int_equal(write(w->ends[1], "x", 1), 1);
  w->ended++;
}

static void await_then_read(void *arg) {
  world *w = arg;
  assert_int_equal(hd_await_fd(w->ends[0], POLLIN, UINT64_MAX, NULL), HD_OK);
  w->ended++;
}

static void timers_events_and_descriptors_work_from_poll_alone(void **state) {
  (void)state;
  unsigned threads = thread_count();
  hd_runtime *runtime = make_runtime(0, 8);
  for (int round = 0; round < 20; round++) {
    world w = {.until_ns = test_now() + MS / 2};
    hd_event_init(&w.event);
    assert_int_equal(pipe(w.ends), 0);
    spawn(runtime, "reader", await_then_read, &w);
    spawn(runtime, "writer", await_then_write, &w);
    spawn(runtime, "sleeper", sleep_then_set, &w);
    unsigned sleeps = drive(runtime);
    assert_int_equal(w.ended, 3);
    assert_true(sleeps >= 2 && sleeps <= 12); /* it sleeps, it does not turn round and round */
    (void)close(w.ends[0]);
    (void)close(w.ends[1]);
    assert_int_equal(thread_count(), threads);
  }
  assert_false(is_readable(runtime));
  hd_runtime_destroy(runtime);
}

static void yield_for_ever(void *arg) {
  while (*(volatile bool *)arg) {
    hd_coro_yield();
  }
}

static void one_pass_runs_each_thing_once_and_says_that_there_is_more(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  volatile bool go_on = true;
  spawn(runtime, "a", yield_for_ever, (void *)&go_on);
  spawn(runtime, "b", yield_for_ever, (void *)&go_on);
  for (int i = 0; i < 10; i++) {
    assert_int_equal(hd_runtime_dispatch(runtime, 0), 2);
    assert_true(is_readable(runtime));
  }
  uint64_t begin_ns = test_now();
  assert_true(hd_runtime_dispatch(runtime, MS) > 2);
  assert_true(test_now() >= begin_ns + MS);
  go_on = false;
  dispatch_all(runtime);
  assert_false(is_readable(runtime));
  hd_runtime_destroy(runtime);
}

static void *post_from_elsewhere(void *arg) {
  hd_runtime *runtime = *(hd_runtime **)arg;
  hd_runtime_wake(runtime);
  return NULL;
}

static uint64_t count_calls(void *arg) {
  atomic_fetch_add((atomic_uint *)arg, 1);
  return UINT64_MAX;
}

static void a_wake_from_another_thread_makes_it_readable(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  atomic_uint calls = 0;
  hd_runtime_set_hook(runtime, count_calls, &calls);
  (void)hd_runtime_dispatch(runtime, 0);
  assert_false(is_readable(runtime));
  for (int i = 0; i < 50; i++) {
    unsigned before = calls;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_from_elsewhere, &runtime), 0);
    struct pollfd fd = {.fd = hd_runtime_fd(runtime), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 60 * 1000), 1);
    (void)hd_runtime_dispatch(runtime, 0);
    assert_true(calls > before);
    assert_int_equal(pthread_join(thread, NULL), 0);
  }
  hd_runtime_destroy(runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(
          timers_events_and_descriptors_work_from_poll_alone), /* first: no test before it had threads */
      cmocka_unit_test(nothing_to_do_means_not_readable),
      cmocka_unit_test(the_dispatching_thread_is_worker_0),
      cmocka_unit_test(one_pass_runs_each_thing_once_and_says_that_there_is_more),
      cmocka_unit_test(a_wake_from_another_thread_makes_it_readable),
  };
  return cmocka_run_group_tests_name("runtime/dispatch", tests, NULL, NULL);
}
