/* SPDX-License-Identifier: Apache-2.0 */
/* The live scheduler, everything at once, by seed: threads of the host's submit requests of all classes that
 * decode, sleep and wait for each other, lease a device, cancel at any time and ask how things stand, on any
 * number of workers, with devices that fail now and then, until the scheduler is destroyed under them. */
#include "fixture.h"
#include "seeds.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { THREADS = 4, STEPS = 30, HANDLES = 6, SEEDS_KNOWN = 8, JOBS_AT_ONCE = 2 };

/* A request for anybody to cancel and to wait for. Only what came later waits for what came earlier, so that
 * nobody waits in a circle. */
typedef struct handle {
  pthread_mutex_t lock;
  hd_request *request;
  uint32_t number;
} handle;

typedef struct stage {
  hd_sched *sched;
  hd_model *model;
  uint32_t lease_device;
  atomic_int inside, most;             /* threads that hold the lease's device */
  atomic_uint numbers, admitted, done; /* requests with a coroutine of this file; their ends */
  handle handles[HANDLES];
} stage;

typedef struct party {
  stage *stage;
  uint64_t random;
  pthread_t thread;
  hd_request *stays; /* of a thread that leases on until the scheduler is gone */
} party;

static int32_t known_ids[SEEDS_KNOWN][FX_DECODE];

static uint32_t below(party *p, uint32_t end) {
  return seeds_below(&p->random, end);
}

static hd_class any_class(party *p) {
  return (hd_class)below(p, HD_CLASS_COUNT);
}

/* ---- requests with a coroutine ---- */

typedef struct errand {
  stage *stage;
  uint64_t random;
  uint32_t number;
} errand;

static void end_errand(void *arg, hd_status status) {
  errand *e = arg;
  (void)status;
  atomic_fetch_add(&e->stage->done, 1);
  free(e);
}

/* Takes a request that came before `number` out of its handle; NULL: there is none. */
static hd_request *take_earlier(handle *h, uint32_t number) {
  pthread_mutex_lock(&h->lock);
  hd_request *request = h->number < number ? h->request : NULL;
  if (request != NULL) h->request = NULL;
  pthread_mutex_unlock(&h->lock);
  return request;
}

static void wait_for_any(stage *s, uint32_t which, uint32_t number) {
  hd_request *request = take_earlier(&s->handles[which], number);
  if (request == NULL) return;
  hd_status status = hd_request_wait(request);
  HOLDS(status == HD_OK || status == HD_E_CANCELLED || status == HD_E_CLOSED);
  hd_request_release(request);
}

static hd_status run_errand(hd_request *request, void *arg) {
  errand *e = arg;
  stage *s = e->stage;
  const hd_host *host = hd_sched_host(s->sched);
  for (uint32_t i = 0; i < 4; i++) {
    hd_status status = HD_OK;
    hd_request_mark(request, i, 0);
    switch (seeds_below(&e->random, 3)) {
    case 0:
      status = hd_await_time(host->now_ns(host->ctx) + seeds_below(&e->random, 200000));
      break;
    case 1:
      wait_for_any(s, seeds_below(&e->random, HANDLES), e->number);
      break;
    default:
      hd_coro_yield();
    }
    HOLDS(status == HD_OK || status == HD_E_CANCELLED || status == HD_E_CLOSED);
    if (status != HD_OK) return status;
  }
  return HD_OK;
}

static bool is_refusal(hd_status status, const hd_refusal_info *why) {
  if (status == HD_E_AGAIN) HOLDS(why->retry_after_ns > 0);
  return status == HD_E_AGAIN;
}

/* Puts the request where others find it, and gives up the one that stood there. */
static void hand_out(party *p, hd_request *request, uint32_t number) {
  handle *h = &p->stage->handles[below(p, HANDLES)];
  pthread_mutex_lock(&h->lock);
  hd_request *before = h->request;
  h->request = request;
  h->number = number;
  pthread_mutex_unlock(&h->lock);
  if (below(p, 2) == 0) hd_request_cancel(before);
  hd_request_release(before);
}

static void submit_errand(party *p) {
  stage *s = p->stage;
  errand *e = malloc(sizeof *e);
  HOLDS(e != NULL);
  uint32_t number = atomic_fetch_add(&s->numbers, 1);
  *e = (errand){.stage = s, .random = seeds_next(&p->random), .number = number};
  hd_request_desc desc = {.size = sizeof desc,
                          .client_id = below(p, 3),
                          .class_id = any_class(p),
                          .memory_bytes = below(p, 400),
                          .run = run_errand,
                          .arg = e,
                          .done = end_errand};
  hd_request *request = NULL;
  hd_refusal_info why = {0, 0};
  atomic_fetch_add(&s->admitted, 1);
  hd_status status = hd_request_submit(s->sched, &desc, &request, &why);
  if (status == HD_OK) {
    hand_out(p, request, number);
    return;
  }
  atomic_fetch_sub(&s->admitted, 1);
  HOLDS(is_refusal(status, &why));
  free(e);
}

static void cancel_any(party *p) {
  handle *h = &p->stage->handles[below(p, HANDLES)];
  pthread_mutex_lock(&h->lock);
  hd_request_cancel(h->request);
  pthread_mutex_unlock(&h->lock);
}

static void decode_some(party *p) {
  fx_job jobs[JOBS_AT_ONCE];
  uint32_t cancel = below(p, 4 * JOBS_AT_ONCE);
  bool started[JOBS_AT_ONCE];
  for (uint32_t i = 0; i < JOBS_AT_ONCE; i++) {
    hd_status status =
        fx_job_submit(p->stage->sched, p->stage->model, &jobs[i], below(p, SEEDS_KNOWN), any_class(p));
    started[i] = status == HD_OK;
    HOLDS(started[i] || status == HD_E_AGAIN);
  }
  for (uint32_t i = 0; i < JOBS_AT_ONCE; i++) {
    if (!started[i]) continue;
    if (i == cancel) hd_request_cancel(jobs[i].request);
    fx_job_finish(&jobs[i]);
    HOLDS(jobs[i].status == HD_OK || (jobs[i].status == HD_E_CANCELLED && i == cancel));
    if (jobs[i].status == HD_OK) HOLDS(memcmp(jobs[i].ids, known_ids[jobs[i].seed], sizeof jobs[i].ids) == 0);
  }
}

/* ---- leases ---- */

static void hold(party *p, hd_lease *lease) {
  stage *s = p->stage;
  int now = atomic_fetch_add(&s->inside, 1) + 1;
  if (now > atomic_load(&s->most)) atomic_store(&s->most, now);
  for (uint32_t i = below(p, 20); i > 0 && hd_lease_checkpoint(lease) == HD_GO_ON; i--) {
    sched_yield();
  }
  atomic_fetch_sub(&s->inside, 1);
}

/* Some leases in a row. */
static hd_status lease_some(party *p, hd_request *request) {
  static const uint64_t timeouts[] = {0, 50000, 1000000, UINT64_MAX};
  hd_status status = HD_OK;
  for (int i = 0; i < 4 && (status == HD_OK || status == HD_E_AGAIN || status == HD_E_TIMEOUT); i++) {
    hd_lease_desc segment = {.size = sizeof segment,
                             .device = p->stage->lease_device,
                             .layer_end = FX_LAYERS,
                             .n_tokens = 1 + below(p, 8),
                             .expected_ns = 1000};
    hd_lease *lease = NULL;
    hd_grant grant;
    status = hd_lease_acquire(request, &segment, timeouts[below(p, 4)], &lease, &grant);
    if (status != HD_OK) continue;
    hold(p, lease);
    if (p->stays == NULL && below(p, 8) == 0) break; /* ends with it */
    hd_lease_release(lease, NULL);
  }
  HOLDS(status == HD_OK || status == HD_E_AGAIN || status == HD_E_TIMEOUT || status == HD_E_CANCELLED ||
        status == HD_E_CLOSED);
  return status;
}

static hd_status be_an_engine(party *p) {
  hd_request_desc desc = {.size = sizeof desc, .class_id = any_class(p)};
  hd_request *request = NULL;
  hd_refusal_info why = {0, 0};
  hd_status status = hd_request_begin(p->stage->sched, &desc, &request, &why);
  if (status != HD_OK) {
    HOLDS(is_refusal(status, &why));
    return HD_OK;
  }
  if (below(p, 6) == 0) hd_request_cancel(request);
  status = lease_some(p, request);
  hd_request_end(request, status);
  return status;
}

/* ---- threads ---- */

static void step(party *p) {
  stage *s = p->stage;
  hd_control_stats stats;
  switch (below(p, 8)) {
  case 0:
    decode_some(p);
    break;
  case 1:
  case 2:
    (void)be_an_engine(p);
    break;
  case 3:
    wait_for_any(s, below(p, HANDLES), UINT32_MAX);
    break;
  case 4:
    cancel_any(p);
    break;
  case 5:
    hd_sched_stats(s->sched, &stats);
    HOLDS(stats.invalid_events == 0);
    hd_device_state state;
    for (uint32_t i = 0; i < hd_sched_device_count(s->sched); i++)
      HOLDS(hd_sched_device(s->sched, i, NULL, &state) == HD_OK && state != HD_DEVICE_ABSENT);
    break;
  default:
    submit_errand(p);
  }
}

static void *live(void *arg) {
  for (int i = 0; i < STEPS; i++)
    step(arg);
  return NULL;
}

/* An engine of one request, for as long as there is a scheduler. */
static void *live_on(void *arg) {
  party *p = arg;
  hd_status status = HD_OK;
  while (status != HD_E_CANCELLED && status != HD_E_CLOSED)
    status = lease_some(p, p->stays);
  hd_request_end(p->stays, status);
  return NULL;
}

/* ---- one play ---- */

static hd_sched *make_sched(const fx_net *net, uint64_t *random) {
  static const char *const machines[] = {"cpu:tier=c", "cpu:tier=c,sim:latency_us=5", "sim:latency_us=5",
                                         "cpu:tier=c,sim:latency_us=5;fail_every=9"};
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = seeds_below(random, 4);
  config.runtime.max_coroutines = 4 + seeds_below(random, 30);
  config.control.limits.max_requests = 4 + seeds_below(random, 30);
  config.control.limits.memory_budget_bytes = seeds_below(random, 2) == 0 ? 0 : 1000;
  for (uint32_t i = 0; i < HD_CLASS_COUNT; i++)
    config.control.classes[i].slice_ns = 60000000000u; /* nobody loses a lease: `most` is 1 */
  config.backends = hd_backends_builtin();
  config.policies = hd_policies_builtin();
  config.policy = seeds_below(random, 2) == 0 ? "fifo" : "fair";
  config.devices = machines[seeds_below(random, 4)];
  hd_sched *sched = NULL;
  HOLDS(hd_sched_create(&net->host, &config, &sched, NULL) == HD_OK);
  return sched;
}

static void set_up(stage *s, const fx_net *net, uint64_t *random) {
  *s = (stage){.sched = make_sched(net, random)};
  hd_device_props npu = {
      .size = sizeof npu, .kind = HD_DEVICE_NPU, .name = "engine", .capacity = 1, .max_in_flight = 1};
  HOLDS(hd_sched_add_device(s->sched, &npu, &s->lease_device) == HD_OK);
  s->model = fx_model(s->sched, net, NULL);
  for (int i = 0; i < HANDLES; i++)
    pthread_mutex_init(&s->handles[i].lock, NULL);
}

static void start(stage *s, party *p, uint64_t *random, bool stays) {
  *p = (party){.stage = s, .random = seeds_next(random)};
  hd_request_desc desc = {.size = sizeof desc, .class_id = any_class(p)};
  if (stays) HOLDS(hd_request_begin(s->sched, &desc, &p->stays, NULL) == HD_OK);
  HOLDS(pthread_create(&p->thread, NULL, stays ? live_on : live, p) == 0);
}

/* `loop`: this thread is the host's event loop; otherwise those who wait drive, where there is no worker. */
static void finish(stage *s, party *p, bool loop) {
  while (loop && pthread_tryjoin_np(p->thread, NULL) != 0) {
    if (hd_sched_dispatch(s->sched, 100000) == 0) sched_yield();
  }
  if (!loop) HOLDS(pthread_join(p->thread, NULL) == 0);
}

static fx_net net;

static void play(uint64_t seed) {
  static stage s;
  party parties[THREADS + 1];
  uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
  set_up(&s, &net, &random);
  bool loop = seeds_below(&random, 2) == 0, stays = seeds_below(&random, 2) == 0;
  if (stays) start(&s, &parties[THREADS], &random, true);
  for (int i = 0; i < THREADS; i++)
    start(&s, &parties[i], &random, false);
  for (int i = 0; i < THREADS; i++)
    finish(&s, &parties[i], loop);
  hd_control_stats stats;
  hd_sched_stats(s.sched, &stats);
  HOLDS(stats.invalid_events == 0 && stats.reclaims == 0);
  hd_model_destroy(s.model);
  hd_sched_destroy(s.sched); /* under those that stay, and what nobody waited for */
  if (stays) finish(&s, &parties[THREADS], false);
  for (int i = 0; i < HANDLES; i++) {
    hd_request_release(s.handles[i].request);
    pthread_mutex_destroy(&s.handles[i].lock);
  }
  HOLDS(s.done == s.admitted);
  HOLDS(s.most <= 1);
}

int main(int argc, char **argv) {
  fx_net_make(&net);
  for (uint32_t i = 0; i < SEEDS_KNOWN; i++)
    fx_alone(i, known_ids[i]);
  int status = seeds_main(argc, argv, 20, play);
  fx_net_free(&net);
  return status;
}
