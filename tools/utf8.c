/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: where a text stops being it. */
#include "utf8.h"

#include <stdbool.h>

/* What a lead byte asks for: the length, and the range of the byte after it (which is where overlong forms,
 * surrogates and values over U+10FFFF are kept out). Source: the table of RFC 3629, section 4. */
typedef struct lead {
  unsigned char length, low, high;
} lead;

static lead lead_of(unsigned char byte) {
  lead none = {0, 0, 0};
  if (byte < 0x80) return (lead){1, 0, 0};
  if (byte < 0xc2) return none;
  if (byte < 0xe0) return (lead){2, 0x80, 0xbf};
  if (byte == 0xe0) return (lead){3, 0xa0, 0xbf};
  if (byte == 0xed) return (lead){3, 0x80, 0x9f};
  if (byte < 0xf0) return (lead){3, 0x80, 0xbf};
  if (byte == 0xf0) return (lead){4, 0x90, 0xbf};
  if (byte < 0xf4) return (lead){4, 0x80, 0xbf};
  if (byte == 0xf4) return (lead){4, 0x80, 0x8f};
  return none;
}

static bool fits(const lead *wanted, size_t index, unsigned char byte) {
  unsigned char low = index == 1 ? wanted->low : 0x80, high = index == 1 ? wanted->high : 0xbf;
  return byte >= low && byte <= high;
}

size_t hdt_utf8_character(const char *bytes, size_t size) {
  if (size == 0) return 0;
  lead wanted = lead_of((unsigned char)bytes[0]);
  if (wanted.length == 0 || wanted.length > size) return 0;
  for (size_t i = 1; i < wanted.length; i++) {
    if (!fits(&wanted, i, (unsigned char)bytes[i])) return 0;
  }
  return wanted.length;
}

size_t hdt_utf8_valid(const char *bytes, size_t size) {
  size_t at = 0;
  while (at < size) {
    size_t length = hdt_utf8_character(bytes + at, size - at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

size_t hdt_utf8_unfinished(const char *bytes, size_t size) {
  for (size_t back = 1; back <= 3 && back <= size; back++) {
    lead wanted = lead_of((unsigned char)bytes[size - back]);
    if (wanted.length == 0) continue; /* a continuation byte: look further back */
    if (wanted.length <= back) return 0;
    for (size_t i = 1; i < back; i++) {
      if (!fits(&wanted, i, (unsigned char)bytes[size - back + i])) return 0;
    }
    return back;
  }
  return 0;
}
