/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how tokens become text again, one after another, in whole characters. */
#include "model.h"
#include "utf8.h"

#include <string.h>

struct he_decoder {
  hd_host host;
  const hei_vocab *vocab;
  uint32_t flags;
  bool at_start; /* nothing has come out yet */
  char held[4];  /* bytes of a character that is not complete */
  size_t held_bytes;
  char *raw; /* what a token stands for, after what is held */
  size_t raw_bytes, raw_capacity;
  char *shown;
  size_t shown_bytes, shown_capacity;
};

hd_status he_decoder_create(const he_model *model, uint32_t flags, he_decoder **out_decoder) {
  const hei_vocab *vocab = model->vocab;
  he_decoder *decoder = hd_host_zalloc(&vocab->host, 1, sizeof *decoder, _Alignof(he_decoder));
  if (decoder == NULL) return HD_E_NO_MEMORY;
  decoder->host = vocab->host;
  decoder->vocab = vocab;
  decoder->flags = flags;
  decoder->at_start = true;
  decoder->raw_capacity = vocab->longest_bytes + sizeof decoder->held;
  /* A byte that is no UTF-8 comes out as three. */
  decoder->shown_capacity = HEI_UTF8_REPLACEMENT_BYTES * decoder->raw_capacity + 1;
  decoder->raw = hd_host_zalloc(&decoder->host, decoder->raw_capacity, 1, 1);
  decoder->shown = hd_host_zalloc(&decoder->host, decoder->shown_capacity, 1, 1);
  if (decoder->raw == NULL || decoder->shown == NULL) {
    he_decoder_destroy(decoder);
    return HD_E_NO_MEMORY;
  }
  *out_decoder = decoder;
  return HD_OK;
}

void he_decoder_destroy(he_decoder *decoder) {
  if (decoder == NULL) return;
  hd_host host = decoder->host;
  hd_host_free(&host, decoder->raw, decoder->raw_capacity, 1);
  hd_host_free(&host, decoder->shown, decoder->shown_capacity, 1);
  hd_host_free(&host, decoder, 1, sizeof *decoder);
}

static void add_raw(he_decoder *decoder, const char *bytes, size_t count) {
  memcpy(decoder->raw + decoder->raw_bytes, bytes, count);
  decoder->raw_bytes += count;
}

/* SentencePiece: U+2581 is a space. */
static void add_piece(he_decoder *decoder, hei_text text) {
  for (size_t i = 0; i < text.bytes;) {
    if (text.bytes - i >= 3 && memcmp(text.data + i, "\xe2\x96\x81", 3) == 0) {
      add_raw(decoder, " ", 1);
      i += 3;
    } else {
      add_raw(decoder, text.data + i++, 1);
    }
  }
}

/* Byte level: each character of the text is a byte; one that is none stays what it is. */
static void add_byte_level(he_decoder *decoder, hei_text text) {
  for (size_t i = 0; i < text.bytes;) {
    uint8_t first = (uint8_t)text.data[i];
    bool two = (first & 0xe0) == 0xc0 && text.bytes - i >= 2;
    uint32_t code_point = two ? (uint32_t)(first & 0x1f) << 6 | ((uint8_t)text.data[i + 1] & 0x3f) : first;
    int byte = first < 0x80 || two ? hei_byte_of(code_point) : -1;
    char as_byte = (char)byte;
    if (byte >= 0)
      add_raw(decoder, &as_byte, 1);
    else
      add_raw(decoder, text.data + i, two ? 2 : 1);
    i += two ? 2 : 1;
  }
}

static void add_token(he_decoder *decoder, int32_t id) {
  const hei_vocab *vocab = decoder->vocab;
  hei_text text = vocab->texts[id];
  switch (vocab->kinds[id]) {
  case HEI_TOKEN_CONTROL:
  case HEI_TOKEN_UNKNOWN:
    if ((decoder->flags & HE_DECODE_SPECIAL) != 0) add_raw(decoder, text.data, text.bytes);
    return;
  case HEI_TOKEN_USER_DEFINED:
    add_raw(decoder, text.data, text.bytes);
    return;
  case HEI_TOKEN_BYTE:
    for (int byte = 0; byte < 256; byte++)
      if (vocab->bytes[byte] == id) {
        char as_byte = (char)byte;
        add_raw(decoder, &as_byte, 1);
      }
    return;
  default:
    if (vocab->kind == HEI_VOCAB_PIECES)
      add_piece(decoder, text);
    else
      add_byte_level(decoder, text);
  }
}

/* Moves what is whole from raw to shown; bytes that never become a character turn into U+FFFD, those that
 * still may are held. */
static void show(he_decoder *decoder, bool all) {
  size_t at = 0, length;
  decoder->shown_bytes = decoder->held_bytes = 0;
  while (at < decoder->raw_bytes) {
    hei_utf8_state state = hei_utf8_look(decoder->raw + at, decoder->raw_bytes - at, &length);
    if (state == HEI_UTF8_PART && !all) {
      decoder->held_bytes = decoder->raw_bytes - at;
      memcpy(decoder->held, decoder->raw + at, decoder->held_bytes);
      break;
    }
    bool whole = state == HEI_UTF8_WHOLE;
    const char *from = whole ? decoder->raw + at : HEI_UTF8_REPLACEMENT;
    size_t count = whole ? length : HEI_UTF8_REPLACEMENT_BYTES;
    memcpy(decoder->shown + decoder->shown_bytes, from, count);
    decoder->shown_bytes += count;
    at += length;
  }
  decoder->shown[decoder->shown_bytes] = '\0';
}

const char *he_decoder_push(he_decoder *decoder, int32_t id, size_t *out_bytes) {
  decoder->raw_bytes = 0;
  add_raw(decoder, decoder->held, decoder->held_bytes);
  if (id >= 0 && (uint32_t)id < decoder->vocab->count) add_token(decoder, id);
  show(decoder, false);
  const char *text = decoder->shown;
  *out_bytes = decoder->shown_bytes;
  if (decoder->shown_bytes > 0 && decoder->at_start) {
    bool strip = (decoder->flags & HE_DECODE_START) != 0 && decoder->vocab->wants_space && text[0] == ' ';
    decoder->at_start = false;
    text += strip;
    *out_bytes -= strip;
  }
  return text;
}

const char *he_decoder_flush(he_decoder *decoder, size_t *out_bytes) {
  decoder->raw_bytes = 0;
  add_raw(decoder, decoder->held, decoder->held_bytes);
  show(decoder, true);
  decoder->at_start = true;
  *out_bytes = decoder->shown_bytes;
  return decoder->shown;
}
