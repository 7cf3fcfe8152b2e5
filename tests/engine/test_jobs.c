/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: how they stop, what they refuse, what they tell, and that they leave nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "runner.h"
#include "tiny_model.h"

static const int32_t PROMPT[] = {1, 262, 263, 264, 265, 266, 259};
#define PROMPT_TOKENS 7u

typedef struct fixture {
  tiny_model tiny;
  uint8_t *file;
  runner r;
} fixture;

static void set_up(fixture *f, uint32_t workers) {
  size_t size;
  tiny_init(&f->tiny, "llama");
  f->file = tiny_write(&f->tiny, &size);
  runner_open_memory(&f->r, f->file, size, &(runner_setup){.devices = "cpu", .workers = workers});
}

static void tear_down(fixture *f) {
  runner_close(&f->r);
  tiny_finish(&f->tiny);
  free(f->file);
}

static he_job_desc describe(uint32_t n_predict) {
  he_job_desc desc;
  he_job_desc_default(&desc);
  desc.tokens = PROMPT;
  desc.n_tokens = PROMPT_TOKENS;
  desc.n_predict = n_predict;
  desc.ignore_end = true;
  return desc;
}

static he_job *submit(fixture *f, const he_job_desc *desc) {
  he_job *job = NULL;
  hd_error error = {""};
  if (he_job_submit(f->r.instance, desc, &job, NULL, &error) != HD_OK) fail_msg("%s", error.text);
  return job;
}

static void expect_refused(fixture *f, const he_job_desc *desc, hd_status expected, const char *line) {
  he_job *job = NULL;
  hd_error error = {""};
  assert_int_equal(he_job_submit(f->r.instance, desc, &job, NULL, &error), expected);
  assert_string_equal(error.text, line);
  assert_null(job);
}

static void wrong_prompts_are_refused_in_one_line(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 1);
  he_job_desc desc = describe(4);
  desc.n_tokens = 0;
  expect_refused(&f, &desc, HD_E_INVALID, "memory: the prompt is empty: it has no token");
  static const int32_t OUTSIDE[] = {1, 272};
  desc = describe(4);
  desc.tokens = OUTSIDE;
  desc.n_tokens = 2;
  expect_refused(&f, &desc, HD_E_INVALID, "memory: prompt token 1: id 272 is outside the vocabulary of 272");
  static int32_t many[65];
  desc = describe(4);
  desc.tokens = many;
  desc.n_tokens = 65;
  expect_refused(&f, &desc, HD_E_LIMIT, "memory: the prompt has 65 tokens, the context 64 positions");
  desc = describe(4);
  desc.max_context = 6;
  expect_refused(&f, &desc, HD_E_LIMIT, "memory: the prompt has 7 tokens, the context 6 positions");
  desc = describe(4);
  desc.sampling.temperature = -1.0f;
  expect_refused(&f, &desc, HD_E_INVALID, "a temperature of -1; it is 0 (greedy) or more");
  tear_down(&f);
}

static void a_job_stops_when_it_has_predicted_enough(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 1);
  he_job_desc desc = describe(5);
  runner_output output;
  runner_collect(&desc, &output, false);
  he_job *job = submit(&f, &desc);
  he_job_result result;
  assert_int_equal(he_job_wait(job, &result), HD_OK);
  assert_int_equal(he_job_poll(job, NULL), HD_OK);
  assert_int_equal(result.stop, HE_STOP_LENGTH);
  assert_int_equal(result.prompt_tokens, PROMPT_TOKENS);
  assert_int_equal(result.generated_tokens, 5);
  assert_int_equal(result.decode_tokens, 4);
  assert_int_equal(output.id_count, 5);
  assert_true(result.prefill_ns > 0 && result.decode_ns > 0);
  assert_true(result.request.steps >= 5);
  assert_string_equal(he_job_error(job), "");
  he_job_release(job);
  runner_output_finish(&output);
  tear_down(&f);
}

static void a_job_stops_when_the_context_is_full(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 1);
  for (uint32_t room = PROMPT_TOKENS; room < PROMPT_TOKENS + 4; room++) {
    he_job_desc desc = describe(HE_UNTIL_END);
    desc.max_context = room;
    he_job *job = submit(&f, &desc);
    he_job_result result;
    assert_int_equal(he_job_wait(job, &result), HD_OK);
    assert_int_equal(result.stop, HE_STOP_CONTEXT);
    assert_int_equal(result.generated_tokens, room - PROMPT_TOKENS + 1); /* the last one needs no position */
    he_job_release(job);
  }
  he_job_desc desc = describe(HE_UNTIL_END); /* without a word on it: the model's context */
  he_job *job = submit(&f, &desc);
  he_job_result result;
  assert_int_equal(he_job_wait(job, &result), HD_OK);
  assert_int_equal(result.prompt_tokens + result.decode_tokens, 64);
  he_job_release(job);
  tear_down(&f);
}

static void a_prefill_alone_predicts_nothing(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 1);
  he_job_desc desc = describe(0);
  runner_output output;
  runner_collect(&desc, &output, false);
  he_job *job = submit(&f, &desc);
  he_job_result result;
  assert_int_equal(he_job_wait(job, &result), HD_OK);
  assert_int_equal(result.stop, HE_STOP_LENGTH);
  assert_int_equal(result.prompt_tokens, PROMPT_TOKENS);
  assert_int_equal(result.generated_tokens + result.decode_tokens + output.id_count, 0);
  he_job_release(job);
  runner_output_finish(&output);
  tear_down(&f);
}

/* Greedy ids of the tiny model; sees to it that the model ends where a test wants it to. */
static void first_ids(fixture *f, int32_t *out_ids, uint32_t count) {
  runner_output output;
  he_job_desc desc = describe(count);
  runner_collect(&desc, &output, false);
  he_job *job = submit(f, &desc);
  assert_int_equal(he_job_wait(job, NULL), HD_OK);
  memcpy(out_ids, output.ids, count * sizeof *out_ids);
  he_job_release(job);
  runner_output_finish(&output);
}

static void a_job_stops_at_the_end_token(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 1);
  int32_t ids[8];
  first_ids(&f, ids, 8);
  uint32_t fresh = 1; /* an id that comes late for the first time becomes the end token */
  for (uint32_t i = 1; i < 8; i++) {
    bool seen = false;
    for (uint32_t k = 0; k < i; k++)
      seen = seen || ids[k] == ids[i];
    if (!seen) fresh = i;
  }
  runner_close(&f.r);
  gw_writer writer;
  gw_init(&writer);
  tiny_finish(&f.tiny);
  tiny_init(&f.tiny, "llama");
  f.tiny.omit = "tokenizer.ggml.eos_token_id";
  tiny_write_into(&f.tiny, &writer);
  writer.omit = NULL;
  gw_u32(&writer, "tokenizer.ggml.eos_token_id", (uint32_t)ids[fresh]);
  free(f.file);
  size_t size;
  f.file = gw_build(&writer, &size);
  gw_finish(&writer);
  runner_open_memory(&f.r, f.file, size, &(runner_setup){.devices = "cpu", .workers = 1});
  he_job_desc desc = describe(20);
  desc.ignore_end = false;
  runner_output output;
  runner_collect(&desc, &output, false);
  he_job *job = submit(&f, &desc);
  he_job_result result;
  assert_int_equal(he_job_wait(job, &result), HD_OK);
  assert_int_equal(result.stop, HE_STOP_END);
  assert_int_equal(result.generated_tokens, fresh + 1);
  assert_memory_equal(output.ids, ids, (fresh + 1) * sizeof *ids);
  he_job_release(job);
  runner_output_finish(&output);
  tear_down(&f);
}

static bool stop_after_three(void *arg, int32_t id, const char *text, size_t bytes) {
  (void)id, (void)text, (void)bytes;
  return ++*(int *)arg < 3;
}

static void the_caller_can_stop_a_job(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 1);
  int seen = 0;
  he_job_desc desc = describe(20);
  desc.on_token = stop_after_three;
  desc.arg = &seen;
  he_job *job = submit(&f, &desc);
  he_job_result result;
  assert_int_equal(he_job_wait(job, &result), HD_OK);
  assert_int_equal(result.stop, HE_STOP_CALLER);
  assert_int_equal(seen, 3);
  assert_string_equal(he_stop_name(result.stop), "caller");
  assert_null(he_stop_name((he_stop)99));
  he_job_release(job);
  tear_down(&f);
}

typedef struct canceller {
  he_job *job;
  int seen, done;
  hd_status status;
} canceller;

static bool cancel_itself(void *arg, int32_t id, const char *text, size_t bytes) {
  (void)id, (void)text, (void)bytes;
  canceller *c = arg;
  if (++c->seen == 2) he_job_cancel(c->job);
  return true;
}

static void note_done(void *arg, hd_status status) {
  canceller *c = arg;
  c->done++;
  c->status = status;
}

static void a_cancelled_job_ends_with_that_status(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 0); /* driven by this thread: the job's address is known before its first callback */
  canceller c = {0};
  he_job_desc desc = describe(50);
  desc.on_token = cancel_itself;
  desc.done = note_done;
  desc.arg = &c;
  c.job = submit(&f, &desc);
  he_job_result result;
  assert_int_equal(he_job_wait(c.job, &result), HD_E_CANCELLED);
  assert_int_equal(result.stop, HE_STOP_NONE);
  assert_int_equal(c.seen, 2);
  assert_int_equal(c.done, 1);
  assert_int_equal(c.status, HD_E_CANCELLED);
  he_job_release(c.job);
  tear_down(&f);
}

static void a_released_job_is_cancelled_first(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 2);
  for (int i = 0; i < 20; i++) {
    canceller c = {0};
    he_job_desc desc = describe(HE_UNTIL_END);
    desc.done = note_done;
    desc.arg = &c;
    he_job_release(submit(&f, &desc));
    assert_int_equal(c.done, 1);
  }
  he_job_release(NULL);
  tear_down(&f);
}

typedef struct progress {
  uint32_t calls, last;
} progress;

static void note_prefill(void *arg, uint32_t done, uint32_t total) {
  progress *p = arg;
  assert_int_equal(total, PROMPT_TOKENS);
  assert_true(done > p->last);
  p->calls++;
  p->last = done;
}

static void prefill_reports_each_chunk(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 0);
  progress p = {0};
  he_job_desc desc = describe(0);
  desc.chunk_tokens = 3;
  desc.on_prefill = note_prefill;
  desc.arg = &p;
  he_job *job = submit(&f, &desc);
  assert_int_equal(he_job_wait(job, NULL), HD_OK);
  assert_int_equal(p.calls, 3);
  assert_int_equal(p.last, PROMPT_TOKENS);
  he_job_release(job);
  tear_down(&f);
}

static void a_session_of_the_callers_goes_on_where_it_was(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 1);
  int32_t whole[6], second[3];
  first_ids(&f, whole, 6);
  hd_session *session;
  hd_session_desc session_desc = {.size = sizeof session_desc, .max_context = 20};
  assert_int_equal(hd_session_create(he_instance_placed(f.r.instance), &session_desc, &session), HD_OK);
  he_job_desc desc = describe(3);
  desc.session = session;
  he_job *job = submit(&f, &desc);
  assert_int_equal(he_job_wait(job, NULL), HD_OK);
  he_job_release(job);
  assert_int_equal(hd_session_length(session), PROMPT_TOKENS + 2);
  runner_output output;
  runner_collect(&desc, &output, false);
  desc.tokens = &whole[2]; /* the one that was predicted last and not yet run */
  desc.n_tokens = 1;
  job = submit(&f, &desc);
  assert_int_equal(he_job_wait(job, NULL), HD_OK);
  memcpy(second, output.ids, sizeof second);
  assert_memory_equal(second, whole + 3, sizeof second);
  he_job_release(job);
  runner_output_finish(&output);
  desc = describe(1);
  desc.session = session;
  assert_int_equal(hd_session_length(session), PROMPT_TOKENS + 5);
  static const int32_t LONG[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  desc.tokens = LONG;
  desc.n_tokens = 9;
  expect_refused(&f, &desc, HD_E_LIMIT,
                 "memory: the prompt has 9 tokens, the session 8 of 20 positions left");
  hd_session_destroy(session);
  tear_down(&f);
}

static void run_seeded(fixture *f, uint64_t seed, int32_t *out_ids) {
  he_job_desc desc = describe(20);
  desc.sampling.temperature = 2.0f;
  desc.sampling.seed = seed;
  runner_output output;
  runner_collect(&desc, &output, false);
  he_job *job = submit(f, &desc);
  assert_int_equal(he_job_wait(job, NULL), HD_OK);
  memcpy(out_ids, output.ids, 20 * sizeof *out_ids);
  he_job_release(job);
  runner_output_finish(&output);
}

static void the_same_seed_gives_the_same_text(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 2);
  int32_t first[20], again[20], other[20];
  run_seeded(&f, 9, first);
  run_seeded(&f, 9, again);
  run_seeded(&f, 10, other);
  assert_memory_equal(first, again, sizeof first);
  assert_true(memcmp(first, other, sizeof first) != 0);
  tear_down(&f);
}

static void each_refused_allocation_is_reported(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 1);
  hd_status status = HD_E_NO_MEMORY;
  he_job_desc desc = describe(2);
  desc.sampling.temperature = 1.0f;
  for (unsigned n = 1; status != HD_OK; n++) {
    he_job *job = NULL;
    hd_error error = {""};
    unsigned long long before = f.r.check.live_bytes;
    f.r.check.fail_at = f.r.check.allocations + n;
    status = he_job_submit(f.r.instance, &desc, &job, NULL, &error);
    if (status == HD_OK) {
      status = he_job_wait(
          job, NULL); /* nothing is allocated while it runs, but the coroutine's own start may be late */
      he_job_release(job);
    } else {
      assert_int_equal(status, HD_E_NO_MEMORY);
      assert_null(job);
      assert_int_not_equal(error.text[0], '\0');
      assert_int_equal(f.r.check.live_bytes, before);
    }
    f.r.check.fail_at = 0;
    assert_true(n < 100);
  }
  tear_down(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_prompts_are_refused_in_one_line),
      cmocka_unit_test(a_job_stops_when_it_has_predicted_enough),
      cmocka_unit_test(a_job_stops_when_the_context_is_full),
      cmocka_unit_test(a_prefill_alone_predicts_nothing),
      cmocka_unit_test(a_job_stops_at_the_end_token),
      cmocka_unit_test(the_caller_can_stop_a_job),
      cmocka_unit_test(a_cancelled_job_ends_with_that_status),
      cmocka_unit_test(a_released_job_is_cancelled_first),
      cmocka_unit_test(prefill_reports_each_chunk),
      cmocka_unit_test(a_session_of_the_callers_goes_on_where_it_was),
      cmocka_unit_test(the_same_seed_gives_the_same_text),
      cmocka_unit_test(each_refused_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
