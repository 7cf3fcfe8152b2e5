/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a tiny model is made up. */
#include "tiny_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t tiny_random(uint64_t *state) {
  uint64_t x = *state += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

void tiny_init(tiny_model *tiny, const char *arch) {
  *tiny = (tiny_model){.arch = arch,
                       .n_layers = 2,
                       .n_embd = 32,
                       .n_ff = 48,
                       .n_heads = 4,
                       .n_kv_heads = 2,
                       .head_dim = 8,
                       .rope_dim = 8,
                       .n_context = 64,
                       .rope_base = 10000.0f,
                       .rope_scale = 1.0f,
                       .norm_eps = 1e-5f,
                       .seed = 1};
}

void tiny_finish(tiny_model *tiny) {
  for (uint32_t i = 0; i < tiny->tensor_count; i++)
    free(tiny->tensors[i].values);
  tiny->tensor_count = 0;
}

const tiny_tensor *tiny_find(const tiny_model *tiny, const char *name) {
  for (uint32_t i = 0; i < tiny->tensor_count; i++)
    if (strcmp(tiny->tensors[i].name, name) == 0) return &tiny->tensors[i];
  return NULL;
}

/* Values around `mean`, spread evenly over +-spread. */
static void add_tensor(tiny_model *tiny, const char *name, uint32_t rows, uint32_t cols, float mean,
                       float spread) {
  if (tiny->tensor_count == TINY_TENSORS_MAX) abort();
  tiny_tensor *tensor = &tiny->tensors[tiny->tensor_count++];
  (void)snprintf(tensor->name, sizeof tensor->name, "%s", name);
  tensor->rows = rows;
  tensor->cols = cols;
  tensor->values = malloc((size_t)rows * cols * sizeof(float));
  if (tensor->values == NULL) abort();
  for (size_t i = 0; i < (size_t)rows * cols; i++) {
    double unit = (double)(tiny_random(&tiny->seed) >> 11) / 9007199254740992.0;
    tensor->values[i] = mean + spread * (float)(2.0 * unit - 1.0);
  }
}

static void add_in_layer(tiny_model *tiny, uint32_t layer, const char *part, uint32_t rows, uint32_t cols,
                         float mean, float spread) {
  char name[64];
  (void)snprintf(name, sizeof name, "blk.%u.%s", layer, part);
  add_tensor(tiny, name, rows, cols, mean, spread);
}

static void add_layer(tiny_model *tiny, uint32_t i) {
  uint32_t d = tiny->n_embd, q = tiny->n_heads * tiny->head_dim, kv = tiny->n_kv_heads * tiny->head_dim;
  add_in_layer(tiny, i, "attn_norm.weight", 1, d, 1.0f, 0.3f);
  add_in_layer(tiny, i, "attn_q.weight", q, d, 0.0f, 0.4f);
  add_in_layer(tiny, i, "attn_k.weight", kv, d, 0.0f, 0.4f);
  add_in_layer(tiny, i, "attn_v.weight", kv, d, 0.0f, 0.4f);
  add_in_layer(tiny, i, "attn_output.weight", d, q, 0.0f, 0.4f);
  if (tiny->qkv_bias) {
    add_in_layer(tiny, i, "attn_q.bias", 1, q, 0.0f, 0.5f);
    add_in_layer(tiny, i, "attn_k.bias", 1, kv, 0.0f, 0.5f);
    add_in_layer(tiny, i, "attn_v.bias", 1, kv, 0.0f, 0.5f);
  }
  if (tiny->qk_norm) {
    add_in_layer(tiny, i, "attn_q_norm.weight", 1, tiny->head_dim, 1.0f, 0.5f);
    add_in_layer(tiny, i, "attn_k_norm.weight", 1, tiny->head_dim, 1.0f, 0.5f);
  }
  add_in_layer(tiny, i, "ffn_norm.weight", 1, d, 1.0f, 0.3f);
  add_in_layer(tiny, i, "ffn_gate.weight", tiny->n_ff, d, 0.0f, 0.4f);
  add_in_layer(tiny, i, "ffn_up.weight", tiny->n_ff, d, 0.0f, 0.4f);
  add_in_layer(tiny, i, "ffn_down.weight", d, tiny->n_ff, 0.0f, 0.4f);
}

static void make_weights(tiny_model *tiny) {
  add_tensor(tiny, "token_embd.weight", TINY_VOCAB, tiny->n_embd, 0.0f, 1.0f);
  if (tiny->rope_factors) add_tensor(tiny, "rope_freqs.weight", 1, tiny->rope_dim / 2, 2.0f, 1.0f);
  for (uint32_t i = 0; i < tiny->n_layers; i++)
    add_layer(tiny, i);
  add_tensor(tiny, "output_norm.weight", 1, tiny->n_embd, 1.0f, 0.3f);
  if (!tiny->tied) add_tensor(tiny, "output.weight", TINY_VOCAB, tiny->n_embd, 0.0f, 0.4f);
}

static void write_key_u32(const tiny_model *tiny, gw_writer *writer, const char *name, uint32_t value) {
  char key[96];
  (void)snprintf(key, sizeof key, "%s.%s", tiny->arch, name);
  gw_u32(writer, key, value);
}

static void write_key_f32(const tiny_model *tiny, gw_writer *writer, const char *name, float value) {
  char key[96];
  (void)snprintf(key, sizeof key, "%s.%s", tiny->arch, name);
  gw_f32(writer, key, value);
}

static void write_vocab(gw_writer *writer) {
  /* Octal: "\342\226\201" is U+2581, and the letter after it must not become a part of it. */
  static const char *const PIECES[TINY_VOCAB - 259] = {
      "\342\226\201", "a", "b", "c", "d", "e", "\342\226\201a", "ab", "cd", "abc", "de", "ee", "\303\251"};
  static char bytes[256][8];
  const char *texts[TINY_VOCAB] = {"<unk>", "<s>", "</s>"};
  float scores[TINY_VOCAB] = {0};
  int32_t kinds[TINY_VOCAB] = {2, 3, 3};
  for (int i = 0; i < 256; i++) {
    (void)snprintf(bytes[i], sizeof bytes[i], "<0x%02X>", i);
    texts[3 + i] = bytes[i];
    kinds[3 + i] = 6;
  }
  for (uint32_t i = 259; i < TINY_VOCAB; i++) {
    texts[i] = PIECES[i - 259];
    kinds[i] = 1;
    scores[i] = 259.0f - (float)i;
  }
  gw_text(writer, "tokenizer.ggml.model", "llama");
  gw_texts(writer, "tokenizer.ggml.tokens", texts, TINY_VOCAB);
  gw_words(writer, "tokenizer.ggml.scores", GW_F32, scores, TINY_VOCAB);
  gw_words(writer, "tokenizer.ggml.token_type", GW_I32, kinds, TINY_VOCAB);
  gw_u32(writer, "tokenizer.ggml.bos_token_id", 1);
  gw_u32(writer, "tokenizer.ggml.eos_token_id", 2);
  gw_u32(writer, "tokenizer.ggml.unknown_token_id", 0);
}

void tiny_write_into(tiny_model *tiny, gw_writer *writer) {
  writer->omit = tiny->omit;
  make_weights(tiny);
  gw_text(writer, "general.architecture", tiny->arch);
  gw_text(writer, "general.name", "tiny");
  gw_u32(writer, "general.alignment", 32);
  write_key_u32(tiny, writer, "block_count", tiny->n_layers);
  write_key_u32(tiny, writer, "context_length", tiny->n_context);
  write_key_u32(tiny, writer, "embedding_length", tiny->n_embd);
  write_key_u32(tiny, writer, "feed_forward_length", tiny->n_ff);
  write_key_u32(tiny, writer, "attention.head_count", tiny->n_heads);
  write_key_u32(tiny, writer, "attention.head_count_kv", tiny->n_kv_heads);
  write_key_u32(tiny, writer, "attention.key_length", tiny->head_dim);
  write_key_u32(tiny, writer, "rope.dimension_count", tiny->rope_dim);
  write_key_f32(tiny, writer, "rope.freq_base", tiny->rope_base);
  write_key_f32(tiny, writer, "attention.layer_norm_rms_epsilon", tiny->norm_eps);
  if (tiny->rope_scale != 1.0f) write_key_f32(tiny, writer, "rope.scaling.factor", 1.0f / tiny->rope_scale);
  write_vocab(writer);
  for (uint32_t i = 0; i < tiny->tensor_count; i++) {
    const tiny_tensor *t = &tiny->tensors[i];
    bool misshapen = tiny->misshape != NULL && strcmp(tiny->misshape, t->name) == 0;
    /* One row less is data that is all there, in a shape that is wrong. */
    uint32_t cols = misshapen && t->rows == 1 ? t->cols - 1 : t->cols;
    uint32_t rows = misshapen && t->rows > 1 ? t->rows - 1 : t->rows;
    gw_tensor(writer, t->name, cols, rows, GW_TENSOR_F32, t->values, (size_t)rows * cols * sizeof(float));
  }
}

uint8_t *tiny_write(tiny_model *tiny, size_t *out_bytes) {
  gw_writer writer;
  gw_init(&writer);
  tiny_write_into(tiny, &writer);
  uint8_t *file = gw_build(&writer, out_bytes);
  gw_finish(&writer);
  return file;
}
