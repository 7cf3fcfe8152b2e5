/* SPDX-License-Identifier: Apache-2.0 */
/* Pre-tokenizers of byte-level BPE: how a text is cut into words before merging. Merges never cross a word's
 * border. */
#ifndef ENGINE_PRESPLIT_H
#define ENGINE_PRESPLIT_H

#include <stdbool.h>
#include "names.h"

typedef struct hei_presplit hei_presplit;

/* The pre-tokenizer of that tokenizer.ggml.pre name, its patterns compiled once. `out_whole_words`: this
 * family takes a word that is a token without merging (llama 3). Errors: UNSUPPORTED (the line lists the
 * names known), NO_MEMORY. Threads: any number may split with one. */
hd_status hei_presplit_create(const hd_host *host, hei_text pre, const char *file,
                              hei_presplit **out_presplit, bool *out_whole_words, hd_error *out_error);
void hei_presplit_destroy(hei_presplit *presplit);

/* The list of words of a text, each by where it ends; the first begins at 0. Ownership: the caller's, until
 * hei_words_finish. */
typedef struct hei_words {
  const hd_host *host;
  size_t *ends;
  size_t count;
  size_t capacity;
} hei_words;

/* Cuts `bytes` bytes of valid UTF-8. Every byte is in one word. Errors: NO_MEMORY, INTERNAL (the pattern
 * engine gave up). */
hd_status hei_presplit_run(const hei_presplit *presplit, const char *text, size_t bytes,
                           hei_words *out_words);
void hei_words_finish(hei_words *words);

#endif
