/* SPDX-License-Identifier: Apache-2.0 */
/* The AMX kernels with tiles in plain C, so that what is right about them beside the instructions is held on
 * machines without AMX; check_kernels runs them with instructions where there are some. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "amx_case.h"
#include "cpu/tiers.h"
#include "cpu/x86/amx_config.h"
#include "cpu/x86/x86.h"
#include "emulated_dots.h"

enum { SHAPES = 25 };

/* The emulated kernels of a format run here. */
static bool runs(hd_format format) {
  const bool is_plain = hd_format_get(format)->block_values == 1;
  return emulated_dot_of(format) && hdi_tier_usable(is_plain ? HDI_TIER_AVX512BF16 : HDI_TIER_AVX512);
}

static void every_format_gives_the_bits_of_portable_c(void **state) {
  (void)state;
  if (!hdi_tier_usable(HDI_TIER_AVX512)) skip();
  for (uint64_t seed = 0; seed < SHAPES; seed++)
    for (uint32_t i = 0; i < SAMPLE_FORMATS; i++) {
      const hd_format format = sample_format(i);
      sample_rng rng = {seed};
      amx_case k;
      if (!runs(format)) continue;
      amx_case_begin(&k, &rng, format);
      amx_case_run(&k, emulated_dot_of(format));
      assert_int_equal(emulated_begun, 0);
      amx_case_check(&k, false);
      amx_case_end(&k);
    }
}

static void flip_last_bit(const hdb_tile *tile) {
  float *last = tile->out + (tile->x_rows - 1) * tile->out_stride + tile->weight_rows - 1;
  uint32_t bits;
  memcpy(&bits, last, sizeof bits);
  bits ^= 1;
  memcpy(last, &bits, sizeof bits);
}

static void q8_0_off_by_a_bit(const hdb_tile *tile) {
  emulated_dot_of(HD_FORMAT_Q8_0)(tile);
  flip_last_bit(tile);
}

static void f16_off_by_a_bit(const hdb_tile *tile) {
  emulated_dot_of(HD_FORMAT_F16)(tile);
  flip_last_bit(tile);
}

static void the_check_before_use_finds_one_wrong_bit(void **state) {
  (void)state;
  if (!hdi_tier_usable(HDI_TIER_AVX512)) skip();
  for (uint32_t i = 0; i < SAMPLE_FORMATS; i++)
    if (runs(sample_format(i)))
      assert_true(hdi_amx_agrees(sample_format(i), emulated_dot_of(sample_format(i))));
  assert_false(hdi_amx_agrees(HD_FORMAT_Q8_0, q8_0_off_by_a_bit));
  if (runs(HD_FORMAT_F16)) assert_false(hdi_amx_agrees(HD_FORMAT_F16, f16_off_by_a_bit));
}

static void every_replaced_dot_is_held_here(void **state) {
  hdb_kernels before, after;
  (void)state;
  hdi_tier_kernels(HDI_TIER_AVX512BF16, &before);
  hdi_tier_round_floats(HDI_TIER_AVX512BF16, NULL, &before);
  hdi_tier_kernels(HDI_TIER_AMXBF16, &after);
  hdi_tier_round_floats(HDI_TIER_AMXBF16, NULL, &after);
  for (uint32_t i = 0; i < SAMPLE_FORMATS; i++) {
    const hd_format format = sample_format(i);
    assert_int_equal(after.dot[format] != before.dot[format], emulated_dot_of(format) != NULL);
    assert_int_equal(after.activation[format], before.activation[format]);
  }
}

static void tiles_of_bytes_come_without_those_of_bf16(void **state) {
  hdb_kernels wide, amx, both;
  (void)state;
  hdi_tier_kernels(HDI_TIER_AVX512BF16, &wide);
  hdi_tier_kernels(HDI_TIER_AMX, &amx);
  hdi_tier_kernels(HDI_TIER_AMXBF16, &both);
  assert_ptr_equal(amx.dot[HD_FORMAT_BF16], wide.dot[HD_FORMAT_BF16]);
  assert_ptr_not_equal(both.dot[HD_FORMAT_BF16], wide.dot[HD_FORMAT_BF16]);
  assert_ptr_equal(both.dot[HD_FORMAT_Q8_0], amx.dot[HD_FORMAT_Q8_0]);
  assert_ptr_equal(both.dot[HD_FORMAT_F16], wide.dot[HD_FORMAT_F16]); /* exact until told otherwise */
  hdi_tier_round_floats(HDI_TIER_AVX512BF16, NULL, &wide);
  hdi_tier_round_floats(HDI_TIER_AMX, NULL, &amx);
  assert_ptr_equal(amx.dot[HD_FORMAT_F16], wide.dot[HD_FORMAT_F16]);
}

static void each_product_of_tiles_has_a_bit_of_its_own(void **state) {
  const uint32_t tile = HDI_AMX_TILE, int8 = HDI_AMX_INT8, bf16 = HDI_AMX_BF16;
  (void)state;
  assert_true(hdi_amx_offered(tile | int8, int8));
  assert_false(hdi_amx_offered(tile | int8, int8 | bf16));
  assert_false(hdi_amx_offered(tile | bf16, int8));
  assert_false(hdi_amx_offered(tile | bf16, int8 | bf16));
  assert_false(hdi_amx_offered(int8 | bf16, int8 | bf16));
  assert_true(hdi_amx_offered(tile | int8 | bf16, int8 | bf16));
  if (hdi_tier_usable(HDI_TIER_AMXBF16)) assert_true(hdi_tier_usable(HDI_TIER_AMX));
  if (hdi_tier_usable(HDI_TIER_AMX)) assert_true(hdi_tier_usable(HDI_TIER_AVX512BF16));
}

static void tiles_are_asked_for_only_where_they_are(void **state) {
  hdi_tier best = hdi_tier_best(NULL);
  (void)state;
  for (uint32_t t = HDI_TIER_AMX; t <= HDI_TIER_AMXBF16; t++)
    if (hdi_tier_usable((hdi_tier)t)) {
      const char *why = hdi_tier_begin((hdi_tier)t);
      print_message("%s runs here%s%s\n", hdi_tier_name((hdi_tier)t), why ? ", but " : "", why ? why : "");
      if (!why) assert_true(best >= t);
    } else {
      print_message("no %s here: its instructions are not run\n", hdi_tier_name((hdi_tier)t));
      assert_int_not_equal(best, t);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_format_gives_the_bits_of_portable_c),
      cmocka_unit_test(the_check_before_use_finds_one_wrong_bit),
      cmocka_unit_test(every_replaced_dot_is_held_here),
      cmocka_unit_test(tiles_of_bytes_come_without_those_of_bf16),
      cmocka_unit_test(each_product_of_tiles_has_a_bit_of_its_own),
      cmocka_unit_test(tiles_are_asked_for_only_where_they_are),
  };
  return cmocka_run_group_tests_name("amx", tests, NULL, NULL);
}
