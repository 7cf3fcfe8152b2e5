/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the likelihood of a text: chunk by chunk, each after a begin token, every token's surprise summed up.
 */
#include "instance.h"
#include "sample.h"

#include <math.h>
#include <string.h>

#define CHUNK_TOKENS 255u /* with the begin token 256 positions, which every model has */

/* Logits of one run at most: enough rows for any vocabulary to be computed side by side, and no more memory.
 */
#define LOGIT_BYTES_MAX ((size_t)16 << 20)
#define LOGIT_ROWS_MAX  64u

typedef struct score {
  hd_host host;
  he_instance *instance;
  const he_score_desc *desc;
  uint32_t chunk_tokens, chunk_count;
  int32_t begin; /* -1: the model has none */
  hd_session *session;
  uint32_t rows;   /* of a run */
  int32_t *tokens; /* chunk_tokens + 1 */
  float *logits;
  double sum;
  uint32_t n_scored;
  hd_error *out_error;
} score;

/* Scores the tokens of one chunk that follow others, `count` inputs at score->tokens, rows of them at a time.
 */
static hd_status score_chunk(score *s, hd_request *request, uint32_t count, double *out_sum) {
  uint32_t n_vocab = s->instance->model->params.n_vocab;
  hd_status status = hd_session_truncate(s->session, 0);
  for (uint32_t at = 0, n; at + 1 < count && status == HD_OK; at += n) {
    n = count - 1 - at < s->rows ? count - 1 - at : s->rows;
    hd_run run = {sizeof run, s->tokens + at, n, n, s->logits, HD_PHASE_PREFILL};
    status = hd_request_run(request, s->session, &run);
    for (uint32_t i = 0; i < n && status == HD_OK; i++)
      *out_sum += hei_nll(s->logits + (size_t)i * n_vocab, n_vocab, s->tokens[at + i + 1]);
  }
  return status;
}

static hd_status run_score(hd_request *request, void *arg) {
  score *s = arg;
  for (uint32_t chunk = 0; chunk < s->chunk_count; chunk++) {
    uint32_t from = chunk * s->chunk_tokens, left = s->desc->n_tokens - from, count = 0;
    uint32_t taken = left < s->chunk_tokens ? left : s->chunk_tokens;
    if (s->begin >= 0) s->tokens[count++] = s->begin;
    memcpy(s->tokens + count, s->desc->tokens + from, taken * sizeof *s->tokens);
    count += taken;
    double sum = 0.0;
    hd_status status = score_chunk(s, request, count, &sum);
    if (status == HD_OK && !isfinite(sum)) status = HD_E_DEVICE;
    if (status != HD_OK)
      return hd_fail(s->out_error, status, "%s: chunk %u of the text: %s", s->instance->model->label, chunk,
                     hd_status_text(status));
    s->sum += sum;
    s->n_scored += count - 1;
    if (s->desc->on_chunk != NULL)
      s->desc->on_chunk(s->desc->arg, chunk, s->chunk_count, sum / (double)(count - 1), count - 1);
  }
  return HD_OK;
}

static hd_status check(score *s, hd_error *out_error) {
  const he_model *model = s->instance->model;
  const he_score_desc *desc = s->desc;
  uint32_t needed = s->begin >= 0 ? 1 : 2;
  for (uint32_t i = 0; i < desc->n_tokens; i++)
    if (desc->tokens[i] < 0 || (uint32_t)desc->tokens[i] >= model->params.n_vocab)
      return hd_fail(out_error, HD_E_INVALID, "%s: token %u: id %d is outside the vocabulary of %u",
                     model->label, i, desc->tokens[i], model->params.n_vocab);
  if (desc->n_tokens < needed || s->chunk_tokens < needed)
    return hd_fail(out_error, HD_E_INVALID, "%s: the text is too short to score: %u tokens, in chunks of %u",
                   model->label, desc->n_tokens, s->chunk_tokens);
  return HD_OK;
}

static hd_status take_memory(score *s, hd_error *out_error) {
  const he_model *model = s->instance->model;
  size_t row_bytes = (size_t)model->params.n_vocab * sizeof *s->logits, fit = LOGIT_BYTES_MAX / row_bytes;
  s->rows = fit < 1 ? 1 : fit > LOGIT_ROWS_MAX ? LOGIT_ROWS_MAX : (uint32_t)fit;
  hd_session_desc desc = {
      .size = sizeof desc, .max_context = s->chunk_tokens + 1, .max_tokens = s->rows, .max_outputs = s->rows};
  hd_status status = hd_session_create(s->instance->placed, &desc, &s->session);
  if (status != HD_OK)
    return hd_fail(out_error, status, "%s: no session of %u positions: %s", model->label, desc.max_context,
                   hd_status_text(status));
  s->tokens = hd_host_zalloc(&s->host, (size_t)s->chunk_tokens + 1, sizeof *s->tokens, _Alignof(int32_t));
  s->logits = hd_host_zalloc(&s->host, s->rows, row_bytes, HD_BUFFER_ALIGN);
  if (s->tokens != NULL && s->logits != NULL) return HD_OK;
  return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory to score in chunks of %u", model->label,
                 s->chunk_tokens);
}

static hd_status submit_and_wait(score *s, hd_error *out_error) {
  hd_session_desc session = {.size = sizeof session,
                             .max_context = s->chunk_tokens + 1,
                             .max_tokens = s->rows,
                             .max_outputs = s->rows};
  hd_request_desc desc = {.size = sizeof desc,
                          .name = "score",
                          .class_id = s->desc->class_id,
                          .memory_bytes = hd_session_bytes(s->instance->placed, &session),
                          .run = run_score,
                          .arg = s};
  hd_request *request;
  hd_status status = hd_request_submit(s->instance->sched, &desc, &request, NULL);
  if (status != HD_OK)
    return hd_fail(out_error, status, "%s: the scheduler did not take the request: %s",
                   s->instance->model->label, hd_status_text(status));
  status = hd_request_wait(request);
  hd_request_release(request);
  return status;
}

static void give_back(score *s) {
  hd_session_destroy(s->session);
  size_t row_bytes = (size_t)s->instance->model->params.n_vocab * sizeof *s->logits;
  hd_host_free(&s->host, s->tokens, (size_t)s->chunk_tokens + 1, sizeof *s->tokens);
  hd_host_free(&s->host, s->logits, s->rows, row_bytes);
}

hd_status he_score(he_instance *instance, const he_score_desc *desc, he_score_result *out_result,
                   hd_error *out_error) {
  const hei_vocab *vocab = instance->model->vocab;
  uint32_t chunk_tokens = desc->chunk_tokens > 0 ? desc->chunk_tokens : CHUNK_TOKENS;
  score s = {.host = instance->host,
             .instance = instance,
             .desc = desc,
             .chunk_tokens = chunk_tokens,
             .chunk_count = desc->n_tokens < chunk_tokens ? 1 : desc->n_tokens / chunk_tokens,
             .begin = vocab->begin,
             .out_error = out_error};
  uint64_t begin_ns = s.host.now_ns(s.host.ctx);
  hd_status status = check(&s, out_error);
  if (status != HD_OK) return status;
  status = take_memory(&s, out_error);
  if (status == HD_OK) status = submit_and_wait(&s, out_error);
  give_back(&s);
  if (status != HD_OK) return status;
  *out_result =
      (he_score_result){s.sum / s.n_scored, s.n_scored, s.chunk_count, s.host.now_ns(s.host.ctx) - begin_ns};
  return HD_OK;
}
