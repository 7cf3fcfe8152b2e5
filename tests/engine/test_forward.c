/* SPDX-License-Identifier: Apache-2.0 */
/* Small random models of every architecture give the logits of a plain forward pass in double precision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "naive.h"
#include "runner.h"

#define TOKENS 40u

/* Logits here are a few units large; F32 sums over tens of values are good to some 1e-6 of that. */
#define BOUND 2e-4

static double worst_difference(const runner_output *output, const double *expected) {
  double worst = 0.0;
  assert_int_equal(output->logits_rows, TOKENS);
  for (size_t i = 0; i < (size_t)TOKENS * TINY_VOCAB; i++) {
    double apart = fabs((double)output->logits[i] - expected[i]);
    if (apart > worst || isnan(apart)) worst = apart; /* what is no number stays */
  }
  return worst;
}

/* Prefill in chunks of `chunk`, so that runs begin at many positions. */
static void run_chunked(runner *r, const int32_t *tokens, uint32_t chunk, runner_output *output) {
  he_job_desc desc;
  he_job_desc_default(&desc);
  desc.tokens = tokens;
  desc.n_tokens = TOKENS;
  desc.n_predict = 0;
  desc.chunk_tokens = chunk;
  runner_collect(&desc, output, true);
  he_job *job;
  hd_error error = {""};
  if (he_job_submit(r->instance, &desc, &job, NULL, &error) != HD_OK) fail_msg("%s", error.text);
  if (he_job_wait(job, &output->result) != HD_OK) fail_msg("%s", he_job_error(job));
  he_job_release(job);
}

static void check(tiny_model *tiny, bool halves) {
  static const uint32_t CHUNKS[] = {1, 7, TOKENS};
  static double expected[TOKENS * TINY_VOCAB];
  int32_t tokens[TOKENS];
  uint64_t seed = 51;
  size_t size;
  uint8_t *file = tiny_write(tiny, &size);
  for (uint32_t i = 0; i < TOKENS; i++)
    tokens[i] = (int32_t)(tiny_random(&seed) % TINY_VOCAB);
  naive_forward(tiny, halves, tokens, TOKENS, expected);
  runner r;
  runner_open_memory(&r, file, size,
                     &(runner_setup){.devices = "cpu,sim", .split = "cpu:0,sim:1-", .workers = 1});
  for (size_t i = 0; i < sizeof CHUNKS / sizeof *CHUNKS; i++) {
    runner_output output;
    run_chunked(&r, tokens, CHUNKS[i], &output);
    double worst = worst_difference(&output, expected);
    if (!(worst < BOUND)) fail_msg("%s, chunks of %u: a logit differs by %g", tiny->arch, CHUNKS[i], worst);
    runner_output_finish(&output);
  }
  runner_close(&r);
  free(file);
  tiny_finish(tiny);
}

static void llama_is_the_plain_transformer(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  check(&tiny, false);
}

static void llama_with_frequency_factors_linear_scaling_and_tied_embeddings(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  tiny.rope_factors = tiny.tied = true;
  tiny.rope_scale = 0.25f;
  tiny.rope_base = 500.0f;
  check(&tiny, false);
}

static void heads_may_turn_in_part_and_be_longer_than_the_model_says(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  tiny.head_dim = 16; /* not n_embd / n_heads */
  tiny.rope_dim = 6;
  tiny.n_kv_heads = 1;
  check(&tiny, false);
  tiny_init(&tiny, "qwen2");
  tiny.qkv_bias = true;
  tiny.rope_dim = 4;
  check(&tiny, true);
}

static void qwen2_has_biases_and_turns_halves(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "qwen2");
  tiny.qkv_bias = tiny.tied = true;
  tiny.rope_base = 1000000.0f;
  tiny.norm_eps = 1e-6f;
  check(&tiny, true);
}

static void qwen3_normalises_each_head(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "qwen3");
  tiny.qk_norm = tiny.tied = true;
  tiny.head_dim = tiny.rope_dim = 16;
  tiny.n_layers = 3;
  check(&tiny, true);
}

/* What the naive pass is worth: it must notice each of the things that set the architectures apart. */
static void the_plain_pass_notices_a_wrong_rotation(void **state) {
  (void)state;
  static double adjacent[TOKENS * TINY_VOCAB], halves[TOKENS * TINY_VOCAB];
  int32_t tokens[TOKENS];
  for (uint32_t i = 0; i < TOKENS; i++)
    tokens[i] = (int32_t)(3 + 5 * i);
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  size_t size;
  free(tiny_write(&tiny, &size));
  naive_forward(&tiny, false, tokens, TOKENS, adjacent);
  naive_forward(&tiny, true, tokens, TOKENS, halves);
  double worst = 0.0;
  for (size_t i = 0; i < (size_t)TOKENS * TINY_VOCAB; i++)
    if (fabs(adjacent[i] - halves[i]) > worst) worst = fabs(adjacent[i] - halves[i]);
  assert_true(worst > 100.0 * BOUND);
  tiny_finish(&tiny);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(llama_is_the_plain_transformer),
      cmocka_unit_test(llama_with_frequency_factors_linear_scaling_and_tied_embeddings),
      cmocka_unit_test(heads_may_turn_in_part_and_be_longer_than_the_model_says),
      cmocka_unit_test(qwen2_has_biases_and_turns_halves),
      cmocka_unit_test(qwen3_normalises_each_head),
      cmocka_unit_test(the_plain_pass_notices_a_wrong_rotation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
