/* SPDX-License-Identifier: Apache-2.0 */
/* Likelihoods of texts: chunks, windows, and what cannot be scored. */
#include <math.h>
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

static void scores_are_refused_when_there_is_nothing_to_score(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 1);
  he_score_desc desc = {.size = sizeof desc, .tokens = PROMPT, .n_tokens = 0};
  he_score_result result;
  hd_error error = {""};
  assert_int_equal(he_score(f.r.instance, &desc, &result, &error), HD_E_INVALID);
  assert_string_equal(error.text, "memory: the text is too short to score: 0 tokens, in chunks of 255");
  static const int32_t OUTSIDE[] = {-1};
  desc.tokens = OUTSIDE;
  desc.n_tokens = 1;
  assert_int_equal(he_score(f.r.instance, &desc, &result, &error), HD_E_INVALID);
  assert_string_equal(error.text, "memory: token 0: id -1 is outside the vocabulary of 272");
  tear_down(&f);
}

/* Chunks in which the runs end at other places give the same likelihood; a rest is left out. */
static void scores_do_not_depend_on_how_they_are_run(void **state) {
  (void)state;
  fixture f;
  set_up(&f, 1);
  he_score_desc desc = {.size = sizeof desc, .tokens = PROMPT + 1, .n_tokens = 6, .chunk_tokens = 3};
  he_score_result two_chunks, first, second;
  hd_error error = {""};
  assert_int_equal(he_score(f.r.instance, &desc, &two_chunks, &error), HD_OK);
  assert_int_equal(two_chunks.n_scored, 6);
  assert_int_equal(two_chunks.chunk_count, 2);
  desc.n_tokens = 5; /* the rest of two is left out */
  assert_int_equal(he_score(f.r.instance, &desc, &first, &error), HD_OK);
  assert_int_equal(first.n_scored, 3);
  desc.tokens = PROMPT + 4;
  desc.n_tokens = 3;
  assert_int_equal(he_score(f.r.instance, &desc, &second, &error), HD_OK);
  double mean = (first.mean_nll + second.mean_nll) / 2.0;
  assert_true(mean > two_chunks.mean_nll - 1e-5 && mean < two_chunks.mean_nll + 1e-5);
  desc.n_tokens = 2; /* all there is */
  assert_int_equal(he_score(f.r.instance, &desc, &second, &error), HD_OK);
  assert_int_equal(second.n_scored, 2);
  tear_down(&f);
}

/* ---- windows ---- */

enum { TEXT_TOKENS = 30, WINDOW = 9 };

static void fill_text(int32_t text[TEXT_TOKENS]) {
  uint64_t state = 5;
  for (uint32_t i = 0; i < TEXT_TOKENS; i++)
    text[i] = (int32_t)(tiny_random(&state) % TINY_VOCAB);
}

static double nll_of(const float *logits, int32_t id) {
  double sum = 0.0;
  for (uint32_t i = 0; i < TINY_VOCAB; i++)
    sum += exp((double)logits[i]);
  return log(sum) - (double)logits[id];
}

/* By the definition, out of the logits that a job gives for each position of a window. */
static void sum_window(fixture *f, const int32_t window[WINDOW], double *sum, double *squares) {
  runner_output output;
  runner_run(&f->r, window, WINDOW, 0, true, &output);
  for (uint32_t at = WINDOW / 2; at + 1 < WINDOW; at++) {
    double nll = nll_of(output.logits + (size_t)at * TINY_VOCAB, window[at + 1]);
    *sum += nll;
    *squares += nll * nll;
  }
  runner_output_finish(&output);
}

static void windows_score_their_second_half_behind_a_begin_token(void **state) {
  (void)state;
  fixture f;
  int32_t text[TEXT_TOKENS], behind_begin[TEXT_TOKENS + 1] = {1};
  double sum = 0.0, squares = 0.0;
  fill_text(text);
  memcpy(behind_begin + 1, text, sizeof text);
  set_up(&f, 1);
  for (uint32_t w = 0; w < 3; w++) { /* 31 positions are three windows of 9 and a rest */
    int32_t window[WINDOW];
    memcpy(window, behind_begin + (size_t)w * WINDOW, sizeof window);
    window[0] = 1;
    sum_window(&f, window, &sum, &squares);
  }
  he_score_desc desc = {
      .size = sizeof desc, .tokens = text, .n_tokens = TEXT_TOKENS, .window_tokens = WINDOW};
  he_score_result result;
  hd_error error = {""};
  assert_int_equal(he_score(f.r.instance, &desc, &result, &error), HD_OK);
  const double count = 3 * (WINDOW - 1 - WINDOW / 2);
  assert_int_equal(result.n_scored, (int)count);
  assert_int_equal(result.chunk_count, 3);
  assert_int_equal(result.n_run, 3 * (WINDOW - 1));
  assert_true(fabs(result.mean_nll - sum / count) < 1e-5);
  double wanted = sqrt((squares / count - sum / count * (sum / count)) / (count - 1));
  assert_true(fabs(result.nll_error - wanted) < 1e-5);
  desc.chunk_limit = 2;
  assert_int_equal(he_score(f.r.instance, &desc, &result, &error), HD_OK);
  assert_int_equal(result.chunk_count, 2);
  desc.n_tokens = 17; /* and the begin token: two windows, without a rest */
  desc.chunk_limit = 0;
  assert_int_equal(he_score(f.r.instance, &desc, &result, &error), HD_OK);
  assert_int_equal(result.chunk_count, 2);
  tear_down(&f);
}

static void a_text_shorter_than_a_window_is_refused(void **state) {
  (void)state;
  fixture f;
  int32_t text[TEXT_TOKENS];
  he_score_result result;
  hd_error error = {""};
  fill_text(text);
  set_up(&f, 1);
  he_score_desc desc = {.size = sizeof desc, .tokens = text, .n_tokens = 7, .window_tokens = WINDOW};
  assert_int_equal(he_score(f.r.instance, &desc, &result, &error), HD_E_INVALID);
  assert_string_equal(error.text, "memory: a text of 7 tokens has no window of 9 (4 is the least)");
  desc.n_tokens = 8;
  assert_int_equal(he_score(f.r.instance, &desc, &result, &error), HD_OK);
  desc.window_tokens = 3;
  assert_int_equal(he_score(f.r.instance, &desc, &result, &error), HD_E_INVALID);
  tear_down(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scores_are_refused_when_there_is_nothing_to_score),
      cmocka_unit_test(scores_do_not_depend_on_how_they_are_run),
      cmocka_unit_test(windows_score_their_second_half_behind_a_begin_token),
      cmocka_unit_test(a_text_shorter_than_a_window_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
