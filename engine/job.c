/* SPDX-License-Identifier: Apache-2.0 */
/* Knows a job's life outside its coroutine: checked, given all its memory, submitted, waited for, taken
 * apart. */
#include "job.h"

#include <string.h>

#define CHUNK_TOKENS 128u /* of a prefill run: what hd_session_desc defaults to */

void he_job_desc_default(he_job_desc *out_desc) {
  *out_desc =
      (he_job_desc){.size = sizeof *out_desc, .n_predict = HE_UNTIL_END, .class_id = HD_CLASS_DEFAULT};
  he_sampling_default(&out_desc->sampling);
}

const char *he_stop_name(he_stop stop) {
  static const char *const NAMES[] = {"none", "end", "length", "context", "caller"};
  return (unsigned)stop < sizeof NAMES / sizeof *NAMES ? NAMES[stop] : NULL;
}

static hd_status check_tokens(const he_model *model, const he_job_desc *desc, hd_error *out_error) {
  if (desc->n_tokens == 0)
    return hd_fail(out_error, HD_E_INVALID, "%s: the prompt is empty: it has no token", model->label);
  for (uint32_t i = 0; i < desc->n_tokens; i++)
    if (desc->tokens[i] < 0 || (uint32_t)desc->tokens[i] >= model->params.n_vocab)
      return hd_fail(out_error, HD_E_INVALID, "%s: prompt token %u: id %d is outside the vocabulary of %u",
                     model->label, i, desc->tokens[i], model->params.n_vocab);
  return HD_OK;
}

/* Positions for a session of the job's own. */
static uint32_t own_context(const he_model *model, const he_job_desc *desc) {
  if (desc->max_context > 0) return desc->max_context;
  uint64_t wanted = (uint64_t)desc->n_tokens + desc->n_predict;
  return wanted < model->params.n_context ? (uint32_t)wanted : model->params.n_context;
}

static hd_status check_room(const he_job *job, uint32_t used, uint32_t capacity, hd_error *out_error) {
  if (job->desc.n_tokens <= capacity && used <= capacity - job->desc.n_tokens) return HD_OK;
  if (used == 0)
    return hd_fail(out_error, HD_E_LIMIT, "%s: the prompt has %u tokens, the context %u positions",
                   job->instance->model->label, job->desc.n_tokens, capacity);
  return hd_fail(out_error, HD_E_LIMIT, "%s: the prompt has %u tokens, the session %u of %u positions left",
                 job->instance->model->label, job->desc.n_tokens, capacity - used, capacity);
}

/* Fills `out_memory_bytes` with what admission should count. */
static hd_status take_session(he_job *job, uint64_t *out_memory_bytes, hd_error *out_error) {
  he_job_desc *desc = &job->desc;
  *out_memory_bytes = 0;
  if (desc->session != NULL) {
    job->session = desc->session;
    return check_room(job, hd_session_length(job->session), hd_session_capacity(job->session), out_error);
  }
  uint32_t chunk = desc->chunk_tokens < desc->n_tokens ? desc->chunk_tokens : desc->n_tokens;
  hd_session_desc own = {.size = sizeof own,
                         .max_context = own_context(job->instance->model, desc),
                         .max_tokens = chunk,
                         .max_outputs = desc->on_logits != NULL ? chunk : 1};
  hd_status status = check_room(job, 0, own.max_context, out_error);
  if (status != HD_OK) return status;
  *out_memory_bytes = hd_session_bytes(job->instance->placed, &own);
  status = hd_session_create(job->instance->placed, &own, &job->session);
  if (status != HD_OK)
    return hd_fail(out_error, status, "%s: no session of %u positions: %s", job->instance->model->label,
                   own.max_context, hd_status_text(status));
  job->owns_session = true;
  return HD_OK;
}

static hd_status take_memory(he_job *job, hd_error *out_error) {
  const he_model *model = job->instance->model;
  uint32_t n_vocab = model->params.n_vocab;
  uint32_t chunk = job->desc.chunk_tokens < job->desc.n_tokens ? job->desc.chunk_tokens : job->desc.n_tokens;
  uint32_t rows = job->desc.on_logits != NULL ? chunk : 1;
  hd_status status = hei_sampler_init(&job->sampler, &job->host, &job->desc.sampling, n_vocab, out_error);
  if (status != HD_OK) return status;
  job->tokens = hd_host_zalloc(&job->host, job->desc.n_tokens, sizeof *job->tokens, _Alignof(int32_t));
  job->logits = hd_host_zalloc(&job->host, (size_t)rows * n_vocab, sizeof *job->logits, HD_BUFFER_ALIGN);
  job->logit_rows = rows;
  if (job->tokens == NULL || job->logits == NULL || he_decoder_create(model, 0, &job->decoder) != HD_OK)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for a prompt of %u tokens", model->label,
                   job->desc.n_tokens);
  memcpy(job->tokens, job->desc.tokens, job->desc.n_tokens * sizeof *job->tokens);
  job->desc.tokens = job->tokens;
  return HD_OK;
}

static void take_apart(he_job *job) {
  hd_host host = job->host;
  if (job->owns_session) hd_session_destroy(job->session);
  hei_sampler_finish(&job->sampler);
  he_decoder_destroy(job->decoder);
  hd_host_free(&host, job->tokens, job->desc.n_tokens, sizeof *job->tokens);
  hd_host_free(&host, job->logits, (size_t)job->logit_rows * job->instance->model->params.n_vocab,
               sizeof *job->logits);
  hd_host_free(&host, job, 1, sizeof *job);
}

static void over(void *arg, hd_status status) {
  he_job *job = arg;
  if (job->desc.done != NULL) job->desc.done(job->desc.arg, status);
}

static hd_status submit(he_job *job, uint64_t memory_bytes, hd_refusal_info *out_refusal,
                        hd_error *out_error) {
  hd_request_desc desc = {.size = sizeof desc,
                          .name = job->desc.name,
                          .client_id = job->desc.client_id,
                          .class_id = job->desc.class_id,
                          .deadline_ns = job->desc.deadline_ns,
                          .memory_bytes = memory_bytes,
                          .run = hei_job_run,
                          .arg = job,
                          .done = over};
  job->submit_ns = job->host.now_ns(job->host.ctx);
  hd_status status = hd_request_submit(job->instance->sched, &desc, &job->request, out_refusal);
  if (status == HD_OK) return HD_OK;
  return hd_fail(out_error, status, "%s: the scheduler did not take the request: %s",
                 job->instance->model->label, hd_status_text(status));
}

hd_status he_job_submit(he_instance *instance, const he_job_desc *desc, he_job **out_job,
                        hd_refusal_info *out_refusal, hd_error *out_error) {
  hd_status status = check_tokens(instance->model, desc, out_error);
  if (status != HD_OK) return status;
  he_job *job = hd_host_zalloc(&instance->host, 1, sizeof *job, _Alignof(he_job));
  if (job == NULL)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for a job", instance->model->label);
  job->host = instance->host;
  job->instance = instance;
  job->desc = *desc;
  if (job->desc.chunk_tokens == 0) job->desc.chunk_tokens = CHUNK_TOKENS;
  uint64_t memory_bytes = 0;
  status = take_session(job, &memory_bytes, out_error);
  if (status == HD_OK) status = take_memory(job, out_error);
  if (status == HD_OK) status = submit(job, memory_bytes, out_refusal, out_error);
  if (status != HD_OK) {
    take_apart(job);
    return status;
  }
  *out_job = job;
  return HD_OK;
}

void he_job_cancel(he_job *job) {
  hd_request_cancel(job->request);
}

static void give_result(const he_job *job, hd_status status, he_job_result *out_result) {
  if (out_result == NULL) return;
  *out_result = job->result;
  out_result->status = status;
  if (status != HD_OK) out_result->stop = HE_STOP_NONE;
  hd_request_stats_get(job->request, &out_result->request);
}

hd_status he_job_wait(he_job *job, he_job_result *out_result) {
  hd_status status = hd_request_wait(job->request);
  give_result(job, status, out_result);
  return status;
}

hd_status he_job_poll(const he_job *job, he_job_result *out_result) {
  hd_status status = hd_request_poll(job->request);
  if (status != HD_E_AGAIN) give_result(job, status, out_result);
  return status;
}

const char *he_job_error(const he_job *job) {
  return job->error.text;
}

uint32_t he_job_id(const he_job *job) {
  return hd_request_id(job->request);
}

void he_job_release(he_job *job) {
  if (job == NULL) return;
  if (hd_request_poll(job->request) == HD_E_AGAIN) hd_request_cancel(job->request);
  (void)hd_request_wait(job->request);
  hd_request_release(job->request);
  take_apart(job);
}
