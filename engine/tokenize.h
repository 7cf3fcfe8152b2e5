/* SPDX-License-Identifier: Apache-2.0 */
/* From text to tokens: the parts of he_tokenize. */
#ifndef ENGINE_TOKENIZE_H
#define ENGINE_TOKENIZE_H

#include "engine.h"
#include "merge.h"
#include "vocab.h"

/* Appends a token. Errors: NO_MEMORY, LIMIT. */
hd_status hei_tokens_add(he_tokens *tokens, int32_t id);

/* Appends the tokens of a stretch of valid UTF-8 without special tokens, by score (encode_pieces.c) and by
 * rank (encode_bytes.c). `fresh`: nothing or a special token stands before it, where SentencePiece puts its
 * space. Errors: NO_MEMORY, LIMIT, FORMAT (a byte that the vocabulary has no token for, where it has no
 * "unknown" either). */
hd_status hei_encode_pieces(const hei_vocab *vocab, hei_merger *merger, const char *text, size_t bytes,
                            bool fresh, he_tokens *tokens);
hd_status hei_encode_bytes(const hei_vocab *vocab, hei_merger *merger, const char *text, size_t bytes,
                           he_tokens *tokens);
/* Appends the byte's token, or "unknown". Errors: FORMAT (neither is there), and as hei_tokens_add. */
hd_status hei_encode_byte(const hei_vocab *vocab, uint8_t byte, he_tokens *tokens);

/* A part of a text in which control tokens may stand as their text: written by us or by a trusted caller. */
typedef struct hei_trusted {
  size_t begin, end;
} hei_trusted;

/* he_tokenize with trust given stretch by stretch; stretches are sorted and do not touch each other. */
hd_status hei_tokenize(const hei_vocab *vocab, const char *text, size_t bytes, const hei_trusted *trusted,
                       size_t trusted_count, bool with_begin, he_tokens *tokens, hd_error *out_error);

#endif
