/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the transformer: which tensor stands where in which op, for the llama family and its kin. */
#include "model.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Values of one layer: at most 9 weights, 9 biases and norms, 2 KV and 18 activations; outside of layers 10.
 */
#define VALUES_PER_LAYER  40u
#define VALUES_AROUND     16u
#define TENSOR_NAME_BYTES 64u

/* Building stops at the first failure: every function below then does nothing and answers HD_VALUE_NONE. */
typedef struct builder {
  const hei_gguf *gguf;
  const hei_params *params;
  hd_format kv_format;
  hei_network *network;
  size_t tensors_used;
  uint8_t *used; /* by tensor index */
  int16_t layer; /* of the ops being added */
  hd_status status;
  hd_error *out_error;
} builder;

/* ---- values ---- */

static hd_value add_described(builder *b, hd_value_desc desc) {
  hd_value value = HD_VALUE_NONE;
  if (b->status != HD_OK) return value;
  b->status = hd_graph_add_value(b->network->graph, &desc, &value);
  if (b->status != HD_OK)
    hd_fail(b->out_error, b->status, "%s: the graph takes no more values: %s", b->gguf->name,
            hd_status_text(b->status));
  return value;
}

static hd_value add_value(builder *b, hd_value_kind kind, hd_format format, hd_rows rows_kind, uint32_t rows,
                          uint32_t cols) {
  return add_described(b, (hd_value_desc){kind, format, rows_kind, rows, cols, b->layer, HD_KV_ROWS});
}

static hd_value add_rows(builder *b, hd_rows rows_kind, uint32_t cols) {
  return add_value(b, HD_VALUE_ACTIVATION, HD_FORMAT_F32, rows_kind, 0, cols);
}

static hd_value add_op(builder *b, hd_op op) {
  if (b->status != HD_OK) return HD_VALUE_NONE;
  op.layer = b->layer;
  b->status = hd_graph_add_op(b->network->graph, &op);
  if (b->status != HD_OK)
    hd_fail(b->out_error, b->status, "%s: the graph takes no more ops: %s", b->gguf->name,
            hd_status_text(b->status));
  return op.out;
}

/* ---- weights ---- */

/* "blk.3.attn_q.weight" inside a layer, "output.weight" outside. */
static const char *tensor_name(const builder *b, const char *part, const char *suffix,
                               char out_name[TENSOR_NAME_BYTES]) {
  if (b->layer >= 0 && (uint32_t)b->layer < b->params->n_layers)
    (void)snprintf(out_name, TENSOR_NAME_BYTES, "blk.%d.%s.%s", b->layer, part, suffix);
  else
    (void)snprintf(out_name, TENSOR_NAME_BYTES, "%s.%s", part, suffix);
  return out_name;
}

static bool has_shape(const hei_gguf_tensor *tensor, uint32_t rows, uint32_t cols) {
  return tensor->dims[0] == cols && tensor->dims[1] == rows && tensor->dims[2] == 1 && tensor->dims[3] == 1;
}

static void check_tensor(builder *b, const hei_gguf_tensor *tensor, uint32_t rows, uint32_t cols) {
  if (!has_shape(tensor, rows, cols)) {
    b->status = hd_fail(b->out_error, HD_E_FORMAT,
                        "%s: tensor '%.*s' is %" PRIu64 " x %" PRIu64 " x %" PRIu64 " x %" PRIu64
                        ", the parameters say %" PRIu32 " x %" PRIu32,
                        b->gguf->name, HEI_SHOW(tensor->name), tensor->dims[0], tensor->dims[1],
                        tensor->dims[2], tensor->dims[3], cols, rows);
    return;
  }
  bool vector = rows == 1; /* norms, biases and factors; ops read them as F32 */
  bool fits = vector ? tensor->format == HD_FORMAT_F32 : tensor->format != HD_FORMAT_I32;
  if (!fits)
    b->status = hd_fail(b->out_error, HD_E_FORMAT, "%s: tensor '%.*s' has the type %s, not %s", b->gguf->name,
                        HEI_SHOW(tensor->name), hd_format_get(tensor->format)->name,
                        vector ? "F32" : "one of weights");
}

static void count_tensor(builder *b, const hei_gguf_tensor *tensor) {
  size_t index = (size_t)(tensor - b->gguf->tensors);
  b->tensors_used += !b->used[index];
  b->used[index] = 1;
  b->network->weight_bytes += tensor->bytes;
  b->network->format_bytes[tensor->format] += tensor->bytes;
  b->network->parameter_count += tensor->dims[0] * tensor->dims[1];
}

/* HD_VALUE_NONE when it is absent and not required. */
static hd_value bind(builder *b, const char *part, const char *suffix, bool required, uint32_t rows,
                     uint32_t cols) {
  char name[TENSOR_NAME_BYTES];
  if (b->status != HD_OK) return HD_VALUE_NONE;
  const hei_gguf_tensor *tensor = hei_gguf_find_tensor(b->gguf, tensor_name(b, part, suffix, name));
  if (tensor == NULL) {
    if (required)
      b->status = hd_fail(b->out_error, HD_E_FORMAT, "%s: tensor '%s' is missing", b->gguf->name, name);
    return HD_VALUE_NONE;
  }
  check_tensor(b, tensor, rows, cols);
  hd_value value = add_value(b, HD_VALUE_WEIGHT, tensor->format, HD_ROWS_FIXED, rows, cols);
  if (b->status != HD_OK) return HD_VALUE_NONE;
  assert(value < b->network->weight_capacity);
  b->network->weights[value] = hei_gguf_tensor_data(b->gguf, tensor);
  count_tensor(b, tensor);
  return value;
}

/* ---- ops ---- */

static hd_op make_op(hd_op_kind kind, hd_value in0, hd_value in1, hd_value in2, hd_value out) {
  return (hd_op){.kind = kind, .in = {in0, in1, in2, HD_VALUE_NONE}, .out = out};
}

/* Norm of rows of `cols`, `group` values together. */
static hd_value add_norm(builder *b, const char *part, hd_value x, hd_rows rows_kind, uint32_t cols,
                         uint32_t group) {
  hd_value weight = bind(b, part, "weight", true, 1, group);
  hd_op op = make_op(HD_OP_RMS_NORM, x, weight, HD_VALUE_NONE, add_rows(b, rows_kind, cols));
  op.u.rms_norm.eps = b->params->norm_eps;
  op.u.rms_norm.group = group;
  return add_op(b, op);
}

/* y = x W^T + bias for tokens, the bias if the file has one. */
static hd_value add_linear(builder *b, const char *part, bool needs_bias, hd_value x, uint32_t rows,
                           uint32_t cols) {
  hd_value weight = bind(b, part, "weight", true, rows, cols);
  hd_value bias = bind(b, part, "bias", needs_bias, 1, rows);
  return add_op(b, make_op(HD_OP_MATMUL, x, weight, bias, add_rows(b, HD_ROWS_TOKENS, rows)));
}

static hd_value add_sum(builder *b, hd_value x, hd_value y) {
  hd_value out = add_rows(b, HD_ROWS_TOKENS, b->params->n_embd);
  return add_op(b, make_op(HD_OP_ADD, x, y, HD_VALUE_NONE, out));
}

static hd_value add_rope(builder *b, hd_value x, uint32_t cols, hd_value factors) {
  const hei_params *p = b->params;
  hd_op op = make_op(HD_OP_ROPE, x, factors, HD_VALUE_NONE, add_rows(b, HD_ROWS_TOKENS, cols));
  op.u.rope.head_dim = p->head_dim;
  op.u.rope.rope_dim = p->rope_dim;
  op.u.rope.style = p->arch->rope_style;
  op.u.rope.freq_base = p->rope_base;
  op.u.rope.freq_scale = p->rope_scale;
  return add_op(b, op);
}

static hd_value add_kv_store(builder *b, hd_value x, uint32_t cols, hd_kv_layout layout) {
  hd_value cache = add_described(
      b, (hd_value_desc){HD_VALUE_KV, b->kv_format, HD_ROWS_CONTEXT, 0, cols, b->layer, layout});
  return add_op(b, make_op(HD_OP_KV_STORE, x, HD_VALUE_NONE, HD_VALUE_NONE, cache));
}

static hd_value add_attention(builder *b, hd_value x, hd_value factors) {
  const hei_params *p = b->params;
  uint32_t q_cols = p->n_heads * p->head_dim, kv_cols = p->n_kv_heads * p->head_dim;
  bool bias = p->arch->needs_qkv_bias;
  hd_value normed = add_norm(b, "attn_norm", x, HD_ROWS_TOKENS, p->n_embd, p->n_embd);
  hd_value q = add_linear(b, "attn_q", bias, normed, q_cols, p->n_embd);
  hd_value k = add_linear(b, "attn_k", bias, normed, kv_cols, p->n_embd);
  hd_value v = add_linear(b, "attn_v", bias, normed, kv_cols, p->n_embd);
  if (p->arch->has_qk_norm) {
    q = add_norm(b, "attn_q_norm", q, HD_ROWS_TOKENS, q_cols, p->head_dim);
    k = add_norm(b, "attn_k_norm", k, HD_ROWS_TOKENS, kv_cols, p->head_dim);
  }
  q = add_rope(b, q, q_cols, factors);
  k = add_rope(b, k, kv_cols, factors);
  /* The blocks of Q8_0 run along a head's values, so that they are not turned. */
  hd_value k_cache = add_kv_store(b, k, kv_cols, b->kv_format == HD_FORMAT_Q8_0 ? HD_KV_ROWS : HD_KV_TURNED);
  hd_value v_cache = add_kv_store(b, v, kv_cols, HD_KV_ROWS);
  hd_op op = make_op(HD_OP_ATTENTION, q, k_cache, v_cache, add_rows(b, HD_ROWS_TOKENS, q_cols));
  op.u.attention.n_heads = p->n_heads;
  op.u.attention.n_kv_heads = p->n_kv_heads;
  op.u.attention.head_dim = p->head_dim;
  op.u.attention.scale = 1.0f / sqrtf((float)p->head_dim);
  hd_value mixed = add_op(b, op);
  return add_sum(b, x, add_linear(b, "attn_output", false, mixed, p->n_embd, q_cols));
}

static hd_value add_feed_forward(builder *b, hd_value x) {
  const hei_params *p = b->params;
  hd_value normed = add_norm(b, "ffn_norm", x, HD_ROWS_TOKENS, p->n_embd, p->n_embd);
  hd_value gate = add_linear(b, "ffn_gate", false, normed, p->n_ff, p->n_embd);
  hd_value up = add_linear(b, "ffn_up", false, normed, p->n_ff, p->n_embd);
  hd_value hidden =
      add_op(b, make_op(HD_OP_SWIGLU, gate, up, HD_VALUE_NONE, add_rows(b, HD_ROWS_TOKENS, p->n_ff)));
  return add_sum(b, x, add_linear(b, "ffn_down", false, hidden, p->n_embd, p->n_ff));
}

static void add_all(builder *b) {
  const hei_params *p = b->params;
  b->layer = -1;
  hd_value tokens = add_value(b, HD_VALUE_TOKENS, HD_FORMAT_I32, HD_ROWS_TOKENS, 0, 1);
  hd_value table = bind(b, "token_embd", "weight", true, p->n_vocab, p->n_embd);
  hd_value factors = bind(b, "rope_freqs", "weight", false, 1, p->rope_dim / 2);
  hd_value x =
      add_op(b, make_op(HD_OP_EMBED, tokens, table, HD_VALUE_NONE, add_rows(b, HD_ROWS_TOKENS, p->n_embd)));
  for (uint32_t i = 0; i < p->n_layers; i++) {
    b->layer = (int16_t)i;
    x = add_attention(b, x, factors);
    x = add_feed_forward(b, x);
  }
  b->layer = (int16_t)p->n_layers;
  x = add_op(b,
             make_op(HD_OP_SELECT, x, HD_VALUE_NONE, HD_VALUE_NONE, add_rows(b, HD_ROWS_OUTPUTS, p->n_embd)));
  x = add_norm(b, "output_norm", x, HD_ROWS_OUTPUTS, p->n_embd, p->n_embd);
  hd_value output = bind(b, "output", "weight", false, p->n_vocab, p->n_embd);
  if (output == HD_VALUE_NONE) output = table; /* tied embeddings */
  hd_value logits = add_value(b, HD_VALUE_LOGITS, HD_FORMAT_F32, HD_ROWS_OUTPUTS, 0, p->n_vocab);
  (void)add_op(b, make_op(HD_OP_MATMUL, x, output, HD_VALUE_NONE, logits));
}

/* A tensor that the graph does not use means a model that is not what its architecture says; to leave it out
 * would give wrong words in silence. */
static void check_all_used(builder *b) {
  for (size_t i = 0;
       i < b->gguf->tensor_count && b->tensors_used < b->gguf->tensor_count && b->status == HD_OK; i++)
    if (!b->used[i])
      b->status = hd_fail(b->out_error, HD_E_UNSUPPORTED, "%s: tensor '%.*s' has no place in a %s graph",
                          b->gguf->name, HEI_SHOW(b->gguf->tensors[i].name), b->params->arch->name);
}

static void build(builder *b) {
  const hei_params *p = b->params;
  hei_network *network = b->network;
  hd_graph_desc desc = {sizeof desc, "", p->n_layers, p->n_vocab, p->n_context};
  (void)snprintf(desc.name, sizeof desc.name, "%s", p->arch->name);
  network->weight_capacity = p->n_layers * VALUES_PER_LAYER + VALUES_AROUND;
  network->weights =
      hd_host_zalloc(&network->host, network->weight_capacity, sizeof *network->weights, _Alignof(void *));
  b->status =
      network->weights != NULL ? hd_graph_create(&network->host, &desc, &network->graph) : HD_E_NO_MEMORY;
  if (b->status != HD_OK) {
    hd_fail(b->out_error, b->status, "%s: no graph: %s", b->gguf->name, hd_status_text(b->status));
    return;
  }
  add_all(b);
  check_all_used(b);
  if (b->status == HD_OK) b->status = hd_graph_seal(network->graph, b->out_error);
}

hd_status hei_network_build(const hei_gguf *gguf, const hei_params *params, hd_format kv_format,
                            hei_network *out_network, hd_error *out_error) {
  if (gguf->tensor_count == 0)
    return hd_fail(out_error, HD_E_FORMAT, "%s: a model without tensors", gguf->name);
  hei_network network = {.host = gguf->host};
  builder b = {
      .gguf = gguf, .params = params, .kv_format = kv_format, .network = &network, .out_error = out_error};
  b.used = hd_host_zalloc(&network.host, gguf->tensor_count, 1, 1);
  if (b.used == NULL) return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for its graph", gguf->name);
  build(&b);
  hd_host_free(&network.host, b.used, gguf->tensor_count, 1);
  if (b.status == HD_OK)
    *out_network = network;
  else
    hei_network_finish(&network);
  return b.status;
}

void hei_network_finish(hei_network *network) {
  hd_graph_destroy(network->graph);
  if (network->weights != NULL)
    hd_host_free(&network->host, network->weights, network->weight_capacity, sizeof *network->weights);
  *network = (hei_network){0};
}
