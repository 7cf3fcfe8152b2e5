/* SPDX-License-Identifier: Apache-2.0 */
/* Dots: every weight format. A tier may add the same numbers in another order and round once where C rounds
 * twice, so results agree within a bound on rounding; where all products and sums are whole numbers they must
 * agree exactly. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "common/float16.h"

/* Relative to the sum of magnitudes. Plain rows are added up in the order of the tier's registers. Quantised
 * rows are added up in one order by all (common/block.h, superblock.h), so that only the one fma in 2^29 that
 * C rounds twice may differ; where C has an instruction for it (on aarch64 always), no bit does. BF16 rows
 * have such an order too, and C rounds once (common/bf16.h). */
#define PLAIN_ROUNDING 0x1p-18
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define BLOCK_ROUNDING 0.0
#else
#define BLOCK_ROUNDING 0x1p-23
#endif
#define CANARY -12345.75f

typedef struct dot_case {
  hd_format format;
  hdb_tile tile;
  void *weights, *x;
  float *floats; /* activations before quantisation */
  void *c_x;     /* what C wants of them, where the tier wants another layout */
  float *out, *want;
  hdb_dot_fn fn;
} dot_case;

static const char *dot_name(uint32_t index) {
  static const char *const names[SAMPLE_FORMATS] = {"dot_f32",  "dot_f16",  "dot_bf16", "dot_q8_0",
                                                    "dot_q4_0", "dot_q5_0", "dot_q4_k", "dot_q6_k"};
  return names[index];
}

static bool dot_replaced(const hdb_kernels *tier, const hdb_kernels *c, uint32_t index) {
  return tier->dot[sample_format(index)] != c->dot[sample_format(index)];
}

/* Whole activations of which each block's largest is 127 have the scale 1 (or -1: 128 values of sign +
 * there). */
static void make_whole(sample_rng *rng, float *x, uint32_t cols) {
  for (uint32_t i = 0; i < cols; i++)
    x[i] = i % 32 == 5 ? 127.0f : (float)sample_below(rng, 255) - 127.0f;
}

/* Powers of two for scales, so that all products are multiples of the least one. */
static void set_scales(hd_format format, uint8_t *weights, size_t bytes) {
  const uint16_t d = hdb_f32_to_f16(0x1p-5f);
  size_t block = hd_format_get(format)->block_bytes;
  for (uint8_t *at = weights; at < weights + bytes; at += block) {
    memcpy(at + (format == HD_FORMAT_Q6_K ? 208 : 0), &d, 2);
    if (format == HD_FORMAT_Q4_K) memcpy(at + 2, &d, 2);
  }
}

static void put_row(const hdb_kernels *c, hdb_activation layout, const float *x, uint32_t cols, void *out) {
  if (layout == HDB_ACTIVATION_F32)
    memcpy(out, x, cols * sizeof(float));
  else
    hdb_quantise_of(c, layout)(x, cols, out);
}

static void dot_begin(check_run *run, dot_case *k, hd_format format, uint32_t cols, uint32_t rows,
                      uint32_t x_rows, bool whole) {
  hdb_activation layout = run->tier->activation[format], c_layout = run->c->activation[format];
  size_t x_stride = hdb_activation_bytes(layout, cols), stride = hd_format_row_bytes(format, cols);
  memset(k, 0, sizeof *k);
  k->format = format;
  k->weights = sample_alloc(stride * rows);
  k->x = sample_alloc(x_stride * x_rows);
  k->c_x = sample_alloc(hdb_activation_bytes(c_layout, cols) * x_rows);
  k->floats = sample_alloc((size_t)cols * x_rows * sizeof(float));
  sample_weights(&run->rng, format, rows, cols, k->weights);
  if (whole) set_scales(format, k->weights, stride * rows);
  for (uint32_t t = 0; t < x_rows; t++) {
    float *x = k->floats + (size_t)t * cols;
    if (whole)
      make_whole(&run->rng, x, cols);
    else
      sample_floats(&run->rng, x, cols);
    put_row(run->c, layout, x, cols, (uint8_t *)k->x + t * x_stride);
    put_row(run->c, c_layout, x, cols, (uint8_t *)k->c_x + t * hdb_activation_bytes(c_layout, cols));
  }
  size_t out_stride = rows + sample_below(&run->rng, 5);
  k->out = sample_alloc(out_stride * x_rows * sizeof(float));
  k->want = sample_alloc(out_stride * x_rows * sizeof(float));
  for (size_t i = 0; i < out_stride * x_rows; i++)
    k->out[i] = k->want[i] = CANARY;
  k->tile = (hdb_tile){cols, rows,     x_rows, k->weights, stride,
                       k->x, x_stride, k->out, out_stride, sample_alloc(HDB_TILE_SCRATCH),
                       NULL};
}

/* Rows come to lie some bytes apart, as those of a part of a matrix do. */
static void spread_rows(sample_rng *rng, dot_case *k) {
  const size_t row = k->tile.weight_stride, stride = row + 4 * (1 + sample_below(rng, 20));
  uint8_t *apart = sample_alloc(stride * k->tile.weight_rows);
  memset(apart, 0xff, stride * k->tile.weight_rows);
  for (uint32_t w = 0; w < k->tile.weight_rows; w++)
    memcpy(apart + w * stride, k->tile.weights + w * row, row);
  free(k->weights);
  k->tile.weights = k->weights = apart;
  k->tile.weight_stride = stride;
}

static void dot_end(dot_case *k) {
  free(k->weights);
  free(k->x);
  free(k->c_x);
  free(k->floats);
  free(k->out);
  free(k->want);
  free(k->tile.scratch);
}

/* Sum of magnitudes of the products of one pair of rows. */
static double magnitude(const check_run *run, const dot_case *k, uint32_t w, uint32_t t, float *scratch) {
  double sum = 0.0;
  run->c->dequantise[k->format](k->tile.weights + w * k->tile.weight_stride, k->tile.cols, scratch);
  for (uint32_t i = 0; i < k->tile.cols; i++)
    sum += fabs((double)scratch[i] * k->floats[(size_t)t * k->tile.cols + i]);
  return sum;
}

static void compare(check_run *run, const dot_case *k, bool exact) {
  double rounding = hd_format_get(k->format)->block_values == 1 ? PLAIN_ROUNDING : BLOCK_ROUNDING;
  if (k->format == HD_FORMAT_BF16) rounding = 0.0;
  float *scratch = sample_alloc(k->tile.cols * sizeof(float));
  for (uint32_t t = 0; t < k->tile.x_rows; t++)
    for (size_t w = 0; w < k->tile.out_stride; w++) {
      float got = k->out[t * k->tile.out_stride + w], want = k->want[t * k->tile.out_stride + w];
      double bound =
          exact || w >= k->tile.weight_rows ? 0.0 : magnitude(run, k, (uint32_t)w, t, scratch) * rounding;
      if (!(fabs((double)got - (double)want) <= bound))
        check_fail(run, "%u cols, row %zu of %u, activation %u of %u: %.9g, C has %.9g, bound %.3g%s",
                   k->tile.cols, w, k->tile.weight_rows, t, k->tile.x_rows, (double)got, (double)want, bound,
                   exact ? " (whole numbers)" : "");
    }
  free(scratch);
}

/* Each pair alone gives the bits that it has in company. */
static void compare_alone(check_run *run, const dot_case *k) {
  for (uint32_t t = 0; t < k->tile.x_rows; t++)
    for (uint32_t w = 0; w < k->tile.weight_rows; w++) {
      float alone;
      hdb_tile tile = k->tile;
      tile.weights += w * tile.weight_stride;
      tile.x += t * tile.x_stride;
      tile.weight_rows = tile.x_rows = 1;
      tile.out = &alone;
      k->fn(&tile);
      if (memcmp(&alone, &k->out[t * k->tile.out_stride + w], sizeof alone) != 0)
        check_fail(run, "%u cols, row %u, activation %u: %.9g alone, %.9g in company", k->tile.cols, w, t,
                   (double)alone, (double)k->out[t * k->tile.out_stride + w]);
    }
}

static void dot_check(check_run *run, uint32_t index) {
  hd_format format = sample_format(index);
  uint32_t block = hd_format_get(format)->block_values;
  bool exact = block > 1 && sample_below(&run->rng, 2) == 0;
  bool is_long = !exact && sample_below(&run->rng, 8) == 0; /* more than one part of a row */
  uint32_t most = exact ? 512 : is_long ? 13824 : 2048;
  if (block == 1 && !is_long) most = sample_below(&run->rng, 4) == 0 ? 2500 : 300;
  uint32_t cols = block * (1 + sample_below(&run->rng, most / block));
  dot_case k;
  uint32_t rows = 1 + sample_below(&run->rng, 70);
  bool is_decode = sample_below(&run->rng, 3) == 0; /* tiers have another way for one row */
  uint32_t tokens = is_decode ? 1 : is_long ? 3 : sample_below(&run->rng, 4) == 0 ? 50 : 18;
  uint32_t x_rows = 1 + sample_below(&run->rng, tokens);
  dot_begin(run, &k, format, cols, rows, x_rows, exact);
  if (sample_below(&run->rng, 6) == 0) spread_rows(&run->rng, &k);
  k.fn = run->tier->dot[format];
  k.fn(&k.tile);
  hdb_tile want = k.tile;
  want.out = k.want;
  want.x = k.c_x;
  want.x_stride = hdb_activation_bytes(run->c->activation[format], cols);
  run->c->dot[format](&want);
  compare(run, &k, exact);
  compare_alone(run, &k);
  dot_end(&k);
}

static void dot_call(void *arg) {
  const dot_case *k = arg;
  k->fn(&k->tile);
}

/* The shape's rows shared by two threads, as an op shares them: from a whole panel on. */
static double time_both(const dot_case *k) {
  dot_case first = *k, second = *k;
  uint32_t rows = k->tile.weight_rows / 64 * 32;
  if (rows == 0) return 0.0;
  first.tile.weight_rows = rows;
  second.tile.weight_rows -= rows;
  second.tile.weights += rows * k->tile.weight_stride;
  second.tile.out += rows;
  second.tile.scratch = sample_alloc(HDB_TILE_SCRATCH);
  double ns = check_time_both_ns(dot_call, &first, &second);
  free(second.tile.scratch);
  return ns;
}

typedef struct bench_dims {
  uint32_t cols, rows, x_rows;
} bench_dims;

static check_unit unit_of(hdb_activation layout) {
  if (layout == HDB_ACTIVATION_BF16_PAIRS) return CHECK_UNIT_BF16;
  return layout == HDB_ACTIVATION_F32 || layout == HDB_ACTIVATION_BF16 ? CHECK_UNIT_F32 : CHECK_UNIT_INT8;
}

/* Returns the operations in a nanosecond. */
static double bench_shape(check_run *run, hd_format format, const char *what, bench_dims dims) {
  dot_case k;
  dot_begin(run, &k, format, dims.cols, dims.rows, dims.x_rows, false);
  k.fn = run->tier->dot[format];
  check_figure figure = {.what = what,
                         .ns = check_time_ns(dot_call, &k),
                         .both_ns = time_both(&k),
                         .bytes = dims.x_rows == 1 ? (double)dims.rows * (double)k.tile.weight_stride : 0.0,
                         .operations = 2.0 * dims.cols * dims.rows * dims.x_rows,
                         .unit = unit_of(run->tier->activation[format]),
                         .is_streamed = strstr(what, "streamed") != NULL};
  check_report_figure(run, &figure);
  dot_end(&k);
  return figure.operations / figure.ns;
}

/* Rows of so many bytes. */
static uint32_t rows_of(hd_format format, uint32_t cols, uint32_t mebibytes) {
  return (uint32_t)(((size_t)mebibytes << 20) / hd_format_row_bytes(format, cols));
}

/* Many tokens with more weights than a cache holds, as in a whole model: what a tier waits for memory there
 * no smaller matrix shows. The lengths of rows are those of a model of 1.1 billion parameters. */
static void bench_large(check_run *run, hd_format format) {
  static const uint32_t cols[2] = {2048, 5632}, tokens[2] = {128, 512};
  for (uint32_t c = 0; c < 2; c++)
    for (uint32_t t = 0; t < 2; t++) {
      char what[40];
      snprintf(what, sizeof what, "%u x 64 MiB, %u tokens", cols[c], tokens[t]);
      bench_shape(run, format, what, (bench_dims){cols[c], rows_of(format, cols[c], 64), tokens[t]});
    }
}

/* A tier that does less in a nanosecond would take many seconds for the large matrices. */
#define LARGE_FROM 60.0

/* Rows of a small model (576 columns) are streamed as well: less than a page each, where reading ahead is
 * hardest. */
static void dot_bench(check_run *run, uint32_t index) {
  hd_format format = sample_format(index);
  bench_shape(run, format, "2048 x 32, cached", (bench_dims){2048, 32, 1});
  bench_shape(run, format, "2048 x 256 MiB, streamed", (bench_dims){2048, rows_of(format, 2048, 256), 1});
  if (hd_format_row_bytes(format, 576) > 0)
    bench_shape(run, format, "576 x 64 MiB, streamed", (bench_dims){576, rows_of(format, 576, 64), 1});
  bench_shape(run, format, "2048 x 64, 12 tokens", (bench_dims){2048, 64, 12});
  double rate = bench_shape(run, format, "2048 x 512, 128 tokens", (bench_dims){2048, 512, 128});
  bench_shape(run, format, "2048 x 512, 512 tokens", (bench_dims){2048, 512, 512});
  if (rate >= LARGE_FROM) bench_large(run, format);
}

const check_part check_dots = {SAMPLE_FORMATS, dot_name, dot_replaced, dot_check, dot_bench};
