/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a text is taken apart into special tokens and the stretches between them. */
#include "tokenize.h"

#include "utf8.h"

#include <inttypes.h>
#include <string.h>

hd_status hei_tokens_add(he_tokens *tokens, int32_t id) {
  if (tokens->count == tokens->capacity) {
    if (tokens->capacity > UINT32_MAX / 2) return HD_E_LIMIT;
    uint32_t capacity = tokens->capacity == 0 ? 64 : 2 * tokens->capacity;
    int32_t *ids = hd_host_zalloc(tokens->host, capacity, sizeof *ids, _Alignof(int32_t));
    if (ids == NULL) return HD_E_NO_MEMORY;
    if (tokens->count > 0) memcpy(ids, tokens->ids, tokens->count * sizeof *ids);
    hd_host_free(tokens->host, tokens->ids, tokens->capacity, sizeof *ids);
    tokens->ids = ids;
    tokens->capacity = capacity;
  }
  tokens->ids[tokens->count++] = id;
  return HD_OK;
}

hd_status hei_encode_byte(const hei_vocab *vocab, uint8_t byte, he_tokens *tokens) {
  int32_t id = vocab->bytes[byte] >= 0 ? vocab->bytes[byte] : vocab->unknown;
  return id >= 0 ? hei_tokens_add(tokens, id) : HD_E_FORMAT;
}

/* Where a search for special tokens stands. */
typedef struct search {
  const hei_vocab *vocab;
  const char *text;
  size_t bytes;
  const hei_trusted *trusted;
  size_t trusted_count;
  size_t at;
  size_t stretch; /* first trusted one that does not end before `at` */
} search;

/* Moves to the next special token from `at` on; -1 at the end. A control token must lie in one trusted
 * stretch; user-defined ones are found anywhere: they are words. */
static int32_t next_special(search *s) {
  if (s->vocab->special_count == 0) s->at = s->bytes;
  for (; s->at < s->bytes; s->at += hei_utf8_length(s->text[s->at])) {
    while (s->stretch < s->trusted_count && s->trusted[s->stretch].end <= s->at)
      s->stretch++;
    const hei_trusted *trusted = s->stretch < s->trusted_count ? &s->trusted[s->stretch] : NULL;
    int32_t id = -1;
    if (trusted != NULL && trusted->begin <= s->at)
      id = hei_vocab_match_special(s->vocab, s->text + s->at, trusted->end - s->at, true);
    if (id < 0) id = hei_vocab_match_special(s->vocab, s->text + s->at, s->bytes - s->at, false);
    if (id >= 0) return id;
  }
  return -1;
}

static hd_status encode(const hei_vocab *vocab, hei_merger *merger, const char *text, size_t bytes,
                        bool fresh, he_tokens *tokens) {
  if (vocab->kind == HEI_VOCAB_PIECES) return hei_encode_pieces(vocab, merger, text, bytes, fresh, tokens);
  return hei_encode_bytes(vocab, merger, text, bytes, tokens);
}

static hd_status encode_all(search *s, he_tokens *tokens) {
  hei_merger merger = {.host = &s->vocab->host};
  hd_status status = HD_OK;
  bool fresh = true;
  while (s->at < s->bytes && status == HD_OK) {
    size_t begin = s->at;
    int32_t special = next_special(s);
    if (s->at > begin) status = encode(s->vocab, &merger, s->text + begin, s->at - begin, fresh, tokens);
    if (special < 0 || status != HD_OK) break;
    status = hei_tokens_add(tokens, special);
    s->at += s->vocab->texts[special].bytes;
    fresh = true;
  }
  hei_merger_finish(&merger);
  return status;
}

static hd_status explain(const hei_vocab *vocab, hd_status status, hd_error *out_error) {
  switch (status) {
  case HD_OK:
    return HD_OK;
  case HD_E_NO_MEMORY:
    return hd_fail(out_error, status, "%s: no memory to tokenize the text", vocab->name);
  case HD_E_LIMIT:
    return hd_fail(out_error, status, "%s: the text is too long to tokenize at once", vocab->name);
  case HD_E_FORMAT:
    return hd_fail(out_error, status, "%s: the vocabulary has no token for a byte of the text", vocab->name);
  default:
    return hd_fail(out_error, status, "%s: the pre-tokenizer gave up on the text", vocab->name);
  }
}

hd_status hei_tokenize(const hei_vocab *vocab, const char *text, size_t bytes, const hei_trusted *trusted,
                       size_t trusted_count, bool with_begin, he_tokens *tokens, hd_error *out_error) {
  uint32_t count_before = tokens->count;
  size_t bad = hei_utf8_check(text, bytes);
  if (bad < bytes)
    return hd_fail(out_error, HD_E_FORMAT, "the text is not UTF-8: byte %zu is 0x%02x", bad,
                   (uint8_t)text[bad]);
  if (bytes > INT32_MAX) return explain(vocab, HD_E_LIMIT, out_error);
  search s = {vocab, text, bytes, trusted, trusted_count, 0, 0};
  hd_status status = HD_OK;
  if (with_begin && vocab->wants_begin && vocab->begin >= 0) status = hei_tokens_add(tokens, vocab->begin);
  if (status == HD_OK) status = encode_all(&s, tokens);
  if (status != HD_OK) tokens->count = count_before;
  return explain(vocab, status, out_error);
}
