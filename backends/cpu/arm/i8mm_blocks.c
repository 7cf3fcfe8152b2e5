/* SPDX-License-Identifier: Apache-2.0 */
/* Dots of the i8mm tier for the formats with blocks of 32: SMMLA multiplies eight values of two weight rows
 * with those of two activation rows, 32 products an instruction. Eight weight rows are unpacked into the
 * scratch by pairs, activations paired as they are loaded; a sum's lanes are (w0 x0, w0 x1, w1 x0, w1 x1),
 * and stay so until the results are written. With one activation row half of that would be for nothing: SDOT
 * does as much there, and the dotprod tier's way remains. */
#include <arm_neon.h>
#include "cpu/arm/arm.h"
#include "cpu/arm/blocks.h"
#include "cpu/arm/i8mm_panel.h"
#include "cpu/arm/panel.h"

/* A block of eight weight rows: q[k][p] has values 8k .. 8k+7 of rows 2p and 2p+1, d[p] their scales, each
 * twice. */
typedef struct paired {
  int8x16_t q[4][4];
  float32x4_t d[4];
} paired;

/* Blocks of a panel that are unpacked at a time. */
#define PANEL_BLOCKS 64u
_Static_assert(PANEL_BLOCKS * sizeof(paired) <= HDB_TILE_SCRATCH, "a panel fits the scratch");

/* Unpacks the panel's blocks into the scratch. */
HDB_INLINE void unpack(const hdb_tile *tile, const hdi_panel *panel, hdi_values_fn values, int8_t offset) {
  paired *out = (paired *)(void *)tile->scratch;
  const int8x16_t less = vdupq_n_s8(offset);
  for (uint32_t half = 0; half < 2; half++) {
    const uint8_t *at[4];
    for (uint32_t r = 0; r < 4; r++)
      at[r] = panel->weights + (4 * half + r) * tile->weight_stride;
    for (size_t b = 0; b < panel->count; b++) {
      float32x4_t d = hdi_four_scales(at);
      out[b].d[2 * half] = vzip1q_f32(d, d);
      out[b].d[2 * half + 1] = vzip2q_f32(d, d);
      for (uint32_t p = 0; p < 2; p++) {
        hdi_values v = values(&at[2 * p]), u = values(&at[2 * p + 1]);
        v = (hdi_values){vsubq_s8(v.low, less), vsubq_s8(v.high, less)};
        u = (hdi_values){vsubq_s8(u.low, less), vsubq_s8(u.high, less)};
        out[b].q[0][2 * half + p] = hdi_firsts(v.low, u.low);
        out[b].q[1][2 * half + p] = hdi_seconds(v.low, u.low);
        out[b].q[2][2 * half + p] = hdi_firsts(v.high, u.high);
        out[b].q[3][2 * half + p] = hdi_seconds(v.high, u.high);
      }
    }
  }
}

/* Results so far of the panel's rows with activation rows `first` and `second`, or zeros. */
HDB_INLINE void load_pair(const hdi_panel *panel, const float *first, const float *second,
                          float32x4_t acc[4]) {
  for (uint32_t h = 0; h < 2; h++) {
    float32x4_t a = vdupq_n_f32(0.0f), b = a;
    if (panel->begin != 0) {
      a = vld1q_f32(first + 4 * h);
      b = vld1q_f32(second + 4 * h);
    }
    acc[2 * h] = vzip1q_f32(a, b);
    acc[2 * h + 1] = vzip2q_f32(a, b);
  }
}

HDB_INLINE void store_pair(float *first, float *second, const float32x4_t acc[4]) {
  for (uint32_t h = 0; h < 2; h++) {
    vst1q_f32(first + 4 * h, vuzp1q_f32(acc[2 * h], acc[2 * h + 1]));
    vst1q_f32(second + 4 * h, vuzp2q_f32(acc[2 * h], acc[2 * h + 1]));
  }
}

/* The unpacked blocks with `pairs` of activation rows from t on, added to the results. A pair's second row is
 * `step` rows behind its first: 0 where there is only one. */
HDB_INLINE void many(const hdb_tile *tile, const hdi_panel *panel, uint32_t t, uint32_t pairs,
                     uint32_t step) {
  const paired *w = (const paired *)(const void *)tile->scratch, *end = w + panel->count;
  const size_t stride = tile->x_stride, apart = step * stride;
  const uint8_t *x = tile->x + t * stride + panel->begin * HDB_Q8_BLOCK;
  const uint8_t *scales = tile->x + t * stride + tile->cols + panel->begin * sizeof(float);
  float *out = tile->out + t * tile->out_stride + panel->w;
  float32x4_t acc[2][4];
  for (uint32_t c = 0; c < pairs; c++)
    load_pair(panel, out + 2 * c * tile->out_stride, out + (2 * c + step) * tile->out_stride, acc[c]);
  for (; w < end; w++, x += HDB_Q8_BLOCK, scales += sizeof(float)) {
    int32x4_t sum[2][4];
    hdi_take_part(w->q, (const int8_t *)x, stride, apart, pairs, 2, sum);
#pragma GCC unroll 2
    for (uint32_t c = 0; c < pairs; c++) {
      const uint8_t *at = scales + 2 * c * stride;
      float32x2_t two = vld1_dup_f32((const float *)(const void *)at);
      two = vld1_lane_f32((const float *)(const void *)(at + apart), two, 1);
      float32x4_t scale = vcombine_f32(two, two);
#pragma GCC unroll 4
      for (uint32_t p = 0; p < 4; p++)
        acc[c][p] = vfmaq_f32(acc[c][p], vcvtq_f32_s32(sum[c][p]), vmulq_f32(w->d[p], scale));
    }
  }
  for (uint32_t c = 0; c < pairs; c++)
    store_pair(out + 2 * c * tile->out_stride, out + (2 * c + step) * tile->out_stride, acc[c]);
}

HDB_INLINE void many_rows(const hdb_tile *tile, hdi_values_fn values, int8_t offset, size_t block_bytes) {
  const hdi_cut cut = {HDB_Q8_BLOCK, PANEL_BLOCKS, block_bytes};
  hdi_panel panel = hdi_panel_first(tile, cut);
  for (; hdi_panel_is(tile, &panel); hdi_panel_next(tile, &panel, cut)) {
    uint32_t t = 0;
    unpack(tile, &panel, values, offset);
    for (; t + 4 <= tile->x_rows; t += 4)
      many(tile, &panel, t, 2, 1);
    for (; t < tile->x_rows; t += 2)
      many(tile, &panel, t, 1, t + 1 < tile->x_rows);
  }
}

void hdi_i8mm_dot_q8_0(const hdb_tile *tile) {
  if (hdi_panel_is_few(tile))
    hdi_dotprod_dot_q8_0(tile);
  else
    many_rows(tile, hdi_values_q8_0, 0, 34);
}
void hdi_i8mm_dot_q4_0(const hdb_tile *tile) {
  if (hdi_panel_is_few(tile))
    hdi_dotprod_dot_q4_0(tile);
  else
    many_rows(tile, hdi_nibbles, HDI_Q4_0_OFFSET, 18);
}
void hdi_i8mm_dot_q5_0(const hdb_tile *tile) {
  if (hdi_panel_is_few(tile))
    hdi_dotprod_dot_q5_0(tile);
  else
    many_rows(tile, hdi_values_q5_0, 0, 22);
}
