/* SPDX-License-Identifier: Apache-2.0 */
/* Four weight rows of super-blocks as they lie with one activation row in SDOT (decode). As in blocks.h a
 * row's products stay in a register of its own that is never cleared, and pairwise additions bring four rows
 * to one register; what a part adds to it is multiplied with the scales of four rows at once. Those are
 * turned for it, in bytes. The products of two rows are in assembly: see dotprod_few.h. Results are those of
 * common/superblock.h. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_DOTPROD_FEW_K_H
#define HEDDLE_BACKENDS_CPU_ARM_DOTPROD_FEW_K_H

#include "common/activation.h"
#include "common/formats/q4_k.h"
#include "cpu/arm/four_rows.h"
#include "cpu/arm/superblocks.h"
#include "cpu/arm/turn.h"

/* A super-block of the activation row. */
typedef struct hdi_super_x {
  const int8_t *q;
  const int16_t *sums; /* of the parts: eight of 32 values for Q4_K, sixteen of 16 for Q6_K */
  float scale;
} hdi_super_x;

/* The next super-block. Inlined. */
typedef void (*hdi_super_take_fn)(hdi_quad *rows, const hdi_super_x *x);

/* The products of a part, for four rows, with the parts' scales. */
HDB_INLINE int32x4_t hdi_super_part(hdi_quad *rows, int32x4_t dot, int32x4_t first, int32x4_t second,
                                    int32x4_t scale) {
  const int32x4_t sum = vpaddq_s32(first, second);
  dot = vmlaq_s32(dot, vsubq_s32(sum, rows->last), scale);
  rows->last = sum;
  return dot;
}

/* ---- sums of an activation times bytes of four rows ---- */

/* Sums of 32 values are less than 2^12, so both halves are bytes: sum = 128 * high + low. */
typedef struct hdi_byte_sums {
  int8x8_t high, low;
} hdi_byte_sums;

HDB_INLINE hdi_byte_sums hdi_byte_sums_of(const int16_t *sums) {
  const int16x8_t eight = vld1q_s16(sums);
  return (hdi_byte_sums){vshrn_n_s16(eight, 7), vand_s8(vmovn_s16(eight), vdup_n_s8(127))};
}

/* acc and the products of eight sums with bytes: a lane of `first` has four of a row, of `second` the next.
 */
HDB_INLINE int32x4_t hdi_take_sums(int32x4_t acc, int8x8_t sums, int8x16_t first, int8x16_t second) {
  return vdotq_lane_s32(vdotq_lane_s32(acc, first, sums, 0), second, sums, 1);
}

/* ---- Q4_K ---- */

/* 64 values of two rows: their products up to the first 32, and up to all, of both. */
HDB_INLINE void hdi_super_two_q4_k(hdi_quad *rows, uint32_t r, const int8x16_t x[4], int32x4_t *out_low,
                                   int32x4_t *out_high) {
  int8x16_t a, b, c, d, e;
  __asm__ volatile(
      "ldp %q[a], %q[b], [%[p0]], #32\n\t"
      "ldp %q[c], %q[d], [%[p1]], #32\n\t"
      "and %[e].16b, %[a].16b, %[nibble].16b\n\t"
      "ushr %[a].16b, %[a].16b, #4\n\t"
      "sdot %[r0].4s, %[e].16b, %[x0].16b\n\t"
      "and %[e].16b, %[c].16b, %[nibble].16b\n\t"
      "ushr %[c].16b, %[c].16b, #4\n\t"
      "sdot %[r1].4s, %[e].16b, %[x0].16b\n\t"
      "and %[e].16b, %[b].16b, %[nibble].16b\n\t"
      "ushr %[b].16b, %[b].16b, #4\n\t"
      "sdot %[r0].4s, %[e].16b, %[x1].16b\n\t"
      "and %[e].16b, %[d].16b, %[nibble].16b\n\t"
      "ushr %[d].16b, %[d].16b, #4\n\t"
      "sdot %[r1].4s, %[e].16b, %[x1].16b\n\t"
      "addp %[low].4s, %[r0].4s, %[r1].4s\n\t"
      "sdot %[r0].4s, %[a].16b, %[x2].16b\n\t"
      "sdot %[r1].4s, %[c].16b, %[x2].16b\n\t"
      "sdot %[r0].4s, %[b].16b, %[x3].16b\n\t"
      "sdot %[r1].4s, %[d].16b, %[x3].16b\n\t"
      "addp %[high].4s, %[r0].4s, %[r1].4s"
      : [p0] "+r"(rows->at[r]), [p1] "+r"(rows->at[r + 1]), [r0] "+w"(rows->run[r]),
        [r1] "+w"(rows->run[r + 1]), [low] "=&w"(*out_low), [high] "=&w"(*out_high), [a] "=&w"(a),
        [b] "=&w"(b), [c] "=&w"(c), [d] "=&w"(d), [e] "=&w"(e)
      : [x0] "w"(x[0]), [x1] "w"(x[1]), [x2] "w"(x[2]), [x3] "w"(x[3]), [nibble] "w"(vdupq_n_u8(15))
      : "memory");
}

/* Heads of four rows, turned: a lane of `scales` and `mins` has parts 0 to 3 of a row ([0]), or 4 to 7. */
typedef struct hdi_super_heads {
  uint32x4_t d_and_min;
  uint8x16_t scales[2], mins[2];
} hdi_super_heads;

HDB_INLINE void hdi_super_heads_q4_k(hdi_quad *rows, hdi_super_heads *out) {
  uint32x4_t w[4];
#pragma GCC unroll 4
  for (uint32_t r = 0; r < 4; r++)
    __asm__ volatile("ldr %q[w], [%[p]], #16" : [w] "=w"(w[r]), [p] "+r"(rows->at[r]) : : "memory");
  hdi_turn_four(w);
  /* Words 1 to 3 are a, b and c of common/formats/q4_k.h. */
  const uint8x16_t a = vreinterpretq_u8_u32(w[1]), b = vreinterpretq_u8_u32(w[2]);
  const uint8x16_t c = vreinterpretq_u8_u32(w[3]), six = vdupq_n_u8(0x3f);
  out->d_and_min = w[0];
  out->scales[0] = vandq_u8(a, six);
  out->scales[1] = vsliq_n_u8(c, vshrq_n_u8(a, 6), 4);
  out->mins[0] = vandq_u8(b, six);
  out->mins[1] = vsliq_n_u8(vshrq_n_u8(c, 4), vshrq_n_u8(b, 6), 4);
}

/* Byte i of each lane, alone in it. */
HDB_INLINE int32x4_t hdi_super_byte(uint8x16_t bytes, uint32_t i) {
  static const uint8_t of[4][16] = {
      {0, 16, 16, 16, 4, 16, 16, 16, 8, 16, 16, 16, 12, 16, 16, 16},
      {1, 16, 16, 16, 5, 16, 16, 16, 9, 16, 16, 16, 13, 16, 16, 16},
      {2, 16, 16, 16, 6, 16, 16, 16, 10, 16, 16, 16, 14, 16, 16, 16},
      {3, 16, 16, 16, 7, 16, 16, 16, 11, 16, 16, 16, 15, 16, 16, 16},
  };
  return vreinterpretq_s32_u8(vqtbl1q_u8(bytes, vld1q_u8(of[i])));
}

HDB_INLINE void hdi_super_take_q4_k(hdi_quad *rows, const hdi_super_x *x) {
  const hdi_byte_sums sums = hdi_byte_sums_of(x->sums);
  int32x4_t dot = vdupq_n_s32(0), off = dot;
  hdi_super_heads heads;
  hdi_super_heads_q4_k(rows, &heads);
  const int8x16_t mins[2] = {vreinterpretq_s8_u8(heads.mins[0]), vreinterpretq_s8_u8(heads.mins[1])};
  off = vshlq_n_s32(hdi_take_sums(off, sums.high, mins[0], mins[1]), 7);
  off = hdi_take_sums(off, sums.low, mins[0], mins[1]);
#pragma GCC unroll 4
  for (uint32_t k = 0; k < 4; k++) {
    const int8_t *q = x->q + 64 * k;
    const int8x16_t v[4] = {vld1q_s8(q), vld1q_s8(q + 16), vld1q_s8(q + 32), vld1q_s8(q + 48)};
    const uint8x16_t scales = heads.scales[k / 2];
    int32x4_t low[2], high[2];
    hdi_super_two_q4_k(rows, 0, v, &low[0], &high[0]);
    hdi_super_two_q4_k(rows, 2, v, &low[1], &high[1]);
    dot = hdi_super_part(rows, dot, low[0], low[1], hdi_super_byte(scales, 2 * k % 4));
    dot = hdi_super_part(rows, dot, high[0], high[1], hdi_super_byte(scales, 2 * k % 4 + 1));
  }
  const float32x4_t d = vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(heads.d_and_min)));
  const float32x4_t d_min = vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(heads.d_and_min, 16)));
  rows->acc = vfmaq_f32(rows->acc, vcvtq_f32_s32(dot), vmulq_n_f32(d, x->scale));
  rows->acc = vfmsq_f32(rows->acc, vcvtq_f32_s32(off), vmulq_n_f32(d_min, x->scale));
}

/* ---- Q6_K ---- */

/* Sixteen values of each quarter of a half of two rows, from nibbles `low` bytes and two bits `high` bytes
 * behind their beginning: out[i], their products up to quarter i. Quarters 0 and 2, 1 and 3 share nibbles. */
HDB_INLINE void hdi_super_two_q6_k(hdi_quad *rows, uint32_t r, int low, int high, const int8x16_t x[4],
                                   int32x4_t out[4]) {
  int8x16_t a, b, c, d, e, f;
  __asm__ volatile("ldr %q[e], [%[p0], %[high]]\n\t"
                   "ldr %q[f], [%[p1], %[high]]\n\t"
                   "ldr %q[a], [%[p0], %[low]]\n\t"
                   "ldr %q[c], [%[p1], %[low]]\n\t"
                   "and %[b].16b, %[e].16b, %[bits].16b\n\t"
                   "and %[d].16b, %[f].16b, %[bits].16b\n\t"
                   "ushr %[e].16b, %[e].16b, #2\n\t"
                   "ushr %[f].16b, %[f].16b, #2\n\t"
                   "mov %[o0].16b, %[a].16b\n\t"
                   "mov %[o1].16b, %[c].16b\n\t"
                   "sli %[o0].16b, %[b].16b, #4\n\t"
                   "sli %[o1].16b, %[d].16b, #4\n\t"
                   "and %[e].16b, %[e].16b, %[bits].16b\n\t"
                   "sdot %[r0].4s, %[o0].16b, %[x0].16b\n\t"
                   "sdot %[r1].4s, %[o1].16b, %[x0].16b\n\t"
                   "and %[f].16b, %[f].16b, %[bits].16b\n\t"
                   "sri %[b].16b, %[a].16b, #4\n\t"
                   "ldr %q[a], [%[p0], %[odd]]\n\t"
                   "sri %[d].16b, %[c].16b, #4\n\t"
                   "ldr %q[c], [%[p1], %[odd]]\n\t"
                   "addp %[o0].4s, %[r0].4s, %[r1].4s\n\t"
                   "mov %[o1].16b, %[a].16b\n\t"
                   "sli %[o1].16b, %[e].16b, #4\n\t"
                   "mov %[o2].16b, %[c].16b\n\t"
                   "sli %[o2].16b, %[f].16b, #4\n\t"
                   "sdot %[r0].4s, %[o1].16b, %[x1].16b\n\t"
                   "sdot %[r1].4s, %[o2].16b, %[x1].16b\n\t"
                   "sri %[e].16b, %[a].16b, #4\n\t"
                   "sri %[f].16b, %[c].16b, #4\n\t"
                   "addp %[o1].4s, %[r0].4s, %[r1].4s\n\t"
                   "sdot %[r0].4s, %[b].16b, %[x2].16b\n\t"
                   "sdot %[r1].4s, %[d].16b, %[x2].16b\n\t"
                   "addp %[o2].4s, %[r0].4s, %[r1].4s\n\t"
                   "sdot %[r0].4s, %[e].16b, %[x3].16b\n\t"
                   "sdot %[r1].4s, %[f].16b, %[x3].16b\n\t"
                   "addp %[o3].4s, %[r0].4s, %[r1].4s"
                   : [r0] "+w"(rows->run[r]), [r1] "+w"(rows->run[r + 1]), [o0] "=&w"(out[0]),
                     [o1] "=&w"(out[1]), [o2] "=&w"(out[2]), [o3] "=w"(out[3]), [a] "=&w"(a), [b] "=&w"(b),
                     [c] "=&w"(c), [d] "=&w"(d), [e] "=&w"(e), [f] "=&w"(f)
                   : [p0] "r"(rows->at[r]), [p1] "r"(rows->at[r + 1]), [low] "i"(low), [odd] "i"(low + 32),
                     [high] "i"(high), [x0] "w"(x[0]), [x1] "w"(x[1]), [x2] "w"(x[2]), [x3] "w"(x[3]),
                     [bits] "w"(vdupq_n_u8(0x33))
                   : "memory");
}

/* Byte i of each lane, with its sign. */
HDB_INLINE int32x4_t hdi_super_signed_byte(uint32x4_t bytes, uint32_t i) {
  int32x4_t upper = vreinterpretq_s32_u32(bytes);
  if (i < 3) upper = vshlq_s32(upper, vdupq_n_s32(24 - 8 * (int32_t)i));
  return vshrq_n_s32(upper, 24);
}

/* Sixteen values of each quarter, those of part `part`, of half `half`; `scales` are turned. */
HDB_INLINE int32x4_t hdi_super_quarters_q6_k(hdi_quad *rows, const int8_t *q, int half, int part,
                                             const uint32x4_t scales[4], int32x4_t dot) {
  const int8x16_t v[4] = {vld1q_s8(q), vld1q_s8(q + 32), vld1q_s8(q + 64), vld1q_s8(q + 96)};
  int32x4_t first[4], second[4];
  hdi_super_two_q6_k(rows, 0, 64 * half + 16 * part, 128 + 32 * half + 16 * part, v, first);
  hdi_super_two_q6_k(rows, 2, 64 * half + 16 * part, 128 + 32 * half + 16 * part, v, second);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const uint32_t at = (uint32_t)(8 * half + 2 * i + part);
    dot = hdi_super_part(rows, dot, first[i], second[i], hdi_super_signed_byte(scales[at / 4], at % 4));
  }
  return dot;
}

HDB_INLINE void hdi_super_take_q6_k(hdi_quad *rows, const hdi_super_x *x) {
  uint32x4_t scales[4];
  int32x4_t dot = vdupq_n_s32(0), off = dot;
#pragma GCC unroll 4
  for (uint32_t r = 0; r < 4; r++)
    scales[r] = vreinterpretq_u32_u8(vld1q_u8(rows->at[r] + 192));
  hdi_turn_four(scales);
  const hdi_byte_sums sums[2] = {hdi_byte_sums_of(x->sums), hdi_byte_sums_of(x->sums + 8)};
  int8x16_t s[4];
  for (uint32_t j = 0; j < 4; j++)
    s[j] = vreinterpretq_s8_u32(scales[j]);
  off = hdi_take_sums(hdi_take_sums(off, sums[0].high, s[0], s[1]), sums[1].high, s[2], s[3]);
  off = vshlq_n_s32(off, 7);
  off = hdi_take_sums(hdi_take_sums(off, sums[0].low, s[0], s[1]), sums[1].low, s[2], s[3]);
  dot = hdi_super_quarters_q6_k(rows, x->q, 0, 0, scales, dot);
  dot = hdi_super_quarters_q6_k(rows, x->q + 16, 0, 1, scales, dot);
  dot = hdi_super_quarters_q6_k(rows, x->q + 128, 1, 0, scales, dot);
  dot = hdi_super_quarters_q6_k(rows, x->q + 144, 1, 1, scales, dot);
  dot = vsubq_s32(dot, vshlq_n_s32(off, 5)); /* values are larger by 32 */
#pragma GCC unroll 4
  for (uint32_t r = 0; r < 4; r++)
    rows->at[r] += HDI_Q6_K_BYTES - 2;
  const float32x4_t scale = vmulq_n_f32(hdi_four_scales(rows->at), x->scale);
  rows->acc = vfmaq_f32(rows->acc, vcvtq_f32_s32(dot), scale);
}

/* ---- all of them ---- */

/* All of the tile's weight rows with each of its activation rows. `sums_of`: where the sums of a row are;
 * `parts` of a super-block have one. */
HDB_INLINE void hdi_super_few(const hdb_tile *tile, const int16_t *(*sums_of)(const void *, uint32_t),
                              uint32_t parts, hdi_super_take_fn take) {
  for (uint32_t t = 0; t < tile->x_rows; t++)
    for (uint32_t w = 0; w < tile->weight_rows; w += 4) {
      const uint8_t *row = tile->x + t * tile->x_stride;
      const float *scales = hdb_q8_scales(row, tile->cols), *end = scales + tile->cols / HDB_Q8K_BLOCK;
      hdi_super_x x = {hdb_q8_values(row), sums_of(row, tile->cols), 0.0f};
      hdi_quad rows = {.last = vdupq_n_s32(0), .acc = vdupq_n_f32(0.0f)};
      hdi_four_rows(tile, w, rows.at);
#pragma GCC unroll 4
      for (uint32_t r = 0; r < 4; r++)
        rows.run[r] = rows.last;
      for (; scales < end; scales++, x.q += HDB_Q8K_BLOCK, x.sums += parts) {
        x.scale = *scales;
        take(&rows, &x);
      }
      hdi_store_four(tile, w, t, rows.acc);
    }
}

#endif
