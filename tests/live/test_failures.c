/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that fail, hang or lie: the ids stay right and the device is fenced off. */
#include "fixture.h"

/* Runs three jobs with a device that misbehaves and expects the ids of a healthy machine. */
static void expect_right_ids(const char *devices, const char *split, bool fenced) {
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.devices = devices});
  hd_model *model = fx_model(sched, &net, split);
  fx_job jobs[3];
  for (uint32_t i = 0; i < 3; i++)
    fx_job_start(sched, model, &jobs[i], i + 1, HD_CLASS_DEFAULT);
  for (uint32_t i = 0; i < 3; i++) {
    int32_t alone[FX_DECODE];
    fx_job_finish(&jobs[i]);
    fx_alone(i + 1, alone);
    assert_int_equal(jobs[i].status, HD_OK);
    assert_memory_equal(jobs[i].ids, alone, sizeof alone);
  }
  hd_control_stats stats;
  hd_sched_stats(sched, &stats);
  assert_true(stats.moves > 0);
  hd_device_state device_state;
  assert_int_equal(hd_sched_device(sched, 1, NULL, &device_state), HD_OK);
  assert_int_equal(device_state, fenced ? HD_DEVICE_FENCED : HD_DEVICE_READY);
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

static void a_device_that_starts_to_fail_costs_time_but_no_token(void **state) {
  (void)state;
  expect_right_ids("cpu:tier=c,sim:latency_us=10;fail_after=5", "cpu:0-1,sim:2-", true);
  expect_right_ids("cpu:tier=c,sim:latency_us=10;fail_after=1", "sim:0-", true);
}

static void a_device_that_fails_now_and_then_is_kept(void **state) {
  (void)state;
  expect_right_ids("cpu:tier=c,sim:latency_us=10;fail_every=4", "cpu:0-1,sim:2-", false);
}

static void a_device_that_hangs_is_fenced_and_its_step_runs_elsewhere(void **state) {
  (void)state;
  expect_right_ids("cpu:tier=c,sim:latency_us=10;hang_after=5", "cpu:0-1,sim:2-", true);
}

static void when_no_device_is_left_the_request_fails_with_device(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.devices = "sim:latency_us=10;fail_after=5"});
  hd_model *model = fx_model(sched, &net, NULL);
  fx_job job;
  fx_job_start(sched, model, &job, 1, HD_CLASS_DEFAULT);
  fx_job_finish(&job);
  assert_int_equal(job.status, HD_E_DEVICE);
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

/* Its costs are all 0, so that nothing would be cheaper. */
static void a_device_for_leases_alone_gets_no_step_even_when_no_other_is_left(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  hd_device_props npu = {
      .size = sizeof npu, .kind = HD_DEVICE_CPU, .name = "engine", .capacity = 1, .max_in_flight = 1};
  for (int failing = 0; failing <= 1; failing++) {
    const char *devices = failing ? "sim:latency_us=10;fail_after=5" : "sim:latency_us=10";
    hd_sched *sched = fx_sched(&net, &(fx_options){.devices = devices});
    assert_int_equal(hd_sched_add_device(sched, &npu, NULL), HD_OK);
    hd_model *model = NULL;
    hd_error error = {""};
    hd_model_desc pinned = {
        .size = sizeof pinned, .graph = net.graph, .weights = net.weights, .split = "engine:0-"};
    assert_int_equal(hd_model_create(sched, &pinned, &model, &error), HD_E_UNSUPPORTED);
    assert_non_null(strstr(error.text, "device engine is for leases alone"));
    model = fx_model(sched, &net, NULL);
    fx_job job;
    fx_job_start(sched, model, &job, 1, HD_CLASS_DEFAULT);
    fx_job_finish(&job);
    assert_int_equal(job.status, failing ? HD_E_DEVICE : HD_OK);
    hd_model_destroy(model);
    hd_sched_destroy(sched);
  }
  fx_net_free(&net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_device_that_starts_to_fail_costs_time_but_no_token),
      cmocka_unit_test(a_device_that_fails_now_and_then_is_kept),
      cmocka_unit_test(a_device_that_hangs_is_fenced_and_its_step_runs_elsewhere),
      cmocka_unit_test(when_no_device_is_left_the_request_fails_with_device),
      cmocka_unit_test(a_device_for_leases_alone_gets_no_step_even_when_no_other_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
