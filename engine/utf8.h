/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: what is whole, what is not. Source: RFC 3629; Unicode 15, table 3-7 (well-formed byte sequences). */
#ifndef ENGINE_UTF8_H
#define ENGINE_UTF8_H

#include <stddef.h>
#include <stdint.h>

typedef enum hei_utf8_state {
  HEI_UTF8_WHOLE, /* a character of `*out_bytes` bytes */
  HEI_UTF8_PART,  /* the text ends inside a character that more bytes could complete */
  HEI_UTF8_BAD    /* no character begins with these bytes; `*out_bytes` of them (1 to 3) are the longest wrong
                     start */
} hei_utf8_state;

/* Looks at the first character of `bytes` (at least 1) bytes. No surrogates, no overlong forms, at most
 * U+10FFFF. */
hei_utf8_state hei_utf8_look(const char *text, size_t bytes, size_t *out_bytes);

/* Offset of the first byte that does not begin a whole character; `bytes` when all is well. */
size_t hei_utf8_check(const char *text, size_t bytes);

/* Bytes of the character at a position in a text that hei_utf8_check has passed. */
size_t hei_utf8_length(char first);

/* Writes a code point below 0x800 (1 or 2 bytes); returns the count. */
size_t hei_utf8_put_small(uint32_t code_point, char out_text[2]);

/* U+FFFD, the replacement character. */
#define HEI_UTF8_REPLACEMENT       "\xef\xbf\xbd"
#define HEI_UTF8_REPLACEMENT_BYTES 3u

#endif
