/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs: what sealing refuses, and the arena and the borders against brute force on random graphs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "heddle/buffer.h"
#include "heddle/graph.h"

enum { VOCAB = 50, WIDTH = 8, MAX_OPS = 60 };

typedef struct builder {
  hd_host host;
  hd_graph *graph;
  hd_value tokens, table, vector, square;
} builder;

static hd_value add_value(builder *b, hd_value_kind kind, hd_rows rows_kind, uint32_t rows, uint32_t cols) {
  hd_value value = HD_VALUE_NONE;
  hd_value_desc desc = {.kind = kind, .rows_kind = rows_kind, .rows = rows, .cols = cols, .layer = -1};
  desc.format = kind == HD_VALUE_TOKENS ? HD_FORMAT_I32 : HD_FORMAT_F32;
  assert_int_equal(hd_graph_add_value(b->graph, &desc, &value), HD_OK);
  return value;
}

static void begin(builder *b) {
  hd_graph_desc desc = {
      .size = sizeof desc, .name = "test", .n_layers = 2, .n_vocab = VOCAB, .max_context = 16};
  hd_host_posix(&b->host);
  assert_int_equal(hd_graph_create(&b->host, &desc, &b->graph), HD_OK);
  b->tokens = add_value(b, HD_VALUE_TOKENS, HD_ROWS_TOKENS, 0, 1);
  b->table = add_value(b, HD_VALUE_WEIGHT, HD_ROWS_FIXED, VOCAB, WIDTH);
  b->vector = add_value(b, HD_VALUE_WEIGHT, HD_ROWS_FIXED, 1, WIDTH);
  b->square = add_value(b, HD_VALUE_WEIGHT, HD_ROWS_FIXED, WIDTH, WIDTH);
}

static hd_op op_of(hd_op_kind kind, int layer, hd_value a, hd_value b, hd_value out) {
  hd_op op = {.kind = kind, .layer = (int16_t)layer, .in = {a, b, HD_VALUE_NONE, HD_VALUE_NONE}, .out = out};
  if (kind == HD_OP_RMS_NORM) {
    op.u.rms_norm.eps = 1e-5f;
    op.u.rms_norm.group = WIDTH;
  }
  return op;
}

static hd_value embed(builder *b) {
  hd_value x = add_value(b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH);
  hd_op op = op_of(HD_OP_EMBED, -1, b->tokens, b->table, x);
  assert_int_equal(hd_graph_add_op(b->graph, &op), HD_OK);
  return x;
}

static void refuses(builder *b, const hd_op *op, const char *reason) {
  hd_error error = {""};
  assert_int_equal(hd_graph_add_op(b->graph, op), HD_OK);
  assert_int_equal(hd_graph_seal(b->graph, &error), HD_E_INVALID);
  assert_non_null(strstr(error.text, reason));
  assert_non_null(strstr(error.text, "op 1"));
  hd_graph_destroy(b->graph);
}

static void a_matmul_of_other_columns_is_refused_by_name(void **state) {
  (void)state;
  builder b;
  begin(&b);
  hd_value x = embed(&b), wide = add_value(&b, HD_VALUE_WEIGHT, HD_ROWS_FIXED, WIDTH, WIDTH + 1);
  hd_op op = op_of(HD_OP_MATMUL, 0, x, wide, add_value(&b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH));
  refuses(&b, &op, "columns");
}

static void a_value_read_before_it_is_written_is_refused(void **state) {
  (void)state;
  builder b;
  begin(&b);
  hd_value x = embed(&b), ghost = add_value(&b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH);
  hd_op op = op_of(HD_OP_ADD, 0, x, ghost, add_value(&b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH));
  refuses(&b, &op, "before it is written");
}

static void a_value_written_twice_is_refused(void **state) {
  (void)state;
  builder b;
  begin(&b);
  hd_value x = embed(&b);
  hd_op op = op_of(HD_OP_ADD, 0, x, x, x);
  refuses(&b, &op, "written before");
}

static void a_missing_or_foreign_input_is_refused(void **state) {
  (void)state;
  builder b;
  begin(&b);
  hd_value x = embed(&b), y = add_value(&b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH);
  hd_op op = op_of(HD_OP_ADD, 0, x, HD_VALUE_NONE, y);
  refuses(&b, &op, "missing");
  begin(&b);
  x = embed(&b);
  y = add_value(&b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH);
  op = op_of(HD_OP_ADD, 0, x, 999, y);
  refuses(&b, &op, "no value of this graph");
}

static void heads_that_do_not_divide_are_refused(void **state) {
  (void)state;
  builder b;
  begin(&b);
  hd_value q = embed(&b);
  hd_value k = add_value(&b, HD_VALUE_KV, HD_ROWS_CONTEXT, 0, 3 * 2),
           v = add_value(&b, HD_VALUE_KV, HD_ROWS_CONTEXT, 0, 6);
  hd_op op = op_of(HD_OP_ATTENTION, 0, q, k, add_value(&b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH));
  op.in[2] = v;
  op.u.attention.n_heads = 4;
  op.u.attention.n_kv_heads = 3;
  op.u.attention.head_dim = 2;
  op.u.attention.scale = 1.0f;
  refuses(&b, &op, "KV heads");
}

static hd_value add_turned(builder *b, hd_format format, uint32_t cols) {
  hd_value_desc desc = {.kind = HD_VALUE_KV,
                        .format = format,
                        .rows_kind = HD_ROWS_CONTEXT,
                        .cols = cols,
                        .layer = -1,
                        .layout = HD_KV_TURNED};
  hd_value value = HD_VALUE_NONE;
  assert_int_equal(hd_graph_add_value(b->graph, &desc, &value), HD_OK);
  return value;
}

static void turned_values_are_refused(void **state) {
  (void)state;
  builder b;
  begin(&b);
  hd_value q = embed(&b), k = add_turned(&b, HD_FORMAT_F32, 2), v = add_turned(&b, HD_FORMAT_F32, 2);
  hd_op op = op_of(HD_OP_ATTENTION, 0, q, k, add_value(&b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH));
  op.in[2] = v;
  op.u.attention.n_heads = WIDTH / 2;
  op.u.attention.n_kv_heads = 1;
  op.u.attention.head_dim = 2;
  op.u.attention.scale = 1.0f;
  refuses(&b, &op, "V is turned");
}

/* Every position and column has a place of its own in the memory that hd_rows_of tells. */
static void turned_keys_take_whole_groups(void **state) {
  (void)state;
  enum { COLS = 3, CONTEXT = 130, ROWS = 192 };
  hd_value_desc keys = {
      .kind = HD_VALUE_KV, .rows_kind = HD_ROWS_CONTEXT, .cols = COLS, .layout = HD_KV_TURNED};
  bool taken[ROWS * COLS] = {false};
  assert_int_equal(hd_rows_of(&keys, 1, 1, CONTEXT), ROWS);
  assert_int_equal(hd_rows_of(&keys, 1, 1, 128), 128);
  assert_int_equal(hd_rows_of(&keys, 1, 1, 0), 0);
  for (uint32_t p = 0; p < CONTEXT; p++)
    for (uint32_t c = 0; c < COLS; c++) {
      size_t at = hd_kv_turned_at(COLS, p, c);
      assert_true(at < ROWS * COLS);
      assert_false(taken[at]);
      taken[at] = true;
      if (p % HD_KV_GROUP != 0) assert_int_equal(at, hd_kv_turned_at(COLS, p - 1, c) + 1);
    }
}

static void values_that_make_no_sense_are_refused_at_once(void **state) {
  (void)state;
  builder b;
  begin(&b);
  hd_value out;
  hd_value_desc f16_activation = {
      .kind = HD_VALUE_ACTIVATION, .format = HD_FORMAT_F16, .rows_kind = HD_ROWS_TOKENS, .cols = 4};
  hd_value_desc half_block = {
      .kind = HD_VALUE_WEIGHT, .format = HD_FORMAT_Q8_0, .rows_kind = HD_ROWS_FIXED, .rows = 1, .cols = 48};
  hd_value_desc no_columns = {
      .kind = HD_VALUE_ACTIVATION, .format = HD_FORMAT_F32, .rows_kind = HD_ROWS_TOKENS};
  assert_int_equal(hd_graph_add_value(b.graph, &f16_activation, &out), HD_E_INVALID);
  assert_int_equal(hd_graph_add_value(b.graph, &half_block, &out), HD_E_INVALID);
  assert_int_equal(hd_graph_add_value(b.graph, &no_columns, &out), HD_E_INVALID);
  hd_value_desc turned_blocks = {.kind = HD_VALUE_KV,
                                 .format = HD_FORMAT_Q8_0,
                                 .rows_kind = HD_ROWS_CONTEXT,
                                 .cols = 64,
                                 .layout = HD_KV_TURNED};
  hd_value_desc turned_activation = {
      .kind = HD_VALUE_ACTIVATION, .rows_kind = HD_ROWS_TOKENS, .cols = 4, .layout = HD_KV_TURNED};
  assert_int_equal(hd_graph_add_value(b.graph, &turned_blocks, &out), HD_E_INVALID);
  assert_int_equal(hd_graph_add_value(b.graph, &turned_activation, &out), HD_E_INVALID);
  hd_graph_destroy(b.graph);
}

static void layers_may_not_go_back(void **state) {
  (void)state;
  builder b;
  begin(&b);
  hd_value x = embed(&b), y = add_value(&b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH);
  hd_op late = op_of(HD_OP_ADD, 1, x, x, y), early = op_of(HD_OP_ADD, 0, x, x, y),
        beyond = op_of(HD_OP_ADD, 3, x, x, y);
  assert_int_equal(hd_graph_add_op(b.graph, &late), HD_OK);
  assert_int_equal(hd_graph_add_op(b.graph, &early), HD_E_INVALID);
  assert_int_equal(hd_graph_add_op(b.graph, &beyond), HD_E_INVALID);
  hd_graph_destroy(b.graph);
}

static uint64_t next_random(uint64_t *seed) { /* splitmix64, Steele et al. 2014 */
  uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* A random chain of adds and matmuls in which any earlier activation may be read again. */
static void build_random(builder *b, uint64_t seed) {
  begin(b);
  hd_value made[MAX_OPS + 1];
  uint32_t count = 0;
  made[count++] = embed(b);
  uint32_t ops = 1 + (uint32_t)(next_random(&seed) % (MAX_OPS - 1));
  for (uint32_t i = 0; i < ops; i++) {
    uint32_t reach = count < 6 ? count : 6;
    hd_value x = made[count - 1 - next_random(&seed) % reach],
             y = made[count - 1 - next_random(&seed) % reach];
    hd_value out = add_value(b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH);
    hd_op op = next_random(&seed) % 2 == 0 ? op_of(HD_OP_ADD, 0, x, y, out)
                                           : op_of(HD_OP_MATMUL, 0, x, b->square, out);
    assert_int_equal(hd_graph_add_op(b->graph, &op), HD_OK);
    made[count++] = out;
  }
  hd_error error;
  assert_int_equal(hd_graph_seal(b->graph, &error), HD_OK);
}

static bool reads(const hd_op *op, hd_value v) {
  for (uint32_t k = 0; k < HD_OP_INPUTS_MAX; k++)
    if (op->in[k] == v) return true;
  return false;
}

static void no_op_writes_where_a_value_still_lives(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    builder b;
    build_random(&b, seed);
    uint32_t op_count, value_count;
    const hd_op *ops = hd_graph_ops(b.graph, &op_count);
    const hd_value_desc *values = hd_graph_values(b.graph, &value_count);
    for (uint32_t i = 0; i < op_count; i++)
      for (uint32_t later = i; later < op_count; later++)
        for (uint32_t earlier = 0; earlier < i; earlier++) {
          hd_value v = ops[earlier].out; /* written before i, read at or after i: must survive op i */
          if (!reads(&ops[later], v) || values[v].kind != HD_VALUE_ACTIVATION) continue;
          assert_true(hd_graph_arena_offset(b.graph, v, 3, 1) !=
                      hd_graph_arena_offset(b.graph, ops[i].out, 3, 1));
        }
    hd_graph_destroy(b.graph);
  }
}

static void the_arena_holds_every_value_and_is_reused(void **state) {
  (void)state;
  builder b;
  build_random(&b, 7);
  uint32_t op_count;
  const hd_op *ops = hd_graph_ops(b.graph, &op_count);
  size_t bytes = hd_graph_arena_bytes(b.graph, 5, 1), row = WIDTH * sizeof(float);
  for (uint32_t i = 0; i < op_count; i++) {
    size_t offset = hd_graph_arena_offset(b.graph, ops[i].out, 5, 1);
    assert_int_equal(offset % HD_BUFFER_ALIGN, 0);
    assert_true(offset + 5 * row <= bytes);
  }
  assert_true(bytes < op_count * 5 * row);
  hd_graph_destroy(b.graph);
}

static void borders_are_what_brute_force_finds(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    builder b;
    build_random(&b, seed);
    uint32_t n;
    const hd_op *ops = hd_graph_ops(b.graph, &n);
    for (uint32_t begin_op = 0; begin_op <= n; begin_op++)
      for (uint32_t end = begin_op; end <= n; end++) {
        hd_value in[MAX_OPS], out[MAX_OPS];
        uint32_t in_count, out_count, want_in = 0, want_out = 0;
        hd_graph_borders(b.graph, begin_op, end, in, &in_count, out, &out_count, MAX_OPS);
        for (uint32_t p = 0; p < n; p++) {
          bool inside = p >= begin_op && p < end, read_inside = false, read_after = false;
          for (uint32_t r = begin_op; r < end; r++)
            read_inside |= reads(&ops[r], ops[p].out);
          for (uint32_t r = end; r < n; r++)
            read_after |= reads(&ops[r], ops[p].out);
          bool is_in = p < begin_op && read_inside, is_out = inside && read_after, found = false;
          want_in += is_in;
          want_out += is_out;
          for (uint32_t k = 0; k < in_count && is_in; k++)
            found |= in[k] == ops[p].out;
          for (uint32_t k = 0; k < out_count && is_out; k++)
            found |= out[k] == ops[p].out;
          assert_true(found || !(is_in || is_out));
        }
        assert_int_equal(in_count, want_in);
        assert_int_equal(out_count, want_out);
      }
    hd_graph_destroy(b.graph);
  }
}

static void a_matmul_costs_its_weights_and_two_operations_each(void **state) {
  (void)state;
  builder b;
  begin(&b);
  hd_value x = embed(&b);
  hd_op op =
      op_of(HD_OP_MATMUL, 0, x, b.square, add_value(&b, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, WIDTH));
  assert_int_equal(hd_graph_add_op(b.graph, &op), HD_OK);
  assert_int_equal(hd_graph_seal(b.graph, NULL), HD_OK);
  hd_op_cost cost;
  hd_graph_op_cost(b.graph, 1, &cost);
  assert_int_equal(cost.weight_bytes, WIDTH * WIDTH * 4);
  assert_int_equal(cost.flops_per_row, 2 * WIDTH * WIDTH);
  assert_false(cost.per_output);
  assert_int_equal(hd_graph_add_op(b.graph, &op), HD_E_INVALID); /* sealed */
  hd_graph_destroy(b.graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_matmul_of_other_columns_is_refused_by_name),
      cmocka_unit_test(a_value_read_before_it_is_written_is_refused),
      cmocka_unit_test(a_value_written_twice_is_refused),
      cmocka_unit_test(a_missing_or_foreign_input_is_refused),
      cmocka_unit_test(heads_that_do_not_divide_are_refused),
      cmocka_unit_test(turned_values_are_refused),
      cmocka_unit_test(turned_keys_take_whole_groups),
      cmocka_unit_test(values_that_make_no_sense_are_refused_at_once),
      cmocka_unit_test(layers_may_not_go_back),
      cmocka_unit_test(no_op_writes_where_a_value_still_lives),
      cmocka_unit_test(the_arena_holds_every_value_and_is_reused),
      cmocka_unit_test(borders_are_what_brute_force_finds),
      cmocka_unit_test(a_matmul_costs_its_weights_and_two_operations_each),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
