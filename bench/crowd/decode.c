/* SPDX-License-Identifier: Apache-2.0 */
/* The decode that is measured, and the scheduler that it runs on. */
#include "crowd.h"

#include <stdlib.h>
#include <sys/resource.h>
#include "heddle/implement/backend.h"
#include "heddle/implement/policy.h"

/* One job decodes so many: the context's part of a token's cost then changes little. A large model fewer, so
 * that a job is about as long as a measurement. */
enum { JOB_TOKENS = 200, JOB_TOKENS_LEAST = 8 };

struct hb_crowd {
  hd_host host;
  uint32_t size;
  uint32_t job_tokens;
  he_model *model;
  hd_sched *sched;
  he_instance *instance;
};

const char *hb_crowd_name(hb_crowd_kind kind) {
  static const char *const names[HB_CROWD_KINDS] = {"alone",   "leases",        "descriptors",   "timers",
                                                    "readers", "thread_timers", "thread_readers"};
  return (unsigned)kind < HB_CROWD_KINDS ? names[kind] : NULL;
}

static hd_status make_sched(hb_crowd *crowd, const hb_crowd_setup *setup, hd_error *out_error) {
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = setup->workers;
  config.runtime.max_coroutines = setup->size + 8;
  config.control.limits.max_requests = setup->size + 8;
  config.control.limits.max_steps = 2 * (setup->size + 8);
  config.control.limits.max_waiting_per_device = setup->size + 8;
  config.control.lease_grace_ns = UINT64_MAX / 4; /* who holds the device of HB_CROWD_LEASES keeps it */
  config.backends = hd_backends_builtin();
  config.policies = hd_policies_builtin();
  config.policy = setup->policy;
  config.devices = "cpu";
  return hd_sched_create(&crowd->host, &config, &crowd->sched, out_error);
}

hd_status hb_crowd_open(const hb_crowd_setup *setup, hb_crowd **out_crowd, hd_error *out_error) {
  hb_crowd *crowd = calloc(1, sizeof *crowd);
  if (crowd == NULL) return hd_fail(out_error, HD_E_NO_MEMORY, "no memory");
  hd_host_posix(&crowd->host);
  crowd->size = setup->size;
  crowd->job_tokens = JOB_TOKENS_LEAST;
  crowd->model = setup->model;
  hd_status status = make_sched(crowd, setup, out_error);
  if (status == HD_OK)
    status = he_instance_create(crowd->model, crowd->sched, NULL, &crowd->instance, out_error);
  if (status != HD_OK) {
    hb_crowd_close(crowd);
    return status;
  }
  *out_crowd = crowd;
  return HD_OK;
}

void hb_crowd_close(hb_crowd *crowd) {
  if (crowd == NULL) return;
  he_instance_destroy(crowd->instance);
  hd_sched_destroy(crowd->sched);
  free(crowd);
}

/* ---- one measurement ---- */

typedef struct decode {
  hb_waiters *waiters; /* at most one of them */
  hb_threads *threads;
  uint32_t tokens, job_tokens; /* of this job so far; of each */
  hb_crowd_sample sample;
  hb_crowd_sample begin; /* counters at the job's first token */
} decode;

static uint64_t wakes(const decode *d) {
  if (d->waiters != NULL) return hb_waiters_wakes(d->waiters);
  return d->threads != NULL ? hb_threads_wakes(d->threads) : 0;
}

static void read_counters(const decode *d, hb_crowd_sample *out) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  out->voluntary = (uint64_t)usage.ru_nvcsw;
  out->involuntary = (uint64_t)usage.ru_nivcsw;
  out->wakes = wakes(d);
}

/* Counters are read at a job's first and last token: what lies between is decode alone. */
static bool on_token(void *arg, int32_t id, const char *text, size_t bytes) {
  decode *d = arg;
  (void)text, (void)bytes;
  if (id < 0) return true;
  if (d->tokens++ == 0) read_counters(d, &d->begin);
  if (d->waiters != NULL) hb_waiters_token(d->waiters);
  if (d->threads != NULL) hb_threads_token(d->threads);
  if (d->tokens == d->job_tokens + 1) {
    hb_crowd_sample end;
    read_counters(d, &end);
    d->sample.voluntary += end.voluntary - d->begin.voluntary;
    d->sample.involuntary += end.involuntary - d->begin.involuntary;
    d->sample.wakes += end.wakes - d->begin.wakes;
  }
  return true;
}

static hd_status run_job(hb_crowd *crowd, decode *d, hd_error *out_error) {
  int32_t prompt = he_token_begin(crowd->model);
  he_job_desc desc;
  he_job_result result;
  he_job *job;
  if (prompt < 0) prompt = 0;
  he_job_desc_default(&desc);
  desc.name = "decode";
  desc.tokens = &prompt;
  desc.n_tokens = 1;
  desc.n_predict = d->job_tokens + 1;
  desc.max_context = d->job_tokens + 2;
  desc.ignore_end = true;
  desc.class_id = HD_CLASS_INTERACTIVE;
  desc.on_token = on_token;
  desc.arg = d;
  d->tokens = 0;
  hd_status status = he_job_submit(crowd->instance, &desc, &job, NULL, out_error);
  if (status != HD_OK) return status;
  status = he_job_wait(job, &result);
  d->sample.tokens += result.decode_tokens;
  d->sample.ns += result.decode_ns;
  if (status != HD_OK) hd_fail(out_error, status, "decode: %s", he_job_error(job));
  he_job_release(job);
  return status;
}

static hd_status gather(hb_crowd *crowd, hb_crowd_kind kind, decode *d, hd_error *out_error) {
  if (kind == HB_CROWD_ALONE) return HD_OK;
  bool threads = kind == HB_CROWD_THREAD_TIMERS || kind == HB_CROWD_THREAD_READERS;
  hd_status status = threads ? hb_threads_gather(kind, crowd->size, &d->threads)
                             : hb_waiters_gather(crowd->sched, kind, crowd->size, &d->waiters);
  if (status == HD_OK) return HD_OK;
  return hd_fail(out_error, status, "a crowd of %u (%s): %s", (unsigned)crowd->size, hb_crowd_name(kind),
                 hd_status_text(status));
}

hd_status hb_crowd_measure(hb_crowd *crowd, hb_crowd_kind kind, uint64_t budget_ns,
                           hb_crowd_sample *out_sample, hd_error *out_error) {
  decode d = {.job_tokens = crowd->job_tokens};
  hd_status status = gather(crowd, kind, &d, out_error);
  while (status == HD_OK && d.sample.ns < budget_ns)
    status = run_job(crowd, &d, out_error);
  hb_waiters_send_home(d.waiters);
  hb_threads_send_home(d.threads);
  if (status != HD_OK) return status;
  *out_sample = d.sample;
  if (crowd->job_tokens == JOB_TOKENS_LEAST &&
      d.sample.ns > 0) { /* the first: from here on all jobs are alike */
    uint64_t fit = d.sample.tokens * budget_ns / d.sample.ns;
    crowd->job_tokens = fit > JOB_TOKENS         ? JOB_TOKENS
                        : fit > JOB_TOKENS_LEAST ? (uint32_t)fit
                                                 : JOB_TOKENS_LEAST + 1;
  }
  return HD_OK;
}
