/* SPDX-License-Identifier: Apache-2.0 */
/* Chat templates: the families that are recognised, and how each writes a conversation. Not an interpreter.
 */
#ifndef ENGINE_CHAT_H
#define ENGINE_CHAT_H

#include "engine.h"
#include "tokenize.h"

typedef struct hei_chat_family hei_chat_family;

/* The family of a template's text, or, when there is none, of a vocabulary; NULL: not recognised. */
const hei_chat_family *hei_chat_find(const hei_text *template_text, const hei_vocab *vocab);
const char *hei_chat_name(const hei_chat_family *family);

/* A conversation written out. What the family wrote itself is trusted, the messages' text is not. */
typedef struct hei_chat_text {
  hd_host host;
  char *text;
  size_t bytes, capacity;
  hei_trusted *trusted;
  size_t trusted_count, trusted_capacity;
} hei_chat_text;

/* Errors: INVALID (unknown role, no messages, a system message after the first place where the family has
 * none), NO_MEMORY. Ownership: the caller's, until hei_chat_text_finish. */
hd_status hei_chat_write(const hd_host *host, const hei_chat_family *family, const he_message *messages,
                         uint32_t count, hei_chat_text *out_text, hd_error *out_error);
void hei_chat_text_finish(hei_chat_text *text);

#endif
