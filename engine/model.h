/* SPDX-License-Identifier: Apache-2.0 */
/* An open model: file, parameters, vocabulary, chat family, graph and weights. */
#ifndef ENGINE_MODEL_H
#define ENGINE_MODEL_H

#include "chat.h"
#include "engine.h"
#include "gguf.h"
#include "mapping.h"
#include "vocab.h"

/* How an architecture differs from plain llama. */
typedef struct hei_arch {
  const char *name;
  hd_rope_style rope_style;
  bool needs_qkv_bias; /* others may have biases */
  bool has_qk_norm;    /* q and k are normalised head by head */
} hei_arch;

/* The hyper-parameters, checked. */
typedef struct hei_params {
  const hei_arch *arch;
  uint32_t n_layers, n_vocab, n_embd, n_ff;
  uint32_t n_heads, n_kv_heads, head_dim, rope_dim;
  uint32_t n_context;
  float norm_eps, rope_base, rope_scale;
} hei_params;

/* Errors: FORMAT (a key is missing or absurd), UNSUPPORTED (architecture, or a feature of it: experts, yarn).
 */
hd_status hei_params_read(const hei_gguf *gguf, hei_params *out_params, hd_error *out_error);

/* The graph with its weights' addresses. */
typedef struct hei_network {
  hd_host host;
  hd_graph *graph;
  const void **weights; /* by hd_value; in the file */
  uint32_t weight_capacity;
  uint64_t weight_bytes;
  uint64_t parameter_count;
  uint64_t format_bytes[HD_FORMAT_COUNT];
} hei_network;

/* Errors: FORMAT (a tensor is missing or has another shape or type than the parameters say: the line names
 * it), UNSUPPORTED (the file has tensors that this graph does not use), NO_MEMORY. Ownership: the caller's,
 * until hei_network_finish; the GGUF outlives it. */
hd_status hei_network_build(const hei_gguf *gguf, const hei_params *params, hd_format kv_format,
                            hei_network *out_network, hd_error *out_error);
/* Takes a zeroed one too. */
void hei_network_finish(hei_network *network);

struct he_model {
  hd_host host;
  hei_mapping mapping; /* of a file; nothing when the memory is the caller's */
  char *label;         /* what error lines call it: the path, or its last part when it is long */
  size_t label_bytes;
  char *name; /* general.name, or the label's last part */
  size_t name_bytes;
  hei_gguf *gguf;
  hei_params params;
  hei_vocab *vocab;
  const hei_chat_family *chat; /* NULL: none recognised */
  hei_network network;
  char format[16];
  char tokenizer[48];
};

#endif
