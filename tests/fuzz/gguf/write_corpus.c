/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the corpus of fuzz_gguf into a folder: right files, small and of every kind, for the fuzzer to
 * spoil. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_writer.h"

static void save(const char *folder, const char *name, gw_writer *writer) {
  char path[512];
  size_t bytes;
  uint8_t *file = gw_build(writer, &bytes);
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *out = fopen(path, "wb");
  if (out == NULL || fwrite(file, 1, bytes, out) != bytes || fclose(out) != 0) {
    perror(path);
    exit(1);
  }
  free(file);
  gw_finish(writer);
}

/* A value of every type. */
static void write_values(const char *folder) {
  static const char *const TEXTS[] = {"one", "", "three"};
  static const float NUMBERS[64] = {1.0f, -2.0f};
  gw_writer w;
  gw_init(&w);
  for (uint32_t type = GW_U8; type <= GW_F64; type++) {
    char key[16];
    (void)snprintf(key, sizeof key, "type.%u", type);
    if (type == GW_STRING || type == GW_ARRAY) continue;
    (void)gw_key(&w, key, type);
    gw_put(&w.keys, "\1\0\0\0\0\0\0\0",
           type >= GW_U64                     ? 8
           : type == GW_BOOL || type <= GW_I8 ? 1
           : type <= GW_I16                   ? 2
                                              : 4);
  }
  gw_text(&w, "text", "value");
  gw_texts(&w, "texts", TEXTS, 3);
  gw_words(&w, "numbers", GW_F32, NUMBERS, 4);
  gw_tensor(&w, "a", 32, 2, GW_TENSOR_F32, NUMBERS, 256);
  gw_tensor(&w, "b", 32, 1, GW_TENSOR_Q8_0, NUMBERS, 34);
  save(folder, "values", &w);
}

static void write_vocab_pieces(gw_writer *w) {
  static const char *const TEXTS[] = {"<unk>",        "<s>", "</s>", "<0x0A>",
                                      "\xe2\x96\x81", "t",   "i",    "\xe2\x96\x81t"};
  static const float SCORES[8] = {0, 0, 0, 0, -1, -2, -3, -4};
  static const int32_t KINDS[8] = {2, 3, 3, 6, 1, 1, 1, 4};
  gw_text(w, "tokenizer.ggml.model", "llama");
  gw_texts(w, "tokenizer.ggml.tokens", TEXTS, 8);
  gw_words(w, "tokenizer.ggml.scores", GW_F32, SCORES, 8);
  gw_words(w, "tokenizer.ggml.token_type", GW_I32, KINDS, 8);
  gw_u32(w, "tokenizer.ggml.bos_token_id", 1);
  gw_bool(w, "tokenizer.ggml.add_space_prefix", true);
  gw_text(w, "tokenizer.chat_template", "<|user|> <|assistant|>");
}

static void write_vocab_bytes(gw_writer *w, const char *pre) {
  static const char *const TEXTS[] = {"o", "n", "on", "\xc4\xa0", "<|im_start|>", "<|im_end|>", "1", "e"};
  static const char *const MERGES[] = {"o n"};
  static const int32_t KINDS[8] = {1, 1, 1, 1, 3, 3, 1, 1};
  gw_text(w, "tokenizer.ggml.model", "gpt2");
  gw_text(w, "tokenizer.ggml.pre", pre);
  gw_texts(w, "tokenizer.ggml.tokens", TEXTS, 8);
  gw_texts(w, "tokenizer.ggml.merges", MERGES, 1);
  gw_words(w, "tokenizer.ggml.token_type", GW_I32, KINDS, 8);
  gw_u32(w, "tokenizer.ggml.unknown_token_id", 7);
}

static void write_u32(gw_writer *w, const char *arch, const char *name, uint32_t value) {
  char key[96];
  (void)snprintf(key, sizeof key, "%s.%s", arch, name);
  gw_u32(w, key, value);
}

static void write_params(gw_writer *w, const char *arch) {
  char key[96];
  gw_text(w, "general.architecture", arch);
  write_u32(w, arch, "block_count", 1);
  write_u32(w, arch, "context_length", 8);
  write_u32(w, arch, "embedding_length", 4);
  write_u32(w, arch, "feed_forward_length", 4);
  write_u32(w, arch, "attention.head_count", 2);
  write_u32(w, arch, "attention.head_count_kv", 1);
  (void)snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", arch);
  gw_f32(w, key, 1e-5f);
}

/* One layer of width 4, embeddings tied. */
static void write_tensors(gw_writer *w, const char *arch) {
  static const float VALUES[32];
  static const struct {
    const char *name;
    uint64_t cols, rows;
    const char *only; /* of this architecture; NULL: of all */
  } TENSORS[] = {{"token_embd.weight", 4, 8, NULL},           {"blk.0.attn_norm.weight", 4, 1, NULL},
                 {"blk.0.attn_q.weight", 4, 4, NULL},         {"blk.0.attn_k.weight", 4, 2, NULL},
                 {"blk.0.attn_v.weight", 4, 2, NULL},         {"blk.0.attn_q.bias", 4, 1, "qwen2"},
                 {"blk.0.attn_k.bias", 2, 1, "qwen2"},        {"blk.0.attn_v.bias", 2, 1, "qwen2"},
                 {"blk.0.attn_q_norm.weight", 2, 1, "qwen3"}, {"blk.0.attn_k_norm.weight", 2, 1, "qwen3"},
                 {"blk.0.attn_output.weight", 4, 4, NULL},    {"blk.0.ffn_norm.weight", 4, 1, NULL},
                 {"blk.0.ffn_gate.weight", 4, 4, NULL},       {"blk.0.ffn_up.weight", 4, 4, NULL},
                 {"blk.0.ffn_down.weight", 4, 4, NULL},       {"output_norm.weight", 4, 1, NULL}};
  for (size_t i = 0; i < sizeof TENSORS / sizeof *TENSORS; i++)
    if (TENSORS[i].only == NULL || strcmp(TENSORS[i].only, arch) == 0)
      gw_tensor(w, TENSORS[i].name, TENSORS[i].cols, TENSORS[i].rows, GW_TENSOR_F32, VALUES,
                (size_t)(TENSORS[i].cols * TENSORS[i].rows) * sizeof *VALUES);
}

static void write_model(const char *folder, const char *arch, const char *pre) {
  gw_writer w;
  gw_init(&w);
  write_params(&w, arch);
  if (pre == NULL)
    write_vocab_pieces(&w);
  else
    write_vocab_bytes(&w, pre);
  write_tensors(&w, arch);
  save(folder, arch, &w);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  write_values(argv[1]);
  write_model(argv[1], "llama", NULL);
  write_model(argv[1], "qwen2", "qwen2");
  write_model(argv[1], "qwen3", "llama-bpe");
  return 0;
}
