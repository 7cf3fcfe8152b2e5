/* SPDX-License-Identifier: Apache-2.0 */
/* The inner functions of attention: a tier gives the very bits that C gives. Timed is the whole op, as decode
 * at two depths and as prefill. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "common/attend.h"
#include "op_case.h"

enum { MUL_ADD, PACK_KEYS, PACK_VALUES, SOFTEN, SCALE, MERGE, FUNCTIONS };
enum { BLOCK = HDB_ATTEND_BLOCK, STRIP = HDB_ATTEND_STRIP, ROWS_MOST = 70, GUARD = 64 };

/* Room for any call; what a call must not write is compared as well. */
typedef struct attend_case {
  uint32_t rows, cols, depth, count, from;
  hd_format format;
  size_t stride, ahead;
  float scale;
  const float *a_rows[ROWS_MOST];
  float a[ROWS_MOST * BLOCK], b[BLOCK * BLOCK], out[ROWS_MOST * 2 * BLOCK + GUARD];
  hdb_softmax softmax;
  float factor;
  uint8_t cache[BLOCK * 3 * BLOCK * sizeof(float)];
} attend_case;

static const char *attend_name(uint32_t index) {
  static const char *const names[FUNCTIONS] = {"attend_product", "attend_keys",  "attend_values",
                                               "attend_soften",  "attend_scale", "attend_merge"};
  return names[index];
}

static bool attend_replaced(const hdb_kernels *tier, const hdb_kernels *c, uint32_t index) {
  (void)index;
  return tier->attention != c->attention;
}

static void call(const hdb_attention_kernels *kernels, uint32_t index, attend_case *k) {
  hdb_mul_add m = {.rows = k->rows,
                   .cols = k->cols,
                   .depth = k->depth,
                   .a = k->a_rows,
                   .a_from = 1,
                   .b = k->cache,
                   .b_stride = k->stride,
                   .b_ahead = k->ahead,
                   .c = k->out,
                   .c_stride = 2 * BLOCK};
  hdb_kv_rows rows = {k->cache, k->stride, k->count, k->from, k->cols};
  switch (index) {
  case MUL_ADD:
    kernels->mul_add[k->format](&m);
    break;
  case PACK_KEYS:
    kernels->pack_keys[k->format](&rows, k->out);
    break;
  case PACK_VALUES:
    kernels->pack_values[k->format](&rows, k->out);
    break;
  case SOFTEN:
    k->factor = kernels->soften(k->out, k->count, k->scale, &k->softmax);
    break;
  case SCALE:
    kernels->scale(k->out, k->cols, k->scale);
    break;
  default:
    kernels->merge(k->out, k->b, k->cols, k->scale, 0.3f);
  }
}

static attend_case *make(check_run *run) {
  static const hd_format formats[] = {HD_FORMAT_F32, HD_FORMAT_F16, HD_FORMAT_Q8_0};
  attend_case *k = sample_alloc(sizeof *k);
  memset(k, 0, sizeof *k);
  k->rows = 1 + sample_below(&run->rng, ROWS_MOST);
  k->format = formats[sample_below(&run->rng, 3)];
  k->cols = k->format == HD_FORMAT_Q8_0 ? 32 * (1 + sample_below(&run->rng, 2))
                                        : 1 + sample_below(&run->rng, BLOCK);
  k->depth = sample_below(&run->rng, BLOCK);
  k->count = 1 + sample_below(&run->rng, BLOCK);
  k->from = BLOCK * sample_below(&run->rng, 2);
  k->stride = hd_format_row_bytes(k->format, 3 * BLOCK);
  k->ahead = sample_below(&run->rng, 2) * k->stride;
  k->scale = 0.2f + 3.0f * (float)sample_below(&run->rng, 8);
  k->softmax = sample_below(&run->rng, 2) ? (hdb_softmax){-INFINITY, 0.0f} : (hdb_softmax){1.5f, 2.5f};
  for (uint32_t r = 0; r < ROWS_MOST; r++)
    k->a_rows[r] = k->a + r * BLOCK;
  sample_floats(&run->rng, k->a, ROWS_MOST * BLOCK);
  sample_floats(&run->rng, k->b, BLOCK * BLOCK);
  sample_floats(&run->rng, k->out, ROWS_MOST * 2 * BLOCK + GUARD);
  sample_weights(&run->rng, k->format, BLOCK, 3 * BLOCK, k->cache);
  return k;
}

/* What only some tiers write: columns up to the next whole strip. */
static void forget_strips(const attend_case *k, uint32_t index, attend_case *other) {
  uint32_t end = (k->cols + STRIP - 1) / STRIP * STRIP, stride = index == MUL_ADD ? 2 * BLOCK : BLOCK;
  for (uint32_t r = 0; index <= PACK_VALUES && index != PACK_KEYS && r < ROWS_MOST; r++)
    for (uint32_t c = k->cols; c < end; c++)
      other->out[r * stride + c] = k->out[r * stride + c];
}

static void attend_check(check_run *run, uint32_t index) {
  attend_case *want = make(run), *got = sample_alloc(sizeof *got);
  memcpy(got, want, sizeof *got);
  call(run->c->attention, index, want);
  call(run->tier->attention, index, got);
  forget_strips(want, index, got);
  if (memcmp(want, got, sizeof *got) != 0)
    for (uint32_t i = 0; i < ROWS_MOST * 2 * BLOCK + GUARD; i++)
      if (memcmp(&want->out[i], &got->out[i], sizeof(float)) != 0)
        check_fail(run, "%s, %u rows, %u cols, depth %u, count %u: %u is %.9g, C has %.9g",
                   hd_format_get(want->format)->name, want->rows, want->cols, want->depth, want->count, i,
                   (double)got->out[i], (double)want->out[i]);
  if (memcmp(want, got, sizeof *got) != 0) check_fail(run, "maximum, sum or factor differ");
  free(want);
  free(got);
}

/* ---- the op ---- */

typedef struct attend_shape {
  const char *name;
  uint32_t heads, kv_heads, head_dim;
} attend_shape;

typedef struct attend_bench_case {
  const hdb_kernels *kernels;
  op_case *op;
} attend_bench_case;

static void run_op(void *arg) {
  attend_bench_case *b = arg;
  case_run_parts(b->op, b->kernels, 1, 1u << 20);
}

/* Keys as the engine has them: turned where the format may be. */
static void bench_op(check_run *run, const attend_shape *s, hd_format format, uint32_t tokens, uint32_t pos) {
  hd_kv_layout layout = format == HD_FORMAT_Q8_0 ? HD_KV_ROWS : HD_KV_TURNED;
  op_case c;
  char what[64];
  case_begin(&c, 5, tokens, 1, pos);
  hd_value q = case_input(&c, s->heads * s->head_dim);
  hd_value k = case_kv(&c, format, layout, s->kv_heads * s->head_dim),
           v = case_kv(&c, format, HD_KV_ROWS, s->kv_heads * s->head_dim);
  hd_op op = {.kind = HD_OP_ATTENTION,
              .in = {q, k, v},
              .u.attention = {s->heads, s->kv_heads, s->head_dim, 1.0f / sqrtf((float)s->head_dim)}};
  case_finish(&c, op, case_output(&c, HD_ROWS_TOKENS, s->heads * s->head_dim));
  double ns = check_time_ns(run_op, &(attend_bench_case){run->tier, &c});
  double pairs = (double)tokens * (pos + (tokens + 1) * 0.5);
  snprintf(what, sizeof what, "%s %s %u at %u", s->name, hd_format_get(format)->name, tokens, pos);
  double bytes = 2.0 * (pos + tokens) * (double)hd_format_row_bytes(format, s->kv_heads * s->head_dim);
  check_report(run, what, ns, tokens == 1 ? bytes : 0, pairs * s->heads * s->head_dim * 4);
  case_end(&c);
}

static void attend_bench(check_run *run, uint32_t index) {
  static const attend_shape shapes[] = {
      {"32/4x64", 32, 4, 64}, {"32/8x128", 32, 8, 128}, {"32/32x128", 32, 32, 128}, {"9/3x64", 9, 3, 64}};
  static const hd_format formats[] = {HD_FORMAT_F16, HD_FORMAT_Q8_0, HD_FORMAT_F32};
  if (index != MUL_ADD) return;
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
      bench_op(run, &shapes[s], formats[f], 1, 2047);
      bench_op(run, &shapes[s], formats[f], 1, 8191);
      bench_op(run, &shapes[s], formats[f], 512, 0);
    }
}

const check_part check_attention = {FUNCTIONS, attend_name, attend_replaced, attend_check, attend_bench};
