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

/* An allocator that refuses its n-th call, for every n until making a scheduler and a model works. */
typedef struct refusing {
  hd_host posix;
  atomic_long left;
  atomic_long alive;
} refusing;

static void *refusing_alloc(void *ctx, size_t bytes, size_t align) {
  refusing *r = ctx;
  if (atomic_fetch_sub(&r->left, 1) == 0) return NULL;
  void *memory = r->posix.alloc(r->posix.ctx, bytes, align);
  if (memory != NULL) atomic_fetch_add(&r->alive, (long)bytes);
  return memory;
}

static void refusing_free(void *ctx, void *memory, size_t bytes) {
  refusing *r = ctx;
  atomic_fetch_sub(&r->alive, (long)bytes);
  r->posix.free(r->posix.ctx, memory, bytes);
}

static bool make_all(const hd_host *host, const fx_net *net) {
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = 1;
  config.backends = hd_backends_builtin();
  config.policies = hd_policies_builtin();
  config.devices = "cpu,sim";
  hd_sched *sched = NULL;
  hd_error error;
  hd_status status = hd_sched_create(host, &config, &sched, &error);
  hd_model *model = NULL;
  hd_session *session = NULL;
  hd_model_desc desc = {.size = sizeof desc, .graph = net->graph, .weights = net->weights};
  if (status == HD_OK) status = hd_model_create(sched, &desc, &model, &error);
  if (status == HD_OK)
    status = hd_session_create(model, &(hd_session_desc){.size = sizeof(hd_session_desc)}, &session);
  if (status != HD_OK) assert_int_equal(status, HD_E_NO_MEMORY);
  hd_session_destroy(session);
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  return status == HD_OK;
}

static void whichever_allocation_fails_nothing_is_left_behind(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  for (long n = 0; n < 1000; n++) {
    refusing r = {.left = n};
    hd_host_posix(&r.posix);
    hd_host host = r.posix;
    host.ctx = &r;
    host.alloc = refusing_alloc;
    host.free = refusing_free;
    bool made = make_all(&host, &net);
    assert_int_equal(atomic_load(&r.alive), 0);
    if (made) {
      fx_net_free(&net);
      return;
    }
  }
  fail_msg("a scheduler needs more than 1000 allocations");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_device_that_starts_to_fail_costs_time_but_no_token),
      cmocka_unit_test(a_device_that_fails_now_and_then_is_kept),
      cmocka_unit_test(a_device_that_hangs_is_fenced_and_its_step_runs_elsewhere),
      cmocka_unit_test(when_no_device_is_left_the_request_fails_with_device),
      cmocka_unit_test(whichever_allocation_fails_nothing_is_left_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
