/* SPDX-License-Identifier: Apache-2.0 */
/* Dots of the dotprod tier for the formats with blocks of 32: SDOT sums four products of bytes into each
 * lane. One activation row meets weights as they lie (dotprod_few.h, blocks.h). For more, eight weight rows
 * are turned into the scratch so that a register holds four values of each of four rows; SDOT then takes the
 * four values of an activation from a lane, and each lane of the sum is a weight row. */
#include "cpu/arm/arm.h"
#include "cpu/arm/dotprod_few.h"
#include "cpu/arm/dotprod_panel.h"
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

/* Blocks of a panel that are unpacked at a time. */
#define PANEL_BLOCKS 64u
_Static_assert(PANEL_BLOCKS * sizeof(turned) <= HDB_TILE_SCRATCH, "a panel fits the scratch");

/* Turns the panel's blocks into the scratch. */
HDB_INLINE void turn(const hdb_tile *tile, const hdi_panel *panel, hdi_values_fn values, int8_t offset) {
  turned *out = (turned *)(void *)tile->scratch;
  const int8x16_t less = vdupq_n_s8(offset);
  for (uint32_t p = 0; p < 2; p++) {
    const uint8_t *at[4];
    for (uint32_t r = 0; r < 4; r++)
      at[r] = panel->weights + (4 * p + r) * tile->weight_stride;
    for (size_t b = 0; b < panel->count; b++) {
      int8x16_t low[4], high[4];
      out[b].d[p] = hdi_four_scales(at);
      for (uint32_t r = 0; r < 4; r++) {
        hdi_values v = values(&at[r]);
        low[r] = vsubq_s8(v.low, less);
        high[r] = vsubq_s8(v.high, less);
      }
      hdi_put_sixteen(low, p, out[b].q);
      hdi_put_sixteen(high, p, out[b].q + 4);
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
    hdi_take_sixteen(w->q, low, tokens, sum);
    hdi_take_sixteen(w->q + 4, high, tokens, sum);
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
  const hdi_cut cut = {HDB_Q8_BLOCK, PANEL_BLOCKS, block_bytes};
  hdi_panel panel = hdi_panel_first(tile, cut);
  for (; hdi_panel_is(tile, &panel); hdi_panel_next(tile, &panel, cut)) {
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

void hdi_dotprod_dot_q8_0(const hdb_tile *tile) {
  if (hdi_panel_is_few(tile))
    fours(tile, tile->x_rows == 1 ? hdi_quads_rows(tile, hdi_quad_q8_0) : 0, 0, take_q8_0);
  else
    many_rows(tile, hdi_values_q8_0, 0, 34);
}
void hdi_dotprod_dot_q4_0(const hdb_tile *tile) {
  if (hdi_panel_is_few(tile))
    fours(tile, tile->x_rows == 1 ? hdi_quads_rows(tile, hdi_quad_q4_0) : 0, HDI_Q4_0_OFFSET, take_q4_0);
  else
    many_rows(tile, hdi_nibbles, HDI_Q4_0_OFFSET, 18);
}
void hdi_dotprod_dot_q5_0(const hdb_tile *tile) {
  if (hdi_panel_is_few(tile))
    fours(tile, 0, 0, take_q5_0);
  else
    many_rows(tile, hdi_values_q5_0, 0, 22);
}
