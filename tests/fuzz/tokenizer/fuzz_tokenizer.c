/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as text, for every kind of vocabulary: tokenized, brought back, and taken as tokens themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"
#include "tiny_model.h"
#include "vocab_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool holds) {
  if (!holds) abort();
}

#define SPACE "\xe2\x96\x81"

/* Kind 0: pieces; the others: byte level with this pre-tokenizer. */
static const char *const PRES[] = {NULL, "gpt-2", "default", "llama-bpe", "qwen2", "smollm", "gpt-4o"};
#define KINDS (sizeof PRES / sizeof *PRES)

static vocab_fixture *make(size_t kind) {
  static const char *const PIECES[] = {SPACE,       "t", "h",  "e",        SPACE "t", "he",
                                       SPACE "the", "1", "12", "\xc3\xa9", "\n\n"};
  vocab_fixture *fixture = kind == 0 ? vocab_pieces() : vocab_byte_level(PRES[kind]);
  for (size_t i = 0; kind == 0 && i < sizeof PIECES / sizeof *PIECES; i++)
    (void)vocab_add(fixture, PIECES[i], HEI_TOKEN_NORMAL, -(float)(i % 4));
  if (kind == 0) (void)vocab_add(fixture, "<sep>", HEI_TOKEN_USER_DEFINED, 0.0f);
  if (kind > 0) {
    vocab_add_merge(fixture, "h", "e");
    vocab_add_merge(fixture, "t", "he");
    vocab_add_merge(fixture, "\xc4\xa0", "the");
    vocab_add_merge(fixture, "\xc3\x83", "\xc2\xa9");
    vocab_add_merge(fixture, "1", "2");
  }
  vocab_open(fixture);
  return fixture;
}

static void check_text(const he_decoder *decoder, const char *text, size_t length) {
  (void)decoder;
  check(text[length] == '\0' && hei_utf8_check(text, length) == length);
}

/* Text out of tokens, into memory of `capacity` bytes. */
static size_t decode(const he_model *model, const he_tokens *tokens, uint32_t flags, char *out,
                     size_t capacity) {
  he_decoder *decoder;
  size_t bytes = 0, length;
  check(he_decoder_create(model, flags, &decoder) == HD_OK);
  for (uint32_t i = 0; i <= tokens->count; i++) {
    const char *text = i < tokens->count ? he_decoder_push(decoder, tokens->ids[i], &length)
                                         : he_decoder_flush(decoder, &length);
    check_text(decoder, text, length);
    check(bytes + length <= capacity);
    memcpy(out + bytes, text, length);
    bytes += length;
  }
  he_decoder_destroy(decoder);
  return bytes;
}

static void there_and_back(const he_model *model, const char *text, size_t bytes, uint32_t flags) {
  he_tokens tokens;
  hd_error error = {""};
  he_tokens_init(&tokens, model);
  hd_status status = he_tokenize(model, text, bytes, flags, &tokens, &error);
  bool valid = hei_utf8_check(text, bytes) == bytes;
  check((status == HD_OK) == valid);
  check(valid || (status == HD_E_FORMAT && tokens.count == 0));
  /* With special tokens the spaces around them are not the text's; U+2581 is a space to the one family. */
  bool exact =
      valid && flags == 0 && memmem(text, bytes, SPACE, 3) == NULL && memmem(text, bytes, "<sep>", 5) == NULL;
  if (exact) {
    size_t capacity = 4 * bytes + 64;
    char *back = malloc(capacity);
    check(back != NULL);
    check(decode(model, &tokens, HE_DECODE_START, back, capacity) == bytes);
    check(bytes == 0 || memcmp(back, text, bytes) == 0);
    free(back);
  }
  he_tokens_finish(&tokens);
}

/* The bytes as ids: whatever a model says must come out as whole characters. */
static void as_ids(const he_model *model, const char *bytes, size_t size) {
  he_decoder *decoder;
  size_t length;
  check(he_decoder_create(model, HE_DECODE_SPECIAL, &decoder) == HD_OK);
  for (size_t i = 0; i + 1 < size; i += 2) {
    int32_t id = (uint8_t)bytes[i] | (int32_t)(uint8_t)bytes[i + 1] << 8;
    const char *text = he_decoder_push(decoder, id, &length);
    check_text(decoder, text, length);
  }
  const char *text = he_decoder_flush(decoder, &length);
  check_text(decoder, text, length);
  he_decoder_destroy(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static vocab_fixture *fixtures[KINDS];
  if (size == 0) return 0;
  size_t kind = bytes[0] % KINDS;
  if (fixtures[kind] == NULL) fixtures[kind] = make(kind);
  const he_model *model = &fixtures[kind]->model;
  /* Exactly as long as it says. */
  char *text = malloc(size);
  check(text != NULL);
  memcpy(text, bytes + 1, size - 1);
  char *exact = realloc(text, size > 1 ? size - 1 : 1);
  check(exact != NULL);
  there_and_back(model, exact, size - 1, 0);
  there_and_back(model, exact, size - 1, HE_TOKENIZE_BOS | HE_TOKENIZE_SPECIAL);
  as_ids(model, exact, size - 1);
  free(exact);
  return 0;
}
