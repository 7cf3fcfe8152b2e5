/* SPDX-License-Identifier: Apache-2.0 */
/* The trial of the AMX kernels before they are used: random rows, beside portable C, to the bit. */
#include <stdalign.h>
#include <string.h>
#include "common/activation.h"
#include "common/bf16.h"
#include "cpu/x86/x86.h"

/* Weight rows of two panels that overlap; activation rows that fill two tiles and one more; numbers that are
 * not in blocks end within one, and are more than a kernel takes at once. */
enum { ROWS = 18, X_ROWS = 33, COLS = 512, FLOAT_COLS = 560 };

/* An activation row in portable C's layout is taken alone: in floats it is large. */
typedef struct trial {
  alignas(64) uint8_t x[X_ROWS][1152];
  alignas(64) uint8_t c_x[2304];
  alignas(64) uint8_t scratch[HDB_TILE_SCRATCH];
  alignas(64) uint8_t weights[ROWS * FLOAT_COLS * sizeof(float)];
  alignas(64) uint16_t rounded[ROWS * FLOAT_COLS];
  float floats[FLOAT_COLS];
  float out[X_ROWS][ROWS], want[X_ROWS][ROWS];
} trial;

/* Source: splitmix64, Steele, Lea and Flood, 2014. */
static uint64_t next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static bool is_plain(hd_format format) {
  return hd_format_get(format)->block_values == 1;
}

/* Replaces what is not in `keep` of a number's upper byte, so that it is neither infinite nor tiny. */
static void set_exponent(uint8_t *upper, uint8_t keep, uint8_t exponent) {
  *upper = (uint8_t)((*upper & keep) | exponent);
}

static void limit_numbers(hd_format format, uint8_t *block) {
  switch (format) {
  case HD_FORMAT_BF16:
    set_exponent(block + 1, 0x83, 0x3c); /* 2^-7 to 1 */
    break;
  case HD_FORMAT_F32:
    set_exponent(block + 3, 0x83, 0x3c);
    break;
  case HD_FORMAT_F16:
    set_exponent(block + 1, 0x8f, 0x30); /* 2^-3 to 1 */
    break;
  case HD_FORMAT_Q6_K:
    set_exponent(block + 209, 0x83, 0x20); /* the scale's: 2^-7; the rest may be any bits */
    break;
  case HD_FORMAT_Q4_K:
    set_exponent(block + 3, 0x83, 0x20);
    set_exponent(block + 1, 0x83, 0x20);
    break;
  default:
    set_exponent(block + 1, 0x83, 0x20);
    break;
  }
}

/* The last row of floats has exponents of 2^-126 and less, so that numbers, products and sums are subnormal.
 */
static void fill_weights(hd_format format, uint32_t cols, uint64_t *state, uint8_t *out) {
  const size_t block = hd_format_get(format)->block_bytes, row = hd_format_row_bytes(format, cols);
  const bool has_tiny = is_plain(format) && format != HD_FORMAT_F16;
  for (size_t i = 0; i < ROWS * row; i++)
    out[i] = (uint8_t)(next(state) >> 56);
  for (size_t i = 0; i < ROWS * row; i += block) {
    limit_numbers(format, out + i);
    if (has_tiny && i >= (ROWS - 1) * row) set_exponent(out + i + block - 1, 0x80, 0);
  }
}

/* The weights as the dot takes them: numbers that are not in blocks as BF16. */
static void round_weights(trial *k, hd_format format, uint32_t cols) {
  for (uint32_t r = 0; r < ROWS; r++) {
    hdb_kernels_c()->dequantise[format](k->weights + r * hd_format_row_bytes(format, cols), cols, k->floats);
    for (uint32_t i = 0; i < cols; i++)
      k->rounded[r * cols + i] = (uint16_t)(hdb_bf16_nearest(k->floats[i]) >> 16);
  }
}

/* Fills k->x in `layout` and k->want with what portable C makes of it. */
static void multiply_in_c(trial *k, hdb_tile tile, hd_format format, hdb_activation layout, uint64_t *state) {
  const hdb_kernels *c = hdb_kernels_c();
  const hdb_activation c_layout = c->activation[format];
  tile.x = k->c_x;
  tile.x_rows = 1;
  for (uint32_t t = 0; t < X_ROWS; t++) {
    for (uint32_t i = 0; i < tile.cols; i++)
      k->floats[i] = (float)((int32_t)(next(state) >> 40) - (1 << 23)) * 0x1p-22f;
    hdb_quantise_of(c, layout)(k->floats, tile.cols, k->x[0] + t * hdb_activation_bytes(layout, tile.cols));
    hdb_quantise_of(c, c_layout)(k->floats, tile.cols, k->c_x);
    tile.out = k->want[t];
    c->dot[format](&tile);
  }
}

bool hdi_amx_agrees(hd_format format, hdb_dot_fn dot) {
  const bool plain = is_plain(format);
  const hd_format c_format = plain ? HD_FORMAT_BF16 : format;
  const hdb_activation layout = plain ? HDB_ACTIVATION_BF16_PAIRS : hdb_kernels_c()->activation[format];
  trial k = {0};
  uint64_t state = (uint64_t)format;
  hdb_tile tile = {
      .cols = plain ? FLOAT_COLS : COLS,
      .weight_rows = ROWS,
      .x_rows = X_ROWS,
      .out = k.out[0],
      .out_stride = ROWS,
      .scratch = k.scratch,
  };
  fill_weights(format, tile.cols, &state, k.weights);
  if (plain) round_weights(&k, format, tile.cols);
  tile.weights = plain ? (const uint8_t *)k.rounded : k.weights;
  tile.weight_stride = hd_format_row_bytes(c_format, tile.cols);
  multiply_in_c(&k, tile, c_format, layout, &state);
  tile.weights = k.weights;
  tile.weight_stride = hd_format_row_bytes(format, tile.cols);
  tile.x = k.x[0];
  tile.x_stride = hdb_activation_bytes(layout, tile.cols);
  dot(&tile);
  const uint8_t *got = (const uint8_t *)k.out, *want = (const uint8_t *)k.want; /* to the bit */
  return memcmp(got, want, sizeof k.out) == 0;
}
