/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "op_case.h"

enum { SPARE_CONTEXT = 3, MAX_POSITIONS = 1024 };

size_t case_bytes(const op_case *c, hd_value value) {
  const hd_value_desc *d = &c->descs[value];
  uint32_t rows = hd_rows_of(d, c->launch.n_tokens, c->launch.n_outputs, c->launch.n_context);
  return rows * hd_format_row_bytes(d->format, d->cols);
}

float *case_floats(const op_case *c, hd_value value) {
  return c->values[value];
}

static hd_value add_described(op_case *c, hd_value_desc desc) {
  hd_value value;
  assert_int_equal(hd_graph_add_value(c->graph, &desc, &value), HD_OK);
  assert_true(value < CASE_VALUES);
  c->descs[value] = desc;
  c->values[value] = sample_alloc(case_bytes(c, value));
  return value;
}

static hd_value add_value(op_case *c, hd_value_kind kind, hd_format format, hd_rows rows_kind, uint32_t rows,
                          uint32_t cols) {
  return add_described(c, (hd_value_desc){kind, format, rows_kind, rows, cols, 0, HD_KV_ROWS});
}

void case_begin(op_case *c, uint64_t seed, uint32_t n_tokens, uint32_t n_outputs, uint32_t kv_pos) {
  hd_host host = sample_host();
  hd_graph_desc desc = {
      .size = sizeof desc, .name = "case", .n_layers = 1, .n_vocab = 64, .max_context = MAX_POSITIONS};
  *c = (op_case){.rng = {seed}};
  assert_int_equal(hd_graph_create(&host, &desc, &c->graph), HD_OK);
  c->launch = (hd_launch){.size = sizeof c->launch,
                          .graph = c->graph,
                          .n_tokens = n_tokens,
                          .n_outputs = n_outputs,
                          .kv_pos = kv_pos,
                          .n_context = kv_pos + n_tokens + SPARE_CONTEXT,
                          .width = 1,
                          .values = c->values};
  c->tokens = add_value(c, HD_VALUE_TOKENS, HD_FORMAT_I32, HD_ROWS_TOKENS, 0, 1);
  memset(c->values[c->tokens], 0, case_bytes(c, c->tokens));
}

hd_value case_weight(op_case *c, hd_format format, uint32_t rows, uint32_t cols) {
  hd_value value = add_value(c, HD_VALUE_WEIGHT, format, HD_ROWS_FIXED, rows, cols);
  sample_weights(&c->rng, format, rows, cols, c->values[value]);
  return value;
}

hd_value case_input(op_case *c, uint32_t cols) {
  hd_value table = case_weight(c, HD_FORMAT_F32, 1, cols);
  hd_value x = add_value(c, HD_VALUE_ACTIVATION, HD_FORMAT_F32, HD_ROWS_TOKENS, 0, cols);
  hd_op embed = {.kind = HD_OP_EMBED, .in = {c->tokens, table, HD_VALUE_NONE, HD_VALUE_NONE}, .out = x};
  assert_int_equal(hd_graph_add_op(c->graph, &embed), HD_OK);
  sample_floats(&c->rng, case_floats(c, x), case_bytes(c, x) / sizeof(float));
  return x;
}

/* Random rows, turned into a cache of NaN. */
static void fill_turned(op_case *c, hd_format format, uint32_t cols, uint8_t *out) {
  uint32_t rows = c->launch.kv_pos + c->launch.n_tokens;
  size_t number = hd_format_row_bytes(format, 1);
  uint8_t *flat = sample_alloc(rows * cols * number);
  sample_weights(&c->rng, format, rows, cols, flat);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t i = 0; i < cols; i++)
      memcpy(out + hd_kv_turned_at(cols, r, i) * number, flat + ((size_t)r * cols + i) * number, number);
  free(flat);
}

hd_value case_kv(op_case *c, hd_format format, hd_kv_layout layout, uint32_t cols) {
  hd_value x = case_input(c, cols);
  hd_value kv = add_described(c, (hd_value_desc){HD_VALUE_KV, format, HD_ROWS_CONTEXT, 0, cols, 0, layout});
  hd_op store = {.kind = HD_OP_KV_STORE, .in = {x, HD_VALUE_NONE, HD_VALUE_NONE, HD_VALUE_NONE}, .out = kv};
  assert_int_equal(hd_graph_add_op(c->graph, &store), HD_OK);
  memset(c->values[kv], 0xff, case_bytes(c, kv)); /* NaN in all formats: the scale of a Q8_0 block is one */
  if (layout == HD_KV_TURNED)
    fill_turned(c, format, cols, c->values[kv]);
  else
    sample_weights(&c->rng, format, c->launch.kv_pos + c->launch.n_tokens, cols, c->values[kv]);
  return kv;
}

hd_value case_output(op_case *c, hd_rows rows_kind, uint32_t cols) {
  return add_value(c, HD_VALUE_ACTIVATION, HD_FORMAT_F32, rows_kind, 0, cols);
}

void case_finish(op_case *c, hd_op op, hd_value out) {
  hd_error error = {""};
  uint32_t count;
  op.out = c->out = out;
  for (uint32_t i = 0; i < HD_OP_INPUTS_MAX; i++)
    if (op.in[i] == 0) op.in[i] = i == 0 && op.kind == HD_OP_EMBED ? c->tokens : HD_VALUE_NONE;
  assert_int_equal(hd_graph_add_op(c->graph, &op), HD_OK);
  if (hd_graph_seal(c->graph, &error) != HD_OK) fail_msg("%s", error.text);
  hd_graph_ops(c->graph, &count);
  c->op_index = count - 1;
  assert_int_equal(hdb_op_test(c->graph, c->op_index), HD_OK);
}

void case_end(op_case *c) {
  for (uint32_t i = 0; i < CASE_VALUES; i++)
    free(c->values[i]);
  hd_graph_destroy(c->graph);
}

void case_run_parts(op_case *c, const hdb_kernels *kernels, uint32_t parts, size_t scratch_bytes) {
  hdb_scratch scratch = {.bytes = sample_alloc(scratch_bytes), .size = scratch_bytes, .value = HD_VALUE_NONE};
  hdb_run run = {kernels, &c->launch, &scratch, c->op_index};
  uint32_t steps = hdb_op_steps(&run);
  for (uint32_t step = 0; step < steps; step++) {
    if (hdb_step_begin(&run, step, 1) == 0) continue;
    for (uint32_t i = 0; i < parts; i++)
      hdb_step_run(&run, step, i * 7 % parts, parts);
  }
  free(scratch.bytes);
}

void case_run(op_case *c) {
  static const uint32_t counts[] = {2, 3, 5, 8, 33};
  size_t bytes = case_bytes(c, c->out);
  void *once = sample_alloc(bytes);
  bool is_kv = c->descs[c->out].kind == HD_VALUE_KV;
  if (!is_kv) memset(c->values[c->out], 0xff, bytes);
  case_run_parts(c, hdb_kernels_c(), 1, HDB_SCRATCH_MIN);
  memcpy(once, c->values[c->out], bytes);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    if (!is_kv) memset(c->values[c->out], 0xff, bytes);
    case_run_parts(c, hdb_kernels_c(), counts[i], HDB_SCRATCH_MIN);
    assert_memory_equal(once, c->values[c->out], bytes);
  }
  free(once);
}
