/* SPDX-License-Identifier: Apache-2.0 */
/* ATTENTION against its definition in double precision; and what others rely on: a token's result is the same
 * to the bit in every tier, in every count of parts, with its spans shared out or not, and however the run it
 * is in was cut. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/attend.h"
#include "cpu/tiers.h"
#include "op_case.h"

static const hd_format FORMATS[] = {HD_FORMAT_F32, HD_FORMAT_F16, HD_FORMAT_Q8_0};

/* Room for all spans of the cases here; without it a token's spans are not shared out. */
#define WIDE_SCRATCH ((size_t)1 << 20)

typedef struct heads {
  uint32_t query, kv, dim;
} heads;

typedef struct attention_case {
  op_case c;
  heads h;
  hd_format format;
  hd_value q, k, v;
  float scale;
} attention_case;

static void begin(attention_case *a, heads h, hd_format format, hd_kv_layout layout, uint32_t n_tokens,
                  uint32_t kv_pos, float scale) {
  op_case *c = &a->c;
  a->h = h;
  a->format = format;
  a->scale = scale;
  case_begin(c, h.query + kv_pos + n_tokens, n_tokens, 1, kv_pos);
  a->q = case_input(c, h.query * h.dim);
  a->k = case_kv(c, format, layout, h.kv * h.dim);
  a->v = case_kv(c, format, HD_KV_ROWS, h.kv * h.dim);
  hd_op op = {.kind = HD_OP_ATTENTION, .in = {a->q, a->k, a->v}};
  op.u.attention.n_heads = h.query;
  op.u.attention.n_kv_heads = h.kv;
  op.u.attention.head_dim = h.dim;
  op.u.attention.scale = scale;
  case_finish(c, op, case_output(c, HD_ROWS_TOKENS, h.query * h.dim));
}

/* The cache as floats, up to the run's last token. Ownership: the caller. */
static float *as_floats(const attention_case *a, hd_value value) {
  uint32_t rows = a->c.launch.kv_pos + a->c.launch.n_tokens, cols = a->h.kv * a->h.dim;
  float *out = sample_alloc((size_t)rows * cols * sizeof(float));
  for (uint32_t r = 0; r < rows; r++)
    hdb_kernels_c()->dequantise[a->format]((const uint8_t *)a->c.values[value] +
                                               r * hd_format_row_bytes(a->format, cols),
                                           cols, out + (size_t)r * cols);
  return out;
}

/* One output row of one head by the definition, and how far float arithmetic may be from it: a score is off
 * by a rounding for each of its products, and a share by about as much of itself; sums over positions round
 * once a position in a block, and once a block. */
static double naive(const float *q, const float *k, const float *v, uint32_t positions, uint32_t stride,
                    uint32_t dim, double scale, double *out) {
  double *p = sample_alloc(positions * sizeof(double)), max = -INFINITY, sum = 0.0, size = 0.0, largest = 0.0;
  for (uint32_t i = 0; i < positions; i++) {
    double score = 0.0, terms = 0.0;
    for (uint32_t j = 0; j < dim; j++) {
      score += (double)q[j] * k[i * stride + j] * scale;
      terms += fabs((double)q[j] * k[i * stride + j] * scale);
      largest = fmax(largest, fabs((double)v[i * stride + j]));
    }
    p[i] = score;
    max = fmax(max, score);
    size = fmax(size, terms);
  }
  for (uint32_t i = 0; i < positions; i++)
    sum += p[i] = exp(p[i] - max);
  for (uint32_t j = 0; j < dim; j++) {
    out[j] = 0.0;
    for (uint32_t i = 0; i < positions; i++)
      out[j] += p[i] / sum * v[i * stride + j];
  }
  free(p);
  return largest * (2 * size * (dim + 4) + HDB_ATTEND_BLOCK + positions / HDB_ATTEND_BLOCK + 8.0) * 0x1p-24;
}

static void expect_definition(const attention_case *a) {
  uint32_t dim = a->h.dim, stride = a->h.kv * dim;
  float *keys = as_floats(a, a->k), *values = as_floats(a, a->v);
  double want[1024];
  for (uint32_t t = 0; t < a->c.launch.n_tokens; t++)
    for (uint32_t head = 0; head < a->h.query; head++) {
      uint32_t shared = head / (a->h.query / a->h.kv) * dim, at = (t * a->h.query + head) * dim;
      const float *got = case_floats(&a->c, a->c.out) + at;
      double bound = naive(case_floats(&a->c, a->q) + at, keys + shared, values + shared,
                           a->c.launch.kv_pos + t + 1, stride, dim, (double)a->scale, want);
      for (uint32_t j = 0; j < dim; j++)
        if (!(fabs((double)got[j] - want[j]) <= bound))
          fail_msg("token %u head %u: got %.9g, want %.9g within %.3g", t, head, (double)got[j], want[j],
                   bound);
    }
  free(keys);
  free(values);
}

/* Every tier, several counts of parts, spans shared out and not: the bits that C gave at once. */
static void expect_same_everywhere(attention_case *a) {
  size_t bytes = case_bytes(&a->c, a->c.out);
  void *want = sample_alloc(bytes);
  memcpy(want, a->c.values[a->c.out], bytes);
  for (uint32_t t = 0; t < HDI_TIER_COUNT; t++) {
    hdb_kernels kernels;
    if (!hdi_tier_usable((hdi_tier)t)) continue;
    hdi_tier_kernels((hdi_tier)t, &kernels);
    for (uint32_t parts = 1; parts <= 8; parts += 7)
      for (int wide = 0; wide < 2; wide++) {
        memset(a->c.values[a->c.out], 0xff, bytes);
        case_run_parts(&a->c, &kernels, parts, wide ? WIDE_SCRATCH : HDB_SCRATCH_MIN);
        if (memcmp(want, a->c.values[a->c.out], bytes) != 0)
          fail_msg("tier %s, %u parts, scratch %d: other bits than C", kernels.name, parts, wide);
      }
  }
  free(want);
}

/* A case of the same numbers whose keys are turned: the same bits. */
static void expect_same_of_turned_keys(const attention_case *rows, uint32_t n_tokens, uint32_t kv_pos) {
  attention_case a;
  size_t bytes = case_bytes(&rows->c, rows->c.out);
  begin(&a, rows->h, rows->format, HD_KV_TURNED, n_tokens, kv_pos, rows->scale);
  case_run(&a.c);
  assert_memory_equal(rows->c.values[rows->c.out], a.c.values[a.c.out], bytes);
  expect_same_everywhere(&a);
  case_end(&a.c);
}

static void check(heads h, hd_format format, uint32_t n_tokens, uint32_t kv_pos, float scale) {
  attention_case a;
  begin(&a, h, format, HD_KV_ROWS, n_tokens, kv_pos, scale);
  case_run(&a.c);
  expect_definition(&a);
  expect_same_everywhere(&a);
  if (format != HD_FORMAT_Q8_0) expect_same_of_turned_keys(&a, n_tokens, kv_pos);
  case_end(&a.c);
}

static void attention_agrees_with_brute_force(void **state) {
  (void)state;
  for (int f = 0; f < 3; f++) {
    check((heads){1, 1, 32}, FORMATS[f], 1, 0, 1.0f);
    check((heads){4, 2, 64}, FORMATS[f], 5, 61, 0.2f);   /* crosses a block in the middle of the run */
    check((heads){6, 6, 96}, FORMATS[f], 3, 200, 5.0f);  /* the maximum moves from block to block */
    check((heads){9, 3, 64}, FORMATS[f], 70, 30, 0.1f);  /* more tokens than a tile */
    check((heads){8, 1, 128}, FORMATS[f], 9, 250, 0.1f); /* crosses a span */
    check((heads){2, 2, 256}, FORMATS[f], 33, 0, 0.06f);
    check((heads){14, 2, 64}, FORMATS[f], 1, 1200, 0.1f); /* five spans */
  }
}

static void heads_of_odd_sizes_agree_with_brute_force(void **state) {
  (void)state;
  for (int f = 0; f < 2; f++) {
    check((heads){1, 1, 1}, FORMATS[f], 2, 0, 1.0f);
    check((heads){4, 2, 24}, FORMATS[f], 5, 61, 0.2f);
    check((heads){6, 6, 17}, FORMATS[f], 3, 200, 5.0f);
    check((heads){3, 1, 80}, FORMATS[f], 20, 300, 0.1f);
    check((heads){11, 1, 33}, FORMATS[f], 2, 130, 30.0f);
    check((heads){130, 2, 65}, FORMATS[f], 2, 70, 0.1f); /* more heads share a key than a tile has rows */
    check((heads){1, 1, 1024}, FORMATS[f], 2, 70, 0.03f);
  }
}

static void the_longest_spans_agree_with_brute_force(void **state) {
  (void)state;
  check((heads){2, 1, 32}, HD_FORMAT_F16, 3, 4094, 0.2f); /* the span's length doubles inside of the run */
  check((heads){2, 2, 32}, HD_FORMAT_Q8_0, 1, 9000, 0.2f);
}

/* Runs tokens [from, from + count) of the case alone. */
static void run_some(attention_case *a, uint32_t from, uint32_t count) {
  op_case *c = &a->c;
  hd_launch whole = c->launch;
  void *q = c->values[a->q], *out = c->values[c->out];
  c->values[a->q] = case_floats(c, a->q) + (size_t)from * a->h.query * a->h.dim;
  c->values[c->out] = case_floats(c, c->out) + (size_t)from * a->h.query * a->h.dim;
  c->launch.kv_pos += from;
  c->launch.n_tokens = count;
  case_run_parts(c, hdb_kernels_c(), 3, WIDE_SCRATCH);
  c->launch = whole;
  c->values[a->q] = q;
  c->values[c->out] = out;
}

static void a_run_gives_the_same_bits_however_it_is_cut(void **state) {
  (void)state;
  enum { TOKENS = 90, POSITION = 230 };
  static const uint32_t cuts[] = {1, 7, 32, 64};
  for (int f = 0; f < 3; f++) {
    attention_case a;
    hd_kv_layout layout = FORMATS[f] == HD_FORMAT_F16 ? HD_KV_TURNED : HD_KV_ROWS;
    begin(&a, (heads){6, 2, 64}, FORMATS[f], layout, TOKENS, POSITION, 0.125f);
    size_t bytes = case_bytes(&a.c, a.c.out);
    void *whole = sample_alloc(bytes);
    case_run_parts(&a.c, hdb_kernels_c(), 1, HDB_SCRATCH_MIN);
    memcpy(whole, a.c.values[a.c.out], bytes);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
      memset(a.c.values[a.c.out], 0xff, bytes);
      for (uint32_t from = 0; from < TOKENS; from += cuts[i])
        run_some(&a, from, TOKENS - from < cuts[i] ? TOKENS - from : cuts[i]);
      assert_memory_equal(whole, a.c.values[a.c.out], bytes);
    }
    free(whole);
    case_end(&a.c);
  }
}

/* The last token's key and value are no numbers: the tokens before it, in the same tile, do not notice. */
static void expect_untouched(hd_kv_layout layout) {
  enum { TOKENS = 6, POSITION = 60, COLS = 2 * 32, LAST = POSITION + TOKENS - 1 };
  attention_case a;
  begin(&a, (heads){4, 2, 32}, HD_FORMAT_F32, layout, TOKENS, POSITION, 0.2f);
  size_t row = 4 * 32;
  float *before = sample_alloc(TOKENS * row * sizeof(float));
  case_run(&a.c);
  memcpy(before, case_floats(&a.c, a.c.out), TOKENS * row * sizeof(float));
  for (uint32_t i = 0; i < COLS; i++) {
    case_floats(&a.c, a.k)[layout == HD_KV_TURNED ? hd_kv_turned_at(COLS, LAST, i) : LAST * COLS + i] = NAN;
    case_floats(&a.c, a.v)[LAST * COLS + i] = INFINITY;
  }
  case_run(&a.c);
  assert_memory_equal(before, case_floats(&a.c, a.c.out), (TOKENS - 1) * row * sizeof(float));
  assert_true(isnan(case_floats(&a.c, a.c.out)[(TOKENS - 1) * row]));
  free(before);
  case_end(&a.c);
}

static void what_a_token_does_not_see_does_not_touch_it(void **state) {
  (void)state;
  expect_untouched(HD_KV_ROWS);
  expect_untouched(HD_KV_TURNED);
}

/* A single token at depth is shared out by its positions: several items though it has one key head. */
static void a_token_at_depth_is_worth_several_parts(void **state) {
  (void)state;
  attention_case a;
  uint8_t *bytes = sample_alloc(WIDE_SCRATCH);
  hdb_scratch scratch = {.bytes = bytes, .size = WIDE_SCRATCH, .value = HD_VALUE_NONE};
  begin(&a, (heads){8, 1, 64}, HD_FORMAT_F16, HD_KV_TURNED, 1, 4000, 0.125f);
  hdb_run run = {hdb_kernels_c(), &a.c.launch, &scratch, a.c.op_index};
  assert_int_equal(hdb_op_steps(&run), 2);
  assert_true(hdb_step_begin(&run, 0, 2) >= 4);
  assert_int_equal(hdb_step_begin(&run, 1, 2), 1); /* too little to share out: no second barrier */
  case_end(&a.c);
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(attention_agrees_with_brute_force),
      cmocka_unit_test(heads_of_odd_sizes_agree_with_brute_force),
      cmocka_unit_test(the_longest_spans_agree_with_brute_force),
      cmocka_unit_test(a_run_gives_the_same_bits_however_it_is_cut),
      cmocka_unit_test(what_a_token_does_not_see_does_not_touch_it),
      cmocka_unit_test(a_token_at_depth_is_worth_several_parts),
  };
  return cmocka_run_group_tests_name("attention", tests, NULL, NULL);
}
