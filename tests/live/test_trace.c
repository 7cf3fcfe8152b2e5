/* SPDX-License-Identifier: Apache-2.0 */
/* What ran live replays to the same decisions, byte by byte. */
#include "fixture.h"

#include <stdlib.h>
#include <unistd.h>

static void record(const fx_options *given, const char *path) {
  fx_net net;
  fx_net_make(&net);
  fx_options options = *given;
  hd_error error = {""};
  if (hd_trace_create(&net.host, path, 1, 1u << 16, &options.trace, &error) != HD_OK)
    fail_msg("%s", error.text);
  hd_sched *sched = fx_sched(&net, &options);
  hd_model *model = fx_model(sched, &net, options.split);
  fx_job jobs[5];
  for (uint32_t i = 0; i < 5; i++)
    fx_job_start(sched, model, &jobs[i], i + 1, (hd_class)i);
  hd_request_cancel(jobs[4].request);
  for (uint32_t i = 0; i < 5; i++)
    fx_job_finish(&jobs[i]);
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  assert_int_equal(hd_trace_destroy(options.trace, &error), HD_OK);
  fx_net_free(&net);
}

static hd_status wait_for_other(hd_request *request, void *arg) {
  (void)request;
  return hd_request_wait(arg);
}

/* Somebody urgent waits for a request that waits for a device whose holder never lets go. */
static void record_leases(const fx_options *given, const char *path) {
  fx_net net;
  fx_net_make(&net);
  fx_options options = *given;
  hd_error error = {""};
  if (hd_trace_create(&net.host, path, 1, 1u << 16, &options.trace, &error) != HD_OK)
    fail_msg("%s", error.text);
  hd_sched *sched = fx_sched(&net, &options);
  hd_request *deaf = NULL, *slow = NULL, *urgent = NULL;
  hd_request_desc desc = {.size = sizeof desc, .class_id = HD_CLASS_UTILITY};
  hd_lease_desc segment = {.size = sizeof segment, .layer_end = 8, .n_tokens = 64};
  hd_lease *held = NULL, *lease = NULL;
  hd_grant grant;
  assert_int_equal(hd_request_begin(sched, &desc, &deaf, NULL), HD_OK);
  desc.class_id = HD_CLASS_BACKGROUND;
  assert_int_equal(hd_request_begin(sched, &desc, &slow, NULL), HD_OK);
  desc = (hd_request_desc){.size = sizeof desc, .run = wait_for_other, .arg = slow};
  assert_int_equal(hd_request_submit(sched, &desc, &urgent, NULL), HD_OK);
  assert_int_equal(hd_lease_acquire(deaf, &segment, 0, &held, &grant), HD_OK);
  for (int i = 0; i < 60; i++) /* two events each: enough to count as a life */
    assert_int_equal(hd_lease_acquire(slow, &segment, 0, &lease, &grant), HD_E_AGAIN);
  assert_int_equal(hd_lease_acquire(slow, &segment, 10000000000u, &lease, &grant), HD_OK);
  hd_lease_release(held, NULL);
  for (int i = 0; i < 100; i++) {
    hd_lease_release(lease, NULL);
    assert_int_equal(hd_lease_acquire(slow, &segment, 0, &lease, &grant), HD_OK);
  }
  hd_lease_release(lease, NULL);
  hd_request_end(slow, HD_OK);
  assert_int_equal(hd_request_wait(urgent), HD_OK);
  hd_request_release(urgent);
  hd_request_end(deaf, HD_OK);
  hd_control_stats stats;
  hd_sched_stats(sched, &stats);
  assert_int_equal(stats.reclaims, 1);
  assert_int_equal(stats.invalid_events, 0);
  hd_sched_destroy(sched);
  assert_int_equal(hd_trace_destroy(options.trace, &error), HD_OK);
  fx_net_free(&net);
}

static void expect_identical_life(const fx_options *options,
                                  void (*live)(const fx_options *options, const char *path)) {
  char path[] = "heddle-live-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  live(options, path);
  hd_host host;
  hd_host_posix(&host);
  hd_trace_file *file = NULL;
  hd_error error = {""};
  hd_replay_result result = {.identical = false};
  if (hd_trace_read(&host, path, &file, &error) != HD_OK) fail_msg("%s", error.text);
  assert_false(hd_trace_is_truncated(file));
  if (hd_trace_replay(&host, file, hd_policies_builtin(), NULL, &result, &error) != HD_OK)
    fail_msg("%s", error.text);
  assert_true(result.identical);
  assert_true(result.events > 100 && result.decisions > 100);
  hd_trace_file_destroy(file);
  unlink(path);
}

static void expect_identical(const fx_options *options) {
  expect_identical_life(options, record);
}

static void a_run_of_several_requests_replays_to_the_byte(void **state) {
  (void)state;
  const char *policies[] = {"fifo", "fair"};
  for (int i = 0; i < 2; i++) {
    expect_identical(&(fx_options){.policy = policies[i]});
    expect_identical(&(fx_options){.policy = policies[i], .devices = "sim:latency_us=10"});
    expect_identical(
        &(fx_options){.policy = policies[i], .devices = "cpu,sim:latency_us=10", .split = "cpu:0-1,sim:2-"});
  }
}

static void a_run_with_a_failing_device_replays_to_the_byte(void **state) {
  (void)state;
  expect_identical(&(fx_options){
      .policy = "fair", .devices = "cpu,sim:latency_us=10;fail_after=7", .split = "cpu:0-1,sim:2-"});
}

static void leases_taken_back_and_waits_replay_to_the_byte(void **state) {
  (void)state;
  expect_identical_life(&(fx_options){.policy = "fifo", .workers = 1}, record_leases);
  expect_identical_life(&(fx_options){.policy = "fair", .workers = 1}, record_leases);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_run_of_several_requests_replays_to_the_byte),
      cmocka_unit_test(a_run_with_a_failing_device_replays_to_the_byte),
      cmocka_unit_test(leases_taken_back_and_waits_replay_to_the_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
