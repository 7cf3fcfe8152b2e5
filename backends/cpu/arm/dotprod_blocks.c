/* SPDX-License-Identifier: Apache-2.0 */
/* Dots of the dotprod tier for the formats with blocks of 32: SDOT sums four products of bytes into each
 * lane. One activation row meets weights as they lie (dotprod_few.h, blocks.h). For more, eight weight rows
 * are turned into the scratch so that a register holds four values of each of four rows; SDOT then takes the
 * four values of an activation from a lane, and each lane of the sum is a weight row. */
#include "cpu/arm/arm.h"
#include "cpu/arm/dotprod_few.h"
#include "cpu/arm/panel.h"

HDB_INLINE int32x4_t sixteen(int32x4_t acc, int8x16_t w, int8x16_t x) {
  return vdotq_s32(acc, w, x);
}

HDB_INLINE float32x4_t take_q8_0(hdi_four *four, const hdi_x_block *x, uint32_t tokens) {
  return hdi_take(four, x, tokens, hdi_values_q8_0, sixteen);
}
HDB_INLINE float32x4_t take_q4_0(hdi_four *four, const hdi_x_block *x, uint32_t tokens) {
  return hdi_take(four, x, tokens, hdi_nibbles, sixteen);
}
HDB_INLINE float32x4_t take_q5_0(hdi_four *four, const hdi_x_block *x, uint32_t tokens) {
  return hdi_take(four, x, tokens, hdi_values_q5_0, sixteen);
}

/* ---- many activation rows ---- */

/* A block of eight weight rows: q[j][p] has values 4j .. 4j+3 of rows 4p .. 4p+3, d[p] their scales. */
typedef struct turned {
  int8x16_t q[8][2];
  float32x4_t d[2];
} turned;

_Static_assert(HDI_PANEL_BLOCKS * sizeof(turned) <= HDB_TILE_SCRATCH, "a panel fits the scratch");

/* Register j gets bytes 4j .. 4j+3 of all four. */
HDB_INLINE void turn_four(const int8x16_t row[4], int8x16_t out[4]) {
  int32x4_t r[4];
  for (uint32_t i = 0; i < 4; i++)
    r[i] = vreinterpretq_s32_s8(row[i]);
  int32x4x2_t a = vtrnq_s32(r[0], r[1]), b = vtrnq_s32(r[2], r[3]);
  for (uint32_t i = 0; i < 2; i++) {
    int64x2_t upper = vreinterpretq_s64_s32(a.val[i]), lower = vreinterpretq_s64_s32(b.val[i]);
    out[i] = vreinterpretq_s8_s64(vzip1q_s64(upper, lower));
    out[i + 2] = vreinterpretq_s8_s64(vzip2q_s64(upper, lower));
  }
}

/* Turns the panel's blocks into the scratch. */
HDB_INLINE void turn(const hdb_tile *tile, const hdi_panel *panel, hdi_values_fn values, int8_t offset) {
  turned *out = (turned *)(void *)tile->scratch;
  const int8x16_t less = vdupq_n_s8(offset);
  for (uint32_t p = 0; p < 2; p++) {
    const uint8_t *at[4];
    for (uint32_t r = 0; r < 4; r++)
      at[r] = panel->weights + (4 * p + r) * tile->weight_stride;
    for (size_t b = 0; b < panel->count; b++) {
      int8x16_t low[4], high[4], four[4];
      out[b].d[p] = hdi_four_scales(at);
      for (uint32_t r = 0; r < 4; r++) {
        hdi_values v = values(&at[r]);
        low[r] = vsubq_s8(v.low, less);
        high[r] = vsubq_s8(v.high, less);
      }
      turn_four(low, four);
      for (uint32_t j = 0; j < 4; j++)
        out[b].q[j][p] = four[j];
      turn_four(high, four);
      for (uint32_t j = 0; j < 4; j++)
        out[b].q[j + 4][p] = four[j];
    }
  }
}

/* Sixteen values of `tokens` activation rows with both halves of a panel: `q` is at their first. */
HDB_INLINE void take_sixteen(const int8x16_t q[4][2], const int8x16_t *x, uint32_t tokens,
                             int32x4_t sum[4][2]) {
#pragma GCC unroll 2
  for (uint32_t p = 0; p < 2; p++) {
    int8x16_t w0 = q[0][p], w1 = q[1][p], w2 = q[2][p], w3 = q[3][p];
#pragma GCC unroll 4
    for (uint32_t c = 0; c < tokens; c++) {
      sum[c][p] = vdotq_laneq_s32(sum[c][p], w0, x[c], 0);
      sum[c][p] = vdotq_laneq_s32(sum[c][p], w1, x[c], 1);
      sum[c][p] = vdotq_laneq_s32(sum[c][p], w2, x[c], 2);
      sum[c][p] = vdotq_laneq_s32(sum[c][p], w3, x[c], 3);
    }
  }
}

/* The turned blocks with activation rows t .. t + tokens - 1, added to the results. */
HDB_INLINE void many(const hdb_tile *tile, const hdi_panel *panel, uint32_t t, uint32_t tokens) {
  const turned *w = (const turned *)(const void *)tile->scratch, *end = w + panel->count;
  const size_t stride = tile->x_stride;
  const uint8_t *x = tile->x + t * stride + panel->begin * HDB_Q8_BLOCK;
  const uint8_t *scales = tile->x + t * stride + tile->cols + panel->begin * sizeof(float);
  float *out = tile->out + t * tile->out_stride + panel->w;
  float32x4_t acc[4][2];
#pragma GCC unroll 4
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < 2; p++)
      acc[c][p] = panel->begin == 0 ? vdupq_n_f32(0.0f) : vld1q_f32(out + c * tile->out_stride + 4 * p);
  for (; w < end; w++, x += HDB_Q8_BLOCK, scales += sizeof(float)) {
    int32x4_t sum[4][2];
    int8x16_t low[4], high[4];
#pragma GCC unroll 4
    for (uint32_t c = 0; c < tokens; c++) {
      const int8_t *v = (const int8_t *)(x + c * stride);
      low[c] = vld1q_s8(v);
      high[c] = vld1q_s8(v + 16);
      sum[c][0] = sum[c][1] = vdupq_n_s32(0);
    }
    take_sixteen(w->q, low, tokens, sum);
    take_sixteen(w->q + 4, high, tokens, sum);
#pragma GCC unroll 4
    for (uint32_t c = 0; c < tokens; c++) {
      float scale = *(const float *)(const void *)(scales + c * stride);
      for (uint32_t p = 0; p < 2; p++)
        acc[c][p] = vfmaq_f32(acc[c][p], vcvtq_f32_s32(sum[c][p]), vmulq_n_f32(w->d[p], scale));
    }
  }
#pragma GCC unroll 4
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < 2; p++)
      vst1q_f32(out + c * tile->out_stride + 4 * p, acc[c][p]);
}

HDB_INLINE void many_rows(const hdb_tile *tile, hdi_values_fn values, int8_t offset, size_t block_bytes) {
  hdi_panel panel = hdi_panel_first(tile, block_bytes);
  for (; hdi_panel_is(tile, &panel); hdi_panel_next(tile, &panel, block_bytes)) {
    uint32_t t = 0;
    turn(tile, &panel, values, offset);
    for (; t + 4 <= tile->x_rows; t += 4)
      many(tile, &panel, t, 4);
    if (t + 2 <= tile->x_rows) {
      many(tile, &panel, t, 2);
      t += 2;
    }
    if (t < tile->x_rows) many(tile, &panel, t, 1);
  }
}

/* ---- all of them ---- */

HDB_INLINE void fours(const hdb_tile *tile, uint32_t w, int32_t offset, hdi_take_fn take) {
  for (uint32_t t = 0; t < tile->x_rows; t++)
    for (uint32_t i = w; i < tile->weight_rows; i += 4)
      hdi_few(tile, i, t, 1, 1, offset, take);
}

HDB_INLINE bool is_few(const hdb_tile *tile) {
  return tile->x_rows < 2 || tile->weight_rows < HDI_PANEL_ROWS;
}

void hdi_dotprod_dot_q8_0(const hdb_tile *tile) {
  if (is_few(tile))
    fours(tile, tile->x_rows == 1 ? hdi_quads_rows(tile, hdi_quad_q8_0) : 0, 0, take_q8_0);
  else
    many_rows(tile, hdi_values_q8_0, 0, 34);
}
void hdi_dotprod_dot_q4_0(const hdb_tile *tile) {
  if (is_few(tile))
    fours(tile, tile->x_rows == 1 ? hdi_quads_rows(tile, hdi_quad_q4_0) : 0, HDI_Q4_0_OFFSET, take_q4_0);
  else
    many_rows(tile, hdi_nibbles, HDI_Q4_0_OFFSET, 18);
}
void hdi_dotprod_dot_q5_0(const hdb_tile *tile) {
  if (is_few(tile))
    fours(tile, 0, HDI_Q5_0_OFFSET, take_q5_0);
  else
    many_rows(tile, hdi_values_q5_0, HDI_Q5_0_OFFSET, 22);
}
