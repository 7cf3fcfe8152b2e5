/* SPDX-License-Identifier: Apache-2.0 */
/* Every op of the portable set against a naive computation in double precision, on shapes that divide
 * nothing; each case also runs in several counts of parts and must give the same bits (case_run). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/float16.h"
#include "common/job.h"
#include "op_case.h"

static void assert_near(double got, double want, double bound) {
  if (!(fabs(got - want) <= bound)) fail_msg("got %.9g, want %.9g within %.3g", got, want, bound);
}

/* The values of any weight or KV as floats. Ownership: the caller. */
static float *as_floats(const op_case *c, hd_value value, hd_format format) {
  size_t bytes = case_bytes(c, value), count = bytes / hd_format_get(format)->block_bytes;
  count *= hd_format_get(format)->block_values;
  float *out = sample_alloc(count * sizeof(float));
  hdb_kernels_c()->dequantise[format](c->values[value], (uint32_t)count, out);
  return out;
}

/* What quantising the activation may cost a dot: half a step for each value and the f16 rounding of the step.
 */
static double quantise_bound(hd_format format, const float *x, const float *w, uint32_t cols) {
  const hdb_activation layout = hdb_kernels_c()->activation[format];
  uint32_t block = layout == HDB_ACTIVATION_Q8 ? 32 : 256;
  double bound = 0.0;
  if (layout == HDB_ACTIVATION_F32) return 0.0;
  if (layout == HDB_ACTIVATION_BF16) { /* half a unit of eight bits */
    for (uint32_t i = 0; i < cols; i++)
      bound += fabs((double)w[i] * x[i]) * 0x1p-8;
    return bound;
  }
  for (uint32_t b = 0; b < cols; b += block) {
    double amax = 0.0, weights = 0.0;
    for (uint32_t i = b; i < b + block; i++) {
      if (fabs((double)x[i]) > amax) amax = fabs((double)x[i]);
      weights += fabs((double)w[i]);
    }
    bound += weights * amax * (0.5 / 127 + 0x1p-11) * 1.01;
  }
  return bound;
}

static void check_matmul(hd_format format, uint32_t rows, uint32_t cols, uint32_t n_tokens, bool biased) {
  op_case c;
  case_begin(&c, 11 * rows + cols + n_tokens + (uint32_t)format, n_tokens, 1, 0);
  hd_value x = case_input(&c, cols), w = case_weight(&c, format, rows, cols);
  hd_value bias = biased ? case_weight(&c, HD_FORMAT_F32, 1, rows) : HD_VALUE_NONE;
  case_finish(&c, (hd_op){.kind = HD_OP_MATMUL, .in = {x, w, bias}}, case_output(&c, HD_ROWS_TOKENS, rows));
  case_run(&c);
  float *weights = as_floats(&c, w, format);
  for (uint32_t t = 0; t < n_tokens; t++)
    for (uint32_t m = 0; m < rows; m++) {
      const float *a = case_floats(&c, x) + t * cols, *b = weights + m * cols;
      double sum = 0.0, size = 0.0;
      for (uint32_t i = 0; i < cols; i++) {
        sum += (double)a[i] * b[i];
        size += fabs((double)a[i] * b[i]);
      }
      double bound = quantise_bound(format, a, b, cols) + size * 0x1p-22 * 8 + 1e-7;
      if (biased) sum += case_floats(&c, bias)[m];
      assert_near(case_floats(&c, c.out)[t * rows + m], sum, bound);
    }
  free(weights);
  case_end(&c);
}

static void a_matmul_of_every_format_agrees_with_brute_force(void **state) {
  (void)state;
  for (uint32_t f = 0; f < SAMPLE_FORMATS; f++) {
    uint32_t block = hd_format_get(sample_format(f))->block_values;
    uint32_t odd = block == 1 ? 7 : block;
    check_matmul(sample_format(f), 1, odd, 1, false);
    check_matmul(sample_format(f), 37, odd * 3, 1, true);
    check_matmul(sample_format(f), 130, odd, 5, false);
  }
}

static void a_matmul_of_more_rows_than_the_scratch_holds_takes_all(void **state) {
  (void)state;
  check_matmul(HD_FORMAT_Q8_0, 3, 8192, 11, true);
  check_matmul(HD_FORMAT_Q4_K, 3, 16384, 5, false);
  check_matmul(HD_FORMAT_Q8_0, 2, HDB_COLS_MAX, 2, false);
  check_matmul(HD_FORMAT_Q6_K, 2, HDB_COLS_MAX, 2, false);
}

static void a_quantised_row_beyond_the_scratch_is_not_supported(void **state) {
  (void)state;
  op_case c;
  uint32_t count;
  case_begin(&c, 1, 1, 1, 0);
  hd_value x = case_input(&c, HDB_COLS_MAX + 32), w = case_weight(&c, HD_FORMAT_Q8_0, 1, HDB_COLS_MAX + 32);
  hd_op op = {.kind = HD_OP_MATMUL, .in = {x, w, HD_VALUE_NONE, HD_VALUE_NONE}};
  op.out = case_output(&c, HD_ROWS_TOKENS, 1);
  assert_int_equal(hd_graph_add_op(c.graph, &op), HD_OK);
  assert_int_equal(hd_graph_seal(c.graph, NULL), HD_OK);
  hd_graph_ops(c.graph, &count);
  assert_int_equal(hdb_op_test(c.graph, count - 1), HD_E_UNSUPPORTED);
  assert_int_equal(hdb_op_test(c.graph, count), HD_E_INVALID);
  case_end(&c);
}

static void embedding_copies_the_token_s_row_in_every_format(void **state) {
  (void)state;
  for (uint32_t f = 0; f < SAMPLE_FORMATS; f++) {
    enum { ROWS = 64, COLS = 512, TOKENS = 9 };
    op_case c;
    case_begin(&c, f, TOKENS, 1, 0);
    hd_value table = case_weight(&c, sample_format(f), ROWS, COLS);
    case_finish(&c, (hd_op){.kind = HD_OP_EMBED, .in = {c.tokens, table}},
                case_output(&c, HD_ROWS_TOKENS, COLS));
    int32_t *tokens = c.values[c.tokens];
    for (uint32_t t = 0; t < TOKENS; t++)
      tokens[t] = (int32_t)sample_below(&c.rng, ROWS);
    tokens[3] = ROWS; /* not in the table: zeros, and no read beyond it */
    tokens[4] = -1;
    case_run(&c);
    float *rows = as_floats(&c, table, sample_format(f));
    for (uint32_t t = 0; t < TOKENS; t++)
      for (uint32_t i = 0; i < COLS; i++) {
        float want = t == 3 || t == 4 ? 0.0f : rows[tokens[t] * COLS + (int32_t)i];
        assert_near(case_floats(&c, c.out)[t * COLS + i], want, 0.0);
      }
    free(rows);
    case_end(&c);
  }
}

static void select_takes_the_last_rows(void **state) {
  (void)state;
  op_case c;
  case_begin(&c, 5, 7, 3, 0);
  hd_value x = case_input(&c, 13);
  case_finish(&c, (hd_op){.kind = HD_OP_SELECT, .in = {x}}, case_output(&c, HD_ROWS_OUTPUTS, 13));
  case_run(&c);
  assert_memory_equal(c.values[c.out], case_floats(&c, x) + 4 * 13, 3 * 13 * sizeof(float));
  case_end(&c);
}

static void rms_norm_agrees_with_brute_force(void **state) {
  (void)state;
  static const uint32_t shapes[][2] = {{1, 1}, {96, 96}, {120, 24}, {4096, 4096}, {17, 17}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    uint32_t cols = shapes[s][0], group = shapes[s][1];
    op_case c;
    case_begin(&c, s, 5, 1, 0);
    hd_value x = case_input(&c, cols), w = case_weight(&c, HD_FORMAT_F32, 1, group);
    hd_op op = {.kind = HD_OP_RMS_NORM, .in = {x, w}, .u.rms_norm = {1e-5f, group}};
    case_finish(&c, op, case_output(&c, HD_ROWS_TOKENS, cols));
    case_run(&c);
    for (uint32_t i = 0; i < 5 * cols; i += group) {
      double sum = 0.0;
      for (uint32_t j = 0; j < group; j++)
        sum += (double)case_floats(&c, x)[i + j] * case_floats(&c, x)[i + j];
      for (uint32_t j = 0; j < group; j++) {
        double want = case_floats(&c, x)[i + j] / sqrt(sum / group + 1e-5f) * case_floats(&c, w)[j];
        assert_near(case_floats(&c, c.out)[i + j], want, fabs(want) * 0x1p-21);
      }
    }
    case_end(&c);
  }
}

static void add_and_swiglu_agree_with_brute_force(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    op_case c;
    case_begin(&c, 3, 6, 1, 0);
    hd_value a = case_input(&c, 85), b = case_input(&c, 85);
    case_floats(&c, a)[0] = 200.0f; /* beyond where exp overflows */
    case_floats(&c, a)[1] = -200.0f;
    case_finish(&c, (hd_op){.kind = kind ? HD_OP_SWIGLU : HD_OP_ADD, .in = {a, b}},
                case_output(&c, HD_ROWS_TOKENS, 85));
    case_run(&c);
    for (uint32_t i = 0; i < 6 * 85; i++) {
      double x = case_floats(&c, a)[i], y = case_floats(&c, b)[i];
      double want = kind ? x / (1.0 + exp(-x)) * y : x + y;
      assert_near(case_floats(&c, c.out)[i], want, fabs(want) * 0x1p-21 + 1e-30);
    }
    case_end(&c);
  }
}

/* Rotates by brute force and compares; also every rotated pair keeps its length. */
static void check_rope(hd_rope_style style, uint32_t head_dim, uint32_t rope_dim, bool factors,
                       float freq_scale) {
  enum { HEADS = 3, TOKENS = 4, POSITION = 300 };
  op_case c;
  case_begin(&c, rope_dim, TOKENS, 1, POSITION);
  hd_value x = case_input(&c, HEADS * head_dim);
  hd_value f = factors ? case_weight(&c, HD_FORMAT_F32, 1, rope_dim / 2) : HD_VALUE_NONE;
  for (uint32_t i = 0; factors && i < rope_dim / 2; i++)
    case_floats(&c, f)[i] = 1.0f + (float)i;
  hd_op op = {.kind = HD_OP_ROPE, .in = {x, f}, .u.rope = {head_dim, rope_dim, style, 10000.0f, freq_scale}};
  case_finish(&c, op, case_output(&c, HD_ROWS_TOKENS, HEADS * head_dim));
  case_run(&c);
  for (uint32_t row = 0; row < TOKENS * HEADS; row++) {
    const float *in = case_floats(&c, x) + row * head_dim, *out = case_floats(&c, c.out) + row * head_dim;
    for (uint32_t i = 0; i < rope_dim / 2; i++) {
      uint32_t p = style == HD_ROPE_HALVES ? i : 2 * i,
               q = style == HD_ROPE_HALVES ? i + rope_dim / 2 : 2 * i + 1;
      double position = POSITION + row / HEADS;
      double angle = position * freq_scale * pow(10000.0, -2.0 * i / rope_dim) / (factors ? 1.0 + i : 1.0);
      double a = in[p], b = in[q], size = hypot(a, b);
      /* The float product rounds once for each pair before this one. */
      double bound = size * (fabs(angle) * (i + 3) * 0x1p-24 + 0x1p-21);
      assert_near(out[p], a * cos(angle) - b * sin(angle), bound);
      assert_near(out[q], a * sin(angle) + b * cos(angle), bound);
      assert_near(hypot((double)out[p], (double)out[q]), size, size * 0x1p-21);
    }
    assert_memory_equal(out + rope_dim, in + rope_dim, (head_dim - rope_dim) * sizeof(float));
  }
  case_end(&c);
}

static void rope_rotates_pairs_and_keeps_their_length(void **state) {
  (void)state;
  for (int style = HD_ROPE_ADJACENT; style <= HD_ROPE_HALVES; style++) {
    check_rope((hd_rope_style)style, 8, 8, false, 1.0f);
    check_rope((hd_rope_style)style, 64, 64, true, 1.0f);
    check_rope((hd_rope_style)style, 30, 12, false, 0.25f);
    check_rope((hd_rope_style)style, 320, 256, true, 1.0f); /* more pairs than are computed at a time */
  }
}

/* F16: half a unit of its last place. Q8_0: half a step, 127 of which are the block's largest, and what the
 * rounding of the step to F16 makes of 127 of them. */
static double store_bound(hd_format format, const float *x, uint32_t i) {
  double amax = 0.0;
  if (format == HD_FORMAT_F32) return 0.0;
  if (format == HD_FORMAT_F16) return fabs((double)x[i]) * 0x1.01p-11 + 0x1p-24;
  for (uint32_t j = i / 32 * 32; j < i / 32 * 32 + 32; j++)
    if (fabs((double)x[j]) > amax) amax = fabs((double)x[j]); /* gcc 12 for aarch64 fails on fmax() */
  return amax * (0.5 / 127 + 0x1p-11) * 1.01;
}

static void kv_store_writes_the_run_s_rows_and_no_others(void **state) {
  (void)state;
  static const hd_format formats[] = {HD_FORMAT_F32, HD_FORMAT_F16, HD_FORMAT_Q8_0};
  for (int f = 0; f < 3; f++) {
    enum { COLS = 1056, TOKENS = 4, POSITION = 6 }; /* more than is quantised at a time */
    op_case c;
    case_begin(&c, 8, TOKENS, 1, POSITION);
    hd_value kv = case_kv(&c, formats[f], HD_KV_ROWS, COLS), x = case_input(&c, COLS);
    size_t row = hd_format_row_bytes(formats[f], COLS), bytes = case_bytes(&c, kv);
    uint8_t *before = sample_alloc(bytes);
    memcpy(before, c.values[kv], bytes);
    case_finish(&c, (hd_op){.kind = HD_OP_KV_STORE, .in = {x}}, kv);
    case_run(&c);
    const uint8_t *after = c.values[kv];
    assert_memory_equal(before, after, POSITION * row);
    assert_memory_equal(before + (POSITION + TOKENS) * row, after + (POSITION + TOKENS) * row,
                        bytes - (POSITION + TOKENS) * row);
    float got[TOKENS * COLS];
    hdb_kernels_c()->dequantise[formats[f]](after + POSITION * row, TOKENS * COLS, got);
    for (uint32_t i = 0; i < TOKENS * COLS; i++)
      assert_near(got[i], case_floats(&c, x)[i], store_bound(formats[f], case_floats(&c, x), i));
    free(before);
    case_end(&c);
  }
}

/* Runs of one token, within a group, over its border, of whole groups. Rows of a cache say what is expected.
 */
static void a_turned_kv_store_writes_the_same_numbers_elsewhere(void **state) {
  (void)state;
  static const struct {
    uint32_t tokens, position;
  } runs[] = {{1, 0}, {1, 63}, {1, 70}, {3, 5}, {64, 64}, {130, 60}, {200, 0}};
  static const uint32_t widths[] = {1, 64, 96, 200};
  for (uint32_t i = 0; i < 7 * 4 * 2; i++) {
    uint32_t cols = widths[i % 4], tokens = runs[i / 4 % 7].tokens, position = runs[i / 4 % 7].position;
    hd_format format = i / 28 ? HD_FORMAT_F32 : HD_FORMAT_F16;
    size_t number = hd_format_row_bytes(format, 1);
    op_case c;
    case_begin(&c, i, tokens, 1, position);
    hd_value kv = case_kv(&c, format, HD_KV_TURNED, cols), x = case_input(&c, cols);
    size_t bytes = case_bytes(&c, kv);
    uint8_t *want = sample_alloc(bytes);
    memcpy(want, c.values[kv], bytes);
    for (uint32_t t = 0; t < tokens; t++)
      for (uint32_t j = 0; j < cols; j++) {
        float exact = case_floats(&c, x)[t * cols + j];
        uint16_t half = hdb_f32_to_f16(exact);
        memcpy(want + hd_kv_turned_at(cols, position + t, j) * number,
               format == HD_FORMAT_F16 ? (const void *)&half : &exact, number);
      }
    case_finish(&c, (hd_op){.kind = HD_OP_KV_STORE, .in = {x}}, kv);
    case_run(&c);
    assert_memory_equal(c.values[kv], want, bytes);
    free(want);
    case_end(&c);
  }
}

static void a_walk_stops_before_the_next_op_when_told(void **state) {
  (void)state;
  op_case c;
  atomic_uint stop = 0;
  case_begin(&c, 1, 2, 1, 0);
  hd_value a = case_input(&c, 8), b = case_input(&c, 8);
  case_finish(&c, (hd_op){.kind = HD_OP_ADD, .in = {a, b}}, case_output(&c, HD_ROWS_TOKENS, 8));
  c.launch.op_end = c.op_index + 1;
  c.launch.stop = &stop;
  assert_int_equal(hdb_ops_walk(hdb_kernels_c(), &c.launch), c.launch.op_end);
  stop = 1;
  assert_int_equal(hdb_ops_walk(hdb_kernels_c(), &c.launch), 0);
  case_end(&c);
}

static void small_ops_are_one_part_and_large_ones_several(void **state) {
  (void)state;
  op_case c;
  case_begin(&c, 1, 1, 1, 0);
  hd_value x = case_input(&c, 1024), w = case_weight(&c, HD_FORMAT_Q8_0, 1024, 1024);
  case_finish(&c, (hd_op){.kind = HD_OP_MATMUL, .in = {x, w}}, case_output(&c, HD_ROWS_TOKENS, 1024));
  hdb_scratch scratch = {.size = HDB_SCRATCH_MIN, .value = HD_VALUE_NONE};
  hdb_run run = {hdb_kernels_c(), &c.launch, &scratch, c.op_index}, embed = run;
  embed.op_index = 0;
  assert_int_equal(hdb_step_begin(&run, 0, 8), 1); /* quantising one row */
  assert_int_equal(hdb_step_begin(&run, 1, 1), 1);
  assert_true(hdb_step_begin(&run, 1, 2) >= 2);
  assert_true(hdb_step_begin(&run, 1, 1000) <= 64);
  assert_int_equal(hdb_step_begin(&embed, 0, 8), 1); /* the embedding of one token */
  case_end(&c);
}

/* Overlapping parts would write the same bits twice, which no result shows: a race all the same. */
static void parts_cover_every_item_once(void **state) {
  (void)state;
  for (uint32_t count = 0; count < 70; count++)
    for (uint32_t grain = 1; grain <= 16; grain *= 4)
      for (uint32_t parts = 1; parts < 12; parts++) {
        uint32_t next = 0;
        for (uint32_t part = 0; part < parts; part++) {
          hdb_job job = {.part = part, .parts = parts};
          hdb_range range = hdb_job_range(&job, count, grain);
          assert_int_equal(range.begin, next);
          assert_true(range.begin % grain == 0 || range.begin == count);
          next = range.end;
        }
        assert_int_equal(next, count);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_matmul_of_every_format_agrees_with_brute_force),
      cmocka_unit_test(a_matmul_of_more_rows_than_the_scratch_holds_takes_all),
      cmocka_unit_test(a_quantised_row_beyond_the_scratch_is_not_supported),
      cmocka_unit_test(embedding_copies_the_token_s_row_in_every_format),
      cmocka_unit_test(select_takes_the_last_rows),
      cmocka_unit_test(rms_norm_agrees_with_brute_force),
      cmocka_unit_test(add_and_swiglu_agree_with_brute_force),
      cmocka_unit_test(rope_rotates_pairs_and_keeps_their_length),
      cmocka_unit_test(kv_store_writes_the_run_s_rows_and_no_others),
      cmocka_unit_test(a_turned_kv_store_writes_the_same_numbers_elsewhere),
      cmocka_unit_test(a_walk_stops_before_the_next_op_when_told),
      cmocka_unit_test(parts_cover_every_item_once),
      cmocka_unit_test(small_ops_are_one_part_and_large_ones_several),
  };
  return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
