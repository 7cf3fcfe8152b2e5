/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the special tokens: which there are, which of them end an answer, and where one stands in a text. */
#include "vocab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Texts of control tokens that end an answer in some family, whatever the file's eos key says: an
 * instruction-tuned model ends its turn with one and its text with another. Source: the model pages of the
 * families; llama.cpp gathers its end-of-generation set by the same texts. */
static const char *const END_TEXTS[] = {"</s>",       "<|eot_id|>",      "<|im_end|>",
                                        "<|end|>",    "<|end_of_text|>", "<|endoftext|>",
                                        "<|eom_id|>", "<end_of_turn>",   "<|end_of_turn|>"};

static bool is_special(uint8_t kind) {
  return kind == HEI_TOKEN_CONTROL || kind == HEI_TOKEN_USER_DEFINED || kind == HEI_TOKEN_UNKNOWN;
}

static int compare_texts(hei_text a, hei_text b) {
  size_t shorter = a.bytes < b.bytes ? a.bytes : b.bytes;
  int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
  return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

/* qsort_r is not in every libc: what is sorted carries its text. */
typedef struct special {
  hei_text text;
  uint32_t id;
} special;

static int by_text(const void *a, const void *b) {
  const special *x = a, *y = b;
  int order = compare_texts(x->text, y->text);
  return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

static hd_status sort_specials(hei_vocab *vocab) {
  vocab->specials = hd_host_zalloc(&vocab->host, vocab->count, sizeof *vocab->specials, _Alignof(uint32_t));
  special *sorted = hd_host_zalloc(&vocab->host, vocab->count, sizeof *sorted, _Alignof(special));
  if (vocab->specials == NULL || sorted == NULL) {
    hd_host_free(&vocab->host, sorted, vocab->count, sizeof *sorted);
    return HD_E_NO_MEMORY;
  }
  uint32_t count = 0;
  for (uint32_t i = 0; i < vocab->count; i++) {
    hei_text text = vocab->texts[i];
    if (is_special(vocab->kinds[i]) && text.bytes > 0 && text.bytes <= HEI_SPECIAL_BYTES_MAX)
      sorted[count++] = (special){text, i};
  }
  qsort(sorted, count, sizeof *sorted, by_text);
  for (uint32_t i = 0; i < count; i++) /* of equal texts the first alone */
    if (i == 0 || compare_texts(sorted[i - 1].text, sorted[i].text) != 0)
      vocab->specials[vocab->special_count++] = sorted[i].id;
  hd_host_free(&vocab->host, sorted, vocab->count, sizeof *sorted);
  return HD_OK;
}

static hd_status read_id(const hei_vocab *vocab, const hei_gguf *gguf, const char *key, int32_t *out_id,
                         hd_error *out_error) {
  uint32_t id = UINT32_MAX;
  /* -1 as a signed number stands for "none" in some files. */
  const hei_gguf_entry *entry = hei_gguf_find(gguf, key);
  int32_t value = 0;
  if (entry != NULL && entry->type == HEI_GGUF_I32) memcpy(&value, entry->data, sizeof value);
  if (value == -1) return HD_OK;
  hd_status status = hei_gguf_get_uint(gguf, key, false, 0, vocab->count - 1, &id, out_error);
  if (status == HD_OK && id != UINT32_MAX) *out_id = (int32_t)id;
  return status;
}

static void add_end(hei_vocab *vocab, int32_t id) {
  if (id < 0 || hei_vocab_is_end(vocab, id) || vocab->end_count == HEI_ENDS_MAX) return;
  vocab->ends[vocab->end_count++] = id;
}

hd_status hei_vocab_read_specials(hei_vocab *vocab, const hei_gguf *gguf, hd_error *out_error) {
  bool pieces = vocab->kind == HEI_VOCAB_PIECES;
  int32_t turn_end = -1;
  vocab->begin = pieces && vocab->count > 2 ? 1 : -1; /* SentencePiece's defaults: <unk>, <s>, </s> */
  vocab->end = pieces && vocab->count > 2 ? 2 : -1;
  vocab->unknown = pieces ? 0 : -1;
  hd_status status = read_id(vocab, gguf, "tokenizer.ggml.bos_token_id", &vocab->begin, out_error);
  if (status == HD_OK) status = read_id(vocab, gguf, "tokenizer.ggml.eos_token_id", &vocab->end, out_error);
  if (status == HD_OK)
    status = read_id(vocab, gguf, "tokenizer.ggml.unknown_token_id", &vocab->unknown, out_error);
  if (status == HD_OK) status = read_id(vocab, gguf, "tokenizer.ggml.eot_token_id", &turn_end, out_error);
  if (status != HD_OK) return status;
  add_end(vocab, vocab->end);
  add_end(vocab, turn_end);
  for (size_t i = 0; i < sizeof END_TEXTS / sizeof *END_TEXTS; i++) {
    int32_t id = hei_vocab_find(vocab, END_TEXTS[i], strlen(END_TEXTS[i]));
    if (id >= 0 && is_special(vocab->kinds[id])) add_end(vocab, id);
  }
  if (sort_specials(vocab) == HD_OK) return HD_OK;
  return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for its special tokens", vocab->name);
}

bool hei_vocab_is_end(const hei_vocab *vocab, int32_t id) {
  for (uint32_t i = 0; i < vocab->end_count; i++)
    if (vocab->ends[i] == id) return true;
  return false;
}

/* The byte at `depth` of a sorted special's text; -1 where the text is shorter, which sorts first. */
static int byte_at(const hei_vocab *vocab, uint32_t index, size_t depth) {
  hei_text text = vocab->texts[vocab->specials[index]];
  return depth < text.bytes ? (int)(uint8_t)text.data[depth] : -1;
}

/* First index in low..high whose byte at `depth` is at least `byte`. */
static uint32_t bound(const hei_vocab *vocab, uint32_t low, uint32_t high, size_t depth, int byte) {
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (byte_at(vocab, middle, depth) < byte)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

int32_t hei_vocab_match_special(const hei_vocab *vocab, const char *text, size_t bytes, bool all) {
  uint32_t low = 0, high = vocab->special_count;
  int32_t longest = -1;
  for (size_t depth = 0; depth < bytes && low < high; depth++) {
    int byte = (uint8_t)text[depth];
    low = bound(vocab, low, high, depth, byte);
    high = bound(vocab, low, high, depth, byte + 1);
    if (low == high || vocab->texts[vocab->specials[low]].bytes != depth + 1) continue;
    uint32_t id = vocab->specials[low]; /* the text that ends here sorts first */
    if (all || vocab->kinds[id] == HEI_TOKEN_USER_DEFINED) longest = (int32_t)id;
  }
  return longest;
}
