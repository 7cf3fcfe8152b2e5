/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded model gives its golden ids, text and likelihood (engine/model/golden.json), computed apart by
 * numpy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "runner.h"

/* A golden path may be left where its two best candidates are closer than this; numpy's gap is known as the
 * smallest of a path alone, ours at the place itself. Numpy keeps activations in float, which moves a logit
 * by about 0.1. */
#define CLOSE_GAP      0.02
#define CLOSE_GAP_OURS 0.25

static char *read_file(const char *path, size_t *out_bytes) {
  FILE *in = fopen(path, "rb");
  if (in == NULL) fail_msg("cannot open %s", path);
  (void)fseek(in, 0, SEEK_END);
  long size = ftell(in);
  rewind(in);
  char *text = malloc((size_t)size + 1);
  assert_non_null(text);
  assert_int_equal(fread(text, 1, (size_t)size, in), size);
  (void)fclose(in);
  text[size] = '\0';
  *out_bytes = (size_t)size;
  return text;
}

static const cJSON *field(const cJSON *object, const char *name) {
  const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
  if (found == NULL) fail_msg("golden.json has no '%s'", name);
  return found;
}

static bool is_id(const cJSON *list, uint32_t index, int32_t id) {
  return cJSON_GetArrayItem(list, (int)index)->valueint == id;
}

static void check_prompt(runner *r, const cJSON *golden) {
  const char *prompt = field(golden, "prompt")->valuestring;
  const cJSON *prompt_ids = field(golden, "prompt_ids"), *gen_ids = field(golden, "gen_ids");
  he_tokens tokens;
  hd_error error = {""};
  he_tokens_init(&tokens, r->model);
  assert_int_equal(he_tokenize(r->model, prompt, strlen(prompt), HE_TOKENIZE_BOS, &tokens, &error), HD_OK);
  assert_int_equal(tokens.count, cJSON_GetArraySize(prompt_ids));
  for (uint32_t i = 0; i < tokens.count; i++)
    assert_true(is_id(prompt_ids, i, tokens.ids[i]));
  runner_output output;
  uint32_t count = (uint32_t)cJSON_GetArraySize(gen_ids), same = 0;
  runner_run(r, tokens.ids, tokens.count, count, true, &output);
  while (same < count && is_id(gen_ids, same, output.ids[same]))
    same++;
  double gap = field(golden, "min_gap")->valuedouble;
  if (same < count && gap >= CLOSE_GAP)
    fail_msg("'%s': id %u differs, no gap is below %g", prompt, same, gap);
  if (same < count) {
    const float *row = output.logits + (size_t)(tokens.count - 1 + same) * output.n_vocab;
    assert_true((double)runner_gap(row, output.n_vocab) < CLOSE_GAP_OURS);
  }
  print_message("  '%s': %u of %u ids\n", prompt, same, count);
  runner_output_finish(&output);
  he_tokens_finish(&tokens);
}

static void check_setup(const runner_setup *setup) {
  size_t bytes;
  char *text = read_file(HD_MODEL_DIR "/golden.json", &bytes);
  cJSON *golden = cJSON_Parse(text);
  assert_non_null(golden);
  runner r;
  runner_open(&r, NULL, setup);
  const cJSON *prompt;
  cJSON_ArrayForEach(prompt, field(golden, "prompts")) check_prompt(&r, prompt);
  runner_close(&r);
  cJSON_Delete(golden);
  free(text);
}

static void it_gives_its_golden_ids(void **state) {
  (void)state;
  check_setup(&(runner_setup){.devices = "cpu", .workers = 1});
}

static void it_gives_them_split_between_devices(void **state) {
  (void)state;
  check_setup(&(runner_setup){.devices = "cpu,sim", .split = "cpu:0-2,sim:3-", .workers = 2});
}

/* `within`: of the golden mean, which numpy computed with a cache of floats. */
static void check_surprise(hd_format kv, double within) {
  size_t bytes;
  char *json = read_file(HD_MODEL_DIR "/golden.json", &bytes);
  cJSON *golden = cJSON_Parse(json);
  const cJSON *held_out = field(golden, "held_out");
  char path[512];
  (void)snprintf(path, sizeof path, HD_MODEL_DIR "/%s", field(held_out, "text_file")->valuestring);
  char *text = read_file(path, &bytes);
  runner r;
  runner_open(&r, NULL, &(runner_setup){.devices = "cpu", .workers = 2, .kv = kv});
  he_tokens tokens;
  hd_error error = {""};
  he_tokens_init(&tokens, r.model);
  assert_int_equal(he_tokenize(r.model, text, bytes, 0, &tokens, &error), HD_OK);
  assert_int_equal(tokens.count, field(held_out, "tokens")->valueint);
  he_score_desc desc = {.size = sizeof desc,
                        .tokens = tokens.ids,
                        .n_tokens = tokens.count,
                        .chunk_tokens = (uint32_t)field(held_out, "chunk")->valueint,
                        .class_id = HD_CLASS_DEFAULT};
  he_score_result whole, rest;
  if (he_score(r.instance, &desc, &whole, &error) != HD_OK) fail_msg("%s", error.text);
  desc.tokens += whole.n_scored; /* the golden number counts the last, shorter chunk too */
  desc.n_tokens -= whole.n_scored;
  if (he_score(r.instance, &desc, &rest, &error) != HD_OK) fail_msg("%s", error.text);
  assert_int_equal(whole.n_scored + rest.n_scored, tokens.count);
  double mean = (whole.mean_nll * whole.n_scored + rest.mean_nll * rest.n_scored) / tokens.count;
  double expected = field(held_out, "mean_nll_q8_0")->valuedouble;
  print_message("  NLL %.6f, golden %.6f, cache in %s\n", mean, expected, hd_format_get(kv)->name);
  assert_true(fabs(mean / expected - 1.0) < within);
  he_tokens_finish(&tokens);
  runner_close(&r);
  cJSON_Delete(golden);
  free(json);
  free(text);
}

static void it_is_as_surprised_as_it_should_be(void **state) {
  (void)state;
  check_surprise(HD_FORMAT_F32, 0.002);
}

static void a_smaller_cache_keeps_its_likelihoods(void **state) {
  (void)state;
  check_surprise(HD_FORMAT_F16, 0.002);
  check_surprise(HD_FORMAT_Q8_0, 0.005);
}

static void it_tells_what_it_is(void **state) {
  (void)state;
  runner r;
  runner_open(&r, NULL, &(runner_setup){.devices = "cpu", .workers = 1});
  he_model_info info;
  he_model_describe(r.model, &info);
  assert_string_equal(info.architecture, "llama");
  assert_string_equal(info.format, "Q8_0");
  assert_true(info.file_bytes <= 4u << 20);
  runner_close(&r);
}

int main(void) {
  if (!he_embedded_is_present()) {
    fprintf(stderr, "SKIPPED: this build contains no embedded model\n");
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_gives_its_golden_ids),
      cmocka_unit_test(it_gives_them_split_between_devices),
      cmocka_unit_test(it_is_as_surprised_as_it_should_be),
      cmocka_unit_test(a_smaller_cache_keeps_its_likelihoods),
      cmocka_unit_test(it_tells_what_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
