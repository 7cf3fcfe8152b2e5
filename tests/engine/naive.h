/* SPDX-License-Identifier: Apache-2.0 */
/* A transformer written down plainly, in double precision, straight from the papers: what the engine's graphs
 * are held against. No cache, no batches: position after position, everything again. */
#ifndef TESTS_NAIVE_H
#define TESTS_NAIVE_H

#include "tiny_model.h"

/* Logits of every position of `tokens`: n_tokens x TINY_VOCAB. `halves`: RoPE turns (i, i + n/2) instead of
 * (2i, 2i + 1). */
void naive_forward(const tiny_model *tiny, bool halves, const int32_t *tokens, uint32_t n_tokens,
                   double *out_logits);

#endif
