/* SPDX-License-Identifier: Apache-2.0 */
/* The AMX kernels as they were compiled, with each of their instructions done in plain C where the processor
 * has none: what a compiler made of them is held too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "amx_case.h"
#include "cpu/tiers.h"
#include "cpu/x86/x86.h"
#include "emulated_dots.h"
#include "trapped_tiles.h"

enum { SHAPES = 12 };

/* Real tiles are asked for first, and are then used. */
static bool can_run(void) {
  if (!hdi_tier_usable(HDI_TIER_AVX512BF16)) return false;
  return !hdi_tier_usable(HDI_TIER_AMX) || !hdi_tier_begin(HDI_TIER_AMX);
}

static hdb_kernels tiles_of_all(void) {
  hdb_kernels kernels;
  hdi_tier_kernels(HDI_TIER_AMXBF16, &kernels);
  hdi_tier_round_floats(HDI_TIER_AMXBF16, NULL, &kernels);
  return kernels;
}

/* The case with a kernel as it was compiled: checks its results, and counts its instructions of tiles. */
static trapped_counts run_trapped(amx_case *k, hdb_dot_fn dot) {
  trapped_tiles_begin();
  amx_case_run(k, dot);
  const trapped_counts done = trapped_tiles_end();
  amx_case_check(k, false);
  return done;
}

static void compiled_kernels_give_the_bits_of_portable_c(void **state) {
  const hdb_kernels kernels = tiles_of_all();
  (void)state;
  if (!can_run()) skip();
  for (uint64_t seed = 0; seed < SHAPES; seed++)
    for (uint32_t i = 0; i < SAMPLE_FORMATS; i++) {
      const hd_format format = sample_format(i);
      sample_rng rng = {seed};
      amx_case k;
      amx_case_begin(&k, &rng, format);
      const trapped_counts done = run_trapped(&k, kernels.dot[format]);
      if (!hdi_tier_usable(HDI_TIER_AMX)) {
        assert_int_equal(emulated_begun, 0);
        assert_int_equal(done.configured, 1);
        assert_int_equal(done.released, 1);
        assert_true((hd_format_get(format)->block_values == 1 ? done.products_bf16 : done.products_int8) > 0);
      }
      amx_case_end(&k);
    }
}

static void fewer_rows_than_fill_a_tile_use_none(void **state) {
  const hdb_kernels kernels = tiles_of_all();
  (void)state;
  if (!can_run()) skip();
  for (uint32_t i = 0; i < 2 * SAMPLE_FORMATS; i++) {
    const hd_format format = sample_format(i / 2);
    sample_rng rng = {i};
    amx_case k;
    amx_case_begin(&k, &rng, format);
    *(i % 2 ? &k.tile.x_rows : &k.tile.weight_rows) = 15;
    *(i % 2 ? &k.c_tile.x_rows : &k.c_tile.weight_rows) = 15;
    const trapped_counts done = run_trapped(&k, kernels.dot[format]);
    assert_int_equal(done.configured, 0);
    amx_case_end(&k);
  }
}

static void the_trial_takes_compiled_kernels(void **state) {
  const hdb_kernels kernels = tiles_of_all();
  (void)state;
  if (!can_run()) skip();
  trapped_tiles_begin();
  for (uint32_t i = 0; i < SAMPLE_FORMATS; i++)
    assert_true(hdi_amx_agrees(sample_format(i), kernels.dot[sample_format(i)]));
  trapped_tiles_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(compiled_kernels_give_the_bits_of_portable_c),
      cmocka_unit_test(fewer_rows_than_fill_a_tile_use_none),
      cmocka_unit_test(the_trial_takes_compiled_kernels),
  };
  return cmocka_run_group_tests_name("amx_compiled", tests, NULL, NULL);
}
