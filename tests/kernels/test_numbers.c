/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers: half precision over all its values, exp, and what quantising an activation row loses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/activation.h"
#include "common/exp.h"
#include "common/float16.h"
#include "common/kernels.h"
#include "samples.h"

/* The value of a binary16 by its definition. */
static double f16_by_definition(uint16_t h) {
  int exponent = h >> 10 & 31, mantissa = h & 1023;
  double sign = h & 0x8000 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa ? (double)NAN : sign * (double)INFINITY;
  return sign * (exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24));
}

static void every_f16_widens_to_its_value(void **state) {
  (void)state;
  for (uint32_t h = 0; h < 65536; h++) {
    double want = f16_by_definition((uint16_t)h);
    float got = hdb_f16_to_f32((uint16_t)h);
    if (isnan(want) ? !isnan(got) : (double)got != want || (signbit(got) != 0) != (h >> 15 != 0))
      fail_msg("f16 %04x", h);
  }
}

static void every_f16_comes_back_from_a_float(void **state) {
  (void)state;
  for (uint32_t h = 0; h < 65536; h++) {
    uint16_t back = hdb_f32_to_f16(hdb_f16_to_f32((uint16_t)h));
    if (isnan(f16_by_definition((uint16_t)h)))
      assert_int_equal(back & 0x7e00, 0x7e00);
    else
      assert_int_equal(back, h);
  }
}

/* Between two neighbours the nearer one, at the middle the even one. Positive and negative. */
static void floats_narrow_to_the_nearest_f16(void **state) {
  (void)state;
  for (uint32_t h = 0; h < 0x7c00; h++) {
    double low = f16_by_definition((uint16_t)h),
           high = h == 0x7bff ? 65536.0 : f16_by_definition((uint16_t)(h + 1));
    float middle = (float)((low + high) / 2); /* exact: one bit more */
    uint16_t even = (uint16_t)(h & 1 ? h + 1 : h);
    assert_int_equal(hdb_f32_to_f16(middle), even);
    assert_int_equal(hdb_f32_to_f16(nextafterf(middle, 0.0f)), h);
    assert_int_equal(hdb_f32_to_f16(nextafterf(middle, 1e9f)), h + 1);
    assert_int_equal(hdb_f32_to_f16(-middle), even | 0x8000);
  }
  assert_int_equal(hdb_f32_to_f16(3e38f), 0x7c00);
  assert_int_equal(hdb_f32_to_f16(-1e-40f), 0x8000);
}

static void bf16_is_the_upper_half_of_a_float(void **state) {
  (void)state;
  assert_true(hdb_bf16_to_f32(0x3f80) == 1.0f);
  assert_true(hdb_bf16_to_f32(0xc040) == -3.0f);
  assert_true(isinf(hdb_bf16_to_f32(0x7f80)));
}

static void exp_is_within_two_units_of_the_true_one(void **state) {
  (void)state;
  for (float x = -87.2f; x < 88.2f; x += 0.00137f) {
    double want = exp((double)x);
    if (fabs((double)hdb_exp(x) - want) > want * 0x1p-22)
      fail_msg("exp(%.9g) = %.9g", (double)x, (double)hdb_exp(x));
  }
  assert_true(hdb_exp(0.0f) == 1.0f);
  assert_true(hdb_exp(-INFINITY) >= 0.0f && hdb_exp(-INFINITY) < 2e-38f);
  assert_true(hdb_exp(INFINITY) > 1e38f);
  assert_true(isnan(hdb_exp(NAN)));
}

static double largest(const float *x, uint32_t count) {
  float most = 0.0f;
  for (uint32_t i = 0; i < count; i++)
    if (fabsf(x[i]) > most) most = fabsf(x[i]);
  return most;
}

/* A value is off by half a step, and by the rounding of the step. */
static void check_quantised(hdb_quantise_fn quantise, uint32_t block, double step_rounding, const float *x,
                            uint32_t cols) {
  uint8_t *row = sample_alloc(block == HDB_Q8_BLOCK ? hdb_q8_bytes(cols) : hdb_q8k_bytes(cols));
  quantise(x, cols, row);
  for (uint32_t i = 0; i < cols; i++) {
    double bound = largest(x + i / block * block, block) * (0.5 / 127 + step_rounding) * 1.0001;
    double got = (double)hdb_q8_values(row)[i] * (double)hdb_q8_scales(row, cols)[i / block];
    if (fabs(got - (double)x[i]) > bound) fail_msg("value %u: %.9g became %.9g", i, (double)x[i], got);
  }
  free(row);
}

static void quantising_is_off_by_half_a_step_at_most(void **state) {
  (void)state;
  enum { COLS = 1024 };
  float x[COLS];
  sample_rng rng = {7};
  for (int round = 0; round < 50; round++) {
    sample_floats(&rng, x, COLS);
    check_quantised(hdb_kernels_c()->quantise_q8, HDB_Q8_BLOCK, 0x1p-11, x, COLS);
    check_quantised(hdb_kernels_c()->quantise_q8k, HDB_Q8K_BLOCK, 0x1p-22, x, COLS);
  }
}

static void quantised_sums_are_those_of_the_values(void **state) {
  (void)state;
  enum { COLS = 512 };
  float x[COLS];
  uint8_t *row = sample_alloc(hdb_q8k_bytes(COLS));
  sample_rng rng = {9};
  sample_floats(&rng, x, COLS);
  hdb_kernels_c()->quantise_q8k(x, COLS, row);
  for (uint32_t s = 0; s < COLS / HDB_Q8K_SUM; s++) {
    int sum = 0;
    for (uint32_t i = 0; i < HDB_Q8K_SUM; i++)
      sum += hdb_q8_values(row)[s * HDB_Q8K_SUM + i];
    assert_int_equal(hdb_q8k_sums(row, COLS)[s], sum);
    if (s % 2) assert_int_equal(hdb_q8k_sums_32(row, COLS)[s / 2], sum + hdb_q8k_sums(row, COLS)[s - 1]);
  }
  free(row);
}

static void zeros_and_vanishing_values_quantise_to_nothing(void **state) {
  (void)state;
  static const float levels[] = {0.0f, 1e-42f, 1e-30f};
  float x[256];
  uint8_t *row = sample_alloc(hdb_q8k_bytes(256));
  for (int level = 0; level < 3; level++) {
    for (uint32_t i = 0; i < 256; i++)
      x[i] = levels[level];
    hdb_kernels_c()->quantise_q8(x, 256, row);
    assert_true(hdb_q8_scales(row, 256)[0] == 0.0f);
    hdb_kernels_c()->quantise_q8k(x, 256, row);
    assert_true(isfinite(hdb_q8_scales(row, 256)[0]));
  }
  free(row);
}

/* Blocks written by hand from the formats' description: a mistake in an unpacking that packing would repeat
 * shows. */
static void blocks_unpack_to_what_their_format_says(void **state) {
  (void)state;
  uint8_t block[256] = {0};
  float out[256];
  const uint16_t one = hdb_f32_to_f16(1.0f);
  memcpy(block, &one, 2); /* Q4_0: 0xb3 in byte 2 is 3 - 8 for value 2 and 11 - 8 for value 18 */
  block[2 + 2] = 0xb3;
  hdb_kernels_c()->dequantise[HD_FORMAT_Q4_0](block, 32, out);
  assert_true(out[2] == -5.0f && out[18] == 3.0f && out[0] == -8.0f);

  block[2 + 2] =
      0x04; /* Q5_0: fifth bit of value 18 is bit 2 of byte 2 of four; of byte 2 of nibbles the high one */
  block[6 + 2] = 0xb3;
  hdb_kernels_c()->dequantise[HD_FORMAT_Q5_0](block, 32, out);
  assert_true(out[2] == 3.0f - 16.0f && out[18] == 11.0f);

  memset(block, 0, sizeof block); /* Q4_K: scale 5 is 0b10'0011, min 5 is 0b01'0010 */
  memcpy(block, &one, 2);
  memcpy(block + 2, &one, 2);
  block[4 + 1] = 0x80;           /* upper bits of scale 5 over scale 1 = 0 */
  block[4 + 5] = 0x40;           /* upper bits of min 5 over min 1 = 0 */
  block[4 + 9] = 0x23;           /* low nibbles: scale 3, min 2 */
  block[16 + 2 * 32 + 7] = 0xa0; /* sub-blocks 4 (low) and 5 (high): value 7 of 5 is 10 */
  hdb_kernels_c()->dequantise[HD_FORMAT_Q4_K](block, 256, out);
  assert_true(out[5 * 32 + 7] == 35.0f * 10.0f - 18.0f && out[5 * 32] == -18.0f && out[4 * 32 + 7] == 0.0f);

  memset(block, 0, sizeof block); /* Q6_K: one value of each quarter of the second half, with upper bits */
  block[64 + 3] = 0x75;           /* low nibbles: 5 of quarter 0, 7 of quarter 2 */
  block[64 + 32 + 3] = 0x96;      /* 6 of quarter 1, 9 of quarter 3 */
  block[128 + 32 + 3] = 0x2d;     /* upper pairs from the lowest: 1, 3, 2, 0 */
  memset(block + 192, 1, 16);
  block[192 + (128 + 96 + 3) / 16] = 0xfe; /* scale -2 */
  memcpy(block + 208, &one, 2);
  hdb_kernels_c()->dequantise[HD_FORMAT_Q6_K](block, 256, out);
  assert_true(out[128 + 3] == 5 + 16 - 32 && out[128 + 32 + 3] == 6 + 48 - 32);
  assert_true(out[128 + 64 + 3] == 7 + 32 - 32 && out[128 + 96 + 3] == -2 * (9 + 0 - 32));
  assert_true(out[3] == -32.0f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_f16_widens_to_its_value),
      cmocka_unit_test(every_f16_comes_back_from_a_float),
      cmocka_unit_test(floats_narrow_to_the_nearest_f16),
      cmocka_unit_test(bf16_is_the_upper_half_of_a_float),
      cmocka_unit_test(exp_is_within_two_units_of_the_true_one),
      cmocka_unit_test(quantising_is_off_by_half_a_step_at_most),
      cmocka_unit_test(quantised_sums_are_those_of_the_values),
      cmocka_unit_test(zeros_and_vanishing_values_quantise_to_nothing),
      cmocka_unit_test(blocks_unpack_to_what_their_format_says),
  };
  return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
