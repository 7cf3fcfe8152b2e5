/* SPDX-License-Identifier: Apache-2.0 */
/* Products of BF16 in tiles where random rows do not lead: the order of a product's sums, subnormal numbers,
 * zeros of either sign, infinities and NaNs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "amx_case.h"
#include "common/bf16.h"
#include "cpu/tiers.h"
#include "cpu/x86/x86.h"
#include "emulated_bf16.h"
#include "emulated_dots.h"

enum { SHAPES = 15 };

static uint16_t bf16(float x) {
  return (uint16_t)(hdb_bf16_nearest(x) >> 16);
}

/* ---- the instruction ---- */

static float one_product(const uint16_t *a, const uint16_t *b, uint32_t pairs, float c) {
  uint16_t row[1][EMULATED_BF16_ROW] = {{0}}, column[16][EMULATED_BF16_ROW] = {{0}};
  float sum[1][EMULATED_FLOAT_ROW] = {{c}};
  for (uint32_t k = 0; k < pairs; k++) {
    memcpy(&row[0][2 * k], a + 2 * k, 4);
    memcpy(column[k], b + 2 * k, 4);
  }
  emulated_dot_bf16(1, 1, pairs, (const uint16_t(*)[EMULATED_BF16_ROW])row,
                    (const uint16_t(*)[EMULATED_BF16_ROW])column, sum);
  return sum[0][0];
}

/* What one chain of all products, or of pairs, would not give. */
static void even_and_odd_values_are_two_sums(void **state) {
  const uint16_t one = bf16(1.0f), tiny = bf16(0x1p-24f), ones[6] = {one, one, one, one, one, one};
  const uint16_t apart[6] = {one, tiny, 0, tiny, 0, 0}, together[6] = {one, 0, tiny, 0, tiny, 0};
  (void)state;
  if (!hdi_tier_usable(HDI_TIER_AVX512)) skip();
  assert_true(one_product(apart, ones, 3, 0.0f) == 1.0f + 0x1p-23f);
  assert_true(one_product(together, ones, 3, 0.0f) == 1.0f);
  assert_true(one_product(apart, ones, 3, -1.0f) == 0x1p-23f); /* the tile's sum comes last */
}

static void a_products_subnormal_numbers_are_zero(void **state) {
  const uint16_t least = 0x0080, below = 0x007f, half[2] = {bf16(0.5f), 0}, one[2] = {bf16(1.0f), 0};
  const uint16_t normal[2] = {least, 0}, subnormal[2] = {below, 0}, negative[2] = {0x8080, 0};
  volatile float tiny = 0x1p-140f, two = 2.0f;
  (void)state;
  if (!hdi_tier_usable(HDI_TIER_AVX512)) skip();
  assert_true(one_product(normal, one, 1, 0.0f) == 0x1p-126f);
  assert_true(one_product(normal, half, 1, 0.0f) == 0.0f);
  assert_true(one_product(subnormal, one, 1, 0.0f) == 0.0f);
  assert_true(one_product(subnormal, one, 1, 0x1p-130f) == 0.0f);
  assert_int_equal(hdb_bits(one_product(negative, half, 1, -0.0f)), 0); /* sums begin with +0 */
  assert_true(tiny * two == 0x1p-139f);                                 /* and no longer than it lasts */
}

/* ---- rows of unusual numbers ---- */

typedef enum oddity { SUBNORMAL, ZERO, INFINITE, NOT_A_NUMBER, ODDITIES } oddity;

static float odd_float(sample_rng *rng, oddity which) {
  const uint32_t sign = (uint32_t)sample_next(rng) & 0x80000000u;
  const uint32_t any = (uint32_t)sample_next(rng) & 0x007fffffu;
  const uint32_t bits[ODDITIES] = {any, 0, 0x7f800000u, 0x7f800001u | any};
  return hdb_float(sign | bits[which]);
}

static void put_weight(hd_format format, uint8_t *at, float x) {
  const uint16_t half = format == HD_FORMAT_F16 ? hdb_f32_to_f16(x) : (uint16_t)(hdb_bits(x) >> 16);
  if (format == HD_FORMAT_F32)
    memcpy(at, &x, sizeof x);
  else
    memcpy(at, &half, sizeof half);
}

/* Every `nth` number, about, of both kinds. */
static void make_odd(amx_case *k, sample_rng *rng, oddity which, uint32_t nth) {
  const size_t weights = (size_t)k->tile.cols * k->tile.weight_rows;
  const size_t x = (size_t)k->tile.cols * k->tile.x_rows, bytes = hd_format_get(k->format)->block_bytes;
  for (size_t i = sample_below(rng, nth); i < weights; i += 1 + sample_below(rng, 2 * nth))
    put_weight(k->format, k->weights + i * bytes, odd_float(rng, which));
  for (size_t i = sample_below(rng, nth); i < x; i += 1 + sample_below(rng, 2 * nth))
    k->floats[i] = odd_float(rng, which);
  amx_case_round(k);
}

static void check_odd(oddity which, bool is_frequent) {
  static const hd_format formats[] = {HD_FORMAT_BF16, HD_FORMAT_F16, HD_FORMAT_F32};
  for (uint64_t seed = 0; seed < SHAPES; seed++)
    for (uint32_t f = 0; f < 3; f++) {
      sample_rng rng = {seed};
      amx_case k;
      amx_case_begin(&k, &rng, formats[f]);
      make_odd(&k, &rng, which, is_frequent ? 3 : 4 * k.tile.cols);
      amx_case_run(&k, emulated_dot_of(formats[f]));
      assert_int_equal(emulated_begun, 0);
      amx_case_check(&k, !is_frequent);
      amx_case_end(&k);
    }
}

static void subnormal_numbers_and_zeros_give_the_bits_of_c(void **state) {
  (void)state;
  if (!hdi_tier_usable(HDI_TIER_AVX512BF16)) skip();
  check_odd(SUBNORMAL, true);
  check_odd(ZERO, true);
}

/* A NaN for a NaN: which one, no document of the instruction says. */
static void infinities_and_nans_are_those_of_c(void **state) {
  (void)state;
  if (!hdi_tier_usable(HDI_TIER_AVX512BF16)) skip();
  check_odd(INFINITE, false);
  check_odd(NOT_A_NUMBER, false);
}

/* All exponents, so that products and sums become subnormal or overflow. */
static void every_exponent_gives_the_bits_of_c(void **state) {
  (void)state;
  if (!hdi_tier_usable(HDI_TIER_AVX512BF16)) skip();
  for (uint64_t seed = 0; seed < SHAPES; seed++) {
    const uint32_t least = seed % 3 == 0 ? 0 : 40, count = seed % 3 == 2 ? 200 : 48;
    sample_rng rng = {seed};
    amx_case k;
    amx_case_begin(&k, &rng, HD_FORMAT_BF16);
    for (size_t i = 0; i < (size_t)k.tile.cols * k.tile.weight_rows; i++) {
      const uint32_t bits = (uint32_t)sample_next(&rng) & 0x807fffffu;
      put_weight(k.format, k.weights + 2 * i, hdb_float(bits | (least + sample_below(&rng, count)) << 23));
    }
    for (size_t i = 0; i < (size_t)k.tile.cols * k.tile.x_rows; i++)
      k.floats[i] = ldexpf(k.floats[i], (int)sample_below(&rng, 60) - (seed % 3 == 2 ? 30 : 90));
    amx_case_round(&k);
    amx_case_run(&k, emulated_dot_of(k.format));
    amx_case_check(&k, false);
    amx_case_end(&k);
  }
}

/* ---- the trial ---- */

typedef float (*pair_fn)(const uint16_t *w, const uint16_t *x, uint32_t cols);

/* Value i of a row that lies in pairs. */
static float neighbour(const uint16_t *x, uint32_t i) {
  static const uint32_t at[8] = {1, 3, 0, 2, 5, 7, 4, 6}; /* common/activation.h */
  return hdb_bf16_to_f32(x[i / 8 * 8 + at[i % 8]]);
}

static void each_pair(const hdb_tile *tile, pair_fn pair) {
  for (uint32_t t = 0; t < tile->x_rows; t++)
    for (uint32_t w = 0; w < tile->weight_rows; w++)
      tile->out[t * tile->out_stride + w] =
          pair((const uint16_t *)(const void *)(tile->weights + w * tile->weight_stride),
               (const uint16_t *)(const void *)(tile->x + t * tile->x_stride), tile->cols);
}

/* All products in one sum, in order: as a reading of the instruction that is shorter than the manual's has
 * it. */
static float in_one_sum(const uint16_t *w, const uint16_t *x, uint32_t cols) {
  float sum = 0.0f;
  for (uint32_t i = 0; i < cols; i++)
    sum = hdb_bf16_fma(hdb_bf16_flush(hdb_bf16_to_f32(w[i])), neighbour(x, i), sum);
  return sum;
}

static float flush_if(bool flushes, float x) {
  return flushes ? hdb_bf16_flush(x) : x;
}

/* The right order; subnormal numbers are zero or not. */
static float in_order(const uint16_t *w, const uint16_t *x, uint32_t cols, bool flushes) {
  float acc = 0.0f;
  for (uint32_t b = 0; b < cols; b += HDB_BF16_BLOCK) {
    float sum[2] = {0.0f, 0.0f};
    for (uint32_t i = b; i < cols && i < b + HDB_BF16_BLOCK; i++) {
      const float weight = flush_if(flushes, hdb_bf16_to_f32(w[i]));
      sum[i % 2] = flushes ? hdb_bf16_fma(weight, neighbour(x, i), sum[i % 2])
                           : fmaf(weight, neighbour(x, i), sum[i % 2]);
    }
    acc = flush_if(flushes, acc + flush_if(flushes, sum[0] + sum[1]));
  }
  return acc;
}

static float flushed(const uint16_t *w, const uint16_t *x, uint32_t cols) {
  return in_order(w, x, cols, true);
}
static float not_flushed(const uint16_t *w, const uint16_t *x, uint32_t cols) {
  return in_order(w, x, cols, false);
}

static void dot_in_one_sum(const hdb_tile *tile) {
  each_pair(tile, in_one_sum);
}
static void dot_flushed(const hdb_tile *tile) {
  each_pair(tile, flushed);
}
static void dot_not_flushed(const hdb_tile *tile) {
  each_pair(tile, not_flushed);
}

static void the_check_before_use_finds_another_order_and_subnormal_numbers(void **state) {
  (void)state;
  assert_true(hdi_amx_agrees(HD_FORMAT_BF16, dot_flushed));
  assert_false(hdi_amx_agrees(HD_FORMAT_BF16, dot_in_one_sum));
  assert_false(hdi_amx_agrees(HD_FORMAT_BF16, dot_not_flushed));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(even_and_odd_values_are_two_sums),
      cmocka_unit_test(a_products_subnormal_numbers_are_zero),
      cmocka_unit_test(subnormal_numbers_and_zeros_give_the_bits_of_c),
      cmocka_unit_test(infinities_and_nans_are_those_of_c),
      cmocka_unit_test(every_exponent_gives_the_bits_of_c),
      cmocka_unit_test(the_check_before_use_finds_another_order_and_subnormal_numbers),
  };
  return cmocka_run_group_tests_name("amx_floats", tests, NULL, NULL);
}
