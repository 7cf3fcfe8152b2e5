/* SPDX-License-Identifier: Apache-2.0 */
/* Small models with random weights, written as GGUF files in memory, with their weights kept for comparing.
 */
#ifndef TESTS_TINY_MODEL_H
#define TESTS_TINY_MODEL_H

#include "gguf_writer.h"

typedef struct tiny_tensor {
  char name[64];
  uint32_t rows, cols;
  float *values;
} tiny_tensor;

#define TINY_TENSORS_MAX 64u

typedef struct tiny_model {
  const char *arch;
  uint32_t n_layers, n_embd, n_ff, n_heads, n_kv_heads, head_dim, rope_dim, n_context;
  bool tied, qkv_bias, qk_norm, rope_factors;
  float rope_base, rope_scale, norm_eps;
  uint64_t seed;
  const char *omit;     /* a key or tensor to leave out */
  const char *misshape; /* a tensor to give one more row */
  tiny_tensor tensors[TINY_TENSORS_MAX];
  uint32_t tensor_count;
} tiny_model;

/* Vocabulary of every tiny model: <unk> <s> </s>, 256 bytes, and some pieces. */
#define TINY_VOCAB 272u

/* A llama of two layers; change fields before writing. */
void tiny_init(tiny_model *tiny, const char *arch);
void tiny_finish(tiny_model *tiny);
/* Weights, then the file. Ownership: the caller's, free(). */
uint8_t *tiny_write(tiny_model *tiny, size_t *out_bytes);
/* The same into a writer, so that a test can add to it. */
void tiny_write_into(tiny_model *tiny, gw_writer *writer);
/* NULL when it has none. */
const tiny_tensor *tiny_find(const tiny_model *tiny, const char *name);

/* splitmix64: the tests' random numbers. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014. */
uint64_t tiny_random(uint64_t *state);

#endif
