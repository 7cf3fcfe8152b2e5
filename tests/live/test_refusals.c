/* SPDX-License-Identifier: Apache-2.0 */
/* A scheduler that is refused something: each allocation, descriptor and thread, one after the other, from
 * the opening of its devices to its end. It answers with a clean status and keeps nothing. */
#include "fixture.h"

#include <unistd.h>

#include "check_host.h"
#include "refused_calls.h"

/* What is asked of a scheduler, and how it is made. */
typedef struct service {
  const fx_net *net;
  const char *devices, *policy;
  uint32_t workers; /* 0: the test drives */
  bool traced;
} service;

static const char TRACE_PATH[] = "live_refusals.rec";

static hd_status lease_once(hd_sched *sched) {
  hd_request_desc desc = {.size = sizeof desc, .name = "engine"};
  hd_request *request = NULL;
  hd_status status = hd_request_begin(sched, &desc, &request, NULL);
  if (status != HD_OK) return status;
  hd_lease_desc segment = {.size = sizeof segment, .layer_end = FX_LAYERS, .n_tokens = 1};
  hd_lease *lease = NULL;
  hd_grant grant;
  status = hd_lease_acquire(request, &segment, UINT64_MAX, &lease, &grant);
  if (status == HD_OK) {
    (void)hd_lease_checkpoint(lease);
    hd_lease_release(lease, NULL);
  }
  hd_request_end(request, status);
  return status;
}

static hd_status use(hd_sched *sched, const service *s) {
  hd_model *model = NULL;
  hd_error error = {""};
  hd_model_desc desc = {.size = sizeof desc, .graph = s->net->graph, .weights = s->net->weights};
  hd_status status = hd_model_create(sched, &desc, &model, &error);
  assert_int_equal(model == NULL, status != HD_OK);
  assert_int_equal(error.text[0] == '\0', status == HD_OK);
  fx_job job;
  if (status == HD_OK) status = fx_job_submit(sched, model, &job, 1, HD_CLASS_DEFAULT);
  if (status == HD_OK) {
    fx_job_finish(&job);
    status = job.status;
  }
  if (status == HD_OK) status = lease_once(sched);
  hd_model_destroy(model);
  return status;
}

static hd_status whole_service(const hd_host *host, void *arg) {
  const service *s = arg;
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = s->workers;
  config.runtime.max_coroutines = 8;
  config.backends = hd_backends_builtin();
  config.policies = hd_policies_builtin();
  config.policy = s->policy;
  config.devices = s->devices;
  hd_error error = {""};
  hd_status status = s->traced ? hd_trace_create(host, TRACE_PATH, 1, 64, &config.trace, &error) : HD_OK;
  hd_sched *sched = NULL;
  if (status == HD_OK) status = hd_sched_create(host, &config, &sched, &error);
  assert_int_equal(sched == NULL, status != HD_OK);
  assert_int_equal(error.text[0] == '\0', status == HD_OK);
  if (status == HD_OK) status = use(sched, s);
  hd_sched_destroy(sched);
  (void)hd_trace_destroy(config.trace, NULL);
  return status;
}

static const char *const MACHINES[] = {"null", "sim:latency_us=1", "cpu:tier=c",
                                       "cpu:tier=c,sim:latency_us=1"};
enum { MACHINES_COUNT = sizeof MACHINES / sizeof MACHINES[0] };

static void every_allocation_may_fail(void **state) {
  service s = {.net = *state};
  for (uint32_t i = 0; i < 2 * MACHINES_COUNT; i++) {
    s.devices = MACHINES[i / 2];
    s.policy = i % 2 == 0 ? "fifo" : "fair";
    s.workers = i % 3;
    s.traced = i % 2 == 1;
    assert_true(check_every_allocation(whole_service, &s) >= 10);
  }
  (void)unlink(TRACE_PATH);
}

static void every_thread_may_be_refused(void **state) {
  hd_host host;
  hd_host_posix(&host);
  service s = {.net = *state, .devices = "cpu:tier=c,sim:latency_us=1", .workers = 3};
  assert_true(refused_each(REFUSED_THREAD, HD_E_IO, whole_service, &host, &s) >= 3);
}

static void every_mapping_may_be_refused(void **state) {
  hd_host host;
  hd_host_posix(&host);
  service s = {.net = *state, .devices = "cpu:tier=c,sim:latency_us=1"};
  for (s.workers = 0; s.workers <= 1; s.workers++) {
    assert_true(refused_each(REFUSED_MAPPING, HD_E_NO_MEMORY, whole_service, &host, &s) >= 1);
    (void)refused_each(REFUSED_GUARD, HD_E_NO_MEMORY, whole_service, &host, &s);
  }
}

static void every_descriptor_may_be_refused(void **state) {
  hd_host host;
  hd_host_posix(&host);
  service s = {.net = *state, .devices = "cpu:tier=c,sim:latency_us=1"};
  for (s.workers = 0; s.workers <= 2; s.workers++)
    assert_true(refused_each(REFUSED_DESCRIPTOR, HD_E_IO, whole_service, &host, &s) >= 2);
}

/* The kernel's own refusal: also what devices read of the machine through descriptors. */
static void a_full_table_of_descriptors_is_reported_until_there_is_room(void **state) {
  hd_host host;
  hd_host_posix(&host);
  service s = {.net = *state, .devices = "cpu,sim:latency_us=1", .workers = 1};
  hd_status status = HD_E_IO;
  for (uint32_t room = 0; status != HD_OK; room++) {
    assert_true(room < 20);
    unsigned before = refused_open_descriptors();
    refused_leave_descriptors(room);
    status = whole_service(&host, &s);
    refused_leave_descriptors(UINT32_MAX);
    if (status != HD_OK) assert_int_equal(status, HD_E_IO);
    assert_int_equal(refused_open_descriptors(), before);
  }
}

static int make_net(void **state) {
  static fx_net net;
  fx_net_make(&net);
  *state = &net;
  return 0;
}

static int free_net(void **state) {
  fx_net_free(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(every_thread_may_be_refused),
      cmocka_unit_test(every_mapping_may_be_refused),
      cmocka_unit_test(every_descriptor_may_be_refused),
      cmocka_unit_test(a_full_table_of_descriptors_is_reported_until_there_is_room),
  };
  return cmocka_run_group_tests(tests, make_net, free_net);
}
