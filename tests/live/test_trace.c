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

static void expect_identical(const fx_options *options) {
  char path[] = "heddle-live-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  record(options, path);
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_run_of_several_requests_replays_to_the_byte),
      cmocka_unit_test(a_run_with_a_failing_device_replays_to_the_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
