/* SPDX-License-Identifier: Apache-2.0 */
/* Writing weight rows: what comes back of each format, and what cannot be written. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/encode/encode.h"
#include "common/encode/fit.h"
#include "common/kernels.h"
#include "samples.h"

enum { COLS = 512, ROWS = 200 };

/* Largest error of one value as a part of the largest magnitude of its block, and root mean square of the
 * errors as a part of that of the values, over roughly normal rows. The first is the format's arithmetic:
 * half a step (Q8_0: 1/254), a whole one at the top of those whose integers reach further down than up (Q4_0:
 * 1/8, Q5_0: 1/16), and for the k-quants, which weigh errors, what a search may give away at the ends. The
 * second is what was measured, and a tenth. */
typedef struct loss {
  hd_format format;
  double largest, rms;
} loss;
static const loss LOSSES[] = {{HD_FORMAT_F32, 0.0, 0.0},        {HD_FORMAT_F16, 0x1p-11, 0.00023},
                              {HD_FORMAT_BF16, 0x1p-8, 0.0018}, {HD_FORMAT_Q8_0, 0.0045, 0.0056},
                              {HD_FORMAT_Q6_K, 0.031, 0.0188},  {HD_FORMAT_Q5_0, 0.0635, 0.0445},
                              {HD_FORMAT_Q4_K, 0.15, 0.0756},   {HD_FORMAT_Q4_0, 0.1255, 0.0900}};
enum { LOSS_COUNT = sizeof LOSSES / sizeof *LOSSES };

static void write_and_read(hd_format format, const float *x, float *out) {
  void *row = sample_alloc(hd_format_row_bytes(format, COLS));
  assert_int_equal(hdb_recode_row(HD_FORMAT_F32, x, format, COLS, row), COLS);
  hdb_kernels_c()->dequantise[format](row, COLS, out);
  free(row);
}

/* The largest magnitude among the values that share a scale with column `at`. */
static double neighbours(hd_format format, const float *x, uint32_t at) {
  uint32_t block = hd_format_get(format)->block_values;
  double largest = 0.0;
  for (uint32_t i = at / block * block; i < (at / block + 1) * block; i++)
    if (fabs((double)x[i]) > largest) largest = fabs((double)x[i]); /* gcc 12 for aarch64 fails on fmax() */
  return largest;
}

static void each_format_loses_no_more_than_its_bits_must(void **state) {
  (void)state;
  for (size_t f = 0; f < LOSS_COUNT; f++) {
    sample_rng rng = {7};
    double errors = 0.0, squares = 0.0;
    for (uint32_t r = 0; r < ROWS; r++) {
      float x[COLS], back[COLS];
      sample_floats(&rng, x, COLS);
      float size = ldexpf(1.0f, (int)sample_below(&rng, 12) - 8);
      for (uint32_t i = 0; i < COLS; i++)
        x[i] *= size;
      write_and_read(LOSSES[f].format, x, back);
      for (uint32_t i = 0; i < COLS; i++) {
        double error = (double)back[i] - (double)x[i];
        errors += error * error / ((double)size * (double)size);
        squares += (double)x[i] * (double)x[i] / ((double)size * (double)size);
        /* 2^-25: half of the smallest half-precision number */
        if (fabs(error) > LOSSES[f].largest * neighbours(LOSSES[f].format, x, i) + 0x1p-25)
          fail_msg("%s, row %u, column %u: %g became %g", hd_format_get(LOSSES[f].format)->name, r, i,
                   (double)x[i], (double)back[i]);
      }
    }
    if (sqrt(errors / squares) > LOSSES[f].rms)
      fail_msg("%s: root mean square %g", hd_format_get(LOSSES[f].format)->name, sqrt(errors / squares));
  }
}

/* More bits, smaller error: a broken search would show here before it breaks a bound. */
static void the_searched_formats_beat_the_plain_ones_of_equal_size(void **state) {
  (void)state;
  sample_rng rng = {11};
  double plain = 0.0, searched = 0.0;
  for (uint32_t r = 0; r < ROWS; r++) {
    float x[COLS], back[COLS];
    sample_floats(&rng, x, COLS);
    write_and_read(HD_FORMAT_Q4_0, x, back);
    for (uint32_t i = 0; i < COLS; i++)
      plain += (double)((back[i] - x[i]) * (back[i] - x[i]));
    write_and_read(HD_FORMAT_Q4_K, x, back);
    for (uint32_t i = 0; i < COLS; i++)
      searched += (double)((back[i] - x[i]) * (back[i] - x[i]));
  }
  assert_true(searched < 0.8 * plain);
}

static void rows_that_are_nothing_or_all_alike_come_back(void **state) {
  (void)state;
  static const float VALUES[] = {0.0f,   -0.0f,  1.0f,     -1.0f,          FLT_MIN,
                                 1e-30f, -1e-9f, 65504.0f, HDB_ENCODE_MAX, -HDB_ENCODE_MAX};
  for (size_t f = 0; f < LOSS_COUNT; f++)
    for (size_t v = 0; v < sizeof VALUES / sizeof *VALUES; v++) {
      float x[COLS], back[COLS];
      for (uint32_t i = 0; i < COLS; i++)
        x[i] = VALUES[v];
      write_and_read(LOSSES[f].format, x, back);
      for (uint32_t i = 0; i < COLS; i++) {
        /* What is too small for a half-precision scale may become nothing. */
        double slack = (LOSSES[f].largest + 1e-3) * fabs((double)VALUES[v]) + 1e-7;
        if (!(fabs((double)back[i] - (double)VALUES[v]) <= slack))
          fail_msg("%s: %g became %g", hd_format_get(LOSSES[f].format)->name, (double)VALUES[v],
                   (double)back[i]);
      }
    }
}

/* Values of very different size beside each other: nothing overflows, nothing becomes NaN. */
static void wild_rows_come_back_finite(void **state) {
  (void)state;
  sample_rng rng = {13};
  for (uint32_t r = 0; r < ROWS; r++) {
    float x[COLS], back[COLS];
    for (uint32_t i = 0; i < COLS; i++) {
      x[i] = ldexpf(sample_float(&rng), (int)sample_below(&rng, 160) - 148);
      if (sample_below(&rng, 4) == 0) x[i] = 0.0f;
      x[i] = fminf(fmaxf(x[i], -HDB_ENCODE_MAX), HDB_ENCODE_MAX);
    }
    for (size_t f = 0; f < LOSS_COUNT; f++) {
      write_and_read(LOSSES[f].format, x, back);
      for (uint32_t i = 0; i < COLS; i++)
        if (!(fabs((double)(back[i] - x[i])) <=
              (LOSSES[f].largest + 1e-3) * neighbours(LOSSES[f].format, x, i) + 1e-5))
          fail_msg("%s, row %u: %g became %g", hd_format_get(LOSSES[f].format)->name, r, (double)x[i],
                   (double)back[i]);
    }
  }
}

/* Writing what was read changes nothing more: the integers are where they were. */
static void a_row_written_twice_is_the_same(void **state) {
  (void)state;
  static const hd_format PLAIN[] = {HD_FORMAT_F16, HD_FORMAT_BF16, HD_FORMAT_Q4_0, HD_FORMAT_Q5_0};
  sample_rng rng = {17};
  for (size_t f = 0; f < sizeof PLAIN / sizeof *PLAIN; f++)
    for (uint32_t r = 0; r < ROWS; r++) {
      float x[COLS], once[COLS], twice[COLS];
      sample_floats(&rng, x, COLS);
      write_and_read(PLAIN[f], x, once);
      write_and_read(PLAIN[f], once, twice);
      assert_memory_equal(once, twice, sizeof once);
    }
}

static double line_error(const float *x, const double *weight, double scale, double min) {
  double error = 0.0;
  for (uint32_t i = 0; i < 32; i++) {
    double q = scale > 0.0 ? fmin(fmax(rint(((double)x[i] + min) / scale), 0.0), 15.0) : 0.0;
    double off = scale * q - min - (double)x[i];
    error += weight[i] * off * off;
  }
  return error;
}

/* Against a search through a fine net of scales and minimums: within a quarter of its best error, and never
 * worse than the plain grid. */
static void the_search_for_scale_and_minimum_comes_near_brute_force(void **state) {
  (void)state;
  sample_rng rng = {19};
  double sum = 0.0, best_sum = 0.0;
  for (uint32_t r = 0; r < 60; r++) {
    float x[32], scale, min, low = 0.0f, high = -1e9f;
    double weight[32], squares = 0.0;
    sample_floats(&rng, x, 32);
    for (uint32_t i = 0; i < 32; i++) {
      low = fminf(low, x[i]);
      high = fmaxf(high, x[i]);
      squares += (double)x[i] * (double)x[i];
    }
    for (uint32_t i = 0; i < 32; i++)
      weight[i] = sqrt(squares / 32) + fabs((double)x[i]);
    hdb_fit_scale_and_min(x, &scale, &min);
    double got = line_error(x, weight, (double)scale, (double)min), best = INFINITY;
    double plain = line_error(x, weight, (double)(high - low) / 15.0, (double)-low);
    for (int s = 0; s <= 60; s++)
      for (int m = 0; m <= 60; m++)
        best = fmin(best, line_error(x, weight, (double)(high - low) / 15.0 * (0.85 + 0.005 * s),
                                     (double)-low * (0.8 + 0.005 * m)));
    assert_true(got <= plain * 1.0001);
    sum += got;
    best_sum += best;
  }
  assert_true(sum < 1.25 * best_sum);
}

static void a_value_that_no_format_holds_is_found(void **state) {
  (void)state;
  static const float BAD[] = {NAN, INFINITY, -INFINITY, 65536.0f, -1e30f};
  for (size_t f = 0; f < LOSS_COUNT; f++)
    for (size_t b = 0; b < sizeof BAD / sizeof *BAD; b++)
      for (uint32_t at = 0; at < COLS; at += 73) {
        float x[COLS];
        void *row = sample_alloc(hd_format_row_bytes(LOSSES[f].format, COLS));
        for (uint32_t i = 0; i < COLS; i++)
          x[i] = i >= at ? BAD[b] : 1.0f;
        assert_int_equal(hdb_recode_row(HD_FORMAT_F32, x, LOSSES[f].format, COLS, row), at);
        free(row);
      }
}

static void half_precision_rows_are_written_as_their_values(void **state) {
  (void)state;
  sample_rng rng = {23};
  float x[COLS], widened[COLS];
  uint8_t half[COLS * 2], direct[COLS], detour[COLS];
  sample_floats(&rng, x, COLS);
  hdb_encode_f16(x, COLS, half);
  hdb_kernels_c()->dequantise[HD_FORMAT_F16](half, COLS, widened);
  assert_int_equal(hdb_recode_row(HD_FORMAT_F16, half, HD_FORMAT_Q4_K, COLS, direct), COLS);
  hdb_encode_q4_k(widened, COLS, detour);
  assert_memory_equal(direct, detour, hd_format_row_bytes(HD_FORMAT_Q4_K, COLS));
}

static void only_weight_formats_have_an_encoder(void **state) {
  (void)state;
  for (uint32_t f = 0; f < SAMPLE_FORMATS; f++)
    assert_non_null(hdb_encoder(sample_format(f)));
  assert_null(hdb_encoder(HD_FORMAT_I32));
  assert_null(hdb_encoder(HD_FORMAT_COUNT));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_format_loses_no_more_than_its_bits_must),
      cmocka_unit_test(the_searched_formats_beat_the_plain_ones_of_equal_size),
      cmocka_unit_test(rows_that_are_nothing_or_all_alike_come_back),
      cmocka_unit_test(wild_rows_come_back_finite),
      cmocka_unit_test(a_row_written_twice_is_the_same),
      cmocka_unit_test(the_search_for_scale_and_minimum_comes_near_brute_force),
      cmocka_unit_test(a_value_that_no_format_holds_is_found),
      cmocka_unit_test(half_precision_rows_are_written_as_their_values),
      cmocka_unit_test(only_weight_formats_have_an_encoder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
