/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a vocabulary stands in a GGUF. */
#include "vocab.h"

#include "utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int32_t hei_vocab_find(const hei_vocab *vocab, const char *text, size_t bytes) {
  return (int32_t)hei_names_find(&vocab->names, text, bytes);
}

uint32_t hei_byte_code_point(uint8_t byte) {
  /* Printable Latin-1: 33..126, 161..172, 174..255. The 68 others follow from 256 on, in order. */
  if (byte >= 33 && byte <= 126) return byte;
  if (byte >= 161 && byte != 173) return byte;
  if (byte < 33) return 256u + byte;
  if (byte < 161) return 256u + 33u + (byte - 127u);
  return 256u + 33u + 34u; /* 173 */
}

int hei_byte_of(uint32_t code_point) {
  if (code_point < 256) return hei_byte_code_point((uint8_t)code_point) == code_point ? (int)code_point : -1;
  uint32_t index = code_point - 256;
  if (index < 33) return (int)index;
  if (index < 33 + 34) return (int)(index - 33 + 127);
  return index == 67 ? 173 : -1;
}

static hd_status no_memory(const hei_vocab *vocab, hd_error *out_error) {
  return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for its vocabulary of %" PRIu32 " tokens",
                 vocab->name, vocab->count);
}

static hd_status read_texts(hei_vocab *vocab, const hei_gguf *gguf, hd_error *out_error) {
  const hei_gguf_entry *entry = NULL;
  hd_status status =
      hei_gguf_get_array(gguf, "tokenizer.ggml.tokens", true, HEI_GGUF_STRING, &entry, out_error);
  if (status != HD_OK) return status;
  if (entry->count == 0 || entry->count > INT32_MAX)
    return hd_fail(out_error, HD_E_FORMAT,
                   "%s: key 'tokenizer.ggml.tokens': a vocabulary of %" PRIu64 " tokens", vocab->name,
                   entry->count);
  vocab->count = (uint32_t)entry->count;
  vocab->texts = hd_host_zalloc(&vocab->host, vocab->count, sizeof *vocab->texts, _Alignof(hei_text));
  vocab->kinds = hd_host_zalloc(&vocab->host, vocab->count, 1, 1);
  if (vocab->texts == NULL || vocab->kinds == NULL) return no_memory(vocab, out_error);
  status = hei_names_init(&vocab->names, &vocab->host, vocab->texts, sizeof *vocab->texts, vocab->count);
  if (status != HD_OK) return no_memory(vocab, out_error);
  const uint8_t *at = entry->data;
  for (uint32_t i = 0; i < vocab->count; i++) {
    vocab->texts[i] = hei_gguf_next_text(&at);
    if (vocab->texts[i].bytes > vocab->longest_bytes) vocab->longest_bytes = vocab->texts[i].bytes;
    (void)hei_names_add(&vocab->names,
                        i); /* of equal texts the first is found; the others can only be decoded */
  }
  return HD_OK;
}

static hd_status check_length(const hei_vocab *vocab, const char *key, const hei_gguf_entry *entry,
                              hd_error *out_error) {
  if (entry->count == vocab->count) return HD_OK;
  return hd_fail(out_error, HD_E_FORMAT, "%s: key '%s': %" PRIu64 " values for %" PRIu32 " tokens",
                 vocab->name, key, entry->count, vocab->count);
}

static hd_status read_kinds(hei_vocab *vocab, const hei_gguf *gguf, hd_error *out_error) {
  static const char KEY[] = "tokenizer.ggml.token_type";
  const hei_gguf_entry *entry = NULL;
  hd_status status = hei_gguf_get_array(gguf, KEY, false, HEI_GGUF_I32, &entry, out_error);
  if (status != HD_OK) return status;
  if (entry == NULL) {
    memset(vocab->kinds, HEI_TOKEN_NORMAL, vocab->count);
    return HD_OK;
  }
  status = check_length(vocab, KEY, entry, out_error);
  for (uint32_t i = 0; i < vocab->count && status == HD_OK; i++) {
    int32_t kind;
    memcpy(&kind, entry->data + (size_t)i * sizeof kind, sizeof kind);
    /* 0 is "undefined" in ggml's enum; some converters write it for plain tokens. */
    if (kind < 0 || kind > HEI_TOKEN_BYTE)
      return hd_fail(out_error, HD_E_FORMAT, "%s: key '%s': token %" PRIu32 " has the unknown type %" PRId32,
                     vocab->name, KEY, i, kind);
    vocab->kinds[i] = (uint8_t)(kind == 0 ? HEI_TOKEN_NORMAL : kind);
  }
  return status;
}

static hd_status read_scores(hei_vocab *vocab, const hei_gguf *gguf, hd_error *out_error) {
  static const char KEY[] = "tokenizer.ggml.scores";
  const hei_gguf_entry *entry = NULL;
  hd_status status = hei_gguf_get_array(gguf, KEY, true, HEI_GGUF_F32, &entry, out_error);
  if (status == HD_OK) status = check_length(vocab, KEY, entry, out_error);
  if (status != HD_OK) return status;
  vocab->scores = hd_host_zalloc(&vocab->host, vocab->count, sizeof *vocab->scores, _Alignof(float));
  if (vocab->scores == NULL) return no_memory(vocab, out_error);
  memcpy(vocab->scores, entry->data, vocab->count * sizeof *vocab->scores);
  for (uint32_t i = 0; i < vocab->count; i++)
    if (isnan(vocab->scores[i]))
      return hd_fail(out_error, HD_E_FORMAT, "%s: key '%s': the score of token %" PRIu32 " is no number",
                     vocab->name, KEY, i);
  return HD_OK;
}

/* "left right", split at the first space that is not the first byte: byte-level texts hold no space of their
 * own. */
static hd_status read_merge(hei_vocab *vocab, uint32_t rank, hei_text merge, hd_error *out_error) {
  const char *space = merge.bytes > 2 ? memchr(merge.data + 1, ' ', merge.bytes - 2) : NULL;
  char joined[2048]; /* the longest token of the big vocabularies is 128 spaces, 256 bytes as they are written
                      */
  if (space == NULL || merge.bytes > sizeof joined)
    return hd_fail(out_error, HD_E_FORMAT,
                   "%s: key 'tokenizer.ggml.merges': merge %" PRIu32 " '%.*s' is no pair", vocab->name, rank,
                   HEI_SHOW(merge));
  size_t left_bytes = (size_t)(space - merge.data), right_bytes = merge.bytes - left_bytes - 1;
  memcpy(joined, merge.data, left_bytes);
  memcpy(joined + left_bytes, space + 1, right_bytes);
  hei_pair pair = {hei_vocab_find(vocab, merge.data, left_bytes),
                   hei_vocab_find(vocab, space + 1, right_bytes),
                   hei_vocab_find(vocab, joined, left_bytes + right_bytes)};
  if (pair.left < 0 || pair.right < 0 || pair.merged < 0)
    return hd_fail(out_error, HD_E_FORMAT,
                   "%s: key 'tokenizer.ggml.merges': merge %" PRIu32
                   " '%.*s' names no tokens of the vocabulary",
                   vocab->name, rank, HEI_SHOW(merge));
  hei_pairs_add(&vocab->pairs, rank, pair);
  return HD_OK;
}

static hd_status read_merges(hei_vocab *vocab, const hei_gguf *gguf, hd_error *out_error) {
  const hei_gguf_entry *entry = NULL;
  hd_status status =
      hei_gguf_get_array(gguf, "tokenizer.ggml.merges", true, HEI_GGUF_STRING, &entry, out_error);
  if (status != HD_OK) return status;
  if (entry->count >= HEI_NO_INDEX ||
      hei_pairs_init(&vocab->pairs, &vocab->host, (uint32_t)entry->count) != HD_OK)
    return no_memory(vocab, out_error);
  const uint8_t *at = entry->data;
  for (uint32_t i = 0; i < entry->count && status == HD_OK; i++)
    status = read_merge(vocab, i, hei_gguf_next_text(&at), out_error);
  return status;
}

/* The token of each byte: <0xXX> in one family, the byte's own character in the other. */
static void find_bytes(hei_vocab *vocab) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    char text[8];
    size_t bytes;
    if (vocab->kind == HEI_VOCAB_PIECES)
      bytes = (size_t)snprintf(text, sizeof text, "<0x%02X>", byte);
    else
      bytes = hei_utf8_put_small(hei_byte_code_point((uint8_t)byte), text);
    int32_t id = vocab->bytes[byte] = hei_vocab_find(vocab, text, bytes);
    /* A file without token types names its byte tokens all the same. */
    if (id >= 0 && vocab->kind == HEI_VOCAB_PIECES) vocab->kinds[id] = HEI_TOKEN_BYTE;
  }
}

static hd_status read_pieces(hei_vocab *vocab, const hei_gguf *gguf, hd_error *out_error) {
  vocab->kind = HEI_VOCAB_PIECES;
  vocab->wants_begin = vocab->wants_space = true; /* SentencePiece's defaults for llama */
  hd_status status = read_scores(vocab, gguf, out_error);
  if (status == HD_OK)
    status =
        hei_gguf_get_bool(gguf, "tokenizer.ggml.add_space_prefix", false, &vocab->wants_space, out_error);
  return status;
}

static hd_status read_byte_level(hei_vocab *vocab, const hei_gguf *gguf, hd_error *out_error) {
  vocab->kind = HEI_VOCAB_BYTES;
  hei_text pre = {"default", strlen("default")};
  hd_status status = hei_gguf_get_text(gguf, "tokenizer.ggml.pre", false, &pre, out_error);
  if (status == HD_OK)
    status =
        hei_presplit_create(&vocab->host, pre, vocab->name, &vocab->presplit, &vocab->whole_words, out_error);
  if (status == HD_OK) status = read_merges(vocab, gguf, out_error);
  vocab->wants_begin = vocab->whole_words; /* llama 3 files may leave add_bos_token out and mean yes */
  return status;
}

static hd_status read_all(hei_vocab *vocab, const hei_gguf *gguf, hd_error *out_error) {
  hei_text model;
  hd_status status = hei_gguf_get_text(gguf, "tokenizer.ggml.model", true, &model, out_error);
  if (status != HD_OK) return status;
  bool pieces = hei_text_is(model, "llama");
  if (!pieces && !hei_text_is(model, "gpt2"))
    return hd_fail(out_error, HD_E_UNSUPPORTED,
                   "%s: key 'tokenizer.ggml.model': '%.*s' is not known (llama and gpt2 are)", vocab->name,
                   HEI_SHOW(model));
  status = read_texts(vocab, gguf, out_error);
  if (status == HD_OK) status = read_kinds(vocab, gguf, out_error);
  if (status == HD_OK)
    status = pieces ? read_pieces(vocab, gguf, out_error) : read_byte_level(vocab, gguf, out_error);
  if (status == HD_OK) find_bytes(vocab);
  if (status == HD_OK) status = hei_vocab_read_specials(vocab, gguf, out_error);
  if (status == HD_OK)
    status = hei_gguf_get_bool(gguf, "tokenizer.ggml.add_bos_token", false, &vocab->wants_begin, out_error);
  return status;
}

hd_status hei_vocab_read(const hei_gguf *gguf, hei_vocab **out_vocab, hd_error *out_error) {
  hei_vocab *vocab = hd_host_zalloc(&gguf->host, 1, sizeof *vocab, _Alignof(hei_vocab));
  if (vocab == NULL)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for its vocabulary", gguf->name);
  vocab->host = gguf->host;
  vocab->name = gguf->name;
  hd_status status = read_all(vocab, gguf, out_error);
  if (status != HD_OK) {
    hei_vocab_destroy(vocab);
    return status;
  }
  *out_vocab = vocab;
  return HD_OK;
}

void hei_vocab_destroy(hei_vocab *vocab) {
  if (vocab == NULL) return;
  hd_host host = vocab->host;
  hei_presplit_destroy(vocab->presplit);
  hei_pairs_finish(&vocab->pairs);
  hei_names_finish(&vocab->names);
  hd_host_free(&host, vocab->specials, vocab->count, sizeof *vocab->specials);
  hd_host_free(&host, vocab->scores, vocab->count, sizeof *vocab->scores);
  hd_host_free(&host, vocab->kinds, vocab->count, 1);
  hd_host_free(&host, vocab->texts, vocab->count, sizeof *vocab->texts);
  hd_host_free(&host, vocab, 1, sizeof *vocab);
}
