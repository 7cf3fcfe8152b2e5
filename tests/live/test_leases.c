/* SPDX-License-Identifier: Apache-2.0 */
/* The second door: an engine with its own kernels, no backend and no thread of heddle's. */
#include "fixture.h"

#include <pthread.h>

static hd_sched *lease_sched(int workers, uint32_t capacity) {
  hd_host host;
  hd_host_posix(&host);
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = (uint32_t)workers;
  config.policies = hd_policies_builtin();
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
      cmocka_unit_test(threads_of_the_host_take_turns_on_one_device),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
