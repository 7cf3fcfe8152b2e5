/* SPDX-License-Identifier: Apache-2.0 */
/* Knows SentencePiece-style BPE: spaces become U+2581, characters merge by score, what is in no token falls
 * to bytes. Source: google/sentencepiece, bpe_model; as llama.cpp runs it (best score first, leftmost among
 * equals). */
#include "tokenize.h"

#include "utf8.h"

#include <string.h>

#define SPACE       "\xe2\x96\x81" /* U+2581, lower one eighth block */
#define SPACE_BYTES 3u

/* The token of a piece of text. Control, unknown and byte tokens are never written out in a text. */
static int32_t piece(const hei_vocab *vocab, const char *text, size_t bytes) {
  int32_t id = hei_vocab_find(vocab, text, bytes);
  if (id < 0) return -1;
  uint8_t kind = vocab->kinds[id];
  return kind == HEI_TOKEN_NORMAL || kind == HEI_TOKEN_USER_DEFINED || kind == HEI_TOKEN_UNUSED ? id : -1;
}

static bool pair_by_score(const void *arg, const char *text, const hei_symbol *left, const hei_symbol *right,
                          double *out_cost, int32_t *out_token) {
  const hei_vocab *vocab = arg;
  if (left->bytes + right->bytes > vocab->longest_bytes) return false;
  *out_token = piece(vocab, text + left->begin, left->bytes + right->bytes);
  if (*out_token < 0) return false;
  *out_cost = -(double)vocab->scores[*out_token];
  return true;
}

/* The text with its spaces marked. `*out_bytes` at most 3 * bytes + 3, which is also what was allocated. */
static char *mark_spaces(const hei_vocab *vocab, const char *text, size_t bytes, bool fresh,
                         size_t *out_bytes) {
  char *marked = hd_host_zalloc(&vocab->host, SPACE_BYTES * bytes + SPACE_BYTES, 1, 1), *at = marked;
  if (marked == NULL) return NULL;
  if (fresh && vocab->wants_space) {
    memcpy(at, SPACE, SPACE_BYTES);
    at += SPACE_BYTES;
  }
  for (size_t i = 0; i < bytes; i++) {
    if (text[i] == ' ') {
      memcpy(at, SPACE, SPACE_BYTES);
      at += SPACE_BYTES;
    } else {
      *at++ = text[i];
    }
  }
  *out_bytes = (size_t)(at - marked);
  return marked;
}

static hd_status add_symbols(const hei_vocab *vocab, const hei_merger *merger, const char *text,
                             he_tokens *tokens) {
  hd_status status = HD_OK;
  for (uint32_t i = 0; i != HEI_NO_SYMBOL && status == HD_OK; i = merger->symbols[i].next) {
    const hei_symbol *symbol = &merger->symbols[i];
    if (symbol->token >= 0) {
      status = hei_tokens_add(tokens, symbol->token);
      continue;
    }
    for (size_t b = 0; b < symbol->bytes && status == HD_OK; b++)
      status = hei_encode_byte(vocab, (uint8_t)text[symbol->begin + b], tokens);
  }
  return status;
}

hd_status hei_encode_pieces(const hei_vocab *vocab, hei_merger *merger, const char *text, size_t bytes,
                            bool fresh, he_tokens *tokens) {
  if (bytes == 0) return HD_OK;
  size_t marked_bytes;
  char *marked = mark_spaces(vocab, text, bytes, fresh, &marked_bytes);
  if (marked == NULL) return HD_E_NO_MEMORY;
  hd_status status = hei_merger_reserve(merger, marked_bytes);
  if (status == HD_OK) {
    hei_merger_clear(merger);
    for (size_t at = 0, length; at < marked_bytes; at += length) {
      length = hei_utf8_length(marked[at]);
      hei_merger_add(merger, at, length, piece(vocab, marked + at, length));
    }
    hei_merger_run(merger, marked, pair_by_score, vocab);
    status = add_symbols(vocab, merger, marked, tokens);
  }
  hd_host_free(&vocab->host, marked, SPACE_BYTES * bytes + SPACE_BYTES, 1);
  return status;
}
