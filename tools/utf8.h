/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: where a text stops being it. */
#ifndef HEDDLE_TOOLS_UTF8_H
#define HEDDLE_TOOLS_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character at the start of `bytes`; 0 when there is none. Source: RFC 3629,
 * section 4. */
size_t hdt_utf8_character(const char *bytes, size_t size);

/* Offset of the first byte that is not part of a well-formed character; `size` when all are. */
size_t hdt_utf8_valid(const char *bytes, size_t size);

/* Bytes at the end of `bytes` that may yet become a character when more come: 0 .. 3. */
size_t hdt_utf8_unfinished(const char *bytes, size_t size);

#endif
