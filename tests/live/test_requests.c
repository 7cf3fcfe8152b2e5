/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over devices: the same ids whatever the split, the width, the company and the driver;
 * cancellation; admission. */
#include "fixture.h"

#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOBS = 4 };

static void run_jobs(const fx_options *options, fx_job *jobs, uint32_t count) {
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, options);
  hd_model *model = fx_model(sched, &net, options->split);
  for (uint32_t i = 0; i < count; i++)
    fx_job_start(sched, model, &jobs[i], i + 1, (hd_class)(i % HD_CLASS_COUNT));
  for (uint32_t i = 0; i < count; i++)
    fx_job_finish(&jobs[i]);
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

static void expect_as_alone(const fx_options *options) {
  fx_job jobs[JOBS];
  run_jobs(options, jobs, JOBS);
  for (uint32_t i = 0; i < JOBS; i++) {
    int32_t alone[FX_DECODE];
    fx_alone(i + 1, alone);
    assert_int_equal(jobs[i].status, HD_OK);
    assert_memory_equal(jobs[i].ids, alone, sizeof alone);
  }
}

static void four_at_once_on_the_cpu_give_what_each_gives_alone(void **state) {
  (void)state;
  expect_as_alone(&(fx_options){.policy = "fifo"});
  expect_as_alone(&(fx_options){.policy = "fair"});
}

static void a_split_at_any_layer_gives_the_same_ids(void **state) {
  (void)state;
  const char *splits[] = {"sim:0-", "cpu:0,sim:1-", "cpu:0-1,sim:2-", "sim:0-2,cpu:3-",
                          "sim:0,cpu:1,sim:2,cpu:3"};
  for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++)
    expect_as_alone(
        &(fx_options){.devices = "cpu:tier=c,sim:latency_us=20", .policy = "fair", .split = splits[i]});
}

/* A thread that was joined may be in /proc for a moment yet: counted until the number stays. */
static int thread_count(void) {
  int count = -2;
  for (int now = -1; now != count;) {
    struct stat tasks;
    count = now;
    usleep(20000);
    now = stat("/proc/self/task", &tasks) == 0 ? (int)tasks.st_nlink - 2 : -1;
  }
  return count;
}

static void the_host_can_drive_without_any_thread_of_ours(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  int before = thread_count();
  hd_sched *sched = fx_sched(&net, &(fx_options){.devices = "cpu:tier=c,sim:latency_us=20", .workers = -1});
  hd_model *model = fx_model(sched, &net, "cpu:0-1,sim:2-");
  fx_job jobs[2];
  for (uint32_t i = 0; i < 2; i++)
    fx_job_start(sched, model, &jobs[i], i + 1, HD_CLASS_DEFAULT);
  while (hd_request_poll(jobs[0].request) == HD_E_AGAIN || hd_request_poll(jobs[1].request) == HD_E_AGAIN) {
    struct pollfd fd = {.fd = hd_sched_fd(sched), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 10000), 1); /* the descriptor must speak up by itself */
    hd_sched_dispatch(sched, 1000000);
  }
  assert_int_equal(thread_count(), before);
  for (uint32_t i = 0; i < 2; i++) {
    int32_t alone[FX_DECODE];
    fx_job_finish(&jobs[i]);
    fx_alone(i + 1, alone);
    assert_memory_equal(jobs[i].ids, alone, sizeof alone);
  }
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

static void a_cancelled_request_ends_as_cancelled_and_soon(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.devices = "sim:latency_us=20000"});
  hd_model *model = fx_model(sched, &net, NULL);
  fx_job jobs[2];
  for (uint32_t i = 0; i < 2; i++)
    fx_job_start(sched, model, &jobs[i], i + 1, HD_CLASS_DEFAULT);
  hd_request_cancel(jobs[0].request);
  hd_request_cancel(jobs[0].request); /* twice is once */
  for (uint32_t i = 0; i < 2; i++)
    fx_job_finish(&jobs[i]);
  assert_int_equal(jobs[0].status, HD_E_CANCELLED);
  assert_true(jobs[0].produced < FX_DECODE);
  assert_int_equal(jobs[1].status, HD_OK);
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

static hd_status hold(hd_request *request, void *arg) {
  (void)request;
  return hd_await_event(arg);
}

static void memory_beyond_the_budget_is_asked_to_come_back(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.memory_budget_bytes = 1000});
  hd_event go;
  hd_event_init(&go);
  hd_request_desc desc = {.size = sizeof desc, .memory_bytes = 700, .run = hold, .arg = &go};
  hd_request *first = NULL, *second = NULL;
  hd_refusal_info refusal = {0, 0};
  assert_int_equal(hd_request_submit(sched, &desc, &first, &refusal), HD_OK);
  assert_int_equal(hd_request_submit(sched, &desc, &second, &refusal), HD_E_AGAIN);
  assert_int_equal(refusal.reason, HD_REFUSED_MEMORY);
  assert_true(refusal.retry_after_ns > 0);
  hd_event_set(&go);
  assert_int_equal(hd_request_wait(first), HD_OK);
  hd_request_release(first);
  hd_event_init(&go);
  hd_event_set(&go);
  assert_int_equal(hd_request_submit(sched, &desc, &second, &refusal), HD_OK);
  assert_int_equal(hd_request_wait(second), HD_OK);
  hd_request_release(second);
  desc.memory_bytes = 2000; /* can never fit */
  assert_int_equal(hd_request_submit(sched, &desc, &second, &refusal), HD_E_REFUSED);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

static void one_request_too_many_is_asked_to_come_back(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.max_requests = 2});
  hd_event go[2];
  hd_request *held[2], *third = NULL;
  hd_refusal_info refusal = {0, 0};
  for (int i = 0; i < 2; i++) {
    hd_event_init(&go[i]);
    hd_request_desc desc = {.size = sizeof desc, .run = hold, .arg = &go[i]};
    assert_int_equal(hd_request_submit(sched, &desc, &held[i], &refusal), HD_OK);
  }
  hd_event open;
  hd_event_init(&open);
  hd_event_set(&open);
  hd_request_desc desc = {.size = sizeof desc, .run = hold, .arg = &open};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(hd_request_submit(sched, &desc, &third, &refusal), HD_E_AGAIN);
    assert_int_equal(refusal.reason, HD_REFUSED_REQUESTS);
    assert_true(refusal.retry_after_ns > 0);
  }
  hd_event_set(&go[0]);
  assert_int_equal(hd_request_wait(held[0]), HD_OK);
  assert_int_equal(hd_request_submit(sched, &desc, &third, &refusal), HD_OK);
  assert_int_equal(hd_request_wait(third), HD_OK);
  hd_event_set(&go[1]);
  assert_int_equal(hd_request_wait(held[1]), HD_OK);
  hd_request_release(held[0]);
  hd_request_release(held[1]);
  hd_request_release(third);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

static hd_status run_badly(hd_request *request, void *arg) {
  hd_session *session = arg;
  int32_t tokens[FX_CONTEXT + 1] = {0}, wrong[1] = {FX_VOCAB};
  float logits[FX_VOCAB];
  hd_run run = {.size = sizeof run, .tokens = wrong, .n_tokens = 1, .n_outputs = 1, .logits = logits};
  if (hd_request_run(request, session, &run) != HD_E_INVALID) return HD_E_INTERNAL;
  run.tokens = tokens;
  run.n_tokens = FX_CONTEXT + 1;
  if (hd_request_run(request, session, &run) != HD_E_INVALID) return HD_E_INTERNAL;
  run.n_tokens = FX_CONTEXT;
  if (hd_request_run(request, session, &run) != HD_OK) return HD_E_INTERNAL;
  run.n_tokens = 1;
  if (hd_request_run(request, session, &run) != HD_E_LIMIT) return HD_E_INTERNAL;
  return hd_session_length(session) == FX_CONTEXT ? HD_OK : HD_E_INTERNAL;
}

static void a_run_that_cannot_be_is_refused_and_changes_nothing(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.workers = 1});
  hd_model *model = fx_model(sched, &net, NULL);
  hd_session *session = NULL;
  assert_int_equal(hd_session_create(model, &(hd_session_desc){.size = sizeof(hd_session_desc)}, &session),
                   HD_OK);
  hd_request_desc desc = {.size = sizeof desc, .run = run_badly, .arg = session};
  hd_request *request = NULL;
  assert_int_equal(hd_request_submit(sched, &desc, &request, NULL), HD_OK);
  assert_int_equal(hd_request_wait(request), HD_OK);
  hd_request_release(request);
  hd_session_destroy(session);
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

/* ---- a request that awaits something other than a step ---- */

typedef enum pastime { AWAITS_EVENT, AWAITS_TIME, AWAITS_FD, AWAITS_REQUEST, PASTIMES } pastime;

typedef struct idler {
  pastime pastime;
  int fd;
  hd_event never;
  hd_request *other;
  atomic_int begun;
  hd_status again; /* what a second await answers */
} idler;

static hd_status await_for_ever(idler *self) {
  switch (self->pastime) {
  case AWAITS_EVENT:
    return hd_await_event(&self->never);
  case AWAITS_TIME:
    return hd_await_time(UINT64_MAX - 1);
  case AWAITS_FD:
    return hd_await_fd(self->fd, POLLIN, UINT64_MAX, NULL);
  default:
    return hd_request_wait(self->other);
  }
}

static hd_status idle(hd_request *request, void *arg) {
  idler *self = arg;
  (void)request;
  atomic_store(&self->begun, 1);
  hd_status status = await_for_ever(self);
  self->again = hd_await_time(0);
  return status;
}

static hd_request *start_idler(hd_sched *sched, idler *self, pastime what, int fd, hd_request *other) {
  *self = (idler){.pastime = what, .fd = fd, .other = other};
  hd_event_init(&self->never);
  hd_request_desc desc = {.size = sizeof desc, .run = idle, .arg = self};
  hd_request *request = NULL;
  assert_int_equal(hd_request_submit(sched, &desc, &request, NULL), HD_OK);
  return request;
}

static void cancellation_arrives_at_every_await(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  for (int workers = -1; workers <= 2; workers += 3) {
    hd_sched *sched = fx_sched(&net, &(fx_options){.workers = workers});
    idler idlers[PASTIMES];
    hd_request *requests[PASTIMES];
    for (pastime p = AWAITS_EVENT; p < PASTIMES; p++) {
      requests[p] = start_idler(sched, &idlers[p], p, fds[0], requests[AWAITS_EVENT]);
      while (atomic_load(&idlers[p].begun) == 0)
        if (workers < 0) hd_sched_dispatch(sched, 0);
    }
    for (int p = AWAITS_REQUEST; p >= 0; p--) {
      assert_int_equal(hd_request_poll(requests[p]), HD_E_AGAIN);
      hd_request_cancel(requests[p]);
      assert_int_equal(hd_request_wait(requests[p]), HD_E_CANCELLED);
      assert_int_equal(idlers[p].again, HD_E_CANCELLED);
      hd_request_release(requests[p]);
    }
    hd_sched_destroy(sched);
  }
  close(fds[0]);
  close(fds[1]);
  fx_net_free(&net);
}

static void destroying_a_scheduler_cancels_requests_that_would_wait_for_ever(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  for (int workers = -1; workers <= 2; workers += 3) {
    hd_sched *sched = fx_sched(&net, &(fx_options){.workers = workers});
    idler idlers[2];
    for (int i = 0; i < 2; i++) {
      hd_request *request = start_idler(sched, &idlers[i], i == 0 ? AWAITS_EVENT : AWAITS_TIME, -1, NULL);
      while (atomic_load(&idlers[i].begun) == 0)
        if (workers < 0) hd_sched_dispatch(sched, 0);
      hd_request_release(request);
    }
    hd_sched_destroy(sched);
    for (int i = 0; i < 2; i++)
      assert_int_equal(idlers[i].again, HD_E_CANCELLED); /* CLOSED would mean that patience ran out */
  }
  fx_net_free(&net);
}

static void destroying_with_live_requests_ends_them(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.devices = "sim:latency_us=5000"});
  hd_model *model = fx_model(sched, &net, NULL);
  fx_job jobs[JOBS];
  for (uint32_t i = 0; i < JOBS; i++)
    fx_job_start(sched, model, &jobs[i], i + 1, HD_CLASS_DEFAULT);
  for (uint32_t i = 0; i < JOBS; i++)
    hd_request_cancel(jobs[i].request);
  for (uint32_t i = 0; i < JOBS; i++)
    fx_job_finish(&jobs[i]);
  hd_event never;
  hd_event_init(&never);
  hd_request_desc desc = {.size = sizeof desc, .run = hold, .arg = &never};
  hd_request *waiting = NULL;
  assert_int_equal(hd_request_submit(sched, &desc, &waiting, NULL), HD_OK);
  hd_event_set(&never);
  assert_int_equal(hd_request_wait(waiting), HD_OK);
  hd_request_release(waiting);
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

typedef struct runner {
  atomic_uint *places;
  unsigned place;
} runner;

static hd_status takes_a_place(hd_request *request, void *arg) {
  runner *r = arg;
  (void)request;
  r->place = atomic_fetch_add(r->places, 1);
  return HD_OK;
}

static void a_request_that_nobody_waits_for_starts_last(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.workers = -1});
  atomic_uint places = 0;
  runner runners[HD_CLASS_COUNT];
  hd_request *requests[HD_CLASS_COUNT];
  for (unsigned i = 0; i < HD_CLASS_COUNT; i++) {
    hd_class class_id = (hd_class)(HD_CLASS_COUNT - 1 - i);
    runners[class_id] = (runner){.places = &places};
    hd_request_desc desc = {
        .size = sizeof desc, .class_id = class_id, .run = takes_a_place, .arg = &runners[class_id]};
    assert_int_equal(hd_request_submit(sched, &desc, &requests[class_id], NULL), HD_OK);
  }
  while (atomic_load(&places) < HD_CLASS_COUNT)
    (void)hd_sched_dispatch(sched, 0);
  for (unsigned i = 0; i < HD_CLASS_COUNT; i++) {
    assert_true((runners[i].place > HD_CLASS_DEFAULT) == (i > HD_CLASS_DEFAULT));
    hd_request_release(requests[i]);
  }
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

/* Has its worker to itself until it may end. */
static hd_status keeps_the_worker(hd_request *request, void *arg) {
  (void)request;
  while (!atomic_load((atomic_bool *)arg))
    sched_yield();
  return HD_OK;
}

static hd_status waits_for_it(hd_request *request, void *arg) {
  (void)request;
  return hd_request_wait(*(hd_request **)arg);
}

static void what_an_urgent_request_waits_for_leaves_the_background(void **state) {
  (void)state;
  enum { OTHERS = 20 };
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.workers = 1});
  atomic_uint places = 0;
  atomic_bool all_here = false;
  runner runners[OTHERS + 1];
  hd_request *requests[OTHERS + 1], *urgent = NULL, *keeper = NULL;
  hd_request_desc keep = {.size = sizeof keep, .run = keeps_the_worker, .arg = &all_here};
  assert_int_equal(hd_request_submit(sched, &keep, &keeper, NULL), HD_OK);
  for (unsigned i = 0; i <= OTHERS; i++) {
    runners[i] = (runner){.places = &places};
    hd_request_desc desc = {
        .size = sizeof desc, .class_id = HD_CLASS_BACKGROUND, .run = takes_a_place, .arg = &runners[i]};
    assert_int_equal(hd_request_submit(sched, &desc, &requests[i], NULL), HD_OK);
  }
  hd_request_desc desc = {
      .size = sizeof desc, .class_id = HD_CLASS_INTERACTIVE, .run = waits_for_it, .arg = &requests[OTHERS]};
  assert_int_equal(hd_request_submit(sched, &desc, &urgent, NULL), HD_OK);
  atomic_store(&all_here, true);
  assert_int_equal(hd_request_wait(urgent), HD_OK);
  assert_int_equal(runners[OTHERS].place, 0);
  for (unsigned i = 0; i <= OTHERS; i++) {
    assert_int_equal(hd_request_wait(requests[i]), HD_OK);
    hd_request_release(requests[i]);
  }
  assert_int_equal(atomic_load(&places), OTHERS + 1);
  hd_request_release(urgent);
  hd_request_release(keeper);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

static void a_coroutine_too_many_is_asked_to_come_back(void **state) {
  (void)state;
  hd_host host;
  hd_host_posix(&host);
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = 0;
  config.runtime.max_coroutines = 1;
  config.policies = hd_policies_builtin();
  hd_sched *sched = NULL;
  assert_int_equal(hd_sched_create(&host, &config, &sched, NULL), HD_OK);
  hd_device_props npu = {
      .size = sizeof npu, .kind = HD_DEVICE_NPU, .name = "npu", .capacity = 1, .max_in_flight = 1};
  assert_int_equal(hd_sched_add_device(sched, &npu, NULL), HD_OK);
  atomic_uint places = 0;
  runner r = {.places = &places};
  hd_request_desc desc = {.size = sizeof desc, .run = takes_a_place, .arg = &r};
  hd_request *first = NULL, *second = NULL;
  hd_refusal_info why = {0};
  assert_int_equal(hd_request_submit(sched, &desc, &first, NULL), HD_OK);
  assert_int_equal(hd_request_submit(sched, &desc, &second, NULL), HD_E_AGAIN);
  assert_int_equal(hd_request_submit(sched, &desc, &second, &why), HD_E_AGAIN);
  assert_int_equal(why.reason, HD_REFUSED_REQUESTS);
  assert_true(why.retry_after_ns >= 1000000);
  assert_int_equal(hd_request_wait(first), HD_OK);
  assert_int_equal(hd_request_submit(sched, &desc, &second, &why), HD_OK);
  hd_request_release(first);
  hd_request_release(second);
  hd_sched_destroy(sched);
}

static void unknown_names_are_refused_with_what_there_is(void **state) {
  (void)state;
  hd_host host;
  hd_host_posix(&host);
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.backends = hd_backends_builtin();
  config.policies = hd_policies_builtin();
  hd_sched *sched = NULL;
  hd_error error = {""};
  config.devices = "tpu";
  assert_int_equal(hd_sched_create(&host, &config, &sched, &error), HD_E_NOT_FOUND);
  assert_non_null(strstr(error.text, "'tpu'"));
  assert_non_null(strstr(error.text, "cpu"));
  config.devices = "cpu,";
  assert_int_equal(hd_sched_create(&host, &config, &sched, &error), HD_E_FORMAT);
  config.devices = "cpu";
  config.policy = "best";
  assert_int_equal(hd_sched_create(&host, &config, &sched, &error), HD_E_NOT_FOUND);
  assert_non_null(strstr(error.text, "fifo"));
  assert_null(sched);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(four_at_once_on_the_cpu_give_what_each_gives_alone),
      cmocka_unit_test(a_split_at_any_layer_gives_the_same_ids),
      cmocka_unit_test(the_host_can_drive_without_any_thread_of_ours),
      cmocka_unit_test(a_cancelled_request_ends_as_cancelled_and_soon),
      cmocka_unit_test(memory_beyond_the_budget_is_asked_to_come_back),
      cmocka_unit_test(one_request_too_many_is_asked_to_come_back),
      cmocka_unit_test(a_run_that_cannot_be_is_refused_and_changes_nothing),
      cmocka_unit_test(cancellation_arrives_at_every_await),
      cmocka_unit_test(destroying_a_scheduler_cancels_requests_that_would_wait_for_ever),
      cmocka_unit_test(destroying_with_live_requests_ends_them),
      cmocka_unit_test(a_request_that_nobody_waits_for_starts_last),
      cmocka_unit_test(what_an_urgent_request_waits_for_leaves_the_background),
      cmocka_unit_test(a_coroutine_too_many_is_asked_to_come_back),
      cmocka_unit_test(unknown_names_are_refused_with_what_there_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
