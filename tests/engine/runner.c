/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a test runs a model. */
#include "runner.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "heddle/implement/backend.h"
#include "heddle/implement/policy.h"

static hd_status create_sched(check_host *check, const runner_setup *setup, hd_sched **out_sched,
                              hd_error *out_error) {
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = setup->workers;
  config.backends = hd_backends_builtin();
  config.policies = hd_policies_builtin();
  config.policy = setup->policy;
  config.devices = setup->devices;
  return hd_sched_create(&check->host, &config, out_sched, out_error);
}

bool runner_can(const runner_setup *setup) {
  check_host check;
  check_host_init(&check);
  hd_sched *sched = NULL;
  hd_error error = {""};
  hd_status status = create_sched(&check, setup, &sched, &error);
  if (status != HD_OK && status != HD_E_UNSUPPORTED && status != HD_E_FORMAT) fail_msg("%s", error.text);
  hd_sched_destroy(sched);
  return status == HD_OK;
}

static void open_sched(runner *r, const runner_setup *setup) {
  hd_error error = {""};
  if (create_sched(&r->check, setup, &r->sched, &error) != HD_OK) fail_msg("%s", error.text);
  if (he_instance_create(r->model, r->sched, setup->split, &r->instance, &error) != HD_OK)
    fail_msg("%s", error.text);
  he_model_info info;
  he_model_describe(r->model, &info);
  r->n_vocab = info.n_vocab;
}

void runner_open(runner *out_runner, const char *path, const runner_setup *setup) {
  hd_error error = {""};
  *out_runner = (runner){0};
  check_host_init(&out_runner->check);
  const hd_host *host = &out_runner->check.host;
  he_model_options options;
  he_model_options_default(&options);
  options.kv_format = setup->kv;
  hd_status status = path != NULL ? he_model_open(host, path, &options, &out_runner->model, &error)
                                  : he_model_open_embedded(host, &options, &out_runner->model, &error);
  if (status != HD_OK) fail_msg("%s", error.text);
  open_sched(out_runner, setup);
}

void runner_open_memory(runner *out_runner, const void *bytes, size_t size, const runner_setup *setup) {
  hd_error error = {""};
  *out_runner = (runner){0};
  check_host_init(&out_runner->check);
  if (he_model_open_memory(&out_runner->check.host, bytes, size, "memory", NULL, &out_runner->model,
                           &error) != HD_OK)
    fail_msg("%s", error.text);
  open_sched(out_runner, setup);
}

void runner_close(runner *r) {
  he_instance_destroy(r->instance);
  hd_sched_destroy(r->sched);
  he_model_close(r->model);
  assert_int_equal(r->check.live_bytes, 0);
  assert_int_equal(r->check.wrong_frees, 0);
}

/* Room for `more` after `count` things of `bytes` each. */
static void *grown(void *memory, size_t count, size_t more, size_t bytes, size_t *capacity) {
  if (count + more <= *capacity) return memory;
  *capacity = 2 * (count + more);
  memory = realloc(memory, *capacity * bytes);
  if (memory == NULL) abort();
  return memory;
}

static bool take_token(void *arg, int32_t id, const char *text, size_t bytes) {
  runner_output *output = arg;
  size_t capacity = output->id_capacity;
  if (id >= 0) {
    output->ids = grown(output->ids, output->id_count, 1, sizeof *output->ids, &capacity);
    output->id_capacity = (uint32_t)capacity;
    output->ids[output->id_count++] = id;
  }
  output->text = grown(output->text, output->text_bytes, bytes + 1, 1, &output->text_capacity);
  memcpy(output->text + output->text_bytes, text, bytes + 1);
  output->text_bytes += bytes;
  return true;
}

static void take_logits(void *arg, uint32_t position, const float *logits, uint32_t n_vocab) {
  runner_output *output = arg;
  size_t capacity = output->logits_capacity;
  if (position != output->logits_rows) abort(); /* positions come one after another */
  output->n_vocab = n_vocab;
  output->logits = grown(output->logits, output->logits_rows, 1, n_vocab * sizeof(float), &capacity);
  output->logits_capacity = (uint32_t)capacity;
  memcpy(output->logits + (size_t)output->logits_rows++ * n_vocab, logits, n_vocab * sizeof(float));
}

void runner_collect(he_job_desc *desc, runner_output *output, bool with_logits) {
  *output = (runner_output){0};
  desc->on_token = take_token;
  desc->on_logits = with_logits ? take_logits : NULL;
  desc->arg = output;
}

void runner_run(runner *r, const int32_t *tokens, uint32_t n_tokens, uint32_t n_predict, bool with_logits,
                runner_output *output) {
  he_job_desc desc;
  he_job_desc_default(&desc);
  desc.tokens = tokens;
  desc.n_tokens = n_tokens;
  desc.n_predict = n_predict;
  desc.max_context = n_tokens + n_predict;
  runner_collect(&desc, output, with_logits);
  he_job *job;
  hd_error error = {""};
  if (he_job_submit(r->instance, &desc, &job, NULL, &error) != HD_OK) fail_msg("%s", error.text);
  if (he_job_wait(job, &output->result) != HD_OK) fail_msg("%s", he_job_error(job));
  he_job_release(job);
}

void runner_output_finish(runner_output *output) {
  free(output->ids);
  free(output->text);
  free(output->logits);
  *output = (runner_output){0};
}

float runner_gap(const float *row, uint32_t n_vocab) {
  float best = -INFINITY, second = -INFINITY;
  for (uint32_t i = 0; i < n_vocab; i++) {
    if (row[i] > best) {
      second = best;
      best = row[i];
    } else if (row[i] > second) {
      second = row[i];
    }
  }
  return best - second;
}
