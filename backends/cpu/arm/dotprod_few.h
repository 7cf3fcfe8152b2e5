/* SPDX-License-Identifier: Apache-2.0 */
/* Twelve, eight or four weight rows with one activation row in SDOT (decode). A step is in assembly, because
 * compilers make an addition of its own of each pointer's way past a loaded lane and keep more alive than
 * there are registers: a fifth of all instructions. As it is there are 6.2 for 32 products of Q8_0 and 8.4 of
 * Q4_0. How rows are added up without turning them is in blocks.h. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_DOTPROD_FEW_H
#define HEDDLE_BACKENDS_CPU_ARM_DOTPROD_FEW_H

#include "cpu/arm/blocks.h"

/* Four blocks of the activation row: scales, negated sums, and the values of the one at work. */
typedef struct hdi_quad_x {
  float32x4_t scales;
  int32x4_t minus_sums;
  int8x16_t low, high;
} hdi_quad_x;

/* The next block of four rows with block `lane` of four. Inlined, `lane` is constant. */
typedef void (*hdi_quad_fn)(hdi_quad *quad, const hdi_quad_x *x, int lane);

#define HDI_QUAD_ROWS                                                                                        \
  [p0] "+r"(quad->at[0]), [p1] "+r"(quad->at[1]), [p2] "+r"(quad->at[2]), [p3] "+r"(quad->at[3]),            \
      [r0] "+w"(quad->run[0]), [r1] "+w"(quad->run[1]), [r2] "+w"(quad->run[2]), [r3] "+w"(quad->run[3])

/* What the block has added to the rows' products goes to the results: `d` has the scales of the weights, four
 * f16. Both statements are volatile so that they stay in order, and no step's values wait for the next. */
HDB_INLINE void hdi_quad_add(hdi_quad *quad, const hdi_quad_x *x, int lane, int32x4_t d, int32_t offset) {
  int32x4_t a, sum, part = quad->last;
  __asm__ volatile("addp %[sum].4s, %[r0].4s, %[r1].4s\n\t"
                   "addp %[a].4s, %[r2].4s, %[r3].4s\n\t"
                   "fcvtl %[d].4s, %[d].4h\n\t"
                   "addp %[sum].4s, %[sum].4s, %[a].4s\n\t"
                   "fmul %[d].4s, %[d].4s, %[scales].s[%[lane]]\n\t"
                   "sub %[part].4s, %[sum].4s, %[part].4s"
                   : [a] "=&w"(a), [sum] "=&w"(sum), [d] "+w"(d), [part] "+w"(part)
                   : [r0] "w"(quad->run[0]), [r1] "w"(quad->run[1]), [r2] "w"(quad->run[2]),
                     [r3] "w"(quad->run[3]), [scales] "w"(x->scales), [lane] "i"(lane));
  quad->last = sum;
  if (offset != 0)
    __asm__ volatile("mla %[part].4s, %[offset].4s, %[sums].s[%[lane]]"
                     : [part] "+w"(part)
                     : [offset] "w"(vdupq_n_s32(offset)), [sums] "w"(x->minus_sums), [lane] "i"(lane));
  __asm__ volatile("scvtf %[part].4s, %[part].4s\n\t"
                   "fmla %[acc].4s, %[part].4s, %[d].4s"
                   : [part] "+w"(part), [acc] "+w"(quad->acc)
                   : [d] "w"(d));
}

HDB_INLINE void hdi_quad_q8_0(hdi_quad *quad, const hdi_quad_x *x, int lane) {
  int32x4_t a, b, c, d, e;
  __asm__ volatile("ld1r {%[d].4h}, [%[p0]], #2\n\t"
                   "ldp %q[a], %q[b], [%[p0]], #32\n\t"
                   "ld1 {%[d].h}[1], [%[p1]], #2\n\t"
                   "ldp %q[c], %q[e], [%[p1]], #32\n\t"
                   "sdot %[r0].4s, %[a].16b, %[x0].16b\n\t"
                   "ld1 {%[d].h}[2], [%[p2]], #2\n\t"
                   "sdot %[r1].4s, %[c].16b, %[x0].16b\n\t"
                   "sdot %[r0].4s, %[b].16b, %[x1].16b\n\t"
                   "ldp %q[a], %q[b], [%[p2]], #32\n\t"
                   "sdot %[r1].4s, %[e].16b, %[x1].16b\n\t"
                   "ld1 {%[d].h}[3], [%[p3]], #2\n\t"
                   "ldp %q[c], %q[e], [%[p3]], #32\n\t"
                   "sdot %[r2].4s, %[a].16b, %[x0].16b\n\t"
                   "sdot %[r3].4s, %[c].16b, %[x0].16b\n\t"
                   "sdot %[r2].4s, %[b].16b, %[x1].16b\n\t"
                   "sdot %[r3].4s, %[e].16b, %[x1].16b"
                   : HDI_QUAD_ROWS, [d] "=&w"(d), [a] "=&w"(a), [b] "=&w"(b), [c] "=&w"(c), [e] "=&w"(e)
                   : [x0] "w"(x->low), [x1] "w"(x->high)
                   : "memory");
  hdi_quad_add(quad, x, lane, d, 0);
}

HDB_INLINE void hdi_quad_q4_0(hdi_quad *quad, const hdi_quad_x *x, int lane) {
  int32x4_t a, b, c, d;
  __asm__ volatile("ld1r {%[d].4h}, [%[p0]], #2\n\t"
                   "ldr %q[a], [%[p0]], #16\n\t"
                   "ld1 {%[d].h}[1], [%[p1]], #2\n\t"
                   "ldr %q[c], [%[p1]], #16\n\t"
                   "ld1 {%[d].h}[2], [%[p2]], #2\n\t"
                   "ushr %[b].16b, %[a].16b, #4\n\t"
                   "and %[a].16b, %[a].16b, %[nibble].16b\n\t"
                   "sdot %[r0].4s, %[b].16b, %[x1].16b\n\t"
                   "ushr %[b].16b, %[c].16b, #4\n\t"
                   "sdot %[r0].4s, %[a].16b, %[x0].16b\n\t"
                   "ldr %q[a], [%[p2]], #16\n\t"
                   "and %[c].16b, %[c].16b, %[nibble].16b\n\t"
                   "sdot %[r1].4s, %[b].16b, %[x1].16b\n\t"
                   "ld1 {%[d].h}[3], [%[p3]], #2\n\t"
                   "sdot %[r1].4s, %[c].16b, %[x0].16b\n\t"
                   "ldr %q[c], [%[p3]], #16\n\t"
                   "ushr %[b].16b, %[a].16b, #4\n\t"
                   "and %[a].16b, %[a].16b, %[nibble].16b\n\t"
                   "sdot %[r2].4s, %[b].16b, %[x1].16b\n\t"
                   "ushr %[b].16b, %[c].16b, #4\n\t"
                   "sdot %[r2].4s, %[a].16b, %[x0].16b\n\t"
                   "and %[c].16b, %[c].16b, %[nibble].16b\n\t"
                   "sdot %[r3].4s, %[b].16b, %[x1].16b\n\t"
                   "sdot %[r3].4s, %[c].16b, %[x0].16b"
                   : HDI_QUAD_ROWS, [d] "=&w"(d), [a] "=&w"(a), [b] "=&w"(b), [c] "=&w"(c)
                   : [x0] "w"(x->low), [x1] "w"(x->high), [nibble] "w"(vdupq_n_u8(15))
                   : "memory");
  hdi_quad_add(quad, x, lane, d, 8);
}

/* The next block of four times `quads` rows with `values` of the activation row. */
HDB_INLINE void hdi_quads_step(hdi_quad quad[3], uint32_t quads, hdi_quad_x *x, const int8_t *values,
                               int lane, hdi_quad_fn take) {
  x->low = vld1q_s8(values);
  x->high = vld1q_s8(values + 16);
#pragma GCC unroll 3
  for (uint32_t i = 0; i < quads; i++)
    take(&quad[i], x, lane);
}

/* Results of four times `quads` (at most 3) weight rows from w on, all of the tile, with its activation row.
 */
HDB_INLINE void hdi_quads(const hdb_tile *tile, uint32_t w, uint32_t quads, hdi_quad_fn take) {
  const uint32_t cols = tile->cols;
  const int8_t *values = hdb_q8_values(tile->x);
  const float *scales = hdb_q8_scales(tile->x, cols), *end = scales + cols / HDB_Q8_BLOCK;
  const int32_t *sums = hdb_q8_minus_sums(tile->x, cols);
  const uint8_t *at = tile->weights + w * tile->weight_stride;
  hdi_quad quad[3];
  hdi_quad_x x;
#pragma GCC unroll 12
  for (uint32_t r = 0; r < 4 * quads; r++, at += tile->weight_stride) {
    quad[r / 4].at[r % 4] = at;
    quad[r / 4].run[r % 4] = quad[r / 4].last = vdupq_n_s32(0);
    quad[r / 4].acc = vdupq_n_f32(0.0f);
  }
  for (; end - scales >= 4; scales += 4, sums += 4, values += 4 * HDB_Q8_BLOCK) {
    x.scales = vld1q_f32(scales);
    x.minus_sums = vld1q_s32(sums);
    hdi_quads_step(quad, quads, &x, values, 0, take);
    hdi_quads_step(quad, quads, &x, values + HDB_Q8_BLOCK, 1, take);
    hdi_quads_step(quad, quads, &x, values + 2 * HDB_Q8_BLOCK, 2, take);
    hdi_quads_step(quad, quads, &x, values + 3 * HDB_Q8_BLOCK, 3, take);
  }
  for (; scales < end; scales++, sums++, values += HDB_Q8_BLOCK) {
    x.scales = vld1q_dup_f32(scales);
    x.minus_sums = vld1q_dup_s32(sums);
    hdi_quads_step(quad, quads, &x, values, 0, take);
  }
#pragma GCC unroll 3
  for (uint32_t i = 0; i < quads; i++)
    vst1q_f32(tile->out + w + 4 * i, quad[i].acc);
}

/* As many of the tile's rows as are whole fours, with its activation row. Returns how many. */
HDB_INLINE uint32_t hdi_quads_rows(const hdb_tile *tile, hdi_quad_fn take) {
  uint32_t w = 0;
  for (; w + 12 <= tile->weight_rows; w += 12)
    hdi_quads(tile, w, 3, take);
  if (w + 8 <= tile->weight_rows) {
    hdi_quads(tile, w, 2, take);
    w += 8;
  }
  if (w + 4 <= tile->weight_rows) {
    hdi_quads(tile, w, 1, take);
    w += 4;
  }
  return w;
}

#endif
