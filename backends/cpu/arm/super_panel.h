/* SPDX-License-Identifier: Apache-2.0 */
/* What a panel of eight rows of super-blocks has besides its values, and how the sums of a super-block become
 * results, whichever instruction made them. Results are those of common/superblock.h. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_SUPER_PANEL_H
#define HEDDLE_BACKENDS_CPU_ARM_SUPER_PANEL_H

#include "common/activation.h"
#include "cpu/arm/panel.h"
#include "cpu/arm/superblocks.h"

/* What one format knows. */
typedef struct hdi_super_kind {
  hdi_super_fn read;
  size_t bytes;
  uint32_t part_steps; /* of sixteen values that share a scale */
  int8_t less;         /* what values are held larger by */
  bool has_min;
} hdi_super_kind;

static const hdi_super_kind hdi_kind_q4_k = {hdi_super_q4_k, HDB_Q4_K_BYTES, 2, 0, true},
                            hdi_kind_q6_k = {hdi_super_q6_k, HDI_Q6_K_BYTES, 1, 32, false};

/* Rows 4p .. 4p+3 in the lanes of [p]; the minimums of the parts in order. */
typedef struct hdi_super_ends {
  int16x4_t min[8][2];
  float32x4_t d[2], d_min[2];
} hdi_super_ends;

/* Reads a super-block of four rows, less what the values are too large by, and writes their ends. */
HDB_INLINE void hdi_super_four(const uint8_t *first, size_t stride, const hdi_super_kind *kind,
                               hdi_super rows[4], hdi_super_ends *ends, uint32_t p) {
  const int8x16_t less = vdupq_n_s8(kind->less);
  int16_t mins[4][8];
  for (uint32_t r = 0; r < 4; r++) {
    kind->read(first + r * stride, &rows[r]);
    for (uint32_t j = 0; j < HDI_SUPER_STEPS; j++)
      rows[r].q[j] = vsubq_s8(rows[r].q[j], less);
    ends->d[p][r] = rows[r].d;
    if (!kind->has_min) continue;
    ends->d_min[p][r] = rows[r].d_min;
    vst1q_s16(mins[r], rows[r].offset.val[0]);
  }
  for (uint32_t k = 0; kind->has_min && k < 8; k++)
    ends->min[k][p] = (int16x4_t){mins[0][k], mins[1][k], mins[2][k], mins[3][k]};
}

/* The parts' minimums times the sums of an activation's parts. */
HDB_INLINE int32x4_t hdi_super_minimums(const hdi_super_ends *ends, uint32_t p, int16x8_t sums) {
  int16x4_t low = vget_low_s16(sums), high = vget_high_s16(sums);
  int32x4_t off = vmull_lane_s16(ends->min[0][p], low, 0);
  off = vmlal_lane_s16(off, ends->min[1][p], low, 1);
  off = vmlal_lane_s16(off, ends->min[2][p], low, 2);
  off = vmlal_lane_s16(off, ends->min[3][p], low, 3);
  off = vmlal_lane_s16(off, ends->min[4][p], high, 0);
  off = vmlal_lane_s16(off, ends->min[5][p], high, 1);
  off = vmlal_lane_s16(off, ends->min[6][p], high, 2);
  return vmlal_lane_s16(off, ends->min[7][p], high, 3);
}

/* Adds super-block `b` of the panel to the results of activation row t. `dot`: its products, scales included.
 */
HDB_INLINE void hdi_super_add(const hdb_tile *tile, const hdi_panel *panel, size_t b, uint32_t t,
                              const hdi_super_kind *kind, const hdi_super_ends *ends,
                              const int32x4_t dot[2]) {
  const uint8_t *row = tile->x + t * tile->x_stride;
  const size_t at = panel->begin + b;
  const float x_scale = hdb_q8_scales(row, tile->cols)[at];
  float *out = tile->out + t * tile->out_stride + panel->w;
#pragma GCC unroll 2
  for (uint32_t p = 0; p < 2; p++) {
    float32x4_t acc = at == 0 ? vdupq_n_f32(0.0f) : vld1q_f32(out + 4 * p);
    acc = vfmaq_f32(acc, vcvtq_f32_s32(dot[p]), vmulq_n_f32(ends->d[p], x_scale));
    if (kind->has_min) {
      int16x8_t sums = vld1q_s16(hdb_q8k_sums_32(row, tile->cols) + 8 * at);
      acc = vfmsq_f32(acc, vcvtq_f32_s32(hdi_super_minimums(ends, p, sums)),
                      vmulq_n_f32(ends->d_min[p], x_scale));
    }
    vst1q_f32(out + 4 * p, acc);
  }
}

#endif
