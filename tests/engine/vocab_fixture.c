/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a vocabulary is made for a test. */
#include "vocab_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/utf8.h"
#include "tiny_model.h"

static vocab_fixture *make(void) {
  vocab_fixture *fixture = calloc(1, sizeof *fixture);
  if (fixture == NULL) abort();
  check_host_init(&fixture->check);
  gw_init(&fixture->writer);
  return fixture;
}

int32_t vocab_add(vocab_fixture *fixture, const char *text, int32_t kind, float score) {
  uint32_t id = fixture->count++;
  assert_true(id < FIXTURE_TOKENS_MAX && strlen(text) < FIXTURE_TEXT_BYTES);
  (void)snprintf(fixture->texts[id], FIXTURE_TEXT_BYTES, "%s", text);
  fixture->kinds[id] = kind;
  fixture->scores[id] = score;
  return (int32_t)id;
}

static bool has(const vocab_fixture *fixture, const char *text) {
  for (uint32_t i = 0; i < fixture->count; i++)
    if (strcmp(fixture->texts[i], text) == 0) return true;
  return false;
}

void vocab_add_merge(vocab_fixture *fixture, const char *left, const char *right) {
  char *merge = fixture->merges[fixture->merge_count++];
  char joined[FIXTURE_TEXT_BYTES];
  assert_true(fixture->merge_count <= FIXTURE_TOKENS_MAX);
  (void)snprintf(merge, sizeof fixture->merges[0], "%s %s", left, right);
  (void)snprintf(joined, sizeof joined, "%s%s", left, right);
  if (!has(fixture, joined)) (void)vocab_add(fixture, joined, HEI_TOKEN_NORMAL, 0.0f);
}

vocab_fixture *vocab_pieces(void) {
  vocab_fixture *fixture = make();
  (void)vocab_add(fixture, "<unk>", HEI_TOKEN_UNKNOWN, 0.0f);
  (void)vocab_add(fixture, "<s>", HEI_TOKEN_CONTROL, 0.0f);
  (void)vocab_add(fixture, "</s>", HEI_TOKEN_CONTROL, 0.0f);
  for (int i = 0; i < 256; i++) {
    char text[8];
    (void)snprintf(text, sizeof text, "<0x%02X>", i);
    (void)vocab_add(fixture, text, HEI_TOKEN_BYTE, 0.0f);
  }
  return fixture;
}

vocab_fixture *vocab_byte_level(const char *pre) {
  vocab_fixture *fixture = make();
  fixture->byte_level = true;
  fixture->pre = pre;
  for (int i = 0; i < 256; i++) {
    char text[3] = "";
    text[hei_utf8_put_small(hei_byte_code_point((uint8_t)i), text)] = '\0';
    (void)vocab_add(fixture, text, HEI_TOKEN_NORMAL, 0.0f);
  }
  (void)vocab_add(fixture, "<|endoftext|>", HEI_TOKEN_CONTROL, 0.0f);
  (void)vocab_add(fixture, "<|im_start|>", HEI_TOKEN_CONTROL, 0.0f);
  (void)vocab_add(fixture, "<|im_end|>", HEI_TOKEN_CONTROL, 0.0f);
  (void)vocab_add(fixture, "<tool>", HEI_TOKEN_USER_DEFINED, 0.0f);
  return fixture;
}

static void write_texts(gw_writer *writer, const char *key, const char *first, size_t stride,
                        uint32_t count) {
  if (!gw_key(writer, key, GW_ARRAY)) return;
  gw_put_u32(&writer->keys, GW_STRING);
  gw_put_u64(&writer->keys, count);
  for (uint32_t i = 0; i < count; i++)
    gw_put_text(&writer->keys, first + i * stride);
}

hd_status vocab_try_open(vocab_fixture *fixture, hd_error *out_error) {
  gw_writer *writer = &fixture->writer;
  size_t bytes;
  gw_text(writer, "tokenizer.ggml.model", fixture->byte_level ? "gpt2" : "llama");
  write_texts(writer, "tokenizer.ggml.tokens", fixture->texts[0], FIXTURE_TEXT_BYTES, fixture->count);
  gw_words(writer, "tokenizer.ggml.token_type", GW_I32, fixture->kinds, fixture->count);
  if (fixture->byte_level) {
    write_texts(writer, "tokenizer.ggml.merges", fixture->merges[0], sizeof fixture->merges[0],
                fixture->merge_count);
    if (fixture->pre != NULL) gw_text(writer, "tokenizer.ggml.pre", fixture->pre);
  } else {
    gw_words(writer, "tokenizer.ggml.scores", GW_F32, fixture->scores, fixture->count);
  }
  fixture->file = gw_build(writer, &bytes);
  hd_status status =
      hei_gguf_read(&fixture->check.host, fixture->file, bytes, "vocab.gguf", &fixture->gguf, out_error);
  if (status == HD_OK) status = hei_vocab_read(fixture->gguf, &fixture->model.vocab, out_error);
  fixture->model.host = fixture->check.host;
  return status;
}

void vocab_open(vocab_fixture *fixture) {
  hd_error error = {""};
  if (vocab_try_open(fixture, &error) != HD_OK) fail_msg("%s", error.text);
}

void vocab_close(vocab_fixture *fixture) {
  hei_vocab_destroy(fixture->model.vocab);
  hei_gguf_destroy(fixture->gguf);
  assert_int_equal(fixture->check.live_bytes, 0);
  assert_int_equal(fixture->check.wrong_frees, 0);
  gw_finish(&fixture->writer);
  free(fixture->file);
  free(fixture);
}

he_tokens vocab_encode(vocab_fixture *fixture, const char *text, size_t bytes, bool special) {
  he_tokens tokens;
  hd_error error = {""};
  he_tokens_init(&tokens, &fixture->model);
  hei_trusted whole = {0, bytes};
  hd_status status =
      hei_tokenize(fixture->model.vocab, text, bytes, &whole, special ? 1 : 0, false, &tokens, &error);
  if (status != HD_OK) fail_msg("%s", error.text);
  return tokens;
}

const char *vocab_show(const vocab_fixture *fixture, const char *text, bool special) {
  static char shown[4096];
  he_tokens tokens = vocab_encode((vocab_fixture *)(uintptr_t)fixture, text, strlen(text), special);
  shown[0] = '\0';
  for (uint32_t i = 0; i < tokens.count; i++) {
    size_t length = strlen(shown);
    (void)snprintf(shown + length, sizeof shown - length, "[%s]", fixture->texts[tokens.ids[i]]);
  }
  he_tokens_finish(&tokens);
  return shown;
}

char *vocab_decode(const vocab_fixture *fixture, const he_tokens *tokens, uint32_t flags, size_t *out_bytes) {
  gw_buffer text = {0};
  he_decoder *decoder;
  assert_int_equal(he_decoder_create(&fixture->model, flags, &decoder), HD_OK);
  size_t bytes;
  for (uint32_t i = 0; i < tokens->count; i++) {
    const char *piece = he_decoder_push(decoder, tokens->ids[i], &bytes);
    assert_int_equal(hei_utf8_check(piece, bytes), bytes); /* whole characters, always */
    assert_int_equal(piece[bytes], '\0');
    gw_put(&text, piece, bytes);
  }
  const char *rest = he_decoder_flush(decoder, &bytes);
  gw_put(&text, rest, bytes);
  *out_bytes = text.bytes;
  gw_put(&text, "", 1);
  he_decoder_destroy(decoder);
  return (char *)text.data;
}

static void put_code_point(gw_buffer *text, uint32_t c) {
  uint8_t bytes[4];
  if (c < 0x80) {
    bytes[0] = (uint8_t)c;
    gw_put(text, bytes, 1);
  } else if (c < 0x800) {
    bytes[0] = (uint8_t)(0xc0 | c >> 6);
    bytes[1] = (uint8_t)(0x80 | (c & 63));
    gw_put(text, bytes, 2);
  } else if (c < 0x10000) {
    bytes[0] = (uint8_t)(0xe0 | c >> 12);
    bytes[1] = (uint8_t)(0x80 | (c >> 6 & 63));
    bytes[2] = (uint8_t)(0x80 | (c & 63));
    gw_put(text, bytes, 3);
  } else {
    bytes[0] = (uint8_t)(0xf0 | c >> 18);
    bytes[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    bytes[2] = (uint8_t)(0x80 | (c >> 6 & 63));
    bytes[3] = (uint8_t)(0x80 | (c & 63));
    gw_put(text, bytes, 4);
  }
}

/* Any code point but surrogates; low ones as often as high ones. */
static void put_any(gw_buffer *text, uint64_t *state) {
  static const uint32_t LIMITS[] = {0x80, 0x80, 0x800, 0x10000, 0x110000};
  uint32_t c = (uint32_t)(tiny_random(state) % LIMITS[tiny_random(state) % 5]);
  put_code_point(text, c >= 0xd800 && c < 0xe000 ? 0x2581 : c);
}

char *random_text(uint64_t *state, size_t chars, const char *alphabet, size_t *out_bytes) {
  gw_buffer text = {0};
  const char *letters[64];
  size_t letter_count = 0;
  for (const char *at = alphabet; at != NULL && *at != '\0'; at += hei_utf8_length(*at))
    letters[letter_count++] = at;
  for (size_t n = tiny_random(state) % (chars + 1); n > 0; n--) {
    const char *letter = letter_count > 0 ? letters[tiny_random(state) % letter_count] : NULL;
    if (letter == NULL || tiny_random(state) % 32 == 0)
      put_any(&text, state);
    else
      gw_put(&text, letter, hei_utf8_length(*letter));
  }
  *out_bytes = text.bytes;
  gw_put(&text, "", 1);
  return (char *)text.data;
}
