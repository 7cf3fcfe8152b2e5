/* SPDX-License-Identifier: Apache-2.0 */
/* The second door: an engine with its own kernels, no backend and no thread of heddle's. */
#include "fixture.h"

#include <pthread.h>
#include <sched.h>

/* `slice_ns`: of every class; 0: the defaults. */
static hd_sched *sliced_sched(int workers, uint32_t capacity, uint64_t slice_ns) {
  hd_host host;
  hd_host_posix(&host);
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = (uint32_t)workers;
  config.policies = hd_policies_builtin();
  for (uint32_t i = 0; i < HD_CLASS_COUNT && slice_ns > 0; i++)
    config.control.classes[i].slice_ns = slice_ns;
  hd_sched *sched = NULL;
  hd_error error = {""};
  if (hd_sched_create(&host, &config, &sched, &error) != HD_OK) fail_msg("%s", error.text);
  hd_device_props npu = {.size = sizeof npu,
                         .kind = HD_DEVICE_NPU,
                         .name = "npu",
                         .capacity = capacity,
                         .max_in_flight = capacity,
                         .ns_per_mib = 100000,
                         .ns_per_mflop = 1000};
  uint32_t index = 99;
  assert_int_equal(hd_sched_add_device(sched, &npu, &index), HD_OK);
  assert_int_equal(index, 0);
  assert_int_equal(hd_sched_add_device(sched, &npu, &index), HD_E_INVALID); /* the name is taken */
  return sched;
}

static hd_sched *lease_sched(int workers, uint32_t capacity) {
  return sliced_sched(workers, capacity, 0);
}

static hd_request *begin(hd_sched *sched, hd_class class_id) {
  hd_request_desc desc = {.size = sizeof desc, .name = "engine", .class_id = class_id};
  hd_request *request = NULL;
  assert_int_equal(hd_request_begin(sched, &desc, &request, NULL), HD_OK);
  return request;
}

static const hd_lease_desc SEGMENT = {
    .size = sizeof SEGMENT, .layer_end = 8, .n_tokens = 64, .expected_ns = 1000000};

static void a_free_device_is_granted_at_once_and_a_taken_one_is_not(void **state) {
  (void)state;
  hd_sched *sched = lease_sched(0, 1);
  hd_request *a = begin(sched, HD_CLASS_DEFAULT), *b = begin(sched, HD_CLASS_DEFAULT);
  hd_lease *lease = NULL, *other = NULL;
  hd_grant grant;
  assert_int_equal(hd_lease_acquire(a, &SEGMENT, 0, &lease, &grant), HD_OK);
  assert_int_equal(grant.width, 1);
  assert_true(grant.chunk_tokens >= 1 && grant.chunk_tokens <= 64);
  assert_int_equal(hd_lease_checkpoint(lease), HD_GO_ON);
  assert_int_equal(hd_lease_acquire(b, &SEGMENT, 0, &other, &grant), HD_E_AGAIN);
  assert_int_equal(hd_lease_acquire(b, &SEGMENT, 2000000, &other, &grant), HD_E_TIMEOUT);
  hd_lease_release(lease, NULL);
  assert_int_equal(hd_lease_acquire(b, &SEGMENT, 0, &other, &grant), HD_OK);
  hd_lease_release(
      other, &(hd_lease_sample){.size = sizeof(hd_lease_sample), .elapsed_ns = 900000, .layer_reached = 8});
  hd_request_end(a, HD_OK);
  hd_request_end(b, HD_OK);
  hd_control_stats stats;
  hd_sched_stats(sched, &stats);
  assert_int_equal(stats.requests, 0);
  assert_int_equal(stats.running, 0);
  assert_int_equal(stats.waiting, 0);
  hd_sched_destroy(sched);
}

static void leases_that_fit_side_by_side_are_both_granted(void **state) {
  (void)state;
  hd_sched *sched = lease_sched(0, 2);
  hd_request *a = begin(sched, HD_CLASS_DEFAULT), *b = begin(sched, HD_CLASS_BACKGROUND);
  hd_lease *lease = NULL, *other = NULL;
  hd_grant grant;
  hd_lease_desc one = SEGMENT;
  assert_int_equal(hd_lease_acquire(a, &one, 0, &lease, &grant), HD_OK);
  bool whole = grant.width == 2;
  if (whole) { /* alone it may take all; from then on the policy knows of two */
    hd_lease_release(lease, NULL);
    assert_int_equal(hd_lease_acquire(b, &one, 0, &other, &grant), HD_OK);
    hd_lease_release(other, NULL);
    assert_int_equal(hd_lease_acquire(a, &one, 0, &lease, &grant), HD_OK);
  }
  assert_int_equal(hd_lease_acquire(b, &one, 0, &other, &grant), HD_OK);
  hd_lease_release(lease, NULL);
  hd_lease_release(other, NULL);
  hd_request_end(a, HD_OK);
  hd_request_end(b, HD_OK);
  hd_sched_destroy(sched);
}

static void cancelling_shows_at_the_next_checkpoint(void **state) {
  (void)state;
  hd_sched *sched = lease_sched(0, 1);
  hd_request *a = begin(sched, HD_CLASS_DEFAULT);
  hd_lease *lease = NULL;
  hd_grant grant;
  assert_int_equal(hd_lease_acquire(a, &SEGMENT, 0, &lease, &grant), HD_OK);
  hd_request_cancel(a);
  assert_int_equal(hd_lease_checkpoint(lease), HD_STOP);
  hd_lease_release(lease, NULL);
  assert_int_equal(hd_lease_acquire(a, &SEGMENT, 0, &lease, &grant), HD_E_CANCELLED);
  hd_request_end(a, HD_E_CANCELLED);
  hd_sched_destroy(sched);
}

static void a_lease_never_released_is_taken_back_and_its_late_release_changes_nothing(void **state) {
  (void)state;
  for (int workers = 0; workers <= 1; workers++) {
    hd_sched *sched = lease_sched(workers, 1);
    hd_request *a = begin(sched, HD_CLASS_DEFAULT), *b = begin(sched, HD_CLASS_DEFAULT);
    hd_lease *lease = NULL, *other = NULL;
    hd_grant grant;
    assert_int_equal(hd_lease_acquire(a, &SEGMENT, 0, &lease, &grant), HD_OK);
    assert_int_equal(hd_lease_acquire(b, &SEGMENT, 10000000000u, &other, &grant),
                     HD_OK); /* after the grace */
    assert_int_equal(hd_lease_checkpoint(lease), HD_STOP);
    assert_false(hd_request_is_cancelled(a));
    hd_lease *again = NULL;
    assert_int_equal(hd_lease_acquire(a, &SEGMENT, 0, &again, &grant), HD_E_INVALID); /* release first */
    hd_lease_release(lease, NULL);
    hd_lease_release(lease, NULL);
    hd_control_stats stats;
    hd_sched_stats(sched, &stats);
    assert_int_equal(stats.reclaims, 1);
    assert_int_equal(stats.running, 1); /* the other one's is untouched */
    assert_int_equal(stats.invalid_events, 0);
    assert_int_equal(hd_lease_checkpoint(other), HD_GO_ON);
    hd_lease_release(other, NULL);
    assert_int_equal(hd_lease_acquire(a, &SEGMENT, 0, &again, &grant), HD_OK);
    assert_int_equal(hd_lease_checkpoint(again), HD_GO_ON);
    hd_lease_release(again, NULL);
    hd_request_end(a, HD_OK);
    hd_request_end(b, HD_OK);
    hd_sched_destroy(sched);
  }
}

static void a_request_that_ends_with_its_lease_gives_it_back(void **state) {
  (void)state;
  hd_sched *sched = lease_sched(0, 1);
  hd_request *a = begin(sched, HD_CLASS_DEFAULT);
  hd_lease *lease = NULL;
  hd_grant grant;
  assert_int_equal(hd_lease_acquire(a, &SEGMENT, 0, &lease, &grant), HD_OK);
  hd_request_end(a, HD_OK);
  hd_control_stats stats;
  hd_sched_stats(sched, &stats);
  assert_int_equal(stats.running, 0);
  assert_int_equal(stats.requests, 0);
  hd_sched_destroy(sched);
}

typedef struct holder {
  hd_sched *sched;
  hd_advice seen;
  atomic_int holds;
} holder;

/* Holds its lease until the checkpoint says something. */
static void *hold_until_advised(void *arg) {
  holder *self = arg;
  hd_request *request = begin(self->sched, HD_CLASS_DEFAULT);
  hd_lease *lease = NULL;
  hd_grant grant;
  if (hd_lease_acquire(request, &SEGMENT, 10000000000u, &lease, &grant) != HD_OK) return "not granted";
  atomic_store(&self->holds, 1);
  while ((self->seen = hd_lease_checkpoint(lease)) == HD_GO_ON)
    sched_yield();
  hd_lease_release(lease, NULL);
  hd_request_end(request, HD_OK);
  return NULL;
}

static void a_holder_is_told_to_yield_when_its_slice_is_over_and_an_equal_waits(void **state) {
  (void)state;
  hd_sched *sched = lease_sched(1, 1);
  holder self = {.sched = sched};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, hold_until_advised, &self), 0);
  while (atomic_load(&self.holds) == 0)
    sched_yield();
  hd_request *b = begin(sched, HD_CLASS_DEFAULT);
  hd_lease *lease = NULL;
  hd_grant grant;
  assert_int_equal(hd_lease_acquire(b, &SEGMENT, 10000000000u, &lease, &grant), HD_OK);
  void *problem = NULL;
  pthread_join(thread, &problem);
  if (problem != NULL) fail_msg("%s", (const char *)problem);
  assert_int_equal(self.seen, HD_YIELD);
  hd_lease_release(lease, NULL);
  hd_request_end(b, HD_OK);
  hd_sched_destroy(sched);
}

static void a_holder_is_sent_elsewhere_when_its_device_is_fenced(void **state) {
  (void)state;
  hd_sched *sched = lease_sched(0, 4);
  hd_device_props second = {
      .size = sizeof second, .kind = HD_DEVICE_CPU, .name = "other", .capacity = 1, .max_in_flight = 1};
  uint32_t index = 0;
  assert_int_equal(hd_sched_add_device(sched, &second, &index), HD_OK);
  hd_request *a = begin(sched, HD_CLASS_DEFAULT), *b = begin(sched, HD_CLASS_DEFAULT);
  hd_request *c = begin(sched, HD_CLASS_DEFAULT);
  hd_lease *staying = NULL, *away = NULL, *failing = NULL;
  hd_grant grant;
  hd_lease_desc there = SEGMENT;
  there.device = index;
  assert_int_equal(hd_lease_acquire(c, &there, 0, &staying, &grant), HD_OK);
  assert_int_equal(hd_lease_acquire(b, &SEGMENT, 0, &failing, &grant), HD_OK);
  hd_lease_release(failing, NULL); /* from here on the policy leaves room for two */
  assert_int_equal(hd_lease_acquire(a, &SEGMENT, 0, &away, &grant), HD_OK);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(hd_lease_checkpoint(away), HD_GO_ON);
    assert_int_equal(hd_lease_acquire(b, &SEGMENT, 0, &failing, &grant), HD_OK);
    hd_lease_release(failing, &(hd_lease_sample){.size = sizeof(hd_lease_sample), .status = HD_E_DEVICE});
  }
  assert_int_equal(hd_lease_checkpoint(away), HD_MIGRATE);
  assert_int_equal(hd_lease_acquire(b, &SEGMENT, 0, &failing, &grant), HD_E_DEVICE);
  assert_int_equal(hd_lease_checkpoint(staying), HD_GO_ON);
  hd_request_cancel(a);
  assert_int_equal(hd_lease_checkpoint(away), HD_STOP); /* outweighs it */
  hd_lease_release(away, NULL);
  hd_lease_release(staying, NULL);
  hd_request_end(a, HD_E_CANCELLED);
  hd_request_end(b, HD_OK);
  hd_request_end(c, HD_OK);
  hd_sched_destroy(sched);
}

/* ---- who waits for whom ---- */

typedef struct party {
  hd_request *self, *other;
  hd_status status;
} party;

static void *lease_and_end(void *arg) {
  party *p = arg;
  hd_lease *lease = NULL;
  hd_grant grant;
  p->status = hd_lease_acquire(p->self, &SEGMENT, 20000000000u, &lease, &grant);
  if (p->status == HD_OK) hd_lease_release(lease, NULL);
  hd_request_end(p->self, HD_E_IO);
  return NULL;
}

static void *wait_as(void *arg) {
  party *p = arg;
  p->status = hd_request_wait_as(p->self, p->other);
  hd_request_end(p->self, HD_OK);
  return NULL;
}

static hd_status wait_in_coroutine(hd_request *request, void *arg) {
  (void)request;
  return hd_request_wait(arg);
}

static void wait_until_one_waits(hd_sched *sched) {
  hd_control_stats stats;
  do
    hd_sched_stats(sched, &stats);
  while (stats.waiting < 1);
}

/* A background request waits for a device that a utility one holds for a minute. Nobody is told to yield,
 * until somebody urgent waits for the background request. */
static void a_holder_yields_to_what_somebody_urgent_waits_for(void **state) {
  (void)state;
  for (int by_coroutine = 0; by_coroutine <= 1; by_coroutine++) {
    hd_sched *sched = sliced_sched(1, 1, 60000000000u);
    hd_request *a = begin(sched, HD_CLASS_UTILITY);
    party slow = {.self = begin(sched, HD_CLASS_BACKGROUND)}, urgent = {.other = slow.self};
    hd_lease *lease = NULL;
    hd_grant grant;
    pthread_t threads[2];
    assert_int_equal(hd_lease_acquire(a, &SEGMENT, 0, &lease, &grant), HD_OK);
    assert_int_equal(pthread_create(&threads[0], NULL, lease_and_end, &slow), 0);
    wait_until_one_waits(sched);
    assert_int_equal(hd_lease_checkpoint(lease), HD_GO_ON);
    hd_request_desc desc = {
        .size = sizeof desc, .class_id = HD_CLASS_INTERACTIVE, .run = wait_in_coroutine, .arg = slow.self};
    if (by_coroutine) {
      assert_int_equal(hd_request_submit(sched, &desc, &urgent.self, NULL), HD_OK);
    } else {
      urgent.self = begin(sched, HD_CLASS_INTERACTIVE);
      assert_int_equal(hd_request_wait_as(urgent.self, urgent.self), HD_E_INVALID);
      assert_int_equal(pthread_create(&threads[1], NULL, wait_as, &urgent), 0);
    }
    while (hd_lease_checkpoint(lease) == HD_GO_ON)
      sched_yield();
    assert_int_equal(hd_lease_checkpoint(lease), HD_YIELD);
    hd_lease_release(lease, NULL);
    hd_request_end(a, HD_OK);
    if (by_coroutine) {
      urgent.status = hd_request_wait(urgent.self);
      hd_request_release(urgent.self);
    } else {
      pthread_join(threads[1], NULL);
    }
    pthread_join(threads[0], NULL);
    assert_int_equal(slow.status, HD_OK);
    assert_int_equal(urgent.status, HD_E_IO);
    hd_sched_destroy(sched);
  }
}

typedef struct turns {
  hd_sched *sched;
  hd_class class_id;
  atomic_int *inside;
  int most;
} turns;

static void *take_turns(void *arg) {
  turns *t = arg;
  hd_request *request = begin(t->sched, t->class_id);
  for (int i = 0; i < 50; i++) {
    hd_lease *lease = NULL;
    hd_grant grant;
    if (hd_lease_acquire(request, &SEGMENT, 10000000000u, &lease, &grant) != HD_OK) return "not granted";
    int now = atomic_fetch_add(t->inside, 1) + 1;
    if (now > t->most) t->most = now;
    atomic_fetch_sub(t->inside, 1);
    hd_lease_release(lease, NULL);
  }
  hd_request_end(request, HD_OK);
  return NULL;
}

static void threads_of_the_host_take_turns_on_one_device(void **state) {
  (void)state;
  hd_sched *sched = lease_sched(1, 1);
  pthread_t threads[3];
  turns t[3];
  atomic_int inside = 0;
  for (int i = 0; i < 3; i++) {
    t[i] = (turns){.sched = sched, .class_id = HD_CLASS_DEFAULT, .inside = &inside};
    assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &t[i]), 0);
  }
  for (int i = 0; i < 3; i++) {
    void *problem = NULL;
    pthread_join(threads[i], &problem);
    if (problem != NULL) fail_msg("%s", (const char *)problem);
    assert_int_equal(t[i].most, 1);
  }
  hd_sched_destroy(sched);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_free_device_is_granted_at_once_and_a_taken_one_is_not),
      cmocka_unit_test(leases_that_fit_side_by_side_are_both_granted),
      cmocka_unit_test(cancelling_shows_at_the_next_checkpoint),
      cmocka_unit_test(a_lease_never_released_is_taken_back_and_its_late_release_changes_nothing),
      cmocka_unit_test(a_request_that_ends_with_its_lease_gives_it_back),
      cmocka_unit_test(a_holder_is_told_to_yield_when_its_slice_is_over_and_an_equal_waits),
      cmocka_unit_test(a_holder_is_sent_elsewhere_when_its_device_is_fenced),
      cmocka_unit_test(a_holder_yields_to_what_somebody_urgent_waits_for),
      cmocka_unit_test(threads_of_the_host_take_turns_on_one_device),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
