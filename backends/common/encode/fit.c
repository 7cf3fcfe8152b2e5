/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how good scales are found. Rounding every value to the grid that the block's extremes span is seldom
 * best: a slightly narrower or wider grid may suit the many better. So some grids around that one are tried;
 * for the integers that each gives, the best scale (and minimum) is the solution of a weighted least-squares
 * problem, and the grid whose solution leaves the smallest error wins. Larger values weigh more, because they
 * make the larger part of a dot product.
 * Source: the idea, the weights and the steps are those of ggml's k-quants. */
#include "common/encode/fit.h"
#include <math.h>
#include "common/lanes.h"

float hdb_extreme(const float *x, uint32_t count) {
  float best = 0.0f;
  for (uint32_t i = 0; i < count; i++)
    if (fabsf(x[i]) > fabsf(best)) best = x[i];
  return best;
}

/* Sums run in eight lanes, which a compiler may keep in registers of any width. */
#define LANES 8u

/* ---- a scale alone: 16 values, integers -32 .. 31 ---- */

enum { SCALE_VALUES = 16, SCALE_STEPS = 9 };

/* Below this a block is nothing. Source: ggml. */
#define NOTHING 1e-15f

/* Sums over w * x * q and w * q * q for q = x / scale on the grid; w = x * x. */
static void grid_sums(const float *x, float inverse, float *out_xq, float *out_qq) {
  float xq[LANES] = {0}, qq[LANES] = {0};
  for (uint32_t i = 0; i < SCALE_VALUES; i += LANES)
    for (uint32_t j = 0; j < LANES; j++) {
      float v = x[i + j], q = hdb_clamp(hdb_nearest(v * inverse), -32.0f, 31.0f);
      float wq = v * v * q;
      xq[j] += wq * v;
      qq[j] += wq * q;
    }
  *out_xq = hdb_lane_sum(xq, LANES);
  *out_qq = hdb_lane_sum(qq, LANES);
}

/* For integers q the best scale is xq / qq, and it explains xq * xq / qq of the values' weighted squares: the
 * more, the smaller the error. The grid's inverse scale is 32 / extreme, and up to 0.9 steps more or fewer.
 */
float hdb_fit_scale(const float x[16]) {
  float extreme = hdb_extreme(x, SCALE_VALUES), best_scale = 0.0f, best = 0.0f;
  if (fabsf(extreme) < NOTHING) return 0.0f;
  for (int step = 0; step <= 2 * SCALE_STEPS; step++) {
    /* 0, then -9 .. 9 without 0: among equals the plain grid wins. */
    int offset = step == 0 ? 0 : step <= SCALE_STEPS ? step - SCALE_STEPS - 1 : step - SCALE_STEPS;
    float xq, qq;
    grid_sums(x, -(32.0f + 0.1f * (float)offset) / extreme, &xq, &qq);
    if (qq > 0.0f && xq * xq > best * qq) {
      best_scale = xq / qq;
      best = best_scale * xq;
    }
  }
  return best_scale;
}

/* ---- a scale and a minimum: 32 values, integers 0 .. 15 ---- */

enum { MIN_VALUES = 32, MIN_STEPS = 20 };

/* Weighted sums of a block that no grid changes. */
typedef struct block_sums {
  float weight[MIN_VALUES]; /* root mean square + magnitude */
  float weighted[MIN_VALUES];
  float w, wx;
  float low, high; /* of the values; low is at most 0 */
} block_sums;

static void sum_block(const float *x, block_sums *out) {
  float squares[LANES] = {0}, w[LANES] = {0}, wx[LANES] = {0};
  out->low = 0.0f;
  out->high = x[0];
  for (uint32_t i = 0; i < MIN_VALUES; i++) {
    squares[i % LANES] += x[i] * x[i];
    out->low = x[i] < out->low ? x[i] : out->low;
    out->high = x[i] > out->high ? x[i] : out->high;
  }
  float typical = sqrtf(hdb_lane_sum(squares, LANES) / MIN_VALUES);
  for (uint32_t i = 0; i < MIN_VALUES; i++) {
    out->weight[i] = typical + fabsf(x[i]);
    out->weighted[i] = out->weight[i] * x[i];
    w[i % LANES] += out->weight[i];
    wx[i % LANES] += out->weighted[i];
  }
  out->w = hdb_lane_sum(w, LANES);
  out->wx = hdb_lane_sum(wx, LANES);
}

/* Weighted sums over the integers that a grid gives. */
typedef struct grid {
  double q, qq, xq;
} grid;

static grid sum_grid(const float *x, const block_sums *block, float inverse, float low) {
  float q[LANES] = {0}, qq[LANES] = {0}, xq[LANES] = {0};
  for (uint32_t i = 0; i < MIN_VALUES; i += LANES)
    for (uint32_t j = 0; j < LANES; j++) {
      float integer = hdb_clamp(hdb_nearest(inverse * (x[i + j] - low)), 0.0f, 15.0f);
      float wq = block->weight[i + j] * integer;
      q[j] += wq;
      qq[j] += wq * integer;
      xq[j] += block->weighted[i + j] * integer;
    }
  return (grid){(double)hdb_lane_sum(q, LANES), (double)hdb_lane_sum(qq, LANES),
                (double)hdb_lane_sum(xq, LANES)};
}

/* x = scale * q + offset, and how many of the values' weighted squares that explains; the rest is the error.
 */
typedef struct line {
  double scale, offset, explained;
} line;

/* The best line for a grid's integers; of no use (it explains nothing) when they are all the same. */
static line solve(const block_sums *block, const grid *sums) {
  double w = (double)block->w, x = (double)block->wx;
  double determinant = w * sums->qq - sums->q * sums->q;
  if (!(determinant > 0.0)) return (line){.explained = -(double)INFINITY};
  line best = {.scale = (w * sums->xq - x * sums->q) / determinant,
               .offset = (sums->qq * x - sums->q * sums->xq) / determinant};
  if (best.offset > 0.0) best = (line){.scale = sums->xq / sums->qq}; /* a minimum is only subtracted */
  best.explained = best.scale * sums->xq + best.offset * x;
  return best;
}

/* The line of the grid itself. */
static line plain_line(const block_sums *block, const grid *sums, double scale, double offset) {
  double fits = scale * sums->xq + offset * (double)block->wx;
  double size =
      scale * scale * sums->qq + 2.0 * scale * offset * sums->q + offset * offset * (double)block->w;
  return (line){scale, offset, 2.0 * fits - size};
}

void hdb_fit_scale_and_min(const float x[32], float *out_scale, float *out_min) {
  block_sums block;
  sum_block(x, &block);
  float low = block.low, span = block.high - low;
  *out_scale = 0.0f;
  *out_min = -low;
  if (!(span > 0.0f)) return;
  grid sums = sum_grid(x, &block, 15.0f / span, low);
  line best = plain_line(&block, &sums, (double)span / 15.0, (double)low);
  /* Fifteen steps from the best minimum so far to the top, one more or fewer, in tenths. */
  for (int step = 0; step <= MIN_STEPS; step++) {
    sums = sum_grid(x, &block, (14.0f + 0.1f * (float)step) / (block.high - low), low);
    line found = solve(&block, &sums);
    if (!(found.explained > best.explained)) continue;
    best = found;
    low = (float)best.offset;
  }
  *out_scale = (float)best.scale;
  *out_min = (float)-best.offset;
}
