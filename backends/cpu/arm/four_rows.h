/* SPDX-License-Identifier: Apache-2.0 */
/* Four weight rows taken together with one activation row: where they lie, and where their results go. Rows
 * behind the tile's last are the last, and not written. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_FOUR_ROWS_H
#define HEDDLE_BACKENDS_CPU_ARM_FOUR_ROWS_H

#include <arm_neon.h>
#include "common/tile.h"

/* Four weight rows at decode, and what they add up to. `last` is what the registers of `run`, which are never
 * cleared, added up to at the last step. */
typedef struct hdi_quad {
  const uint8_t *at[4];
  int32x4_t run[4], last;
  float32x4_t acc;
} hdi_quad;

/* Rows w .. w + 3. */
HDB_INLINE void hdi_four_rows(const hdb_tile *tile, uint32_t w, const uint8_t *at[4]) {
  const uint32_t last = tile->weight_rows - 1;
#pragma GCC unroll 4
  for (uint32_t r = 0; r < 4; r++)
    at[r] = tile->weights + (w + r < last ? w + r : last) * tile->weight_stride;
}

/* Reads the f16 scales of the next blocks of four rows and moves on to the values. */
HDB_INLINE float32x4_t hdi_four_scales(const uint8_t *at[4]) {
  uint16x4_t d = vld1_dup_u16((const uint16_t *)(const void *)at[0]);
  d = vld1_lane_u16((const uint16_t *)(const void *)at[1], d, 1);
  d = vld1_lane_u16((const uint16_t *)(const void *)at[2], d, 2);
  d = vld1_lane_u16((const uint16_t *)(const void *)at[3], d, 3);
#pragma GCC unroll 4
  for (uint32_t r = 0; r < 4; r++)
    at[r] += 2;
  return vcvt_f32_f16(vreinterpret_f16_u16(d));
}

/* Writes their results with activation row t. */
HDB_INLINE void hdi_store_four(const hdb_tile *tile, uint32_t w, uint32_t t, float32x4_t four) {
  float *out = tile->out + t * tile->out_stride + w;
  if (w + 4 <= tile->weight_rows)
    vst1q_f32(out, four);
  else
    for (uint32_t r = 0; r < 4 && w + r < tile->weight_rows; r++)
      out[r] = four[r];
}

#endif
