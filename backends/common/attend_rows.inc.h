/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of attend.h that a compiler makes fast from plain C: a template, compiled for each tier with its
 * flags, like rows.inc.h. Everything is static. */
#include <math.h>
#include "common/attend.h"
#include "common/exp.h"
#include "common/fma.h"

/* Maxima and sums of a block: sixteen lanes, position i in lane i modulo 16, folded in halves. The steps are
 * written out: a loop over them makes a compiler fold through memory. */
#define ATTEND_LANES 16u

static inline float attend_larger(float a, float b) {
  return a > b ? a : b;
}

static inline float attend_fold_max(float lane[ATTEND_LANES]) {
  for (uint32_t j = 0; j < 8; j++)
    lane[j] = attend_larger(lane[j], lane[j + 8]);
  for (uint32_t j = 0; j < 4; j++)
    lane[j] = attend_larger(lane[j], lane[j + 4]);
  return attend_larger(attend_larger(lane[0], lane[2]), attend_larger(lane[1], lane[3]));
}

static inline float attend_fold_sum(float lane[ATTEND_LANES]) {
  for (uint32_t j = 0; j < 8; j++)
    lane[j] += lane[j + 8];
  for (uint32_t j = 0; j < 4; j++)
    lane[j] += lane[j + 4];
  return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

static float attend_soften(float *restrict scores, uint32_t count, float scale,
                           hdb_softmax *restrict softmax) {
  float lane[ATTEND_LANES], max, factor;
  for (uint32_t i = 0; i < HDB_ATTEND_BLOCK; i++)
    scores[i] = i < count ? scores[i] * scale : -INFINITY;
  for (uint32_t j = 0; j < ATTEND_LANES; j++)
    lane[j] = attend_larger(attend_larger(scores[j], scores[j + 16]),
                            attend_larger(scores[j + 32], scores[j + 48]));
  max = attend_larger(softmax->max, attend_fold_max(lane));
  for (uint32_t i = 0; i < HDB_ATTEND_BLOCK; i++) {
    float share = hdb_exp_of_at_most_0(scores[i] - max);
    scores[i] = i < count ? share : 0.0f;
  }
  for (uint32_t j = 0; j < ATTEND_LANES; j++)
    lane[j] = (scores[j] + scores[j + 16]) + (scores[j + 32] + scores[j + 48]);
  factor = hdb_exp_of_at_most_0(softmax->max - max); /* of -INFINITY: tiny, and the sums are 0 */
  softmax->max = max;
  softmax->sum = hdb_fma(softmax->sum, factor, attend_fold_sum(lane));
  return factor;
}

static void attend_scale(float *restrict x, uint32_t count, float factor) {
  for (uint32_t i = 0; i < count; i++)
    x[i] *= factor;
}

static void attend_merge(float *restrict sum, const float *restrict x, uint32_t count, float keep,
                         float take) {
  for (uint32_t i = 0; i < count; i++)
    sum[i] = hdb_fma(sum[i], keep, x[i] * take);
}
