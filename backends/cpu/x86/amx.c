/* SPDX-License-Identifier: Apache-2.0 */
/* The AMX tier: whether it is there, what must be done before it is used, what it replaces. */
#include <cpuid.h>
#include <stdalign.h>
#include <string.h>
#include "common/activation.h"
#include "cpu/x86/amx_config.h"
#include "cpu/x86/x86.h"
#include "kernel_shims/xstate.h"

/* ---- is it there ---- */

/* Source: Intel SDM volume 2, CPUID leaves 7 and 1Dh; volume 1, 13.3 (bits of XCR0). */
#define LEAF_TILES   0x1du
#define HAS_TILE     (1u << 24)
#define HAS_INT8     (1u << 25)
#define TILES_SAVED  (3u << 17) /* the configuration and the data */
#define OS_HAS_XSAVE (1u << 27)

static bool saves_tiles(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OS_HAS_XSAVE)) return false;
  __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return (a & TILES_SAVED) == TILES_SAVED;
}

bool hdi_amx_present(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (~d & (HAS_TILE | HAS_INT8)) != 0) return false;
  if (!saves_tiles() || !__get_cpuid_count(LEAF_TILES, 1, &a, &b, &c, &d)) return false;
  return b >> 16 >= HDI_TILES && (b & 0xffff) >= HDI_TILE_ROW && (c & 0xffff) >= HDI_TILE_ROWS;
}

/* ---- is it right ---- */

/* Rows that fill a tile and then some, of either kind. */
enum { ROWS = 37, X_ROWS = 21, COLS = 512 };

typedef struct check_rows {
  alignas(64) uint8_t x[X_ROWS][COLS + COLS / 2];
  alignas(64) uint8_t scratch[HDB_TILE_SCRATCH];
  uint8_t weights[ROWS * COLS * 2];
  float out[X_ROWS][ROWS], want[X_ROWS][ROWS];
} check_rows;

/* Source: splitmix64, Steele, Lea and Flood, 2014. */
static uint64_t next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* Where in a block the f16 scales are; the rest may be any bits. */
static uint32_t scale_offset(hd_format format) {
  return format == HD_FORMAT_Q6_K ? 208 : 0;
}

static void fill_weights(hd_format format, uint64_t *state, uint8_t *out) {
  const size_t bytes = hd_format_get(format)->block_bytes;
  for (size_t i = 0; i < ROWS * hd_format_row_bytes(format, COLS); i++)
    out[i] = (uint8_t)(next(state) >> 56);
  for (size_t b = 0; b < ROWS * hd_format_row_bytes(format, COLS) / bytes; b++) {
    uint8_t *scale = out + b * bytes + scale_offset(format);
    scale[1] = 0x20 | (scale[1] & 0x83); /* an exponent of 2^-7: neither infinite nor tiny */
    if (format == HD_FORMAT_Q4_K) scale[3] = 0x20 | (scale[3] & 0x83);
  }
}

static void fill_x(hdb_quantise_fn quantise, uint64_t *state, size_t stride, uint8_t *out) {
  float row[COLS];
  for (size_t t = 0; t < X_ROWS; t++) {
    for (uint32_t i = 0; i < COLS; i++)
      row[i] = (float)((int32_t)(next(state) >> 40) - (1 << 23)) * 0x1p-22f;
    quantise(row, COLS, out + t * stride);
  }
}

bool hdi_amx_agrees(hd_format format, hdb_dot_fn dot) {
  const hdb_kernels *c = hdb_kernels_c();
  const bool is_k = hdb_kernels_c()->activation[format] == HDB_ACTIVATION_Q8K;
  check_rows rows = {0};
  uint64_t state = (uint64_t)format;
  hdb_tile tile = {
      .cols = COLS,
      .weight_rows = ROWS,
      .x_rows = X_ROWS,
      .weights = rows.weights,
      .weight_stride = hd_format_row_bytes(format, COLS),
      .x = rows.x[0],
      .x_stride = is_k ? hdb_q8k_bytes(COLS) : hdb_q8_bytes(COLS),
      .out = rows.want[0],
      .out_stride = ROWS,
      .scratch = rows.scratch,
  };
  fill_weights(format, &state, rows.weights);
  fill_x(is_k ? c->quantise_q8k : c->quantise_q8, &state, tile.x_stride, rows.x[0]);
  c->dot[format](&tile);
  tile.out = rows.out[0];
  dot(&tile);
  const uint8_t *got = (const uint8_t *)rows.out, *want = (const uint8_t *)rows.want; /* to the bit */
  return memcmp(got, want, sizeof rows.out) == 0;
}

const char *hdi_amx_begin(void) {
  static const hd_format formats[] = {HD_FORMAT_Q8_0, HD_FORMAT_Q4_0, HD_FORMAT_Q5_0, HD_FORMAT_Q4_K,
                                      HD_FORMAT_Q6_K};
  hdb_kernels kernels;
  if (!hdk_xstate_request(HDK_XSTATE_TILE_DATA)) return "the kernel does not lend the tiles";
  hdi_amx_replace(&kernels);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (!hdi_amx_agrees(formats[i], kernels.dot[formats[i]]))
      return "its results are not those of portable C";
  return NULL;
}

void hdi_amx_replace(hdb_kernels *kernels) {
  kernels->dot[HD_FORMAT_Q8_0] = hdi_amx_dot_q8_0;
  kernels->dot[HD_FORMAT_Q4_0] = hdi_amx_dot_q4_0;
  kernels->dot[HD_FORMAT_Q5_0] = hdi_amx_dot_q5_0;
  kernels->dot[HD_FORMAT_Q4_K] = hdi_amx_dot_q4_k;
  kernels->dot[HD_FORMAT_Q6_K] = hdi_amx_dot_q6_k;
}
