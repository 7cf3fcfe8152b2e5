/* SPDX-License-Identifier: Apache-2.0 */
/* Vocabularies for tests: written as GGUF, read back by the engine, and open to be looked at. */
#ifndef TESTS_VOCAB_FIXTURE_H
#define TESTS_VOCAB_FIXTURE_H

#include "check_host.h"
#include "engine/model.h"
#include "gguf_writer.h"

#define FIXTURE_TOKENS_MAX 2048u
#define FIXTURE_TEXT_BYTES 32u

typedef struct vocab_fixture {
  check_host check;
  bool byte_level;
  /* What is written: fill, then vocab_open. */
  char texts[FIXTURE_TOKENS_MAX][FIXTURE_TEXT_BYTES];
  int32_t kinds[FIXTURE_TOKENS_MAX];
  float scores[FIXTURE_TOKENS_MAX];
  uint32_t count;
  char merges[FIXTURE_TOKENS_MAX][2 * FIXTURE_TEXT_BYTES];
  uint32_t merge_count;
  const char *pre;  /* NULL: no such key */
  gw_writer writer; /* for keys of the test's own */
  /* What is open. */
  uint8_t *file;
  hei_gguf *gguf;
  he_model model; /* only its vocabulary is there */
} vocab_fixture;

/* <unk> <s> </s> and 256 byte tokens, SentencePiece-style. Ownership: the caller's, until vocab_close. */
vocab_fixture *vocab_pieces(void);
/* 256 byte characters, then <|endoftext|> <|im_start|> <|im_end|> (control) and <tool> (user-defined). */
vocab_fixture *vocab_byte_level(const char *pre);
/* Returns the id. */
int32_t vocab_add(vocab_fixture *fixture, const char *text, int32_t kind, float score);
/* A merge of two texts, and the token that it makes when there is none. */
void vocab_add_merge(vocab_fixture *fixture, const char *left, const char *right);
hd_status vocab_try_open(vocab_fixture *fixture, hd_error *out_error);
/* Fails the test when it cannot be opened. */
void vocab_open(vocab_fixture *fixture);
/* Fails the test when memory is lost. */
void vocab_close(vocab_fixture *fixture);

/* The tokens of a text, with special tokens where `special`. Fails the test on an error. */
he_tokens vocab_encode(vocab_fixture *fixture, const char *text, size_t bytes, bool special);
/* "[He][llo]": the tokens' texts. Static memory. */
const char *vocab_show(const vocab_fixture *fixture, const char *text, bool special);
/* The text of tokens; the caller's to free(). */
char *vocab_decode(const vocab_fixture *fixture, const he_tokens *tokens, uint32_t flags, size_t *out_bytes);

/* Random valid UTF-8 of up to `chars` characters, out of all of Unicode or mostly out of `alphabet` (UTF-8,
 * NULL: all). The caller's to free(). */
char *random_text(uint64_t *state, size_t chars, const char *alphabet, size_t *out_bytes);

#endif
