/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the well-formed byte sequences of UTF-8. */
#include "utf8.h"

/* Length by first byte and, for the second byte, the range that keeps overlong forms, surrogates and what
 * lies beyond U+10FFFF out. 0: no character begins so. */
static size_t sequence_of(uint8_t first, uint8_t *out_low, uint8_t *out_high) {
  *out_low = 0x80;
  *out_high = 0xbf;
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) {
    if (first == 0xe0) *out_low = 0xa0;
    if (first == 0xed) *out_high = 0x9f;
    return 3;
  }
  if (first > 0xf4) return 0;
  if (first == 0xf0) *out_low = 0x90;
  if (first == 0xf4) *out_high = 0x8f;
  return 4;
}

hei_utf8_state hei_utf8_look(const char *text, size_t bytes, size_t *out_bytes) {
  uint8_t low, high;
  size_t length = sequence_of((uint8_t)text[0], &low, &high);
  *out_bytes = 1;
  if (length == 0) return HEI_UTF8_BAD;
  for (size_t i = 1; i < length; i++) {
    if (i == bytes) return HEI_UTF8_PART;
    uint8_t byte = (uint8_t)text[i];
    if (byte < low || byte > high) return HEI_UTF8_BAD;
    *out_bytes = i + 1;
    low = 0x80;
    high = 0xbf;
  }
  return HEI_UTF8_WHOLE;
}

size_t hei_utf8_check(const char *text, size_t bytes) {
  size_t at = 0, length;
  while (at < bytes && hei_utf8_look(text + at, bytes - at, &length) == HEI_UTF8_WHOLE)
    at += length;
  return at;
}

size_t hei_utf8_length(char first) {
  uint8_t byte = (uint8_t)first;
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

size_t hei_utf8_put_small(uint32_t code_point, char out_text[2]) {
  if (code_point < 0x80) {
    out_text[0] = (char)code_point;
    return 1;
  }
  out_text[0] = (char)(0xc0 | (code_point >> 6));
  out_text[1] = (char)(0x80 | (code_point & 0x3f));
  return 2;
}
