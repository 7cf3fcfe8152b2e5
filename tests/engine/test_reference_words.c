/* SPDX-License-Identifier: Apache-2.0 */
/* Reference prompts become the reference's ids, and its generated ids become its text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "check_host.h"
#include "engine/engine.h"
#include "reference.h"

static void check_prompt(const he_model *model, const reference_prompt *prompt) {
  hd_error error = {""};
  he_tokens tokens;
  he_tokens_init(&tokens, model);
  assert_int_equal(he_tokenize(model, prompt->text, strlen(prompt->text), HE_TOKENIZE_BOS, &tokens, &error),
                   HD_OK);
  assert_int_equal(tokens.count, prompt->prompt.count);
  assert_memory_equal(tokens.ids, prompt->prompt.ids, tokens.count * sizeof *tokens.ids);
  he_tokens_finish(&tokens);
  he_decoder *decoder;
  assert_int_equal(he_decoder_create(model, 0, &decoder), HD_OK);
  char text[4096] = "";
  for (uint32_t i = 0; i < prompt->generated.count; i++) {
    size_t bytes;
    strncat(text, he_decoder_push(decoder, prompt->generated.ids[i], &bytes), sizeof text - 1 - strlen(text));
  }
  assert_string_equal(text, prompt->generated_text);
  he_decoder_destroy(decoder);
}

static void prompts_and_texts_are_the_references(void **state) {
  (void)state;
  for (uint32_t i = 0; i < REFERENCE_MODELS; i++) {
    check_host check;
    check_host_init(&check);
    reference_model reference;
    reference_load(REFERENCE_NAMES[i], &reference);
    he_model *model;
    hd_error error = {""};
    if (he_model_open(&check.host, reference.path, NULL, &model, &error) != HD_OK) fail_msg("%s", error.text);
    for (uint32_t p = 0; p < REFERENCE_PROMPTS; p++)
      check_prompt(model, &reference.prompts[p]);
    he_model_close(model);
    reference_free(&reference);
    assert_int_equal(check.live_bytes, 0);
    assert_int_equal(check.wrong_frees, 0);
  }
}

/* The text that likelihoods are scored on: of the story's two files the one that has the reference's token
 * count. */
static void the_story_has_as_many_tokens_as_the_reference_counted(void **state) {
  (void)state;
  check_host check;
  check_host_init(&check);
  reference_model reference;
  reference_load(REFERENCE_NAMES[0], &reference);
  he_model *model;
  hd_error error = {""};
  assert_int_equal(he_model_open(&check.host, reference.path, NULL, &model, &error), HD_OK);
  size_t bytes;
  char *text = reference_read("story_cc0.oneline.txt", &bytes);
  he_tokens tokens;
  he_tokens_init(&tokens, model);
  assert_int_equal(he_tokenize(model, text, bytes, 0, &tokens, &error), HD_OK);
  assert_int_equal(tokens.count, 1326); /* text_tokens in the reference's files */
  he_tokens_finish(&tokens);
  free(text);
  he_model_close(model);
  reference_free(&reference);
}

int main(void) {
  if (!reference_is_present()) return 77;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prompts_and_texts_are_the_references),
      cmocka_unit_test(the_story_has_as_many_tokens_as_the_reference_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
