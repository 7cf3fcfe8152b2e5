/* SPDX-License-Identifier: Apache-2.0 */
/* Ops done as one give the bits of ops done one by one, in an arena whose values share memory; which ops
 * these are; and how often the workers meet in a layer. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/group.h"
#include "samples.h"

enum { VALUES_MAX = 48, OPS_MAX = 32 };

typedef struct layer_shape {
  uint32_t embd, heads, kv_heads, head_dim, ff;
  hd_format format, down; /* of the weights; of the last one */
  bool biased;
} layer_shape;

/* One layer of a transformer, its values in an arena as a session lays them out. */
typedef struct layer {
  hd_graph *graph;
  hd_launch launch;
  hd_value_desc descs[VALUES_MAX];
  void *values[VALUES_MAX];
  uint32_t value_count, op_count;
  hd_value result;
  uint8_t *arena;
  size_t arena_bytes;
} layer;

static hd_value add_described(layer *l, hd_value_desc desc) {
  hd_value value;
  assert_int_equal(hd_graph_add_value(l->graph, &desc, &value), HD_OK);
  assert_true(value < VALUES_MAX);
  l->descs[value] = desc;
  l->value_count = value + 1u;
  return value;
}

static hd_value add_value(layer *l, hd_value_kind kind, hd_format format, hd_rows rows_kind, uint32_t rows,
                          uint32_t cols) {
  return add_described(l, (hd_value_desc){kind, format, rows_kind, rows, cols, 0, HD_KV_ROWS});
}

static hd_value weight(layer *l, hd_format format, uint32_t rows, uint32_t cols) {
  return add_value(l, HD_VALUE_WEIGHT, format, HD_ROWS_FIXED, rows, cols);
}

static hd_value rows_of(layer *l, uint32_t cols) {
  return add_value(l, HD_VALUE_ACTIVATION, HD_FORMAT_F32, HD_ROWS_TOKENS, 0, cols);
}

static hd_value add_op(layer *l, hd_op op, hd_value a, hd_value b, hd_value c, hd_value out) {
  op.in[0] = a;
  op.in[1] = b;
  op.in[2] = c;
  op.in[3] = HD_VALUE_NONE;
  op.out = out;
  assert_int_equal(hd_graph_add_op(l->graph, &op), HD_OK);
  l->op_count++;
  return out;
}

static hd_value norm(layer *l, hd_value x, uint32_t cols) {
  hd_op op = {.kind = HD_OP_RMS_NORM, .u.rms_norm = {1e-5f, cols}};
  return add_op(l, op, x, weight(l, HD_FORMAT_F32, 1, cols), HD_VALUE_NONE, rows_of(l, cols));
}

static hd_value linear(layer *l, hd_format format, hd_value x, uint32_t rows, uint32_t cols, bool biased) {
  hd_value w = weight(l, format, rows, cols);
  hd_value bias = biased ? weight(l, HD_FORMAT_F32, 1, rows) : HD_VALUE_NONE;
  return add_op(l, (hd_op){.kind = HD_OP_MATMUL}, x, w, bias, rows_of(l, rows));
}

static hd_value sum(layer *l, hd_value a, hd_value b, uint32_t cols) {
  return add_op(l, (hd_op){.kind = HD_OP_ADD}, a, b, HD_VALUE_NONE, rows_of(l, cols));
}

static hd_value cached(layer *l, hd_value x, const layer_shape *s, bool keys) {
  uint32_t cols = s->kv_heads * s->head_dim;
  hd_op rope = {.kind = HD_OP_ROPE, .u.rope = {s->head_dim, s->head_dim, HD_ROPE_ADJACENT, 10000.0f, 1.0f}};
  if (keys) x = add_op(l, rope, x, HD_VALUE_NONE, HD_VALUE_NONE, rows_of(l, cols));
  return add_op(l, (hd_op){.kind = HD_OP_KV_STORE}, x, HD_VALUE_NONE, HD_VALUE_NONE,
                add_described(l, (hd_value_desc){HD_VALUE_KV, HD_FORMAT_F16, HD_ROWS_CONTEXT, 0, cols, 0,
                                                 keys ? HD_KV_TURNED : HD_KV_ROWS}));
}

static hd_value attend(layer *l, hd_value q, hd_value k, hd_value v, const layer_shape *s) {
  uint32_t cols = s->heads * s->head_dim;
  hd_op rope = {.kind = HD_OP_ROPE, .u.rope = {s->head_dim, s->head_dim, HD_ROPE_ADJACENT, 10000.0f, 1.0f}};
  hd_op op = {.kind = HD_OP_ATTENTION, .u.attention = {s->heads, s->kv_heads, s->head_dim, 0.1f}};
  q = add_op(l, rope, q, HD_VALUE_NONE, HD_VALUE_NONE, rows_of(l, cols));
  hd_value keys = cached(l, k, s, true), values = cached(l, v, s, false);
  return add_op(l, op, q, keys, values, rows_of(l, cols));
}

static void describe(layer *l, const layer_shape *s) {
  uint32_t q_cols = s->heads * s->head_dim, kv_cols = s->kv_heads * s->head_dim;
  hd_value tokens = add_value(l, HD_VALUE_TOKENS, HD_FORMAT_I32, HD_ROWS_TOKENS, 0, 1);
  hd_value table = weight(l, HD_FORMAT_F32, 64, s->embd);
  hd_value x = add_op(l, (hd_op){.kind = HD_OP_EMBED}, tokens, table, HD_VALUE_NONE, rows_of(l, s->embd));
  hd_value normed = norm(l, x, s->embd);
  hd_value q = linear(l, s->format, normed, q_cols, s->embd, s->biased);
  hd_value k = linear(l, s->format, normed, kv_cols, s->embd, s->biased);
  hd_value v = linear(l, s->format, normed, kv_cols, s->embd, s->biased);
  hd_value mixed = attend(l, q, k, v, s);
  x = sum(l, x, linear(l, s->format, mixed, s->embd, q_cols, false), s->embd);
  normed = norm(l, x, s->embd);
  hd_value gate = linear(l, s->format, normed, s->ff, s->embd, false);
  hd_value up = linear(l, s->format, normed, s->ff, s->embd, false);
  hd_value hidden = add_op(l, (hd_op){.kind = HD_OP_SWIGLU}, gate, up, HD_VALUE_NONE, rows_of(l, s->ff));
  l->result = sum(l, x, linear(l, s->down, hidden, s->embd, s->ff, false), s->embd);
}

static void layer_begin(layer *l, const layer_shape *s, uint32_t n_tokens, uint32_t kv_pos) {
  hd_host host = sample_host();
  hd_graph_desc desc = {
      .size = sizeof desc, .name = "layer", .n_layers = 1, .n_vocab = 64, .max_context = 4096};
  hd_error error = {""};
  memset(l, 0, sizeof *l);
  assert_int_equal(hd_graph_create(&host, &desc, &l->graph), HD_OK);
  describe(l, s);
  if (hd_graph_seal(l->graph, &error) != HD_OK) fail_msg("%s", error.text);
  l->launch = (hd_launch){.size = sizeof l->launch,
                          .graph = l->graph,
                          .op_end = l->op_count,
                          .n_tokens = n_tokens,
                          .n_outputs = 1,
                          .kv_pos = kv_pos,
                          .n_context = kv_pos + n_tokens,
                          .width = 2,
                          .values = l->values};
}

static void layer_fill(layer *l) {
  sample_rng rng = {7};
  l->arena_bytes = hd_graph_arena_bytes(l->graph, l->launch.n_tokens, 1);
  l->arena = sample_alloc(l->arena_bytes);
  for (uint32_t v = 0; v < l->value_count; v++) {
    const hd_value_desc *d = &l->descs[v];
    uint32_t rows = hd_rows_of(d, l->launch.n_tokens, 1, l->launch.n_context);
    if (d->kind == HD_VALUE_ACTIVATION) {
      l->values[v] = l->arena + hd_graph_arena_offset(l->graph, (hd_value)v, l->launch.n_tokens, 1);
      continue;
    }
    l->values[v] = sample_alloc(rows * hd_format_row_bytes(d->format, d->cols));
    if (d->kind == HD_VALUE_TOKENS)
      for (uint32_t t = 0; t < rows; t++)
        ((int32_t *)l->values[v])[t] = (int32_t)sample_below(&rng, 64);
    else
      sample_weights(&rng, d->format, rows, d->cols, l->values[v]);
  }
}

static void layer_end(layer *l) {
  for (uint32_t v = 0; v < l->value_count && l->arena; v++)
    if (l->descs[v].kind != HD_VALUE_ACTIVATION) free(l->values[v]);
  free(l->arena);
  hd_graph_destroy(l->graph);
}

/* In groups, each step in so many parts, the last one first. */
static void run_groups(layer *l, uint32_t parts, size_t scratch_bytes) {
  hdb_scratch scratch = {.bytes = sample_alloc(scratch_bytes), .size = scratch_bytes, .value = HD_VALUE_NONE};
  hdb_run run = {hdb_kernels_c(), &l->launch, &scratch, 0};
  memset(l->arena, 0xff, l->arena_bytes);
  while (run.op_index < l->op_count) {
    hdb_group group = hdb_group_at(hdb_kernels_c(), l->graph, run.op_index, l->op_count);
    uint32_t steps = hdb_group_steps(&run, group);
    for (uint32_t step = 0; step < steps; step++) {
      if (hdb_group_begin(&run, group, step, 2) == 0) continue;
      for (uint32_t part = parts; part-- > 0;)
        hdb_group_run(&run, group, step, part, parts);
    }
    run.op_index += group.heads + group.tails;
  }
  free(scratch.bytes);
}

static void check(layer_shape shape, uint32_t n_tokens) {
  static const uint32_t counts[] = {1, 2, 5, 33};
  layer l;
  layer_begin(&l, &shape, n_tokens, 3);
  layer_fill(&l);
  assert_int_equal(hdb_ops_walk(hdb_kernels_c(), &l.launch), l.op_count);
  size_t bytes = n_tokens * shape.embd * sizeof(float);
  void *want = sample_alloc(bytes);
  memcpy(want, l.values[l.result], bytes);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    for (int wide = 0; wide < 2; wide++) { /* narrow: many tokens are quantised in several runs of rows */
      run_groups(&l, counts[i], wide ? (size_t)1 << 20 : HDB_SCRATCH_MIN);
      assert_memory_equal(want, l.values[l.result], bytes);
    }
  free(want);
  layer_end(&l);
}

static void groups_give_the_bits_of_ops_one_by_one(void **state) {
  (void)state;
  static const hd_format formats[] = {HD_FORMAT_Q4_0, HD_FORMAT_Q4_K, HD_FORMAT_F16};
  for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
    layer_shape grouped = {256, 4, 2, 64, 512, formats[f], formats[f], false};
    layer_shape alike = {256,           4,   4, 64, 256, formats[f],
                         HD_FORMAT_F16, true}; /* all matrices of one height */
    check(grouped, 1);
    check(grouped, 3);
    check(alike, 1);
    check(alike, 5);
  }
  check((layer_shape){256, 4, 2, 64, 512, HD_FORMAT_Q8_0, HD_FORMAT_Q6_K, true}, 150);
}

static uint32_t find(const layer *l, hd_op_kind kind, uint32_t skip) {
  uint32_t count;
  const hd_op *ops = hd_graph_ops(l->graph, &count);
  for (uint32_t i = 0; i < count; i++)
    if (ops[i].kind == kind && skip-- == 0) return i;
  fail_msg("no such op");
  return 0;
}

static void expect_group(const layer *l, uint32_t op, uint32_t heads, uint32_t tails) {
  hdb_group group = hdb_group_at(hdb_kernels_c(), l->graph, op, l->op_count);
  if (group.heads != heads || group.tails != tails)
    fail_msg("op %u: %u heads, %u tails; not %u, %u", op, group.heads, group.tails, heads, tails);
}

static void matmuls_of_one_input_and_what_follows_by_columns_are_one(void **state) {
  (void)state;
  layer l;
  layer_shape shape = {256, 4, 2, 64, 512, HD_FORMAT_Q4_0, HD_FORMAT_Q4_0, false};
  layer_begin(&l, &shape, 1, 0);
  uint32_t q = find(&l, HD_OP_MATMUL, 0), out = find(&l, HD_OP_MATMUL, 3), gate = find(&l, HD_OP_MATMUL, 4);
  expect_group(&l, q, 3, 0);
  expect_group(&l, q + 1, 2, 0); /* a launch may begin in the middle of one */
  expect_group(&l, q + 2, 1, 0);
  expect_group(&l, out, 1, 1);
  expect_group(&l, gate, 2, 1);
  expect_group(&l, gate + 1, 1, 1); /* the gate is there already */
  expect_group(&l, find(&l, HD_OP_MATMUL, 6), 1, 1);
  expect_group(&l, find(&l, HD_OP_ATTENTION, 0), 1, 0);
  for (uint32_t left = 1; left <= 3; left++) { /* or end there */
    hdb_group group = hdb_group_cut((hdb_group){2, 1}, gate, gate + left);
    assert_int_equal(group.heads, left < 2 ? 1 : 2);
    assert_int_equal(group.tails, left == 3);
    hdb_group shorter = hdb_group_at(hdb_kernels_c(), l.graph, gate, gate + left);
    assert_memory_equal(&group, &shorter, sizeof group);
  }
  layer_end(&l);
}

/* The residual sum takes the memory of what the matmul of floats reads: the parts beside it still read that.
 */
static void a_sum_over_what_parts_still_read_is_not_joined(void **state) {
  (void)state;
  layer l;
  layer_shape shape = {256, 4, 2, 64, 512, HD_FORMAT_F16, HD_FORMAT_F16, false};
  layer_begin(&l, &shape, 1, 0);
  uint32_t count, out = find(&l, HD_OP_MATMUL, 3);
  const hd_op *ops = hd_graph_ops(l.graph, &count);
  bool shared = hd_graph_arena_offset(l.graph, ops[out + 1].out, 1, 1) ==
                hd_graph_arena_offset(l.graph, ops[out].in[0], 1, 1);
  expect_group(&l, out, 1, !shared);
  assert_true(shared); /* or this test says nothing */
  layer_end(&l);
}

/* How often the workers meet in a layer of a 1.1B model at depth 1000, decoding. */
static void the_workers_meet_five_times_a_layer(void **state) {
  (void)state;
  layer l;
  layer_shape shape = {2048, 32, 4, 64, 5632, HD_FORMAT_Q4_0, HD_FORMAT_Q4_0, false};
  layer_begin(&l, &shape, 1, 1000);
  for (int grouped = 0; grouped < 2; grouped++) {
    uint32_t meetings = 0;
    hdb_scratch scratch = {.size = (size_t)1 << 21, .value = HD_VALUE_NONE};
    hdb_run run = {hdb_kernels_c(), &l.launch, &scratch, 0};
    while (run.op_index < l.op_count) {
      hdb_group group = grouped ? hdb_group_at(hdb_kernels_c(), l.graph, run.op_index, l.op_count)
                                : (hdb_group){.heads = 1};
      uint32_t steps = hdb_group_steps(&run, group);
      for (uint32_t step = 0; step < steps; step++)
        meetings += hdb_group_begin(&run, group, step, 2) > 1;
      run.op_index += group.heads + group.tails;
    }
    assert_int_equal(meetings, grouped ? 5 : 8);
  }
  layer_end(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(groups_give_the_bits_of_ops_one_by_one),
      cmocka_unit_test(matmuls_of_one_input_and_what_follows_by_columns_are_one),
      cmocka_unit_test(a_sum_over_what_parts_still_read_is_not_joined),
      cmocka_unit_test(the_workers_meet_five_times_a_layer),
  };
  return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
