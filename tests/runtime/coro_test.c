/* SPDX-License-Identifier: Apache-2.0 */
/* Coroutines: taking turns, names, limits, stacks, and what a switch preserves. */
#include "fixture.h"

#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- turns ---- */

typedef struct turns {
  char log[64];
  size_t length;
} turns;

static turns *log_of;

static void write_turns(void *arg) {
  for (int i = 0; i < 3; i++) {
    log_of->log[log_of->length++] = *(const char *)arg;
    hd_coro_yield();
  }
}

static void two_coroutines_take_turns(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  turns log = {0};
  log_of = &log;
  spawn(runtime, "a", write_turns, "a");
  spawn(runtime, "b", write_turns, "b");
  dispatch_all(runtime);
  assert_string_equal(log.log, "ababab");
  hd_runtime_destroy(runtime);
}

static void add_one(void *arg) {
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static void yield_then_add_one(void *arg) {
  for (int i = 0; i < 10; i++) {
    hd_coro_yield();
  }
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static void thousands_run_to_their_end_on_two_workers(void **state) {
  (void)state;
  enum { COUNT = UNDER_SANITIZER ? 300 : 4000, ROUNDS = 3 };
  hd_runtime *runtime = make_runtime(2, COUNT);
  atomic_uint ended = 0;
  for (unsigned round = 1; round <= ROUNDS; round++) {
    for (int i = 0; i < COUNT; i++) {
      spawn(runtime, NULL, yield_then_add_one, &ended);
    }
    wait_for(&ended, round * COUNT);
    hd_runtime_stats stats;
    do {
      hd_runtime_stats_get(runtime, &stats);
    } while (stats.coroutines > 0);
  }
  hd_runtime_destroy(runtime);
}

static void a_task_runs_outside_any_coroutine(void *arg) {
  assert_null(hd_coro_self());
  hd_event event;
  hd_event_init(&event);
  assert_int_equal(hd_await_event(&event), HD_E_INVALID);
  assert_int_equal(hd_await_time(0), HD_E_INVALID);
  assert_int_equal(hd_await_fd(0, 1, 0, NULL), HD_E_INVALID);
  hd_coro_yield();
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static void posted_tasks_all_run(void **state) {
  (void)state;
  enum { COUNT = 1000 };
  static hd_task tasks[COUNT];
  hd_runtime *runtime = make_runtime(2, 8);
  atomic_uint ran = 0;
  for (int i = 0; i < COUNT; i++) {
    tasks[i] = (hd_task){.fn = a_task_runs_outside_any_coroutine, .arg = &ran};
    assert_int_equal(hd_runtime_post(runtime, &tasks[i]), HD_OK);
  }
  wait_for(&ran, COUNT);
  hd_runtime_stats stats;
  hd_runtime_stats_get(runtime, &stats);
  assert_int_equal(stats.tasks, COUNT);
  hd_runtime_destroy(runtime);
}

/* ---- names and limits ---- */

static void check_name(void *arg) {
  assert_string_equal(hd_coro_name(hd_coro_self()), arg);
}

static void a_name_is_copied_and_cut(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  char name[100], cut[HD_NAME_BYTES];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  memset(cut, 'n', sizeof cut - 1);
  cut[sizeof cut - 1] = '\0';
  spawn(runtime, name, check_name, cut);
  spawn(runtime, NULL, check_name, "");
  memset(name, 'x', sizeof name - 1);
  dispatch_all(runtime);
  assert_null(hd_coro_self());
  hd_runtime_destroy(runtime);
}

static void one_coroutine_too_many_is_refused_until_one_ends(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 3);
  atomic_uint ended = 0;
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 3; i++) {
      spawn(runtime, "few", add_one, &ended);
    }
    assert_int_equal(hd_coro_spawn(runtime, "many", add_one, &ended), HD_E_LIMIT);
    dispatch_all(runtime);
  }
  assert_int_equal(ended, 15);
  hd_runtime_destroy(runtime);
}

static void bad_configurations_are_refused(void **state) {
  (void)state;
  hd_host host = test_host();
  hd_runtime_config config;
  hd_runtime *runtime = NULL;
  hd_runtime_config_default(&config);
  config.stack_bytes = 16 * 1024 - 1;
  assert_int_equal(hd_runtime_create(&host, &config, &runtime), HD_E_INVALID);
  hd_runtime_config_default(&config);
  config.worker_count = 65;
  assert_int_equal(hd_runtime_create(&host, &config, &runtime), HD_E_INVALID);
  hd_runtime_config_default(&config);
  config.size = 0;
  assert_int_equal(hd_runtime_create(&host, &config, &runtime), HD_E_INVALID);
  assert_int_equal(hd_runtime_create(NULL, NULL, &runtime), HD_E_INVALID);
  assert_null(runtime);
  hd_runtime_destroy(NULL);
}

/* ---- stacks ---- */

static unsigned descend(unsigned depth) {
  volatile char frame[256];
  frame[depth % sizeof frame] = (char)depth;
  if (depth == 0) {
    hd_coro_yield();
    return 0;
  }
  unsigned below = descend(depth - 1);
  return below + (frame[depth % sizeof frame] == (char)depth ? 1u : 0u);
}

enum { DEEP = UNDER_SANITIZER ? 40 : 120 };

static void go_deep(void *arg) {
  assert_int_equal(descend(DEEP), DEEP);
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static void deep_stacks_survive_switches_and_reuse(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 100);
  atomic_uint ended = 0;
  for (unsigned round = 1; round <= 3; round++) {
    for (int i = 0; i < 100; i++) {
      spawn(runtime, "deep", go_deep, &ended);
    }
    dispatch_all(runtime);
    assert_int_equal(ended, round * 100);
  }
  hd_runtime_destroy(runtime);
}

static void overflow(void *arg) {
  volatile char frame[1024];
  frame[0] = 1;
  *(volatile unsigned *)arg += (unsigned)frame[0];
  if (*(volatile unsigned *)arg < 1u << 20) overflow(arg); /* a GiB of frames */
  frame[1] = 2;
}

/* Runs in a child that must die of the signal. */
static void overflow_in_child(uint32_t stack_bytes) {
  hd_host host = test_host();
  hd_runtime_config config;
  hd_runtime_config_default(&config);
  config.worker_count = 0;
  config.stack_bytes = stack_bytes;
  hd_runtime *runtime = NULL;
  if (hd_runtime_create(&host, &config, &runtime) != HD_OK) _exit(2);
  unsigned count = 0;
  if (hd_coro_spawn(runtime, "overflows", overflow, &count) != HD_OK) _exit(3);
  (void)hd_runtime_dispatch(runtime, 0);
  _exit(4);
}

static void an_overflow_hits_the_guard(void **state) {
  (void)state;
  if (UNDER_SANITIZER) skip(); /* the sanitizer's own handler would report it as its finding */
  static const uint32_t sizes[] = {16 * 1024, 64 * 1024, 200 * 1000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    pid_t child = fork();
    if (child == 0) {
      (void)signal(SIGSEGV, SIG_DFL);
      overflow_in_child(sizes[i]);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
  }
}

/* ---- what a switch preserves ---- */

static void keep_many_values(void *arg) {
  /* More live values than a call preserves registers for, of both kinds. */
  volatile double seed = *(const double *)arg;
  double a = seed + 1, b = seed + 2, c = seed + 3, d = seed + 4, e = seed + 5, f = seed + 6, g = seed + 7,
         h = seed + 8;
  uint64_t i = (uint64_t)seed + 1, j = i + 1, k = j + 1, l = k + 1, m = l + 1, n = m + 1, o = n + 1,
           p = o + 1;
  for (int round = 0; round < 100; round++) {
    hd_coro_yield();
    a += 1, b += 1, c += 1, d += 1, e += 1, f += 1, g += 1, h += 1;
    i++, j++, k++, l++, m++, n++, o++, p++;
  }
  assert_true(a == seed + 101 && b == seed + 102 && c == seed + 103 && d == seed + 104);
  assert_true(e == seed + 105 && f == seed + 106 && g == seed + 107 && h == seed + 108);
  uint64_t base = (uint64_t)seed + 100;
  assert_true(i == base + 1 && j == base + 2 && k == base + 3 && l == base + 4);
  assert_true(m == base + 5 && n == base + 6 && o == base + 7 && p == base + 8);
}

static void registers_survive_switches(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  double seeds[] = {0, 1000, 1e6};
  for (size_t i = 0; i < 3; i++) {
    spawn(runtime, "values", keep_many_values, &seeds[i]);
  }
  dispatch_all(runtime);
  hd_runtime_destroy(runtime);
}

static void round_this_way(void *arg) {
  int mode = *(const int *)arg;
  volatile float one = 1, three = 3;
  assert_int_equal(fegetround(), FE_TONEAREST); /* a new coroutine begins as its worker was */
  assert_int_equal(fesetround(mode), 0);
  float before = one / three;
  for (int i = 0; i < 10; i++) {
    hd_coro_yield();
    assert_int_equal(fegetround(), mode);
    volatile float again = one / three;
    assert_true(again == before);
  }
}

static void each_coroutine_keeps_its_rounding_mode(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TONEAREST, FE_TOWARDZERO};
  for (size_t i = 0; i < 4; i++) {
    spawn(runtime, "rounds", round_this_way, &modes[i]);
  }
  dispatch_all(runtime);
  assert_int_equal(fegetround(), FE_TONEAREST);
  hd_runtime_destroy(runtime);
}

/* ---- the hook ---- */

typedef struct hook_state {
  atomic_uint calls, answered;
  atomic_uint asked;
} hook_state;

static uint64_t count_calls(void *arg) {
  hook_state *hook = arg;
  /* Both workers may be in here: the one that looked earlier must not take back the other's answer. */
  unsigned asked = atomic_load(&hook->asked), answered = atomic_load(&hook->answered);
  while (answered < asked && !atomic_compare_exchange_weak(&hook->answered, &answered, asked)) {
  }
  atomic_fetch_add(&hook->calls, 1);
  return UINT64_MAX;
}

static void a_wake_makes_a_sleeping_worker_call_the_hook(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(2, 8);
  hook_state hook = {0};
  hd_runtime_set_hook(runtime, count_calls, &hook);
  for (unsigned i = 1; i <= 200; i++) {
    atomic_store(&hook.asked, i);
    hd_runtime_wake(runtime);
    wait_for(&hook.answered, i);
  }
  hd_runtime_destroy(runtime);
}

/* Two that take turns, and what they see of the hook. */
typedef struct hooked_turns {
  hd_runtime *runtime;
  hook_state hook;
  uint64_t next_ns; /* what the hook answers */
  unsigned left, runs, longest, last_calls;
  void (*each)(hd_runtime *runtime); /* called before each yield; NULL */
} hooked_turns;

static uint64_t count_turn_calls(void *arg) {
  hooked_turns *t = arg;
  (void)count_calls(&t->hook);
  return t->next_ns;
}

static void take_turns(void *arg) {
  hooked_turns *t = arg;
  while (t->left > 0) {
    t->left--;
    unsigned calls = atomic_load(&t->hook.calls);
    t->runs = calls == t->last_calls ? t->runs + 1 : 1;
    t->last_calls = calls;
    if (t->runs > t->longest) t->longest = t->runs;
    if (t->each != NULL) t->each(t->runtime);
    hd_coro_yield();
  }
}

/* How many follow each other at most without a call of the hook in between. */
static unsigned longest_row(uint64_t next_ns, void (*each)(hd_runtime *runtime)) {
  hooked_turns t = {.runtime = make_runtime(0, 8), .next_ns = next_ns, .left = 500, .each = each};
  hd_runtime_set_hook(t.runtime, count_turn_calls, &t);
  dispatch_all(t.runtime);
  spawn(t.runtime, "a", take_turns, &t);
  spawn(t.runtime, "b", take_turns, &t);
  while (t.left > 0)
    (void)hd_runtime_dispatch(t.runtime, 10 * MS);
  hd_runtime_stats stats;
  hd_runtime_stats_get(t.runtime, &stats);
  assert_in_range(stats.switches, 500, 504); /* followers count as well */
  hd_runtime_destroy(t.runtime);
  return t.longest;
}

static void coroutines_follow_each_other_until_the_hook_has_its_turn(void **state) {
  (void)state;
  assert_in_range(longest_row(UINT64_MAX, NULL), 32, 65);
  assert_in_range(longest_row(UINT64_MAX - 1, NULL), 4, 9);
}

static void who_asks_for_the_hook_is_followed_by_it(void **state) {
  (void)state;
  assert_int_equal(longest_row(UINT64_MAX, hd_runtime_ask_hook), 1);
  assert_int_equal(longest_row(UINT64_MAX, hd_runtime_wake), 1);
}

typedef struct asker {
  hd_runtime *runtime;
  hook_state hook;
  uint64_t wakes;
  atomic_uint done;
} asker;

static void ask_often(void *arg) {
  asker *a = arg;
  hd_runtime_stats before, after;
  do { /* the other worker sleeps by now, so that it could be woken */
    (void)hd_await_time(test_now() + MS);
    hd_runtime_stats_get(a->runtime, &before);
  } while (before.parks < 2);
  unsigned calls = atomic_load(&a->hook.calls);
  for (unsigned i = 0; i < 100; i++) {
    hd_runtime_ask_hook(a->runtime);
    hd_coro_yield();
    assert_true(atomic_load(&a->hook.calls) > calls + i);
  }
  hd_runtime_stats_get(a->runtime, &after);
  a->wakes = after.wakes - before.wakes;
  atomic_store(&a->done, 1);
}

static void asking_for_the_hook_from_a_coroutine_wakes_nobody(void **state) {
  (void)state;
  asker a = {.runtime = make_runtime(2, 8)};
  hd_runtime_set_hook(a.runtime, count_calls, &a.hook);
  spawn(a.runtime, "asker", ask_often, &a);
  wait_for(&a.done, 1);
  assert_int_equal(a.wakes, 0);
  hd_runtime_destroy(a.runtime);
}

static uint64_t count_up(void *arg) {
  hook_state *hook = arg;
  atomic_fetch_add(&hook->calls, 1);
  return test_now() + MS;
}

static void the_hook_is_called_again_when_it_asked(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(1, 8);
  hook_state hook = {0};
  hd_runtime_set_hook(runtime, count_up, &hook);
  wait_for(&hook.calls, 20);
  hd_runtime_destroy(runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_coroutines_take_turns),
      cmocka_unit_test(thousands_run_to_their_end_on_two_workers),
      cmocka_unit_test(posted_tasks_all_run),
      cmocka_unit_test(a_name_is_copied_and_cut),
      cmocka_unit_test(one_coroutine_too_many_is_refused_until_one_ends),
      cmocka_unit_test(bad_configurations_are_refused),
      cmocka_unit_test(deep_stacks_survive_switches_and_reuse),
      cmocka_unit_test(an_overflow_hits_the_guard),
      cmocka_unit_test(registers_survive_switches),
      cmocka_unit_test(each_coroutine_keeps_its_rounding_mode),
      cmocka_unit_test(a_wake_makes_a_sleeping_worker_call_the_hook),
      cmocka_unit_test(coroutines_follow_each_other_until_the_hook_has_its_turn),
      cmocka_unit_test(who_asks_for_the_hook_is_followed_by_it),
      cmocka_unit_test(asking_for_the_hook_from_a_coroutine_wakes_nobody),
      cmocka_unit_test(the_hook_is_called_again_when_it_asked),
  };
  return cmocka_run_group_tests_name("runtime/coro", tests, NULL, NULL);
}
