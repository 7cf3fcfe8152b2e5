/* SPDX-License-Identifier: Apache-2.0 */
/* Knows a job's life inside its coroutine: the prompt in chunks, then one token after another. */
#include "job.h"

static uint64_t now(const he_job *job) {
  return job->host.now_ns(job->host.ctx);
}

static hd_status fail_run(he_job *job, hd_status status) {
  return hd_fail(&job->error, status, "%s: position %u: %s", job->instance->model->label,
                 hd_session_length(job->session), hd_status_text(status));
}

/* Runs some tokens; their logits, if wanted, go to the caller. */
static hd_status run_tokens(he_job *job, const int32_t *tokens, uint32_t n_tokens, uint32_t n_outputs,
                            hd_phase phase) {
  uint32_t n_vocab = job->instance->model->params.n_vocab;
  hd_run run = {sizeof run, tokens, n_tokens, n_outputs, n_outputs > 0 ? job->logits : NULL, phase};
  hd_status status = hd_request_run(job->running, job->session, &run);
  if (status != HD_OK) return fail_run(job, status);
  if (job->desc.on_logits == NULL) return HD_OK;
  uint32_t first = hd_session_length(job->session) - n_outputs;
  for (uint32_t i = 0; i < n_outputs; i++)
    job->desc.on_logits(job->desc.arg, first + i, job->logits + (size_t)i * n_vocab, n_vocab);
  return HD_OK;
}

/* Leaves the address of the last token's logits in `*out_last`. */
static hd_status prefill(he_job *job, const float **out_last) {
  const he_job_desc *desc = &job->desc;
  uint32_t rows = 0;
  for (uint32_t at = 0, count; at < desc->n_tokens; at += count) {
    count = desc->n_tokens - at < desc->chunk_tokens ? desc->n_tokens - at : desc->chunk_tokens;
    bool last = at + count == desc->n_tokens;
    rows = desc->on_logits != NULL ? count : last && desc->n_predict > 0 ? 1 : 0;
    hd_status status = run_tokens(job, desc->tokens + at, count, rows, HD_PHASE_PREFILL);
    if (status != HD_OK) return status;
    job->result.prompt_tokens += count;
    if (desc->on_prefill != NULL) desc->on_prefill(desc->arg, at + count, desc->n_tokens);
  }
  uint32_t before = rows > 0 ? rows - 1 : 0;
  *out_last = job->logits + (size_t)before * job->instance->model->params.n_vocab;
  return HD_OK;
}

/* Gives a token to the caller and says whether to go on. */
static he_stop give(he_job *job, int32_t id) {
  const he_job_desc *desc = &job->desc;
  bool ends = he_token_is_end(job->instance->model, id), go_on = true;
  job->result.generated_tokens++;
  if (desc->on_token != NULL) {
    size_t bytes = 0;
    const char *text = ends ? "" : he_decoder_push(job->decoder, id, &bytes);
    go_on = desc->on_token(desc->arg, id, text, bytes);
  }
  if (!go_on) return HE_STOP_CALLER;
  if (ends && !desc->ignore_end) return HE_STOP_END;
  if (job->result.generated_tokens == desc->n_predict) return HE_STOP_LENGTH;
  if (hd_session_length(job->session) == hd_session_capacity(job->session)) return HE_STOP_CONTEXT;
  return HE_STOP_NONE;
}

static void give_rest(he_job *job) {
  size_t bytes;
  if (job->desc.on_token == NULL || job->result.stop == HE_STOP_CALLER) return;
  const char *text = he_decoder_flush(job->decoder, &bytes);
  if (bytes > 0) (void)job->desc.on_token(job->desc.arg, -1, text, bytes);
}

static hd_status decode(he_job *job, const float *logits) {
  for (;;) {
    int32_t id;
    hd_status status = hei_sample(&job->sampler, logits, &id);
    if (status != HD_OK)
      return hd_fail(&job->error, status, "%s: position %u: the logits are no numbers",
                     job->instance->model->label, hd_session_length(job->session));
    job->result.stop = give(job, id);
    if (job->result.stop != HE_STOP_NONE) return HD_OK;
    status = run_tokens(job, &id, 1, 1, HD_PHASE_DECODE);
    if (status != HD_OK) return status;
    job->result.decode_tokens++;
    logits = job->logits;
  }
}

hd_status hei_job_run(hd_request *request, void *arg) {
  he_job *job = arg;
  const float *logits;
  uint64_t begin = now(job);
  job->running = request;
  job->result.wait_ns = begin - job->submit_ns;
  hd_status status = prefill(job, &logits);
  uint64_t filled = now(job);
  job->result.prefill_ns = filled - begin;
  if (status != HD_OK) return status;
  job->result.stop = HE_STOP_LENGTH;
  if (job->desc.n_predict == 0) return HD_OK;
  status = decode(job, logits);
  if (status == HD_OK) give_rest(job);
  job->result.decode_ns = now(job) - filled;
  return status;
}
