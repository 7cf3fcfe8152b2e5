/* SPDX-License-Identifier: Apache-2.0 */
/* See model.h. */
#include "model.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { D = 256, HEADS = 4, KV_HEADS = 2, HEAD = 64, KV_D = KV_HEADS * HEAD, FF = 512, LAYERS = 2 };

typedef struct maker {
  model *m;
  sample_rng rng;
  hd_format format, kv_format;
  int16_t layer;
} maker;

static hd_value add_described(maker *k, hd_value_desc desc) {
  hd_value value = HD_VALUE_NONE;
  assert_int_equal(hd_graph_add_value(k->m->graph, &desc, &value), HD_OK);
  assert_true(value < MODEL_VALUES);
  return value;
}

static hd_value add_value(maker *k, hd_value_kind kind, hd_format format, hd_rows rows_kind, uint32_t rows,
                          uint32_t cols) {
  return add_described(k, (hd_value_desc){kind, format, rows_kind, rows, cols, k->layer, HD_KV_ROWS});
}

static hd_value weight(maker *k, hd_format format, uint32_t rows, uint32_t cols) {
  hd_value value = add_value(k, HD_VALUE_WEIGHT, format, HD_ROWS_FIXED, rows, cols);
  k->m->weights[value] = sample_alloc(rows * hd_format_row_bytes(format, cols));
  sample_weights(&k->rng, format, rows, cols, k->m->weights[value]);
  return value;
}

static hd_value op(maker *k, hd_op op, hd_rows rows, uint32_t cols) {
  static const uint32_t inputs[HD_OP_COUNT] = {2, 1, 2, 3, 2, 2, 1, 3, 2};
  for (uint32_t i = inputs[op.kind]; i < HD_OP_INPUTS_MAX;
       i++) /* what the caller left at 0 is not an input */
    op.in[i] = HD_VALUE_NONE;
  op.layer = k->layer;
  if (op.kind != HD_OP_KV_STORE && op.out == 0)
    op.out = add_value(k, HD_VALUE_ACTIVATION, HD_FORMAT_F32, rows, 0, cols);
  assert_int_equal(hd_graph_add_op(k->m->graph, &op), HD_OK);
  return op.out;
}

static hd_value norm(maker *k, hd_value x, hd_rows rows, uint32_t cols, uint32_t group) {
  hd_value w = weight(k, HD_FORMAT_F32, 1, group);
  return op(k, (hd_op){.kind = HD_OP_RMS_NORM, .in = {x, w}, .u.rms_norm = {1e-5f, group}}, rows, cols);
}

static hd_value matmul(maker *k, hd_value x, hd_rows rows, uint32_t from, uint32_t to, bool biased) {
  hd_value w = weight(k, k->format, to, from);
  hd_value bias = biased ? weight(k, HD_FORMAT_F32, 1, to) : HD_VALUE_NONE;
  return op(k, (hd_op){.kind = HD_OP_MATMUL, .in = {x, w, bias}}, rows, to);
}

static hd_value rope(maker *k, hd_value x, uint32_t cols) {
  hd_op rotate = {
      .kind = HD_OP_ROPE, .in = {x, HD_VALUE_NONE}, .u.rope = {HEAD, HEAD, HD_ROPE_HALVES, 10000.0f, 1.0f}};
  return op(k, rotate, HD_ROWS_TOKENS, cols);
}

static hd_value cache(maker *k, hd_value x, hd_kv_layout layout) {
  hd_value kv = add_described(
      k, (hd_value_desc){HD_VALUE_KV, k->kv_format, HD_ROWS_CONTEXT, 0, KV_D, k->layer, layout});
  return op(k, (hd_op){.kind = HD_OP_KV_STORE, .in = {x}, .out = kv}, HD_ROWS_TOKENS, KV_D);
}

static hd_value layer(maker *k, hd_value x) {
  const hd_rows t = HD_ROWS_TOKENS;
  hd_value h = norm(k, x, t, D, D);
  hd_value q = rope(k, norm(k, matmul(k, h, t, D, D, true), t, D, HEAD), D);
  hd_value keys = cache(k, rope(k, matmul(k, h, t, D, KV_D, false), KV_D), HD_KV_TURNED);
  hd_value values = cache(k, matmul(k, h, t, D, KV_D, false), HD_KV_ROWS);
  hd_op attend = {
      .kind = HD_OP_ATTENTION, .in = {q, keys, values}, .u.attention = {HEADS, KV_HEADS, HEAD, 0.125f}};
  hd_value a = matmul(k, op(k, attend, t, D), t, D, D, false);
  x = op(k, (hd_op){.kind = HD_OP_ADD, .in = {x, a}}, t, D);
  h = norm(k, x, t, D, D);
  hd_value gate = matmul(k, h, t, D, FF, false), up = matmul(k, h, t, D, FF, false);
  hd_value mixed = op(k, (hd_op){.kind = HD_OP_SWIGLU, .in = {gate, up}}, t, FF);
  return op(k, (hd_op){.kind = HD_OP_ADD, .in = {x, matmul(k, mixed, t, FF, D, false)}}, t, D);
}

void model_make(model *m, hd_format format, hd_format kv_format, uint64_t seed) {
  memset(m, 0, sizeof *m);
  m->host = sample_host();
  maker k = {m, {seed}, format, kv_format, -1};
  hd_graph_desc desc = {sizeof desc, "test", LAYERS, MODEL_VOCAB, MODEL_CONTEXT};
  hd_error error = {""};
  assert_int_equal(hd_graph_create(&m->host, &desc, &m->graph), HD_OK);
  m->tokens = add_value(&k, HD_VALUE_TOKENS, HD_FORMAT_I32, HD_ROWS_TOKENS, 0, 1);
  hd_value table = weight(&k, format, MODEL_VOCAB, D);
  hd_value x = op(&k, (hd_op){.kind = HD_OP_EMBED, .in = {m->tokens, table}}, HD_ROWS_TOKENS, D);
  for (k.layer = 0; k.layer < LAYERS; k.layer++)
    x = layer(&k, x);
  x = op(&k, (hd_op){.kind = HD_OP_SELECT, .in = {x}}, HD_ROWS_OUTPUTS, D);
  x = norm(&k, x, HD_ROWS_OUTPUTS, D, D);
  hd_value head = weight(&k, format, MODEL_VOCAB, D);
  m->logits = add_value(&k, HD_VALUE_LOGITS, HD_FORMAT_F32, HD_ROWS_OUTPUTS, 0, MODEL_VOCAB);
  hd_op out = {.kind = HD_OP_MATMUL, .in = {x, head, HD_VALUE_NONE}, .out = m->logits};
  op(&k, out, HD_ROWS_OUTPUTS, MODEL_VOCAB);
  hd_status status = hd_graph_seal(m->graph, &error);
  if (status != HD_OK) fail_msg("%s", error.text);
  hd_graph_ops(m->graph, &m->op_count);
  hd_graph_values(m->graph, &m->value_count);
}

void model_free(model *m) {
  hd_graph_destroy(m->graph);
  for (uint32_t v = 0; v < MODEL_VALUES; v++)
    free(m->weights[v]);
}

static size_t value_bytes(const model *m, hd_value value, uint32_t n_tokens, uint32_t n_outputs) {
  uint32_t count = 0;
  const hd_value_desc *desc = &hd_graph_values(m->graph, &count)[value];
  return hd_format_row_bytes(desc->format, desc->cols) * hd_rows_of(desc, n_tokens, n_outputs, MODEL_CONTEXT);
}

void session_make(session *s, const model *m, uint64_t seed) {
  uint32_t count = 0;
  const hd_value_desc *values = hd_graph_values(m->graph, &count);
  sample_rng rng = {seed};
  memset(s, 0, sizeof *s);
  s->model = m;
  s->arena_bytes = hd_graph_arena_bytes(m->graph, MODEL_TOKENS, MODEL_TOKENS);
  s->arena = sample_alloc(s->arena_bytes);
  memset(s->arena, 0xff, s->arena_bytes); /* NaN everywhere */
  for (uint32_t v = 0; v < count; v++) {
    size_t bytes = value_bytes(m, (hd_value)v, MODEL_TOKENS, MODEL_TOKENS);
    if (values[v].kind == HD_VALUE_ACTIVATION) {
      s->values[v] = s->arena + hd_graph_arena_offset(m->graph, (hd_value)v, MODEL_TOKENS, MODEL_TOKENS);
    } else if (values[v].kind == HD_VALUE_WEIGHT) {
      s->values[v] = m->weights[v];
    } else {
      s->values[v] = sample_alloc(bytes);
      memset(s->values[v], 0xff, bytes);
    }
  }
  for (uint32_t t = 0; t < MODEL_TOKENS; t++)
    ((int32_t *)s->values[m->tokens])[t] = (int32_t)sample_below(&rng, MODEL_VOCAB);
}

void session_free(session *s) {
  uint32_t count = 0;
  const hd_value_desc *values = hd_graph_values(s->model->graph, &count);
  for (uint32_t v = 0; v < count; v++)
    if (values[v].kind != HD_VALUE_ACTIVATION && values[v].kind != HD_VALUE_WEIGHT) free(s->values[v]);
  free(s->arena);
}

const hd_launch *session_launch(session *s, hd_program *program, uint32_t id, uint32_t begin, uint32_t end,
                                uint32_t n_tokens, uint32_t n_outputs, uint32_t kv_pos) {
  s->launch = (hd_launch){.size = sizeof(hd_launch),
                          .id = id,
                          .graph = s->model->graph,
                          .program = program,
                          .op_begin = begin,
                          .op_end = end,
                          .n_tokens = n_tokens,
                          .n_outputs = n_outputs,
                          .n_context = MODEL_CONTEXT,
                          .kv_pos = kv_pos,
                          .width = 1,
                          .values = s->values,
                          .stop = &s->stop};
  return &s->launch;
}

void session_run_portable(session *s) {
  assert_int_equal(hdb_ops_walk(hdb_kernels_c(), &s->launch), s->launch.op_end);
}

void session_poison(session *s, uint32_t begin, uint32_t end) {
  hd_value in[MODEL_VALUES], out[MODEL_VALUES];
  uint32_t in_count = 0, out_count = 0;
  hd_graph_borders(s->model->graph, begin, end, in, &in_count, out, &out_count, MODEL_VALUES);
  uint8_t *kept = sample_alloc(s->arena_bytes);
  memcpy(kept, s->arena, s->arena_bytes);
  memset(s->arena, 0xff, s->arena_bytes);
  for (uint32_t i = 0; i < in_count; i++) {
    size_t offset = (size_t)((uint8_t *)s->values[in[i]] - s->arena);
    memcpy(s->arena + offset, kept + offset,
           value_bytes(s->model, in[i], s->launch.n_tokens, s->launch.n_outputs));
  }
  free(kept);
}

/* Number i of the rows: turned keys have rows in them that nobody stored. */
static float kv_at(const hd_value_desc *desc, const void *data, size_t i) {
  if (desc->layout == HD_KV_TURNED)
    i = hd_kv_turned_at(desc->cols, (uint32_t)(i / desc->cols), (uint32_t)(i % desc->cols));
  return desc->format == HD_FORMAT_F32 ? ((const float *)data)[i]
                                       : hdb_f16_to_f32(((const uint16_t *)data)[i]);
}

double session_difference(const session *a, const session *b) {
  uint32_t count = 0;
  const hd_value_desc *values = hd_graph_values(a->model->graph, &count);
  double largest = 0;
  for (uint32_t v = 0; v < count; v++) {
    size_t n = 0;
    double error = 0, size = 0;
    if (values[v].kind == HD_VALUE_KV) n = (size_t)(a->launch.kv_pos + a->launch.n_tokens) * values[v].cols;
    if (values[v].kind == HD_VALUE_LOGITS) n = (size_t)a->launch.n_outputs * values[v].cols;
    for (size_t i = 0; i < n; i++) {
      double x = (double)kv_at(&values[v], a->values[v], i), y = (double)kv_at(&values[v], b->values[v], i);
      error += (x - y) * (x - y);
      size += y * y;
    }
    double relative = n > 0 ? sqrt(error / size) : 0;
    if (!(relative <= largest)) largest = relative; /* NaN is the largest of all */
  }
  return largest;
}

void session_expect_same(const session *a, const session *b) {
  uint32_t count = 0;
  const hd_value_desc *values = hd_graph_values(a->model->graph, &count);
  for (uint32_t v = 0; v < count; v++)
    if (values[v].kind == HD_VALUE_KV || values[v].kind == HD_VALUE_LOGITS)
      assert_memory_equal(a->values[v], b->values[v],
                          value_bytes(a->model, (hd_value)v, MODEL_TOKENS, MODEL_TOKENS));
}
