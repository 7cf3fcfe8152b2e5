/* SPDX-License-Identifier: Apache-2.0 */
/* Knows byte-level BPE: a text is cut into words, a word's bytes merge by rank.
 * Source: openai/gpt-2, encoder.py. */
#include "tokenize.h"

#include "utf8.h"

static bool pair_by_rank(const void *arg, const char *text, const hei_symbol *left, const hei_symbol *right,
                         double *out_cost, int32_t *out_token) {
  (void)text;
  const hei_vocab *vocab = arg;
  if (left->token < 0 || right->token < 0) return false;
  uint32_t rank = hei_pairs_find(&vocab->pairs, left->token, right->token);
  if (rank == HEI_NO_INDEX) return false;
  *out_cost = (double)rank;
  *out_token = vocab->pairs.list[rank].merged;
  return true;
}

/* The token whose text is the whole word, written byte by byte as the vocabulary writes it; -1: none. */
static int32_t whole_word(const hei_vocab *vocab, const char *word, size_t bytes) {
  char written[2 * HEI_SPECIAL_BYTES_MAX];
  if (bytes > HEI_SPECIAL_BYTES_MAX || bytes > vocab->longest_bytes) return -1;
  size_t length = 0;
  for (size_t i = 0; i < bytes; i++)
    length += hei_utf8_put_small(hei_byte_code_point((uint8_t)word[i]), written + length);
  int32_t id = hei_vocab_find(vocab, written, length);
  return id >= 0 && vocab->kinds[id] == HEI_TOKEN_NORMAL ? id : -1;
}

static hd_status encode_word(const hei_vocab *vocab, hei_merger *merger, const char *word, size_t bytes,
                             he_tokens *tokens) {
  int32_t whole = vocab->whole_words ? whole_word(vocab, word, bytes) : -1;
  if (whole >= 0) return hei_tokens_add(tokens, whole);
  hd_status status = hei_merger_reserve(merger, bytes);
  if (status != HD_OK) return status;
  hei_merger_clear(merger);
  for (size_t i = 0; i < bytes; i++)
    hei_merger_add(merger, i, 1, vocab->bytes[(uint8_t)word[i]]);
  hei_merger_run(merger, word, pair_by_rank, vocab);
  for (uint32_t i = 0; i != HEI_NO_SYMBOL && status == HD_OK; i = merger->symbols[i].next) {
    const hei_symbol *symbol = &merger->symbols[i];
    status = symbol->token >= 0 ? hei_tokens_add(tokens, symbol->token)
                                : hei_encode_byte(vocab, (uint8_t)word[symbol->begin], tokens);
  }
  return status;
}

hd_status hei_encode_bytes(const hei_vocab *vocab, hei_merger *merger, const char *text, size_t bytes,
                           he_tokens *tokens) {
  hei_words words;
  hd_status status = hei_presplit_run(vocab->presplit, text, bytes, &words);
  if (status != HD_OK) return status;
  size_t begin = 0;
  for (size_t i = 0; i < words.count && status == HD_OK; i++) {
    status = encode_word(vocab, merger, text + begin, words.ends[i] - begin, tokens);
    begin = words.ends[i];
  }
  hei_words_finish(&words);
  return status;
}
