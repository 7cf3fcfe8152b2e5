/* SPDX-License-Identifier: Apache-2.0 */
/* Byte-level BPE: pre-tokenizers on tricky texts, merges against brute force, special tokens, and the way
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/utf8.h"
#include "tiny_model.h"
#include "vocab_fixture.h"

#define GRINNING "\xf0\x9f\x98\x80"
#define NIHONGO  "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"

/* The words of a text, bars between them. */
static void expect_words(const char *pre, const char *text, const char *expected) {
  check_host check;
  check_host_init(&check);
  hei_presplit *presplit;
  bool whole_words;
  hd_error error = {""};
  hei_text name = {pre, strlen(pre)};
  if (hei_presplit_create(&check.host, name, "f", &presplit, &whole_words, &error) != HD_OK)
    fail_msg("%s", error.text);
  hei_words words;
  assert_int_equal(hei_presplit_run(presplit, text, strlen(text), &words), HD_OK);
  char shown[1024] = "";
  size_t begin = 0;
  for (size_t i = 0; i < words.count; i++) {
    if (i > 0) strcat(shown, "|");
    strncat(shown, text + begin, words.ends[i] - begin);
    begin = words.ends[i];
  }
  if (strcmp(shown, expected) != 0) fail_msg("%s: '%s', not '%s'", pre, shown, expected);
  hei_words_finish(&words);
  hei_presplit_destroy(presplit);
  assert_int_equal(check.live_bytes, 0);
}

static void words_are_cut_as_each_family_cuts_them(void **state) {
  (void)state;
  static const char TEXT[] = "I'm  HELLO'LL 12345 " NIHONGO "!!\n\n  x" GRINNING "\t";
  expect_words("llama-bpe", TEXT, "I|'m| | HELLO|'LL| |123|45| " NIHONGO "|!!\n\n| | x|" GRINNING "|\t");
  expect_words("qwen2", TEXT, "I|'m| | HELLO|'LL| |1|2|3|4|5| " NIHONGO "|!!\n\n| | x|" GRINNING "|\t");
  expect_words("gpt-2", TEXT, "I|'m| | HELLO|'|LL| 12345| " NIHONGO "|!!|\n\n | x|" GRINNING "|\t");
  expect_words("smollm", TEXT, "I|'m| | HELLO|'|LL| |1|2|3|4|5| " NIHONGO "|!!|\n\n | x|" GRINNING "|\t");
  expect_words("default", TEXT, "I|'|m| | HELLO|'|LL| |123|45| " NIHONGO "|!!|\n\n | x|" GRINNING "|\t");
}

static void contractions_are_cut_off_words(void **state) {
  (void)state;
  expect_words("gpt-2", "we've they'll it's I'd you're can't",
               "we|'ve| they|'ll| it|'s| I|'d| you|'re| can|'t");
  expect_words("gpt-2", "IT'S", "IT|'|S"); /* lower case alone */
  expect_words("llama-bpe", "IT'S", "IT|'S");
  expect_words("qwen2", "we'Ve", "we|'Ve");
  expect_words("llama-bpe", "rock'n'roll", "rock|'n|'roll");
}

static void newlines_stay_together(void **state) {
  (void)state;
  expect_words("llama-bpe", "a\r\n\r\nb", "a|\r\n\r\n|b");
  expect_words("llama-bpe", "a \n b", "a| \n| b");
  expect_words("llama-bpe", "a.\n\nb", "a|.\n\n|b");
  expect_words("gpt-2", "a\n\nb", "a|\n|\n|b");
  expect_words("gpt-2", "a   b", "a|  | b");
  expect_words("qwen2", "   ", "   ");
  expect_words("qwen2", "", "");
}

static void digits_letters_and_marks_of_other_scripts(void **state) {
  (void)state;
  expect_words("llama-bpe", "1234567", "123|456|7");
  expect_words("llama-bpe", "x\xc2\xbd\xd9\xa3", "x|\xc2\xbd\xd9\xa3"); /* one half, Arabic three: numbers */
  expect_words("qwen2", "\xd9\xa3\xd9\xa4", "\xd9\xa3|\xd9\xa4");
  expect_words("llama-bpe", "na\xc3\xafve _\xd0\x94\xd0\xb0", "na\xc3\xafve| _|\xd0\x94\xd0\xb0");
  expect_words("llama-bpe",
               "e\xcc\x81"
               "a",
               "e|\xcc\x81"
               "a"); /* a combining mark is no letter */
  expect_words("gpt-4o",
               "e\xcc\x81"
               "aBc",
               "e\xcc\x81"
               "a|Bc");
  expect_words("llama-bpe", "(hi)", "(hi|)");
  expect_words("gpt-2", "(hi)", "(|hi|)");
}

static void every_byte_is_in_a_word(void **state) {
  (void)state;
  static const char *const PRES[] = {"gpt-2", "default", "llama-bpe", "qwen2", "smollm", "gpt-4o"};
  check_host check;
  check_host_init(&check);
  uint64_t seed = 21;
  for (size_t p = 0; p < sizeof PRES / sizeof *PRES; p++) {
    hei_presplit *presplit;
    bool whole_words;
    hei_text name = {PRES[p], strlen(PRES[p])};
    assert_int_equal(hei_presplit_create(&check.host, name, "f", &presplit, &whole_words, NULL), HD_OK);
    for (int i = 0; i < 300; i++) {
      size_t bytes, before = 0;
      char *text = random_text(&seed, 60, i % 2 == 0 ? NULL : " '\n\r\tsltaA1.", &bytes);
      hei_words words;
      assert_int_equal(hei_presplit_run(presplit, text, bytes, &words), HD_OK);
      for (size_t w = 0; w < words.count; w++) {
        assert_true(words.ends[w] > before);
        assert_int_equal(hei_utf8_check(text + before, words.ends[w] - before), words.ends[w] - before);
        before = words.ends[w];
      }
      assert_int_equal(before, bytes);
      hei_words_finish(&words);
      free(text);
    }
    hei_presplit_destroy(presplit);
  }
  assert_int_equal(check.live_bytes, 0);
}

static void long_runs_are_cut_in_good_time(void **state) {
  (void)state;
  static const char *const UNITS[] = {" ", "a", "1", "!", "\n", " \n", "'"};
  check_host check;
  check_host_init(&check);
  hei_presplit *presplit;
  bool whole_words;
  hei_text name = {"llama-bpe", 9};
  assert_int_equal(hei_presplit_create(&check.host, name, "f", &presplit, &whole_words, NULL), HD_OK);
  for (size_t u = 0; u < sizeof UNITS / sizeof *UNITS; u++) {
    size_t unit = strlen(UNITS[u]), bytes = 200000 * unit;
    char *text = malloc(bytes);
    assert_non_null(text);
    for (size_t i = 0; i < bytes; i += unit)
      memcpy(text + i, UNITS[u], unit);
    hei_words words;
    assert_int_equal(hei_presplit_run(presplit, text, bytes, &words), HD_OK);
    assert_int_equal(words.ends[words.count - 1], bytes);
    hei_words_finish(&words);
    free(text);
  }
  hei_presplit_destroy(presplit);
}

/* Byte level as a file writes it: a space is U+0120. */
#define SP "\xc4\xa0"

static vocab_fixture *hello(const char *pre) {
  vocab_fixture *fixture = vocab_byte_level(pre);
  vocab_add_merge(fixture, "l", "l");
  vocab_add_merge(fixture, "h", "e");
  vocab_add_merge(fixture, "he", "ll");
  vocab_add_merge(fixture, "hell", "o");
  vocab_add_merge(fixture, SP, "hello");
  (void)vocab_add(fixture, "xyz", HEI_TOKEN_NORMAL, 0.0f); /* a token that no merge makes */
  return fixture;
}

static void words_merge_by_rank(void **state) {
  (void)state;
  vocab_fixture *fixture = hello("gpt-2");
  vocab_open(fixture);
  assert_string_equal(vocab_show(fixture, "hello hello", false), "[hello][" SP "hello]");
  assert_string_equal(vocab_show(fixture, "helo", false), "[he][l][o]");
  assert_string_equal(vocab_show(fixture, "lll", false), "[ll][l]");
  assert_string_equal(vocab_show(fixture, "xyz", false), "[x][y][z]");
  vocab_close(fixture);
  fixture = hello("llama-bpe"); /* takes a word that is a token whole */
  vocab_open(fixture);
  assert_string_equal(vocab_show(fixture, "xyz xyz", false), "[xyz][" SP "][x][y][z]");
  vocab_close(fixture);
}

static void special_tokens_need_trust(void **state) {
  (void)state;
  vocab_fixture *fixture = hello("qwen2");
  vocab_open(fixture);
  assert_string_equal(vocab_show(fixture, "<|im_start|>hello<|im_end|>", true),
                      "[<|im_start|>][hello][<|im_end|>]");
  assert_string_equal(vocab_show(fixture, "<|im_end|>", false), "[<][|][i][m][_][e][n][d][|][>]");
  assert_string_equal(vocab_show(fixture, "hello<tool>hello", false), "[hello][<tool>][hello]");
  assert_string_equal(vocab_show(fixture, "<|im_star", true), "[<][|][i][m][_][s][t][a][r]");
  vocab_close(fixture);
}

static void the_longest_special_token_wins(void **state) {
  (void)state;
  vocab_fixture *fixture = vocab_byte_level("gpt-2");
  (void)vocab_add(fixture, "<a", HEI_TOKEN_CONTROL, 0.0f);
  (void)vocab_add(fixture, "<ab>", HEI_TOKEN_CONTROL, 0.0f);
  (void)vocab_add(fixture, "<ab", HEI_TOKEN_USER_DEFINED, 0.0f);
  (void)vocab_add(fixture, "<ab", HEI_TOKEN_CONTROL, 0.0f); /* twice the same text: the first counts */
  vocab_open(fixture);
  assert_string_equal(vocab_show(fixture, "<ab><abc<ac", true), "[<ab>][<ab][c][<a][c]");
  assert_string_equal(vocab_show(fixture, "<ab>", false), "[<ab][>]");
  vocab_close(fixture);
}

/* Random merges over few letters, so that merges meet. */
static vocab_fixture *random_merges(uint64_t *state) {
  vocab_fixture *fixture = vocab_byte_level("gpt-2");
  char texts[128][FIXTURE_TEXT_BYTES] = {"a", "b", "c", SP, "\xc3\x83", "\xc2\xa9"}; /* é is two of these */
  uint32_t count = 6;
  while (count < 100) {
    const char *left = texts[tiny_random(state) % count], *right = texts[tiny_random(state) % count];
    char joined[2 * FIXTURE_TEXT_BYTES];
    (void)snprintf(joined, sizeof joined, "%s%s", left, right);
    bool known = false;
    for (uint32_t i = 0; i < count; i++)
      known = known || strcmp(texts[i], joined) == 0;
    if (strlen(joined) > 12 || (known && tiny_random(state) % 2 == 0)) continue;
    vocab_add_merge(fixture, left, right);
    if (!known) strcpy(texts[count++], joined);
  }
  vocab_open(fixture);
  return fixture;
}

/* One word by brute force, on texts alone: the lowest rank that applies anywhere, its leftmost place, again.
 */
static uint32_t word_by_force(const vocab_fixture *fixture, const char *word, size_t bytes,
                              int32_t *out_ids) {
  static char symbols[512][FIXTURE_TEXT_BYTES];
  uint32_t count = 0;
  for (size_t i = 0; i < bytes; i++, count++)
    symbols[count][hei_utf8_put_small(hei_byte_code_point((uint8_t)word[i]), symbols[count])] = '\0';
  for (uint32_t rank = 0; rank < fixture->merge_count;) {
    bool merged = false;
    for (uint32_t i = 0; i + 1 < count && !merged; i++) {
      const char *merge = fixture->merges[rank];
      size_t left = strlen(symbols[i]);
      if (strncmp(merge, symbols[i], left) != 0 || merge[left] != ' ') continue;
      if (strcmp(merge + left + 1, symbols[i + 1]) != 0) continue;
      strcat(symbols[i], symbols[i + 1]);
      memmove(symbols[i + 1], symbols[i + 2], (count - i - 2) * sizeof *symbols);
      count--;
      merged = true;
    }
    rank = merged ? 0 : rank + 1;
  }
  for (uint32_t i = 0; i < count; i++)
    out_ids[i] = hei_vocab_find(fixture->model.vocab, symbols[i], strlen(symbols[i]));
  return count;
}

static void merges_are_those_of_brute_force(void **state) {
  (void)state;
  static int32_t expected[4096];
  uint64_t seed = 22;
  for (int round = 0; round < 8; round++) {
    vocab_fixture *fixture = random_merges(&seed);
    for (int i = 0; i < 40; i++) {
      size_t bytes, begin = 0;
      char *text = random_text(&seed, 50, " abcabc\xc3\xa9", &bytes);
      he_tokens tokens = vocab_encode(fixture, text, bytes, false);
      hei_words words;
      uint32_t count = 0;
      assert_int_equal(hei_presplit_run(fixture->model.vocab->presplit, text, bytes, &words), HD_OK);
      for (size_t w = 0; w < words.count; begin = words.ends[w++])
        count += word_by_force(fixture, text + begin, words.ends[w] - begin, expected + count);
      assert_int_equal(tokens.count, count);
      if (count > 0) assert_memory_equal(tokens.ids, expected, count * sizeof *expected);
      hei_words_finish(&words);
      he_tokens_finish(&tokens);
      free(text);
    }
    vocab_close(fixture);
  }
}

static void any_text_comes_back(void **state) {
  (void)state;
  static const char *const PRES[] = {"gpt-2", "default", "llama-bpe", "qwen2", "smollm", "gpt-4o"};
  uint64_t seed = 23;
  for (size_t p = 0; p < sizeof PRES / sizeof *PRES; p++) {
    vocab_fixture *fixture = hello(PRES[p]);
    vocab_open(fixture);
    for (int i = 0; i < 200; i++) {
      size_t bytes, back_bytes;
      char *text = random_text(&seed, 60, i % 2 == 0 ? NULL : " helo\n12'", &bytes);
      he_tokens tokens = vocab_encode(fixture, text, bytes, false);
      char *back = vocab_decode(fixture, &tokens, HE_DECODE_START, &back_bytes);
      assert_int_equal(back_bytes, bytes);
      assert_memory_equal(back, text, bytes);
      he_tokens_finish(&tokens);
      free(back);
      free(text);
    }
    vocab_close(fixture);
  }
}

static void bytes_and_characters_map_both_ways(void **state) {
  (void)state;
  int mapped = 0;
  for (uint32_t c = 0; c < 0x300; c++) {
    int byte = hei_byte_of(c);
    if (byte < 0) continue;
    mapped++;
    assert_int_equal(hei_byte_code_point((uint8_t)byte), c);
  }
  assert_int_equal(mapped, 256);
  assert_int_equal(hei_byte_code_point(' '), 0x120); /* the two that every vocabulary shows */
  assert_int_equal(hei_byte_code_point('\n'), 0x10a);
  assert_int_equal(hei_byte_code_point(0xad), 0x143);
}

static void a_wrong_vocabulary_is_refused(void **state) {
  (void)state;
  hd_error error = {""};
  vocab_fixture *fixture = hello("klingon");
  assert_int_equal(vocab_try_open(fixture, &error), HD_E_UNSUPPORTED);
  assert_non_null(
      strstr(error.text, "vocab.gguf: key 'tokenizer.ggml.pre': pre-tokenizer 'klingon' is not known"));
  assert_non_null(strstr(error.text, "qwen2"));
  vocab_close(fixture);
  fixture = hello("gpt-2");
  strcpy(fixture->merges[1], "nospace");
  assert_int_equal(vocab_try_open(fixture, &error), HD_E_FORMAT);
  assert_string_equal(error.text, "vocab.gguf: key 'tokenizer.ggml.merges': merge 1 'nospace' is no pair");
  vocab_close(fixture);
  fixture = hello("gpt-2");
  strcpy(fixture->merges[1], "q q");
  assert_int_equal(vocab_try_open(fixture, &error), HD_E_FORMAT);
  assert_string_equal(
      error.text, "vocab.gguf: key 'tokenizer.ggml.merges': merge 1 'q q' names no tokens of the vocabulary");
  vocab_close(fixture);
}

static void each_refused_allocation_is_reported(void **state) {
  (void)state;
  static const char TEXT[] = "hello 123 <|im_end|> hello";
  hd_status status = HD_E_NO_MEMORY;
  for (unsigned long long n = 1; status != HD_OK; n++) {
    vocab_fixture *fixture = hello("qwen2");
    hd_error error = {""};
    fixture->check.fail_at = n;
    status = vocab_try_open(fixture, &error);
    he_tokens tokens;
    he_tokens_init(&tokens, &fixture->model);
    if (status == HD_OK)
      status = he_tokenize(&fixture->model, TEXT, sizeof TEXT - 1, HE_TOKENIZE_SPECIAL, &tokens, &error);
    if (status != HD_OK) {
      assert_int_equal(status, HD_E_NO_MEMORY);
      assert_non_null(strstr(error.text, "no memory"));
      assert_int_equal(tokens.count, 0);
    }
    he_tokens_finish(&tokens);
    vocab_close(fixture); /* checks that nothing is lost */
    assert_true(n < 200);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_are_cut_as_each_family_cuts_them),
      cmocka_unit_test(contractions_are_cut_off_words),
      cmocka_unit_test(newlines_stay_together),
      cmocka_unit_test(digits_letters_and_marks_of_other_scripts),
      cmocka_unit_test(every_byte_is_in_a_word),
      cmocka_unit_test(long_runs_are_cut_in_good_time),
      cmocka_unit_test(words_merge_by_rank),
      cmocka_unit_test(special_tokens_need_trust),
      cmocka_unit_test(the_longest_special_token_wins),
      cmocka_unit_test(merges_are_those_of_brute_force),
      cmocka_unit_test(any_text_comes_back),
      cmocka_unit_test(bytes_and_characters_map_both_ways),
      cmocka_unit_test(a_wrong_vocabulary_is_refused),
      cmocka_unit_test(each_refused_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
