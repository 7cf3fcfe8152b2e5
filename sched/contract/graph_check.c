/* SPDX-License-Identifier: Apache-2.0 */
/* What each op asks of its values: kinds, formats, shapes. */
#include "graph_internal.h"

#include <math.h>

static const hdi_op_rule RULES[HD_OP_COUNT] = {
    [HD_OP_EMBED] = {"embed", 2, 2},       [HD_OP_SELECT] = {"select", 1, 1},
    [HD_OP_RMS_NORM] = {"rms_norm", 2, 2}, [HD_OP_MATMUL] = {"matmul", 2, 3},
    [HD_OP_ADD] = {"add", 2, 2},           [HD_OP_ROPE] = {"rope", 1, 2},
    [HD_OP_KV_STORE] = {"kv_store", 1, 1}, [HD_OP_ATTENTION] = {"attention", 3, 3},
    [HD_OP_SWIGLU] = {"swiglu", 2, 2},
};

const hdi_op_rule *hdi_op_rule_get(hd_op_kind kind) {
  return (unsigned)kind < HD_OP_COUNT ? &RULES[kind] : NULL;
}

/* One op with its values at hand; absent ones are NULL. */
typedef struct op_values {
  const hd_op *op;
  const hd_value_desc *in[HD_OP_INPUTS_MAX];
  const hd_value_desc *out;
} op_values;

static bool is_rows(const hd_value_desc *v) {
  return v->kind == HD_VALUE_ACTIVATION;
}

static bool is_result(const hd_value_desc *v) {
  return v->kind == HD_VALUE_ACTIVATION || v->kind == HD_VALUE_LOGITS;
}

static bool same_shape(const hd_value_desc *a, const hd_value_desc *b) {
  return a->rows_kind == b->rows_kind && a->cols == b->cols;
}

static bool is_vector(const hd_value_desc *v, uint32_t cols) {
  return v->kind == HD_VALUE_WEIGHT && v->rows == 1 && v->cols == cols && v->format == HD_FORMAT_F32;
}

static const char *check_embed(const op_values *o) {
  if (o->in[0]->kind != HD_VALUE_TOKENS) return "input 0 is not the tokens";
  if (o->in[1]->kind != HD_VALUE_WEIGHT) return "the table is not a weight";
  if (!is_rows(o->out) || o->out->rows_kind != HD_ROWS_TOKENS || o->out->cols != o->in[1]->cols)
    return "the output is not tokens x table columns";
  return NULL;
}

static const char *check_select(const op_values *o) {
  if (!is_rows(o->in[0]) || o->in[0]->rows_kind != HD_ROWS_TOKENS) return "the input has not one row a token";
  if (!is_rows(o->out) || o->out->rows_kind != HD_ROWS_OUTPUTS || o->out->cols != o->in[0]->cols)
    return "the output is not outputs x input columns";
  return NULL;
}

static const char *check_rms_norm(const op_values *o) {
  uint32_t group = o->op->u.rms_norm.group;
  if (!is_rows(o->in[0]) || !is_rows(o->out) || !same_shape(o->in[0], o->out))
    return "input and output differ in shape";
  if (group == 0 || o->in[0]->cols % group != 0) return "the group does not divide the columns";
  if (!is_vector(o->in[1], group)) return "the weight is not an F32 vector of one group";
  if (!(o->op->u.rms_norm.eps >= 0.0f)) return "eps is negative or no number";
  return NULL;
}

static const char *check_matmul(const op_values *o) {
  const hd_value_desc *w = o->in[1];
  if (!is_rows(o->in[0]) || w->kind != HD_VALUE_WEIGHT)
    return "the inputs are not an activation and a weight";
  if (o->in[0]->cols != w->cols) return "input columns differ from weight columns";
  if (!is_result(o->out) || o->out->cols != w->rows || o->out->rows_kind != o->in[0]->rows_kind)
    return "the output is not input rows x weight rows";
  if (o->in[2] != NULL && !is_vector(o->in[2], w->rows))
    return "the bias is not an F32 vector of the weight's rows";
  return NULL;
}

static const char *check_elementwise(const op_values *o) {
  if (!is_rows(o->in[0]) || !is_rows(o->in[1]) || !is_rows(o->out)) return "not all values are activations";
  if (!same_shape(o->in[0], o->in[1]) || !same_shape(o->in[0], o->out))
    return "inputs and output differ in shape";
  return NULL;
}

static const char *check_rope(const op_values *o) {
  uint32_t head = o->op->u.rope.head_dim, dim = o->op->u.rope.rope_dim;
  if (!is_rows(o->in[0]) || !is_rows(o->out) || !same_shape(o->in[0], o->out))
    return "input and output differ in shape";
  if (o->in[0]->rows_kind != HD_ROWS_TOKENS) return "rows are not tokens, so they have no position";
  if (head == 0 || o->in[0]->cols % head != 0) return "the head does not divide the columns";
  if (dim == 0 || dim > head || dim % 2 != 0) return "rope_dim is odd, zero or longer than a head";
  if ((unsigned)o->op->u.rope.style > HD_ROPE_HALVES) return "unknown style";
  if (!(o->op->u.rope.freq_base > 0.0f) || !isfinite(o->op->u.rope.freq_scale))
    return "frequencies are no numbers";
  if (o->in[1] != NULL && !is_vector(o->in[1], dim / 2))
    return "the frequency factors are not F32 x rope_dim/2";
  return NULL;
}

static const char *check_kv_store(const op_values *o) {
  if (!is_rows(o->in[0]) || o->in[0]->rows_kind != HD_ROWS_TOKENS) return "the input has not one row a token";
  if (o->out->kind != HD_VALUE_KV || o->out->cols != o->in[0]->cols)
    return "the output is not KV of the input's columns";
  return NULL;
}

static const char *check_attention(const op_values *o) {
  uint32_t heads = o->op->u.attention.n_heads, kv_heads = o->op->u.attention.n_kv_heads;
  uint64_t dim = o->op->u.attention.head_dim;
  if (heads == 0 || kv_heads == 0 || dim == 0 || heads % kv_heads != 0)
    return "KV heads do not divide the heads";
  if (!is_rows(o->in[0]) || o->in[0]->rows_kind != HD_ROWS_TOKENS || o->in[0]->cols != heads * dim)
    return "q is not tokens x heads * head_dim";
  for (int i = 1; i <= 2; i++)
    if (o->in[i]->kind != HD_VALUE_KV || o->in[i]->cols != kv_heads * dim)
      return "K or V is not KV heads * head_dim wide";
  if (o->in[2]->layout == HD_KV_TURNED) return "V is turned";
  if (!is_rows(o->out) || !same_shape(o->in[0], o->out)) return "the output differs from q in shape";
  if (!isfinite(o->op->u.attention.scale)) return "the scale is no number";
  return NULL;
}

static const char *(*const CHECKS[HD_OP_COUNT])(const op_values *) = {
    [HD_OP_EMBED] = check_embed,        [HD_OP_SELECT] = check_select,
    [HD_OP_RMS_NORM] = check_rms_norm,  [HD_OP_MATMUL] = check_matmul,
    [HD_OP_ADD] = check_elementwise,    [HD_OP_ROPE] = check_rope,
    [HD_OP_KV_STORE] = check_kv_store,  [HD_OP_ATTENTION] = check_attention,
    [HD_OP_SWIGLU] = check_elementwise,
};

static const char *collect(const hd_graph *graph, const hd_op *op, op_values *out) {
  const hdi_op_rule *rule = hdi_op_rule_get(op->kind);
  *out = (op_values){.op = op};
  for (uint32_t i = 0; i < HD_OP_INPUTS_MAX; i++) {
    if (op->in[i] == HD_VALUE_NONE) {
      if (i < rule->min_inputs) return "an input is missing";
      continue;
    }
    if (i >= rule->max_inputs) return "too many inputs";
    if (op->in[i] >= graph->value_count) return "an input is no value of this graph";
    out->in[i] = &graph->values[op->in[i]];
  }
  if (op->out >= graph->value_count) return "the output is no value of this graph";
  out->out = &graph->values[op->out];
  return NULL;
}

hd_status hdi_op_check(const hd_graph *graph, uint32_t op_index, hd_error *out_error) {
  const hd_op *op = &graph->ops[op_index];
  op_values values;
  const char *reason = collect(graph, op, &values);
  if (reason == NULL) reason = CHECKS[op->kind](&values);
  if (reason == NULL) return HD_OK;
  return hd_fail(out_error, HD_E_INVALID, "graph %s, op %u (%s, layer %d): %s", graph->desc.name, op_index,
                 hdi_op_rule_get(op->kind)->name, op->layer, reason);
}
