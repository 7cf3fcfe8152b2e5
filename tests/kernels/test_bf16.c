/* SPDX-License-Identifier: Apache-2.0 */
/* The order of BF16 dots where random rows do not lead: roundings that are nearly ties, subnormal numbers,
 * rows of other formats that are multiplied as BF16. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/bf16.h"
#include "cpu/tiers.h"
#include "samples.h"

enum { ROWS = 37, X_ROWS = 9, COLS = 203 };

/* Rows of both kinds and what comes of them. */
typedef struct rows {
  uint16_t weights[ROWS * COLS];
  float x[X_ROWS * COLS];
  float out[X_ROWS * ROWS], want[X_ROWS * ROWS];
} rows;

/* Any bits with an exponent of [least, least + count). */
static float float_of(sample_rng *rng, uint32_t least, uint32_t count) {
  uint32_t bits = (uint32_t)sample_next(rng) & 0x807fffffu;
  return hdb_float(bits | (least + sample_below(rng, count)) << 23);
}

static void multiply(const hdb_kernels *kernels, hd_format format, const void *weights, rows *r, float *out) {
  const hdb_activation layout = kernels->activation[format];
  const size_t stride = hdb_activation_bytes(layout, COLS);
  hdb_tile tile = {.cols = COLS,
                   .weight_rows = ROWS,
                   .x_rows = X_ROWS,
                   .weights = weights,
                   .weight_stride = hd_format_row_bytes(format, COLS),
                   .x_stride = stride,
                   .out = out,
                   .out_stride = ROWS,
                   .scratch = sample_alloc(HDB_TILE_SCRATCH)};
  uint8_t *x = sample_alloc(stride * X_ROWS);
  for (uint32_t t = 0; t < X_ROWS; t++)
    hdb_quantise_of(kernels, layout)(r->x + t * COLS, COLS, x + t * stride);
  tile.x = x;
  kernels->dot[format](&tile);
  free(x);
  free(tile.scratch);
}

/* Every tier that this machine runs gives the bits of C. */
static void check_tiers(rows *r) {
  multiply(hdb_kernels_c(), HD_FORMAT_BF16, r->weights, r, r->want);
  for (uint32_t t = 0; t < HDI_TIER_COUNT; t++) {
    hdb_kernels kernels;
    if (!hdi_tier_usable((hdi_tier)t) || hdi_tier_begin((hdi_tier)t)) continue;
    hdi_tier_kernels((hdi_tier)t, &kernels);
    multiply(&kernels, HD_FORMAT_BF16, r->weights, r, r->out);
    if (memcmp(r->out, r->want, sizeof r->out) != 0) fail_msg("tier %s: not the bits of C", kernels.name);
  }
}

static void a_product_and_its_sum_are_rounded_once(void **state) {
  sample_rng rng = {1};
  (void)state;
  for (int i = 0; i < 200000; i++) {
    float w = hdb_float(hdb_bf16_nearest(float_of(&rng, 120, 16)));
    float x = hdb_float(hdb_bf16_nearest(float_of(&rng, 120, 16)));
    float acc = float_of(&rng, 100, 50);
    assert_int_equal(hdb_bits(hdb_bf16_fma(w, x, acc)), hdb_bits(fmaf(w, x, acc)));
  }
  /* A tie but for a part beyond what a double holds. */
  assert_true(hdb_bf16_fma(0x1p-30f, 0x1p-30f, 1.0f) == 1.0f);
  assert_true(hdb_bf16_fma(0x1.01p-12f, 0x1p-12f, 1.0f) == 1.0f + 0x1p-23f);
}

static void the_nearest_bf16_is_even_between_two(void **state) {
  (void)state;
  assert_int_equal(hdb_bf16_nearest(0x1.01p0f), hdb_bits(1.0f));      /* half way from 1 to the next */
  assert_int_equal(hdb_bf16_nearest(0x1.03p0f), hdb_bits(0x1.04p0f)); /* half way from an odd one */
  assert_int_equal(hdb_bf16_nearest(-0x1.010002p0f), hdb_bits(-0x1.02p0f));
  assert_int_equal(hdb_bf16_nearest(0x1.ffp127f), hdb_bits(INFINITY));
  assert_int_equal(hdb_bf16_nearest(-INFINITY), hdb_bits(-INFINITY));
  assert_int_equal(hdb_bf16_nearest(-0x1.fffffcp-127f), 0x80000000u);
  assert_int_equal(hdb_bf16_nearest(hdb_float(0x7f800001u)), 0x7fc00000u);
}

static void subnormal_numbers_count_as_zero_in_every_tier(void **state) {
  rows *r = sample_alloc(sizeof *r);
  uint32_t zeros = 0;
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    sample_rng rng = {seed};
    for (uint32_t i = 0; i < ROWS * COLS; i++) /* subnormal ones too */
      r->weights[i] = (uint16_t)(hdb_bits(float_of(&rng, 0, seed % 2 ? 3 : 64)) >> 16);
    for (uint32_t i = 0; i < X_ROWS * COLS; i++)
      r->x[i] = float_of(&rng, seed % 2 ? 122 : 60, seed % 2 ? 4 : 8);
    check_tiers(r);
    for (uint32_t i = 0; i < ROWS * X_ROWS; i++) {
      assert_true(r->want[i] == 0.0f || fabsf(r->want[i]) >= 0x1p-126f);
      zeros += r->want[i] == 0.0f;
    }
  }
  assert_true(zeros > 0 && zeros < 20 * ROWS * X_ROWS);
  /* And no longer than the dot lasts. */
  volatile float tiny = 0x1p-140f, half = 0.5f;
  assert_true(tiny * half == 0x1p-141f);
  free(r);
}

static void sums_that_overflow_are_infinite_in_every_tier(void **state) {
  rows *r = sample_alloc(sizeof *r);
  sample_rng rng = {5};
  (void)state;
  for (uint32_t i = 0; i < ROWS * COLS; i++)
    r->weights[i] = (uint16_t)(hdb_bits(fabsf(float_of(&rng, 250, 4))) >> 16);
  for (uint32_t i = 0; i < X_ROWS * COLS; i++)
    r->x[i] = fabsf(float_of(&rng, 126, 3));
  check_tiers(r);
  assert_true(isinf(r->want[0]));
  free(r);
}

static void put_float(sample_rng *rng, hd_format format, uint8_t *at, uint16_t *out_rounded) {
  float x = float_of(rng, 113, 15);
  uint16_t half = hdb_f32_to_f16(x);
  if (format == HD_FORMAT_F16) {
    memcpy(at, &half, sizeof half);
    x = hdb_f16_to_f32(half);
  } else {
    memcpy(at, &x, sizeof x);
  }
  *out_rounded = (uint16_t)(hdb_bf16_nearest(x) >> 16);
}

static void floats_told_to_be_bf16_are_rounded_to_it(void **state) {
  static const hd_format formats[] = {HD_FORMAT_F16, HD_FORMAT_F32};
  rows *r = sample_alloc(sizeof *r);
  uint8_t *weights = sample_alloc(ROWS * COLS * sizeof(float));
  hdb_kernels kernels;
  (void)state;
  if (!hdi_tier_usable(HDI_TIER_AVX512BF16)) skip();
  hdi_tier_kernels(HDI_TIER_AVX512BF16, &kernels);
  hdi_tier_round_floats(HDI_TIER_AVX512BF16, NULL, &kernels);
  for (size_t f = 0; f < 2; f++) {
    sample_rng rng = {f};
    const size_t bytes = hd_format_get(formats[f])->block_bytes;
    for (uint32_t i = 0; i < ROWS * COLS; i++)
      put_float(&rng, formats[f], weights + i * bytes, &r->weights[i]);
    sample_floats(&rng, r->x, X_ROWS * COLS);
    multiply(hdb_kernels_c(), HD_FORMAT_BF16, r->weights, r, r->want);
    multiply(&kernels, formats[f], weights, r, r->out);
    assert_memory_equal(r->out, r->want, sizeof r->out);
  }
  free(weights);
  free(r);
}

static void a_tier_without_bf16_leaves_floats_as_they_are(void **state) {
  hdb_kernels before, after;
  (void)state;
  hdi_tier_kernels(HDI_TIER_C, &before);
  after = before;
  hdi_tier_round_floats(HDI_TIER_C, NULL, &after);
  assert_memory_equal(&before, &after, sizeof before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_product_and_its_sum_are_rounded_once),
      cmocka_unit_test(the_nearest_bf16_is_even_between_two),
      cmocka_unit_test(subnormal_numbers_count_as_zero_in_every_tier),
      cmocka_unit_test(sums_that_overflow_are_infinite_in_every_tier),
      cmocka_unit_test(floats_told_to_be_bf16_are_rounded_to_it),
      cmocka_unit_test(a_tier_without_bf16_leaves_floats_as_they_are),
  };
  return cmocka_run_group_tests_name("bf16", tests, NULL, NULL);
}
