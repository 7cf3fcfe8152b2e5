/* SPDX-License-Identifier: Apache-2.0 */
/* The reference: models, prompts, ids, logits and likelihoods that another engine produced (its README says
 * how). It is not part of the tree: a test that needs it says so and exits 77 where it is absent. */
#ifndef TESTS_REFERENCE_H
#define TESTS_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFERENCE_PROMPTS 3u
#define REFERENCE_MODELS  10u

extern const char *const REFERENCE_NAMES[REFERENCE_MODELS];

typedef struct reference_ids {
  int32_t *ids;
  uint32_t count;
} reference_ids;

typedef struct reference_prompt {
  char *text, *generated_text;
  reference_ids prompt, generated;
  float *logits; /* logits_rows x n_vocab; NULL: none were kept */
  uint32_t logits_rows;
} reference_prompt;

typedef struct reference_model {
  char path[512]; /* of the GGUF */
  uint32_t n_vocab;
  reference_prompt prompts[REFERENCE_PROMPTS];
  double mean_nll;
  uint32_t n_scored, chunk_tokens;
} reference_model;

/* False, and says so, when the reference is absent. */
bool reference_is_present(void);
/* Aborts with a message when files are not as they should be. */
void reference_load(const char *name, reference_model *out_model);
void reference_free(reference_model *model);
/* A whole file below the reference, terminated. Ownership: the caller's, free(). */
char *reference_read(const char *file, size_t *out_bytes);

#endif
