/* SPDX-License-Identifier: Apache-2.0 */
/* NEON dots of the formats with blocks of 32, without instructions that sum products of bytes: products in 16
 * bits, two at a time (2 * 128 * 127 < 2^15). Eight weight rows share the loads of one activation row, four
 * those of two. */
#include "cpu/arm/blocks.h"
#include "cpu/arm/arm.h"

HDB_INLINE int32x4_t sixteen(int32x4_t acc, int8x16_t w, int8x16_t x) {
  int16x8_t two = vmull_s8(vget_low_s8(w), vget_low_s8(x));
  return vpadalq_s16(acc, vmlal_high_s8(two, w, x));
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

HDB_INLINE void blocks(const hdb_tile *tile, int32_t offset, hdi_take_fn take) {
  uint32_t twos = tile->x_rows & ~1u;
  for (uint32_t w = 0; w < tile->weight_rows; w += 4)
    for (uint32_t t = 0; t < twos; t += 2)
      hdi_few(tile, w, t, 1, 2, offset, take);
  for (uint32_t w = 0; twos < tile->x_rows && w < tile->weight_rows; w += 8)
    hdi_few(tile, w, twos, 2, 1, offset, take);
}

void hdi_neon_dot_q8_0(const hdb_tile *tile) {
  blocks(tile, 0, take_q8_0);
}
void hdi_neon_dot_q4_0(const hdb_tile *tile) {
  blocks(tile, HDI_Q4_0_OFFSET, take_q4_0);
}
void hdi_neon_dot_q5_0(const hdb_tile *tile) {
  blocks(tile, 0, take_q5_0);
}
