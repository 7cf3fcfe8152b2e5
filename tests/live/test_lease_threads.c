/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the host's that wait inside the scheduler: woken by what they wait for, by the cancellation of
 * their own request, and by the scheduler's end, with workers of heddle's and without any. */
#include "fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

static hd_sched *lease_sched(uint32_t workers) {
  hd_host host;
  hd_host_posix(&host);
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = workers;
  config.policies = hd_policies_builtin();
  for (uint32_t i = 0; i < HD_CLASS_COUNT; i++)
    config.control.classes[i].slice_ns =
        60000000000u; /* a thread that is kept waiting by the machine loses nothing */
  hd_sched *sched = NULL;
  hd_error error = {""};
  if (hd_sched_create(&host, &config, &sched, &error) != HD_OK) fail_msg("%s", error.text);
  hd_device_props npu = {
      .size = sizeof npu, .kind = HD_DEVICE_NPU, .name = "npu", .capacity = 1, .max_in_flight = 1};
  assert_int_equal(hd_sched_add_device(sched, &npu, NULL), HD_OK);
  return sched;
}

static hd_request *begin(hd_sched *sched) {
  hd_request_desc desc = {.size = sizeof desc, .name = "engine"};
  hd_request *request = NULL;
  assert_int_equal(hd_request_begin(sched, &desc, &request, NULL), HD_OK);
  return request;
}

static const hd_lease_desc SEGMENT = {
    .size = sizeof SEGMENT, .layer_end = 8, .n_tokens = 64, .expected_ns = 1000000};

typedef struct party {
  hd_sched *sched;
  hd_request *self, *other;
  hd_lease *lease;
  hd_status status;
  atomic_int at; /* how far it got */
  atomic_int *inside, *most;
  pthread_t thread;
} party;

static void start(party *p, void *(*fn)(void *)) {
  assert_int_equal(pthread_create(&p->thread, NULL, fn, p), 0);
}

static void *acquire_for_ever(void *arg) {
  party *p = arg;
  hd_grant grant;
  atomic_store(&p->at, 1);
  p->status = hd_lease_acquire(p->self, &SEGMENT, UINT64_MAX, &p->lease, &grant);
  return NULL;
}

static void *wait_for_ever(void *arg) {
  party *p = arg;
  atomic_store(&p->at, 1);
  p->status = p->self == NULL ? hd_request_wait(p->other) : hd_request_wait_as(p->self, p->other);
  return NULL;
}

/* Until the thread sleeps, probably: whether it does or is still on its way there, the outcome is the same.
 */
static void let_sleep(party *p) {
  while (atomic_load(&p->at) == 0)
    sched_yield();
  usleep(10000);
}

static void a_thread_that_waits_for_a_lease_is_woken_by_its_own_cancellation(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 1; workers++) {
    hd_sched *sched = lease_sched(workers);
    hd_request *holder = begin(sched);
    party p = {.self = begin(sched)};
    hd_lease *lease = NULL;
    hd_grant grant;
    assert_int_equal(hd_lease_acquire(holder, &SEGMENT, 0, &lease, &grant), HD_OK);
    start(&p, acquire_for_ever);
    let_sleep(&p);
    hd_request_cancel(p.self);
    pthread_join(p.thread, NULL);
    assert_int_equal(p.status, HD_E_CANCELLED);
    assert_null(p.lease);
    hd_control_stats stats;
    hd_sched_stats(sched, &stats);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.running, 1);
    assert_int_equal(stats.invalid_events, 0);
    hd_lease_release(lease, NULL);
    hd_request_end(holder, HD_OK);
    hd_request_end(p.self, p.status);
    hd_sched_destroy(sched);
  }
}

static void a_thread_that_waits_for_another_request_is_woken_by_the_cancellation_of_its_own(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 1; workers++) {
    hd_sched *sched = lease_sched(workers);
    party p = {.self = begin(sched), .other = begin(sched)};
    start(&p, wait_for_ever);
    let_sleep(&p);
    hd_request_cancel(p.self);
    pthread_join(p.thread, NULL);
    assert_int_equal(p.status, HD_E_CANCELLED);
    assert_int_equal(hd_request_poll(p.other), HD_E_AGAIN);
    hd_request_end(p.self, p.status);
    hd_request_end(p.other, HD_OK);
    hd_sched_destroy(sched);
  }
}

static void *take_turns(void *arg) {
  party *p = arg;
  p->self = begin(p->sched);
  for (int i = 0; i < 50 && p->status == HD_OK; i++) {
    hd_grant grant;
    p->status = hd_lease_acquire(p->self, &SEGMENT, UINT64_MAX, &p->lease, &grant);
    if (p->status != HD_OK) break;
    int now = atomic_fetch_add(p->inside, 1) + 1;
    if (now > atomic_load(p->most)) atomic_store(p->most, now);
    if (i % 8 == 0) sched_yield();
    atomic_fetch_sub(p->inside, 1);
    hd_lease_release(p->lease, NULL);
  }
  hd_request_end(p->self, p->status);
  atomic_store(&p->at, 2);
  return NULL;
}

/* `loop`: this thread is the host's event loop meanwhile; otherwise nobody is but who waits. */
static void take_turns_without_workers(bool loop) {
  enum { THREADS = 4 };
  hd_sched *sched = lease_sched(0);
  party p[THREADS];
  atomic_int inside = 0, most = 0;
  for (int i = 0; i < THREADS; i++) {
    p[i] = (party){.sched = sched, .inside = &inside, .most = &most};
    start(&p[i], take_turns);
  }
  for (int i = 0; i < THREADS; i++) {
    while (loop && atomic_load(&p[i].at) != 2) {
      struct pollfd fd = {.fd = hd_sched_fd(sched), .events = POLLIN};
      (void)poll(&fd, 1, 1);
      (void)hd_sched_dispatch(sched, 0);
    }
    pthread_join(p[i].thread, NULL);
    assert_int_equal(p[i].status, HD_OK);
  }
  assert_int_equal(most, 1);
  hd_sched_destroy(sched);
}

static void threads_take_turns_on_a_device_without_any_worker(void **state) {
  (void)state;
  take_turns_without_workers(false);
  take_turns_without_workers(true);
}

static hd_status sleep_a_little(hd_request *request, void *arg) {
  (void)arg;
  const hd_host *host = hd_sched_host(hd_request_sched(request));
  hd_status status = HD_OK;
  for (int i = 0; i < 5 && status == HD_OK; i++)
    status = hd_await_time(host->now_ns(host->ctx) + 300000);
  return status;
}

/* One of them drives, the others sleep, and when that one is done another one drives. */
static void threads_wait_for_requests_without_any_worker(void **state) {
  (void)state;
  enum { THREADS = 4 };
  hd_sched *sched = lease_sched(0);
  party p[THREADS];
  for (int i = 0; i < THREADS; i++) {
    hd_request_desc desc = {.size = sizeof desc, .run = sleep_a_little};
    p[i] = (party){.status = HD_E_INTERNAL};
    assert_int_equal(hd_request_submit(sched, &desc, &p[i].other, NULL), HD_OK);
    start(&p[i], wait_for_ever);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(p[i].thread, NULL);
    assert_int_equal(p[i].status, HD_OK);
    hd_request_release(p[i].other);
  }
  hd_sched_destroy(sched);
}

/* ---- too many at once ---- */

static hd_status wait_for_arg(hd_request *request, void *arg) {
  (void)request;
  return hd_request_wait(arg);
}

static hd_request *submit(hd_sched *sched, hd_status (*run)(hd_request *request, void *arg), void *arg) {
  hd_request_desc desc = {.size = sizeof desc, .run = run, .arg = arg};
  hd_request *request = NULL;
  assert_int_equal(hd_request_submit(sched, &desc, &request, NULL), HD_OK);
  return request;
}

static void one_coroutine_and_any_number_of_threads_may_wait_for_a_request(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_sched *sched = lease_sched(workers);
    hd_request *waited = begin(sched), *both[2];
    for (int i = 0; i < 2; i++)
      both[i] = submit(sched, wait_for_arg, waited);
    while (hd_request_poll(both[0]) == HD_E_AGAIN && hd_request_poll(both[1]) == HD_E_AGAIN)
      if (workers == 0) (void)hd_sched_dispatch(sched, 0);
    int late = hd_request_poll(both[0]) == HD_E_AGAIN ? 1 : 0; /* whichever came second */
    assert_int_equal(hd_request_wait(both[late]), HD_E_INVALID);
    assert_int_equal(hd_request_poll(both[1 - late]), HD_E_AGAIN);
    party p[2] = {{.other = waited}, {.other = waited}};
    for (int i = 0; i < 2; i++) {
      start(&p[i], wait_for_ever);
      let_sleep(&p[i]);
    }
    hd_request_end(waited, HD_E_IO);
    assert_int_equal(hd_request_wait(both[1 - late]), HD_E_IO);
    for (int i = 0; i < 2; i++) {
      pthread_join(p[i].thread, NULL);
      assert_int_equal(p[i].status, HD_E_IO);
    }
    hd_request_release(both[0]);
    hd_request_release(both[1]);
    hd_sched_destroy(sched);
  }
}

static void a_lease_too_many_is_asked_to_come_back(void **state) {
  (void)state;
  hd_host host;
  hd_host_posix(&host);
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = 0;
  config.policies = hd_policies_builtin();
  config.control.limits.max_steps = 1;
  hd_sched *sched = NULL;
  assert_int_equal(hd_sched_create(&host, &config, &sched, NULL), HD_OK);
  hd_device_props npu = {
      .size = sizeof npu, .kind = HD_DEVICE_NPU, .name = "npu", .capacity = 2, .max_in_flight = 2};
  assert_int_equal(hd_sched_add_device(sched, &npu, NULL), HD_OK);
  hd_request *a = begin(sched), *b = begin(sched);
  hd_lease *first = NULL, *second = NULL;
  hd_grant grant;
  assert_int_equal(hd_lease_acquire(a, &SEGMENT, 0, &first, &grant), HD_OK);
  assert_int_equal(hd_lease_acquire(b, &SEGMENT, UINT64_MAX, &second, &grant), HD_E_AGAIN); /* no waiting */
  assert_true(grant.retry_after_ns >= 1000000);
  hd_lease_release(first, NULL);
  assert_int_equal(hd_lease_acquire(b, &SEGMENT, 0, &second, &grant), HD_OK);
  hd_lease_release(second, NULL);
  hd_request_end(a, HD_OK);
  hd_request_end(b, HD_OK);
  hd_sched_destroy(sched);
}

/* ---- the scheduler goes first ---- */

static hd_status wait_for_never(hd_request *request, void *arg) {
  (void)request;
  return hd_await_event(arg);
}

static void expect_over(hd_request *request, hd_status status) {
  hd_request_stats stats;
  assert_int_equal(hd_request_poll(request), status);
  assert_int_equal(hd_request_wait(request), status);
  hd_request_cancel(request);
  hd_request_mark(request, 1, 2);
  hd_request_stats_get(request, &stats);
  assert_int_equal(stats.steps, 0);
}

static void what_lives_when_a_scheduler_is_destroyed_is_ended_and_its_handles_stay(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_sched *sched = lease_sched(workers);
    hd_request *holder = begin(sched), *watched = NULL;
    hd_event never;
    hd_event_init(&never);
    hd_request_desc desc = {.size = sizeof desc, .run = wait_for_never, .arg = &never};
    assert_int_equal(hd_request_submit(sched, &desc, &watched, NULL), HD_OK);
    hd_lease *lease = NULL, *more = NULL;
    hd_grant grant;
    assert_int_equal(hd_lease_acquire(holder, &SEGMENT, 0, &lease, &grant), HD_OK);
    party acquirer = {.self = begin(sched)}, waiter = {.self = begin(sched), .other = holder};
    party watcher = {.other = watched};
    start(&acquirer, acquire_for_ever);
    start(&waiter, wait_for_ever);
    start(&watcher, wait_for_ever);
    let_sleep(&acquirer);
    let_sleep(&waiter);
    let_sleep(&watcher);
    hd_sched_destroy(sched);
    pthread_join(acquirer.thread, NULL);
    pthread_join(waiter.thread, NULL);
    pthread_join(watcher.thread, NULL);
    assert_int_equal(acquirer.status, HD_E_CANCELLED);
    assert_true(waiter.status == HD_E_CANCELLED || waiter.status == HD_E_CLOSED);
    assert_int_equal(watcher.status, HD_E_CANCELLED);
    assert_int_equal(hd_lease_checkpoint(lease), HD_STOP);
    hd_lease_release(lease, NULL);
    assert_int_equal(hd_lease_acquire(holder, &SEGMENT, 0, &more, &grant), HD_E_CLOSED);
    expect_over(holder, HD_E_CLOSED);
    expect_over(watched, HD_E_CANCELLED);
    hd_request_end(holder, HD_OK);
    hd_request_end(acquirer.self, HD_OK);
    hd_request_end(waiter.self, HD_OK);
    hd_request_release(watched);
  }
}

/* An engine's thread that goes on as if nothing had happened until it is told. */
static void *serve_until_closed(void *arg) {
  party *p = arg;
  while (p->status == HD_OK) {
    hd_grant grant;
    p->status = hd_lease_acquire(p->self, &SEGMENT, UINT64_MAX, &p->lease, &grant);
    atomic_store(&p->at, 1);
    if (p->status == HD_OK) hd_lease_release(p->lease, NULL);
  }
  hd_request_end(p->self, p->status);
  return NULL;
}

static void a_scheduler_may_be_destroyed_while_threads_lease_and_end(void **state) {
  (void)state;
  for (uint32_t round = 0; round < 30; round++) {
    enum { THREADS = 3 };
    hd_sched *sched = lease_sched(round % 3);
    party p[THREADS];
    for (int i = 0; i < THREADS; i++) {
      p[i] = (party){.self = begin(sched)};
      start(&p[i], serve_until_closed);
    }
    while (atomic_load(&p[round % THREADS].at) == 0)
      sched_yield();
    hd_sched_destroy(sched);
    for (int i = 0; i < THREADS; i++) {
      pthread_join(p[i].thread, NULL);
      assert_true(p[i].status == HD_E_CANCELLED || p[i].status == HD_E_CLOSED);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_thread_that_waits_for_a_lease_is_woken_by_its_own_cancellation),
      cmocka_unit_test(a_thread_that_waits_for_another_request_is_woken_by_the_cancellation_of_its_own),
      cmocka_unit_test(threads_take_turns_on_a_device_without_any_worker),
      cmocka_unit_test(threads_wait_for_requests_without_any_worker),
      cmocka_unit_test(one_coroutine_and_any_number_of_threads_may_wait_for_a_request),
      cmocka_unit_test(a_lease_too_many_is_asked_to_come_back),
      cmocka_unit_test(what_lives_when_a_scheduler_is_destroyed_is_ended_and_its_handles_stay),
      cmocka_unit_test(a_scheduler_may_be_destroyed_while_threads_lease_and_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
