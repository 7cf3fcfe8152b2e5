/* SPDX-License-Identifier: Apache-2.0 */
/* SentencePiece-style tokenizing: merges against brute force, bytes, spaces, special tokens, and the way
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tiny_model.h"
#include "vocab_fixture.h"

#define SPACE "\xe2\x96\x81"

/* Pieces over a small alphabet, with equal scores among them. `zero`: all scores are 0. */
static vocab_fixture *random_pieces(uint64_t *state, bool zero) {
  static const char *const LETTERS[] = {SPACE, "a", "b", "c", "\xc3\xa9"};
  vocab_fixture *fixture = vocab_pieces();
  for (size_t i = 0; i < 5; i++)
    (void)vocab_add(fixture, LETTERS[i], HEI_TOKEN_NORMAL, zero ? 0.0f : -100.0f);
  for (int i = 0; i < 120; i++) {
    char text[FIXTURE_TEXT_BYTES] = "";
    for (size_t n = 2 + tiny_random(state) % 4; n > 0; n--)
      strcat(text, LETTERS[tiny_random(state) % 5]);
    (void)vocab_add(fixture, text, HEI_TOKEN_NORMAL, zero ? 0.0f : -(float)(tiny_random(state) % 40));
  }
  vocab_open(fixture);
  return fixture;
}

/* Brute force: look at all neighbours, merge the best pair, again and again. */
typedef struct piece {
  size_t begin, bytes;
} piece;

static size_t merge_by_force(const hei_vocab *vocab, const char *text, piece *pieces, size_t count) {
  for (;;) {
    size_t best = count;
    float best_score = 0.0f;
    for (size_t i = 0; i + 1 < count; i++) {
      int32_t id = hei_vocab_find(vocab, text + pieces[i].begin, pieces[i].bytes + pieces[i + 1].bytes);
      if (id < 0 || vocab->kinds[id] != HEI_TOKEN_NORMAL) continue;
      if (best < count && vocab->scores[id] <= best_score) continue;
      best = i;
      best_score = vocab->scores[id];
    }
    if (best == count) return count;
    pieces[best].bytes += pieces[best + 1].bytes;
    memmove(&pieces[best + 1], &pieces[best + 2], (count - best - 2) * sizeof *pieces);
    count--;
  }
}

/* The ids that brute force gives, from the text with its spaces marked. */
static uint32_t encode_by_force(const hei_vocab *vocab, const char *text, size_t bytes, int32_t *out_ids) {
  static char marked[8192];
  static piece pieces[8192];
  size_t length = 0, count = 0;
  if (bytes == 0) return 0;
  memcpy(marked, SPACE, 3);
  length = 3;
  for (size_t i = 0; i < bytes; i++) {
    bool space = text[i] == ' ';
    memcpy(marked + length, space ? SPACE : text + i, space ? 3 : 1);
    length += space ? 3 : 1;
  }
  for (size_t at = 0; at < length; at += pieces[count - 1].bytes) {
    uint8_t first = (uint8_t)marked[at];
    pieces[count++] = (piece){at, first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4};
  }
  count = merge_by_force(vocab, marked, pieces, count);
  uint32_t id_count = 0;
  for (size_t i = 0; i < count; i++) {
    int32_t id = hei_vocab_find(vocab, marked + pieces[i].begin, pieces[i].bytes);
    if (id >= 0 && vocab->kinds[id] == HEI_TOKEN_NORMAL) {
      out_ids[id_count++] = id;
      continue;
    }
    for (size_t b = 0; b < pieces[i].bytes; b++)
      out_ids[id_count++] = 3 + (uint8_t)marked[pieces[i].begin + b];
  }
  return id_count;
}

static void check_merges(uint64_t seed, bool zero) {
  static int32_t expected[8192];
  for (int round = 0; round < 20; round++) {
    vocab_fixture *fixture = random_pieces(&seed, zero);
    for (int i = 0; i < 60; i++) {
      size_t bytes;
      char *text = random_text(&seed, 60, " abc\xc3\xa9", &bytes);
      he_tokens tokens = vocab_encode(fixture, text, bytes, false);
      uint32_t count = encode_by_force(fixture->model.vocab, text, bytes, expected);
      assert_int_equal(tokens.count, count);
      if (count > 0) assert_memory_equal(tokens.ids, expected, count * sizeof *expected);
      he_tokens_finish(&tokens);
      free(text);
    }
    vocab_close(fixture);
  }
}

static void merges_are_those_of_brute_force(void **state) {
  (void)state;
  check_merges(11, false);
}

static void with_all_scores_zero_the_leftmost_pair_goes_first(void **state) {
  (void)state;
  check_merges(12, true);
}

static void any_text_comes_back(void **state) {
  (void)state;
  uint64_t seed = 13;
  vocab_fixture *fixture = random_pieces(&seed, false);
  for (int i = 0; i < 500; i++) {
    size_t bytes, back_bytes;
    char *text = random_text(&seed, 80, i % 2 == 0 ? NULL : " abc\xc3\xa9", &bytes);
    /* U+2581 itself means a space here: that family cannot tell them apart. */
    if (memmem(text, bytes, SPACE, 3) == NULL) {
      he_tokens tokens = vocab_encode(fixture, text, bytes, false);
      char *back = vocab_decode(fixture, &tokens, HE_DECODE_START, &back_bytes);
      assert_int_equal(back_bytes, bytes);
      assert_memory_equal(back, text, bytes);
      he_tokens_finish(&tokens);
      free(back);
    }
    free(text);
  }
  vocab_close(fixture);
}

static vocab_fixture *words(void) {
  vocab_fixture *fixture = vocab_pieces();
  static const char *const PIECES[] = {SPACE, "h",         "e",           "l", "o",  SPACE "h", "el",
                                       "lo",  SPACE "hel", SPACE "hello", "<", "s>", "<s"};
  for (size_t i = 0; i < sizeof PIECES / sizeof *PIECES; i++)
    (void)vocab_add(fixture, PIECES[i], HEI_TOKEN_NORMAL, -(float)i);
  (void)vocab_add(fixture, "<sep>", HEI_TOKEN_USER_DEFINED, 0.0f);
  return fixture;
}

static void a_space_goes_in_front_of_a_text_and_after_special_tokens(void **state) {
  (void)state;
  vocab_fixture *fixture = words();
  vocab_open(fixture);
  assert_string_equal(vocab_show(fixture, "hello", false), "[" SPACE "hello]");
  assert_string_equal(vocab_show(fixture, " hello", false), "[" SPACE "][" SPACE "hello]");
  assert_string_equal(vocab_show(fixture, "</s>hello", true), "[</s>][" SPACE "hello]");
  assert_string_equal(vocab_show(fixture, "", false), "");
  vocab_close(fixture);
  fixture = words();
  gw_bool(&fixture->writer, "tokenizer.ggml.add_space_prefix", false);
  vocab_open(fixture);
  assert_string_equal(vocab_show(fixture, "hello hello", false), "[h][el][lo][" SPACE "hello]");
  vocab_close(fixture);
}

static void special_tokens_need_trust_and_user_defined_ones_do_not(void **state) {
  (void)state;
  vocab_fixture *fixture = words();
  vocab_open(fixture);
  assert_string_equal(vocab_show(fixture, "<s>", true), "[<s>]");
  /* Neither as a whole nor by merging "<" with "s>" does a text write a control token. */
  assert_string_equal(vocab_show(fixture, "<s>", false), "[" SPACE "][<][s>]");
  assert_string_equal(vocab_show(fixture, "o<sep>o", false), "[" SPACE "][o][<sep>][" SPACE "][o]");
  vocab_close(fixture);
}

static void the_begin_token_stands_where_the_model_wants_one(void **state) {
  (void)state;
  for (int wants = 0; wants < 2; wants++) {
    vocab_fixture *fixture = words();
    if (wants == 0) gw_bool(&fixture->writer, "tokenizer.ggml.add_bos_token", false);
    vocab_open(fixture);
    he_tokens tokens;
    hd_error error;
    he_tokens_init(&tokens, &fixture->model);
    assert_int_equal(he_tokenize(&fixture->model, "", 0, HE_TOKENIZE_BOS, &tokens, &error), HD_OK);
    assert_int_equal(tokens.count, wants);
    if (wants == 1) assert_int_equal(tokens.ids[0], 1);
    he_tokens_finish(&tokens);
    vocab_close(fixture);
  }
}

static void invalid_utf8_is_named_by_its_offset(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t bytes;
    const char *line;
  } BAD[] = {
      {"ab\xff", 3, "the text is not UTF-8: byte 2 is 0xff"},
      {"\xc3", 1, "the text is not UTF-8: byte 0 is 0xc3"},             /* cut short */
      {"a\xc0\x80", 3, "the text is not UTF-8: byte 1 is 0xc0"},        /* overlong */
      {"\xed\xa0\x80", 3, "the text is not UTF-8: byte 0 is 0xed"},     /* surrogate */
      {"\xf4\x90\x80\x80", 4, "the text is not UTF-8: byte 0 is 0xf4"}, /* above U+10FFFF */
      {"abc\x80", 4, "the text is not UTF-8: byte 3 is 0x80"},
  };
  vocab_fixture *fixture = words();
  vocab_open(fixture);
  he_tokens tokens = vocab_encode(fixture, "hello", 5, false);
  for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
    hd_error error = {""};
    assert_int_equal(he_tokenize(&fixture->model, BAD[i].text, BAD[i].bytes, 0, &tokens, &error),
                     HD_E_FORMAT);
    assert_string_equal(error.text, BAD[i].line);
    assert_int_equal(tokens.count, 1); /* as it was */
  }
  he_tokens_finish(&tokens);
  vocab_close(fixture);
}

static void half_characters_are_held_until_they_are_whole(void **state) {
  (void)state;
  vocab_fixture *fixture = words();
  vocab_open(fixture);
  he_decoder *decoder;
  size_t bytes;
  assert_int_equal(he_decoder_create(&fixture->model, 0, &decoder), HD_OK);
  assert_string_equal(he_decoder_push(decoder, 3 + 0xf0, &bytes), "");
  assert_string_equal(he_decoder_push(decoder, 3 + 0x9f, &bytes), "");
  assert_string_equal(he_decoder_push(decoder, 3 + 0x98, &bytes), "");
  assert_string_equal(he_decoder_push(decoder, 3 + 0x80, &bytes), "\xf0\x9f\x98\x80");
  assert_string_equal(he_decoder_push(decoder, 3 + 0xc3, &bytes), "");
  assert_string_equal(he_decoder_push(decoder, 3 + 'a', &bytes), "\xef\xbf\xbd"
                                                                 "a"); /* never completed */
  assert_string_equal(he_decoder_push(decoder, 3 + 0xff, &bytes), "\xef\xbf\xbd");
  assert_string_equal(he_decoder_push(decoder, 3 + 0xe2, &bytes), "");
  assert_string_equal(he_decoder_flush(decoder, &bytes), "\xef\xbf\xbd");
  assert_string_equal(he_decoder_push(decoder, 1, &bytes), ""); /* a control token */
  assert_string_equal(he_decoder_push(decoder, -1, &bytes), "");
  assert_string_equal(he_decoder_push(decoder, 1 << 30, &bytes), "");
  he_decoder_destroy(decoder);
  assert_int_equal(he_decoder_create(&fixture->model, HE_DECODE_SPECIAL, &decoder), HD_OK);
  assert_string_equal(he_decoder_push(decoder, 1, &bytes), "<s>");
  he_decoder_destroy(decoder);
  vocab_close(fixture);
}

static void a_wrong_vocabulary_is_refused(void **state) {
  (void)state;
  hd_error error = {""};
  vocab_fixture *fixture = words();
  fixture->scores[5] = 0.0f / 0.0f;
  assert_int_equal(vocab_try_open(fixture, &error), HD_E_FORMAT);
  assert_string_equal(error.text,
                      "vocab.gguf: key 'tokenizer.ggml.scores': the score of token 5 is no number");
  vocab_close(fixture);
  fixture = words();
  fixture->kinds[5] = 9;
  assert_int_equal(vocab_try_open(fixture, &error), HD_E_FORMAT);
  assert_string_equal(error.text,
                      "vocab.gguf: key 'tokenizer.ggml.token_type': token 5 has the unknown type 9");
  vocab_close(fixture);
  fixture = words();
  gw_u32(&fixture->writer, "tokenizer.ggml.bos_token_id", 99999);
  assert_int_equal(vocab_try_open(fixture, &error), HD_E_FORMAT);
  assert_non_null(strstr(error.text, "key 'tokenizer.ggml.bos_token_id': 99999 is outside 0 to"));
  vocab_close(fixture);
  fixture = words();
  fixture->count = 0;
  assert_int_equal(vocab_try_open(fixture, &error), HD_E_FORMAT);
  assert_non_null(strstr(error.text, "a vocabulary of 0 tokens"));
  vocab_close(fixture);
  fixture = words();
  fixture->writer.omit = "tokenizer.ggml.scores";
  assert_int_equal(vocab_try_open(fixture, &error), HD_E_FORMAT);
  assert_string_equal(error.text, "vocab.gguf: key 'tokenizer.ggml.scores' is missing");
  vocab_close(fixture);
}

/* 300,000 characters that all merge: seconds would mean a search through all pairs for each merge. */
static void a_long_word_merges_in_good_time(void **state) {
  (void)state;
  vocab_fixture *fixture = vocab_pieces();
  (void)vocab_add(fixture, "a", HEI_TOKEN_NORMAL, 0.0f);
  (void)vocab_add(fixture, "aa", HEI_TOKEN_NORMAL, -1.0f);
  (void)vocab_add(fixture, "aaaa", HEI_TOKEN_NORMAL, -2.0f);
  vocab_open(fixture);
  size_t bytes = 300000;
  char *text = malloc(bytes);
  assert_non_null(text);
  memset(text, 'a', bytes);
  he_tokens tokens = vocab_encode(fixture, text, bytes, false);
  assert_int_equal(tokens.count, 3 + bytes / 4); /* the space is no piece of this vocabulary: three bytes */
  he_tokens_finish(&tokens);
  free(text);
  vocab_close(fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(merges_are_those_of_brute_force),
      cmocka_unit_test(with_all_scores_zero_the_leftmost_pair_goes_first),
      cmocka_unit_test(any_text_comes_back),
      cmocka_unit_test(a_space_goes_in_front_of_a_text_and_after_special_tokens),
      cmocka_unit_test(special_tokens_need_trust_and_user_defined_ones_do_not),
      cmocka_unit_test(the_begin_token_stands_where_the_model_wants_one),
      cmocka_unit_test(invalid_utf8_is_named_by_its_offset),
      cmocka_unit_test(half_characters_are_held_until_they_are_whole),
      cmocka_unit_test(a_wrong_vocabulary_is_refused),
      cmocka_unit_test(a_long_word_merges_in_good_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
