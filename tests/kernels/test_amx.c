/* SPDX-License-Identifier: Apache-2.0 */
/* The AMX kernels with tiles in plain C, so that what is right about them beside the instructions is held on
 * machines without AMX; check_kernels runs them with instructions where there are some. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/activation.h"
#include "cpu/tiers.h"
#include "cpu/x86/x86.h"
#include "emulated_dots.h"
#include "emulated_tile.h"
#include "samples.h"

enum { SHAPES = 25 };

typedef struct amx_case {
  hdb_tile tile;
  float *out, *want;
  size_t bytes; /* of either */
} amx_case;

static void fill_x(sample_rng *rng, hd_format format, const hdb_tile *tile, uint8_t *x) {
  const hdb_kernels *c = hdb_kernels_c();
  const bool is_k = hdb_kernels_c()->activation[format] == HDB_ACTIVATION_Q8K;
  float *row = sample_alloc(tile->cols * sizeof(float));
  for (uint32_t t = 0; t < tile->x_rows; t++) {
    sample_floats(rng, row, tile->cols);
    (is_k ? c->quantise_q8k : c->quantise_q8)(row, tile->cols, x + t * tile->x_stride);
  }
  free(row);
}

/* Rows that fill tiles and some that do not, of more values than the scratch holds a panel of. */
static void begin(amx_case *k, sample_rng *rng, hd_format format) {
  const bool is_k = hdb_kernels_c()->activation[format] == HDB_ACTIVATION_Q8K;
  const uint32_t block = hd_format_get(format)->block_values;
  hdb_tile *tile = &k->tile;
  memset(k, 0, sizeof *k);
  tile->cols = block * (1 + sample_below(rng, 3000 / block));
  tile->weight_rows = HDI_TILE_ROWS + sample_below(rng, 40);
  tile->x_rows = HDI_TILE_ROWS + sample_below(rng, 40);
  tile->weight_stride = hd_format_row_bytes(format, tile->cols);
  tile->x_stride = is_k ? hdb_q8k_bytes(tile->cols) : hdb_q8_bytes(tile->cols);
  tile->out_stride = tile->weight_rows + sample_below(rng, 5);
  tile->scratch = sample_alloc(HDB_TILE_SCRATCH);
  uint8_t *weights = sample_alloc(tile->weight_stride * tile->weight_rows);
  uint8_t *x = sample_alloc(tile->x_stride * tile->x_rows);
  sample_weights(rng, format, tile->weight_rows, tile->cols, weights);
  fill_x(rng, format, tile, x);
  tile->weights = weights;
  tile->x = x;
  k->bytes = tile->out_stride * tile->x_rows * sizeof(float);
  k->out = sample_alloc(k->bytes);
  k->want = sample_alloc(k->bytes);
  memset(k->out, 0x5a, k->bytes);
  memset(k->want, 0x5a, k->bytes);
}

static void end(amx_case *k) {
  free(k->tile.scratch);
  free((void *)(uintptr_t)k->tile.weights);
  free((void *)(uintptr_t)k->tile.x);
  free(k->out);
  free(k->want);
}

static void every_format_gives_the_bits_of_portable_c(void **state) {
  (void)state;
  if (!hdi_tier_usable(HDI_TIER_AVX512)) skip();
  for (uint64_t seed = 0; seed < SHAPES; seed++)
    for (uint32_t i = 0; i < SAMPLE_FORMATS; i++) {
      const hd_format format = sample_format(i);
      sample_rng rng = {seed};
      amx_case k;
      if (!emulated_dot_of(format)) continue;
      begin(&k, &rng, format);
      k.tile.out = k.want;
      hdb_kernels_c()->dot[format](&k.tile);
      k.tile.out = k.out;
      emulated_dot_of(format)(&k.tile);
      assert_int_equal(emulated_begun, 0);
      if (memcmp(k.out, k.want, k.bytes) != 0)
        fail_msg("%s, %u values, %u weight rows, %u activation rows: not the same bits",
                 hd_format_get(format)->name, k.tile.cols, k.tile.weight_rows, k.tile.x_rows);
      end(&k);
    }
}

static void dot_off_by_a_bit(const hdb_tile *tile) {
  uint32_t bits;
  emulated_dot_of(HD_FORMAT_Q8_0)(tile);
  memcpy(&bits, tile->out + 20 * tile->out_stride + 36, sizeof bits);
  bits ^= 1;
  memcpy(tile->out + 20 * tile->out_stride + 36, &bits, sizeof bits);
}

static void the_check_before_use_finds_one_wrong_bit(void **state) {
  (void)state;
  if (!hdi_tier_usable(HDI_TIER_AVX512)) skip();
  for (uint32_t i = 0; i < SAMPLE_FORMATS; i++)
    if (emulated_dot_of(sample_format(i)))
      assert_true(hdi_amx_agrees(sample_format(i), emulated_dot_of(sample_format(i))));
  assert_false(hdi_amx_agrees(HD_FORMAT_Q8_0, dot_off_by_a_bit));
}

static void every_replaced_dot_is_held_here(void **state) {
  hdb_kernels avx512, amx;
  (void)state;
  memset(&avx512, 0, sizeof avx512);
  hdi_avx512_replace(&avx512);
  amx = avx512;
  hdi_amx_replace(&amx);
  for (uint32_t i = 0; i < SAMPLE_FORMATS; i++) {
    const hd_format format = sample_format(i);
    assert_int_equal(amx.dot[format] != avx512.dot[format], emulated_dot_of(format) != NULL);
  }
}

static void tiles_are_asked_for_only_where_they_are(void **state) {
  (void)state;
  if (hdi_tier_usable(HDI_TIER_AMX)) {
    const char *why = hdi_tier_begin(HDI_TIER_AMX);
    print_message("AMX runs here%s%s\n", why ? ", but " : "", why ? why : "");
    if (!why) assert_int_equal(hdi_tier_best(NULL), HDI_TIER_AMX);
  } else {
    print_message("no AMX here: its instructions are not run\n");
    assert_int_not_equal(hdi_tier_best(NULL), HDI_TIER_AMX);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_format_gives_the_bits_of_portable_c),
      cmocka_unit_test(the_check_before_use_finds_one_wrong_bit),
      cmocka_unit_test(every_replaced_dot_is_held_here),
      cmocka_unit_test(tiles_are_asked_for_only_where_they_are),
  };
  return cmocka_run_group_tests_name("amx", tests, NULL, NULL);
}
