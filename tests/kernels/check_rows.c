/* SPDX-License-Identifier: Apache-2.0 */
/* Quantisation and kernels over float rows: a tier gives the very bits that C gives. */
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "common/activation.h"

enum { MOST = 1200, BENCH_COUNT = 4096 };

/* ---- quantisation ---- */

/* By the layout that comes of it. */
static const hdb_activation layouts[] = {HDB_ACTIVATION_Q8, HDB_ACTIVATION_Q8K, HDB_ACTIVATION_BF16,
                                         HDB_ACTIVATION_BF16_PAIRS};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

static const char *quantise_name(uint32_t index) {
  static const char *const names[LAYOUTS] = {"quantise_q8", "quantise_q8k", "quantise_bf16",
                                             "quantise_bf16_pairs"};
  return names[index];
}

static hdb_quantise_fn quantise_of(const hdb_kernels *kernels, uint32_t index) {
  return hdb_quantise_of(kernels, layouts[index]);
}

static bool quantise_replaced(const hdb_kernels *tier, const hdb_kernels *c, uint32_t index) {
  return quantise_of(tier, index) != quantise_of(c, index);
}

/* Random rows with what is awkward: zeros, ties of magnitude, halves, tiny and huge values. */
static void awkward(sample_rng *rng, float *x, uint32_t count) {
  static const float special[] = {0.0f,        -0.0f, 0x1p-40f, -0x1p-140f, 1e-38f, 3.4e38f, 1.00390625f,
                                  1.01171875f, 6e6f,  127.0f,   -127.0f,    0.5f,   2.5f};
  uint32_t kind = sample_below(rng, 4);
  sample_floats(rng, x, count);
  for (uint32_t i = 0; i < count; i++) {
    if (kind == 1 && sample_below(rng, 4) == 0)
      x[i] = special[sample_below(rng, sizeof special / sizeof *special)];
    if (kind == 2) x[i] = ((float)sample_below(rng, 255) - 127.0f) * 0.5f;
    if (kind == 3) x[i] = i / 256 % 2 ? 0.0f : x[i] * 1e-9f;
  }
}

static void quantise_check(check_run *run, uint32_t index) {
  static const uint32_t blocks[LAYOUTS] = {HDB_Q8_BLOCK, HDB_Q8K_BLOCK, 1, 1};
  uint32_t cols = blocks[index] * (1 + sample_below(&run->rng, blocks[index] > 1 ? 9 : 150));
  size_t bytes = hdb_activation_bytes(layouts[index], cols);
  float *x = sample_alloc(cols * sizeof(float));
  uint8_t *got = sample_alloc(bytes), *want = sample_alloc(bytes);
  awkward(&run->rng, x, cols);
  memset(got, 0x5a, bytes);
  memset(want, 0x5a, bytes);
  quantise_of(run->tier, index)(x, cols, got);
  quantise_of(run->c, index)(x, cols, want);
  for (size_t i = 0; i < bytes; i++)
    if (got[i] != want[i])
      check_fail(run, "%u cols: byte %zu of %zu is %d, C has %d", cols, i, bytes, (int8_t)got[i],
                 (int8_t)want[i]);
  free(x);
  free(got);
  free(want);
}

typedef struct quantise_call {
  hdb_quantise_fn fn;
  float x[BENCH_COUNT];
  uint8_t row[sizeof(float) * BENCH_COUNT];
} quantise_call;

static void quantise_once(void *arg) {
  quantise_call *call = arg;
  call->fn(call->x, BENCH_COUNT, call->row);
}

static void quantise_bench(check_run *run, uint32_t index) {
  quantise_call *call = sample_alloc(sizeof *call);
  call->fn = quantise_of(run->tier, index);
  sample_floats(&run->rng, call->x, BENCH_COUNT);
  check_report(run, "4096", check_time_ns(quantise_once, call), BENCH_COUNT * sizeof(float), 0);
  free(call);
}

const check_part check_quantise = {LAYOUTS, quantise_name, quantise_replaced, quantise_check, quantise_bench};

/* ---- rows ---- */

enum { SUM_SQUARES, SCALE_MUL, SWIGLU, ADD, TO_F16, ROW_KERNELS };

typedef struct row_case {
  const hdb_row_kernels *rows;
  uint32_t index, count;
  float a[BENCH_COUNT], b[BENCH_COUNT], out[BENCH_COUNT];
  double sum;
} row_case;

static const char *row_name(uint32_t index) {
  static const char *const names[ROW_KERNELS] = {"sum_squares", "scale_mul", "swiglu", "add", "to_f16"};
  return names[index];
}

static bool row_replaced(const hdb_kernels *tier, const hdb_kernels *c, uint32_t index) {
  (void)index;
  return tier->rows != c->rows;
}

static void row_once(void *arg) {
  row_case *k = arg;
  const hdb_row_kernels *rows = k->rows;
  switch (k->index) {
  case SUM_SQUARES:
    k->sum = rows->sum_squares(k->a, k->count);
    break;
  case SCALE_MUL:
    rows->scale_mul(k->a, k->b, 0.37f, k->count, k->out);
    break;
  case SWIGLU:
    rows->swiglu(k->a, k->b, k->count, k->out);
    break;
  case ADD:
    rows->add(k->a, k->b, k->count, k->out);
    break;
  default:
    rows->to_f16(k->a, k->count, (uint16_t *)(void *)k->out);
  }
}

static row_case *row_begin(check_run *run, uint32_t index, uint32_t count) {
  row_case *k = sample_alloc(sizeof *k);
  memset(k, 0, sizeof *k);
  k->index = index;
  k->count = count;
  sample_floats(&run->rng, k->a, BENCH_COUNT);
  sample_floats(&run->rng, k->b, BENCH_COUNT);
  return k;
}

static void row_check(check_run *run, uint32_t index) {
  row_case *k = row_begin(run, index, 1 + sample_below(&run->rng, MOST));
  float want[BENCH_COUNT];
  if (sample_below(&run->rng, 2)) awkward(&run->rng, k->a, k->count);
  k->rows = run->c->rows;
  row_once(k);
  double sum = k->sum;
  memcpy(want, k->out, sizeof want);
  memset(k->out, 0, sizeof k->out);
  k->rows = run->tier->rows;
  row_once(k);
  if (memcmp(&sum, &k->sum, sizeof sum) != 0)
    check_fail(run, "%u values: sum %.17g, C has %.17g", k->count, k->sum, sum);
  for (uint32_t i = 0; i < BENCH_COUNT; i++)
    if (memcmp(&want[i], &k->out[i], sizeof want[i]) != 0)
      check_fail(run, "%u values: element %u is %.9g, C has %.9g", k->count, i, (double)k->out[i],
                 (double)want[i]);
  free(k);
}

static void row_bench(check_run *run, uint32_t index) {
  row_case *k = row_begin(run, index, BENCH_COUNT);
  k->rows = run->tier->rows;
  check_report(run, "4096", check_time_ns(row_once, k), BENCH_COUNT * sizeof(float), 0);
  free(k);
}

const check_part check_rows = {ROW_KERNELS, row_name, row_replaced, row_check, row_bench};
