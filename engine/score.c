/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the likelihood of a text: chunk by chunk or window by window, every token's surprise summed up. */
#include "instance.h"
#include "sample.h"

#include <math.h>
#include <string.h>

#define CHUNK_TOKENS      255u /* with the begin token 256 positions, which every model has */
#define WINDOW_TOKENS_MIN 4u   /* a second half with something in it behind its first */

/* Logits of one run at most: enough rows for any vocabulary to be computed side by side, and no more memory.
 */
#define LOGIT_BYTES_MAX ((size_t)16 << 20)
#define LOGIT_ROWS_MAX  64u

typedef struct score {
  hd_host host;
  he_instance *instance;
  const he_score_desc *desc;
  uint32_t positions; /* of a chunk with its begin token, or of a window */
  uint32_t skip;      /* positions whose logits nobody wants, from the front */
  uint32_t chunk_count;
  int32_t begin; /* -1: the model has none */
  hd_session *session;
  uint32_t rows;   /* of a run */
  int32_t *tokens; /* as many as positions */
  float *logits;
  double sum, squares;
  uint32_t n_scored, n_run;
  hd_error *out_error;
} score;

/* The next run of a chunk of `count` inputs: tokens from `at` on, all of them skipped or none. */
static hd_run next_run(const score *s, uint32_t at, uint32_t count) {
  bool skipped = at < s->skip;
  uint32_t left = skipped ? s->skip - at : count - 1 - at, n = left < s->rows ? left : s->rows;
  return (hd_run){sizeof(hd_run), s->tokens + at, n, skipped ? 0 : n, s->logits, HD_PHASE_PREFILL};
}

/* Scores the tokens of one chunk that follow others, `count` inputs at score->tokens, rows of them at a time.
 */
static hd_status score_chunk(score *s, hd_request *request, uint32_t count, double *out_sum) {
  uint32_t n_vocab = s->instance->model->params.n_vocab;
  hd_status status = hd_session_truncate(s->session, 0);
  for (uint32_t at = 0; at + 1 < count && status == HD_OK;) {
    hd_run run = next_run(s, at, count);
    status = hd_request_run(request, s->session, &run);
    for (uint32_t i = 0; i < run.n_outputs && status == HD_OK; i++) {
      double nll = hei_nll(s->logits + (size_t)i * n_vocab, n_vocab, s->tokens[at + i + 1]);
      *out_sum += nll;
      s->squares += nll * nll;
    }
    at += run.n_tokens;
    s->n_run += run.n_tokens;
  }
  return status;
}

/* The inputs of a chunk of its own, behind a begin token. Returns how many. */
static uint32_t fill_chunk(score *s, uint32_t chunk) {
  uint32_t text = s->begin >= 0 ? s->positions - 1 : s->positions, from = chunk * text, count = 0;
  uint32_t left = s->desc->n_tokens - from, taken = left < text ? left : text;
  if (s->begin >= 0) s->tokens[count++] = s->begin;
  memcpy(s->tokens + count, s->desc->tokens + from, taken * sizeof *s->tokens);
  return count + taken;
}

/* The inputs of a window. Behind a begin token the text's token i stands at position i + 1, so that the one
 * at the window's first position, which gives way, is the one before `from`. */
static uint32_t fill_window(score *s, uint32_t window) {
  uint32_t from = window * s->positions, count = 0;
  if (s->begin >= 0) s->tokens[count++] = s->begin;
  memcpy(s->tokens + count, s->desc->tokens + from, (s->positions - count) * sizeof *s->tokens);
  return s->positions;
}

static hd_status run_score(hd_request *request, void *arg) {
  score *s = arg;
  for (uint32_t chunk = 0; chunk < s->chunk_count; chunk++) {
    uint32_t count = s->desc->window_tokens > 0 ? fill_window(s, chunk) : fill_chunk(s, chunk);
    uint32_t scored = count - 1 - s->skip;
    double sum = 0.0;
    hd_status status = score_chunk(s, request, count, &sum);
    if (status == HD_OK && !isfinite(sum)) status = HD_E_DEVICE;
    if (status != HD_OK)
      return hd_fail(s->out_error, status, "%s: chunk %u of the text: %s", s->instance->model->label, chunk,
                     hd_status_text(status));
    s->sum += sum;
    s->n_scored += scored;
    if (s->desc->on_chunk != NULL)
      s->desc->on_chunk(s->desc->arg, chunk, s->chunk_count, sum / (double)scored, scored);
  }
  return HD_OK;
}

static hd_status check(const score *s, hd_error *out_error) {
  const he_model *model = s->instance->model;
  const he_score_desc *desc = s->desc;
  for (uint32_t i = 0; i < desc->n_tokens; i++)
    if (desc->tokens[i] < 0 || (uint32_t)desc->tokens[i] >= model->params.n_vocab)
      return hd_fail(out_error, HD_E_INVALID, "%s: token %u: id %d is outside the vocabulary of %u",
                     model->label, i, desc->tokens[i], model->params.n_vocab);
  if (desc->window_tokens > 0 && (s->chunk_count == 0 || desc->window_tokens < WINDOW_TOKENS_MIN))
    return hd_fail(out_error, HD_E_INVALID, "%s: a text of %u tokens has no window of %u (%u is the least)",
                   model->label, desc->n_tokens, desc->window_tokens, WINDOW_TOKENS_MIN);
  if (desc->n_tokens == 0 || s->positions < 2 || (s->begin < 0 && desc->n_tokens < 2))
    return hd_fail(out_error, HD_E_INVALID, "%s: the text is too short to score: %u tokens, in chunks of %u",
                   model->label, desc->n_tokens, s->begin < 0 ? s->positions : s->positions - 1);
  return HD_OK;
}

static hd_session_desc describe_session(const score *s) {
  return (hd_session_desc){.size = sizeof(hd_session_desc),
                           .max_context = s->positions,
                           .max_tokens = s->rows,
                           .max_outputs = s->rows};
}

static hd_status take_memory(score *s, hd_error *out_error) {
  const he_model *model = s->instance->model;
  size_t row_bytes = (size_t)model->params.n_vocab * sizeof *s->logits, fit = LOGIT_BYTES_MAX / row_bytes;
  s->rows = fit < 1 ? 1 : fit > LOGIT_ROWS_MAX ? LOGIT_ROWS_MAX : (uint32_t)fit;
  hd_session_desc desc = describe_session(s);
  hd_status status = hd_session_create(s->instance->placed, &desc, &s->session);
  if (status != HD_OK)
    return hd_fail(out_error, status, "%s: no session of %u positions: %s", model->label, desc.max_context,
                   hd_status_text(status));
  s->tokens = hd_host_zalloc(&s->host, s->positions, sizeof *s->tokens, _Alignof(int32_t));
  s->logits = hd_host_zalloc(&s->host, s->rows, row_bytes, HD_BUFFER_ALIGN);
  if (s->tokens != NULL && s->logits != NULL) return HD_OK;
  return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory to score %u positions at once", model->label,
                 s->positions);
}

static hd_status submit_and_wait(score *s, hd_error *out_error) {
  hd_session_desc session = describe_session(s);
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
  hd_host_free(&s->host, s->tokens, s->positions, sizeof *s->tokens);
  hd_host_free(&s->host, s->logits, s->rows, row_bytes);
}

/* How the text is cut. */
static void cut(score *s) {
  const he_score_desc *desc = s->desc;
  const hei_vocab *vocab = s->instance->model->vocab;
  if (desc->window_tokens > 0) {
    s->begin = vocab->wants_begin ? vocab->begin : -1;
    s->positions = desc->window_tokens;
    s->skip = desc->window_tokens / 2;
    s->chunk_count = (desc->n_tokens + (s->begin >= 0)) / s->positions;
  } else {
    uint32_t chunk_tokens = desc->chunk_tokens > 0 ? desc->chunk_tokens : CHUNK_TOKENS;
    s->begin = vocab->begin;
    s->positions = chunk_tokens + (s->begin >= 0);
    s->chunk_count = desc->n_tokens < chunk_tokens ? 1 : desc->n_tokens / chunk_tokens;
  }
  if (desc->chunk_limit > 0 && s->chunk_count > desc->chunk_limit) s->chunk_count = desc->chunk_limit;
}

static he_score_result sum_up(const score *s, uint64_t elapsed_ns) {
  double count = s->n_scored, mean = s->sum / count;
  double variance = s->n_scored > 1 ? (s->squares / count - mean * mean) / (count - 1.0) : 0.0;
  return (he_score_result){.mean_nll = mean,
                           .nll_error = variance > 0.0 ? sqrt(variance) : 0.0,
                           .n_scored = s->n_scored,
                           .n_run = s->n_run,
                           .chunk_count = s->chunk_count,
                           .elapsed_ns = elapsed_ns};
}

hd_status he_score(he_instance *instance, const he_score_desc *desc, he_score_result *out_result,
                   hd_error *out_error) {
  score s = {.host = instance->host, .instance = instance, .desc = desc, .out_error = out_error};
  uint64_t begin_ns = s.host.now_ns(s.host.ctx);
  cut(&s);
  hd_status status = check(&s, out_error);
  if (status != HD_OK) return status;
  status = take_memory(&s, out_error);
  if (status == HD_OK) status = submit_and_wait(&s, out_error);
  give_back(&s);
  if (status != HD_OK) return status;
  *out_result = sum_up(&s, s.host.now_ns(s.host.ctx) - begin_ns);
  return HD_OK;
}
