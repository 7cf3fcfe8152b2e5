/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary of a model: token texts, kinds and special tokens, and what its tokenizer needs besides.
 * Source: the GGUF specification, "tokenizer.ggml" keys. */
#ifndef ENGINE_VOCAB_H
#define ENGINE_VOCAB_H

#include "gguf.h"
#include "names.h"
#include "pairs.h"
#include "presplit.h"

typedef enum hei_vocab_kind {
  HEI_VOCAB_PIECES, /* "llama": SentencePiece-style, merges by score */
  HEI_VOCAB_BYTES   /* "gpt2": byte-level BPE, merges by rank */
} hei_vocab_kind;

/* GGUF's numbers. */
typedef enum hei_token_kind {
  HEI_TOKEN_NORMAL = 1,
  HEI_TOKEN_UNKNOWN = 2,
  HEI_TOKEN_CONTROL = 3,
  HEI_TOKEN_USER_DEFINED = 4,
  HEI_TOKEN_UNUSED = 5,
  HEI_TOKEN_BYTE = 6
} hei_token_kind;

#define HEI_ENDS_MAX 16u

/* Special tokens with longer texts are not looked for in a text: real ones have at most 30 bytes or so. */
#define HEI_SPECIAL_BYTES_MAX 255u

typedef struct hei_vocab {
  hd_host host;
  const char *name; /* the file's, for error lines */
  hei_vocab_kind kind;
  uint32_t count;
  hei_text *texts; /* in the file */
  uint8_t *kinds;  /* hei_token_kind */
  float *scores;   /* HEI_VOCAB_PIECES */
  hei_names names;
  uint32_t *specials; /* control, unknown and user-defined tokens, sorted by text */
  uint32_t special_count;
  size_t longest_bytes;        /* of a token's text */
  int32_t begin, end, unknown; /* -1: none */
  int32_t ends[HEI_ENDS_MAX];  /* every token that ends an answer */
  uint32_t end_count;
  bool wants_begin;   /* a text begins with `begin` */
  bool wants_space;   /* HEI_VOCAB_PIECES: a text begins with a space that is not there */
  bool whole_words;   /* HEI_VOCAB_BYTES: a word that is a token is taken whole, whatever its merges say */
  int32_t bytes[256]; /* the token of each byte; -1: none */
  hei_pairs pairs;    /* HEI_VOCAB_BYTES: merges */
  hei_presplit *presplit;
} hei_vocab;

/* Reads it from a GGUF, which outlives it. Errors: FORMAT, UNSUPPORTED (tokenizer or pre-tokenizer not known:
 * the line names what is), NO_MEMORY. Threads: immutable once read. Ownership: the caller's, until
 * hei_vocab_destroy. */
hd_status hei_vocab_read(const hei_gguf *gguf, hei_vocab **out_vocab, hd_error *out_error);
/* Takes NULL. */
void hei_vocab_destroy(hei_vocab *vocab);

/* Finds and sorts special and end tokens, once texts and kinds are read (vocab_special.c). Errors: FORMAT,
 * NO_MEMORY. */
hd_status hei_vocab_read_specials(hei_vocab *vocab, const hei_gguf *gguf, hd_error *out_error);

/* -1 when no token has this text. */
int32_t hei_vocab_find(const hei_vocab *vocab, const char *text, size_t bytes);
bool hei_vocab_is_end(const hei_vocab *vocab, int32_t id);

/* The longest special token that begins at `text`, among user-defined ones alone unless `all`; -1: none.
 * Source: leftmost-longest, as Hugging Face's added tokens are found. */
int32_t hei_vocab_match_special(const hei_vocab *vocab, const char *text, size_t bytes, bool all);

/* How byte-level BPE writes a byte: as itself when it is printable Latin-1, else as a code point from 256 on.
 * Source: openai/gpt-2, encoder.py, bytes_to_unicode. `hei_byte_of` answers -1 for other code points. */
uint32_t hei_byte_code_point(uint8_t byte);
int hei_byte_of(uint32_t code_point);

#endif
