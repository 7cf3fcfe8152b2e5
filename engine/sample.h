/* SPDX-License-Identifier: Apache-2.0 */
/* Sampling: from logits to the next token. */
#ifndef ENGINE_SAMPLE_H
#define ENGINE_SAMPLE_H

#include "engine.h"

typedef struct hei_choice {
  float logit;
  int32_t id;
} hei_choice;

typedef struct hei_sampler {
  const hd_host *host;
  he_sampling how;
  uint32_t n_vocab;
  uint64_t random;     /* PCG's state */
  hei_choice *choices; /* n_vocab of them; NULL when greedy */
} hei_sampler;

/* All memory is taken here. Errors: INVALID (a negative temperature, top_p outside 0..1, no numbers),
 * NO_MEMORY. Ownership: the caller's, until hei_sampler_finish; `host` outlives it. */
hd_status hei_sampler_init(hei_sampler *sampler, const hd_host *host, const he_sampling *how,
                           uint32_t n_vocab, hd_error *out_error);
/* Takes a zeroed one too. */
void hei_sampler_finish(hei_sampler *sampler);

/* Errors: DEVICE (a logit is no number, or none is finite: whoever computed them is not to be believed). */
hd_status hei_sample(hei_sampler *sampler, const float *logits, int32_t *out_id);

/* The next 32 random bits. Source: M. E. O'Neill, "PCG: a family of simple fast space-efficient statistically
 * good algorithms for random number generation", 2014: PCG-XSH-RR 64/32. */
uint64_t hei_random_seed(uint64_t seed);
uint32_t hei_random(uint64_t *state);

/* -log softmax of `id`: its negative log-likelihood, natural logarithm. Not finite when the logits are not.
 */
double hei_nll(const float *logits, uint32_t n_vocab, int32_t id);

#endif
