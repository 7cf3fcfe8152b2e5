/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a format for a dot in tiles, and the same for portable C. */
#include "amx_case.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/bf16.h"

enum { ROWS_MIN = 16, COLS_MAX = 3000, CANARY = 0x5a };

static bool is_plain(hd_format format) {
  return hd_format_get(format)->block_values == 1;
}

static hdb_activation layout_of(hd_format format) {
  return is_plain(format) ? HDB_ACTIVATION_BF16_PAIRS : hdb_kernels_c()->activation[format];
}

static float *new_results(size_t bytes) {
  float *out = sample_alloc(bytes);
  memset(out, CANARY, bytes);
  return out;
}

void amx_case_begin(amx_case *k, sample_rng *rng, hd_format format) {
  const uint32_t block = hd_format_get(format)->block_values;
  hdb_tile *tile = &k->tile;
  memset(k, 0, sizeof *k);
  k->format = format;
  k->c_format = is_plain(format) ? HD_FORMAT_BF16 : format;
  tile->cols = block * (1 + sample_below(rng, COLS_MAX / block));
  if (is_plain(format) && sample_below(rng, 2)) tile->cols = 1 + sample_below(rng, 100);
  tile->weight_rows = ROWS_MIN + sample_below(rng, 40);
  tile->x_rows = ROWS_MIN + sample_below(rng, 40);
  tile->weight_stride = hd_format_row_bytes(format, tile->cols);
  tile->x_stride = hdb_activation_bytes(layout_of(format), tile->cols);
  tile->out_stride = tile->weight_rows + sample_below(rng, 5);
  tile->scratch = sample_alloc(HDB_TILE_SCRATCH);
  k->c_tile = *tile;
  k->c_tile.weight_stride = hd_format_row_bytes(k->c_format, tile->cols);
  k->c_tile.x_stride = hdb_activation_bytes(hdb_kernels_c()->activation[k->c_format], tile->cols);
  k->weights = sample_alloc(tile->weight_stride * tile->weight_rows);
  k->c_weights = sample_alloc(k->c_tile.weight_stride * tile->weight_rows);
  k->x = sample_alloc(tile->x_stride * tile->x_rows);
  k->c_x = sample_alloc(k->c_tile.x_stride * tile->x_rows);
  k->floats = sample_alloc((size_t)tile->cols * tile->x_rows * sizeof(float));
  k->bytes = tile->out_stride * tile->x_rows * sizeof(float);
  tile->weights = k->weights;
  tile->x = k->x;
  tile->out = new_results(k->bytes);
  k->c_tile.weights = k->c_weights;
  k->c_tile.x = k->c_x;
  k->c_tile.out = new_results(k->bytes);
  sample_weights(rng, format, tile->weight_rows, tile->cols, k->weights);
  sample_floats(rng, k->floats, (size_t)tile->cols * tile->x_rows);
  amx_case_round(k);
}

static void round_weights(amx_case *k, uint32_t row, float *scratch) {
  uint16_t *out = (uint16_t *)(void *)(k->c_weights + row * k->c_tile.weight_stride);
  hdb_kernels_c()->dequantise[k->format](k->weights + row * k->tile.weight_stride, k->tile.cols, scratch);
  for (uint32_t i = 0; i < k->tile.cols; i++)
    out[i] = (uint16_t)(hdb_bf16_nearest(scratch[i]) >> 16);
}

void amx_case_round(amx_case *k) {
  const hdb_kernels *c = hdb_kernels_c();
  float *scratch = sample_alloc(k->tile.cols * sizeof(float));
  for (uint32_t t = 0; t < k->tile.x_rows; t++) {
    const float *x = k->floats + (size_t)t * k->tile.cols;
    hdb_quantise_of(c, layout_of(k->format))(x, k->tile.cols, k->x + t * k->tile.x_stride);
    hdb_quantise_of(c, c->activation[k->c_format])(x, k->tile.cols, k->c_x + t * k->c_tile.x_stride);
  }
  for (uint32_t r = 0; k->c_format != k->format && r < k->tile.weight_rows; r++)
    round_weights(k, r, scratch);
  if (k->c_format == k->format) memcpy(k->c_weights, k->weights, k->tile.weight_stride * k->tile.weight_rows);
  free(scratch);
}

void amx_case_run(amx_case *k, hdb_dot_fn dot) {
  hdb_kernels_c()->dot[k->c_format](&k->c_tile);
  dot(&k->tile);
}

void amx_case_check(const amx_case *k, bool any_nan) {
  for (size_t i = 0; i < k->bytes / sizeof(float); i++) {
    const float got = k->tile.out[i], want = k->c_tile.out[i];
    if (hdb_bits(got) == hdb_bits(want) || (any_nan && isnan(got) && isnan(want))) continue;
    fail_msg("%s, %u values, %u weight rows, %u activation rows: result %zu is %a, not %a",
             hd_format_get(k->format)->name, k->tile.cols, k->tile.weight_rows, k->tile.x_rows, i,
             (double)got, (double)want);
  }
}

void amx_case_end(amx_case *k) {
  free(k->tile.scratch);
  free(k->weights);
  free(k->c_weights);
  free(k->x);
  free(k->c_x);
  free(k->floats);
  free(k->tile.out);
  free(k->c_tile.out);
}
