/* SPDX-License-Identifier: Apache-2.0 */
/* A backend's bell: one system call for a burst when everybody sleeps, none when somebody is awake. */
#include "fixture.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>

enum { RINGS = 1000 };

static const hd_backend_host *lent; /* of the backend under test */

static hd_status open_and_keep(const hd_backend_host *host, const char *options, void **out_backend,
                               hd_error *out_error) {
  lent = host;
  return hd_backends_builtin()[0]->open(host, options, out_backend, out_error);
}

/* The first backend of the build, with a look at what it was lent. */
static hd_sched *make(uint32_t workers) {
  static hd_backend_ops ops;
  static const hd_backend_ops *const backends[] = {&ops, NULL};
  hd_host host;
  hd_sched_config config;
  hd_sched *sched;
  hd_error error;
  ops = *hd_backends_builtin()[0];
  ops.open = open_and_keep;
  hd_host_posix(&host);
  hd_sched_config_default(&config);
  config.runtime.worker_count = workers;
  config.backends = backends;
  config.policies = hd_policies_builtin();
  config.devices = ops.name;
  assert_int_equal(hd_sched_create(&host, &config, &sched, &error), HD_OK);
  return sched;
}

static uint64_t wakes(hd_sched *sched) {
  hd_runtime_stats stats;
  hd_runtime_stats_get(hd_sched_runtime(sched), &stats);
  return stats.wakes;
}

static void ring(uint32_t times) {
  for (uint32_t i = 0; i < times; i++)
    lent->wake(lent->ctx);
}

static bool is_readable(hd_sched *sched) {
  struct pollfd fd = {.fd = hd_sched_fd(sched), .events = POLLIN};
  return poll(&fd, 1, 0) == 1;
}

static void a_burst_of_rings_wakes_a_sleeping_scheduler_once(void **state) {
  (void)state;
  hd_sched *sched = make(0);
  for (int burst = 0; burst < 3; burst++) {
    while (is_readable(sched))
      (void)hd_sched_dispatch(sched, 0);
    uint64_t before = wakes(sched);
    ring(RINGS);
    assert_int_equal(wakes(sched) - before, 1);
    assert_true(is_readable(sched));
  }
  hd_sched_destroy(sched);
}

typedef struct busy {
  atomic_bool runs, stop;
} busy;

static void stay_awake(void *arg) {
  busy *b = arg;
  while (!atomic_load(&b->stop)) {
    atomic_store(&b->runs, true);
    hd_coro_yield();
  }
}

static void rings_cost_no_wake_while_the_scheduler_is_awake(void **state) {
  (void)state;
  hd_sched *sched = make(1);
  busy b = {.runs = false};
  assert_int_equal(hd_coro_spawn(hd_sched_runtime(sched), "busy", stay_awake, &b), HD_OK);
  while (!atomic_load(&b.runs))
    sched_yield();
  uint64_t before = wakes(sched);
  ring(RINGS);
  assert_int_equal(wakes(sched) - before, 0);
  atomic_store(&b.stop, true);
  hd_sched_destroy(sched);
}

static void ring_from_a_task(void *arg) {
  ring(RINGS);
  atomic_store((atomic_bool *)arg, true);
}

/* Both workers may sleep when it is posted: that wake is the posting's. The ringing itself adds none,
 * although the other worker sleeps on. */
static void work_that_rings_at_its_end_wakes_no_other_worker(void **state) {
  (void)state;
  hd_sched *sched = make(2);
  for (int i = 0; i < 50; i++) {
    atomic_bool done = false;
    uint64_t before = wakes(sched);
    assert_int_equal(lent->execute(lent->ctx, ring_from_a_task, &done), HD_OK);
    while (!atomic_load(&done))
      sched_yield();
    assert_in_range(wakes(sched) - before, 0, 1);
  }
  hd_sched_destroy(sched);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_burst_of_rings_wakes_a_sleeping_scheduler_once),
      cmocka_unit_test(rings_cost_no_wake_while_the_scheduler_is_awake),
      cmocka_unit_test(work_that_rings_at_its_end_wakes_no_other_worker),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
