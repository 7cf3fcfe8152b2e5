/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of formats with blocks of 32, one activation row (decode). Weights are read in the order of
 * memory (avx512_walk.h), and nothing is turned before it is multiplied: the activation is laid out as the
 * blocks are, an instruction multiplies the values of several blocks, and the four or eight partial sums of
 * each, integers, are added up in any order. What is left of sixteen blocks are a register of sums and one of
 * scales, which are applied blocks in order (common/block.h). */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_STREAM_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_STREAM_H

#include <assert.h>
#include "common/activation.h"
#include "cpu/x86/avx512_panel.h"
#include "cpu/x86/avx512_walk.h"

/* What a group meets: its activation, the numbers of each block in a lane. */
typedef struct hdi_stream_x {
  __m512i q[HDI_PANEL_STEPS];
  __m512i start; /* minus the activation's sums times the format's offset */
  __m512 scale;
} hdi_stream_x;

/* What one format knows; its functions are inlined. */
typedef struct hdi_stream_format {
  size_t block_bytes;
  unsigned offset_shift;
  uint32_t cols_max;                                        /* longer rows are faster side by side */
  void (*x)(const int8_t *x, __m512i out[HDI_PANEL_STEPS]); /* of sixteen blocks, in order */
  /* The sums of sixteen blocks' products, weights as unsigned numbers, and the blocks' scales. Reads no byte
   * beyond them. */
  __m512i (*take)(const uint8_t *at, const __m512i x[HDI_PANEL_STEPS], __m512 *out_d);
} hdi_stream_format;

/* Lane 4i + j gets the sum of quarter i of register j. */
HDB_INLINE __m512i hdi_add_lanes(const __m512i r[4]) {
  __m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(r[0], r[1]), _mm512_unpackhi_epi32(r[0], r[1]));
  __m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(r[2], r[3]), _mm512_unpackhi_epi32(r[2], r[3]));
  return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

/* Lane 4i + j goes to lane i + 4j. */
HDB_INLINE __m512i hdi_turn_lanes(__m512i x) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, x);
}

/* An activation row's numbers, of which any sixteen blocks are at one place. */
typedef struct hdi_stream_row {
  const int8_t *values;
  const int32_t *minus_sums;
  const float *scales;
} hdi_stream_row;

/* Groups that begin in the midst of a row and go on with its begin meet a copy that does so too. It lies
 * where the walk's numbers come later, of which there are more, unless the row has less than sixteen blocks.
 */
HDB_INLINE hdi_stream_row hdi_stream_row_of(const hdb_tile *tile, const hdi_walk *walk) {
  const hdi_stream_row row = {hdb_q8_values(tile->x), hdb_q8_minus_sums(tile->x, tile->cols),
                              hdb_q8_scales(tile->x, tile->cols)};
  const size_t more = walk->blocks + HDI_GROUP;
  if (walk->runs > 1 || walk->blocks % HDI_GROUP == 0) return row;
  int8_t *values = (int8_t *)(tile->scratch + walk->places * sizeof(hdi_stream_x));
  int32_t *minus_sums = (int32_t *)(void *)(values + more * HDB_Q8_BLOCK);
  float *scales = (float *)(void *)(minus_sums + more);
  assert((size_t)((uint8_t *)(scales + more) - tile->scratch) <= HDB_TILE_SCRATCH);
  __builtin_memcpy(values, row.values, walk->blocks * HDB_Q8_BLOCK);
  __builtin_memcpy(minus_sums, row.minus_sums, walk->blocks * sizeof *minus_sums);
  __builtin_memcpy(scales, row.scales, walk->blocks * sizeof *scales);
  for (size_t from = 0, to = walk->blocks; to < more; from++, to++) {
    __builtin_memcpy(values + to * HDB_Q8_BLOCK, values + from * HDB_Q8_BLOCK, HDB_Q8_BLOCK);
    minus_sums[to] = minus_sums[from];
    scales[to] = scales[from];
  }
  return (hdi_stream_row){values, minus_sums, scales};
}

HDB_INLINE void hdi_stream_lay_x(const hdb_tile *tile, const hdi_walk *walk, const hdi_stream_format *f) {
  const hdi_stream_row row = hdi_stream_row_of(tile, walk);
  hdi_stream_x *out = (hdi_stream_x *)(void *)tile->scratch;
  for (size_t p = 0; p < walk->places; p++) {
    const size_t b = hdi_walk_group(walk, p) % walk->blocks;
    f->x(row.values + b * HDB_Q8_BLOCK, out[p].q);
    out[p].start = _mm512_slli_epi32(_mm512_loadu_si512(row.minus_sums + b), f->offset_shift);
    out[p].scale = _mm512_loadu_ps(row.scales + b);
  }
}

HDB_INLINE __m512 hdi_stream_group(const void *format, const uint8_t *at, const uint8_t *place,
                                   __m512 *out_scales) {
  const hdi_stream_format *f = format;
  const hdi_stream_x *x = (const hdi_stream_x *)(const void *)place;
  __m512 d;
  const __m512i sums = _mm512_add_epi32(f->take(at, x->q, &d), x->start);
  *out_scales = _mm512_mul_ps(d, x->scale);
  return _mm512_cvtepi32_ps(sums);
}

/* Where it can be done so: one activation row with all weight rows. */
HDB_INLINE bool hdi_stream_dot(const hdb_tile *tile, const hdi_stream_format *f) {
  const hdi_walk_kind kind = {f->block_bytes, sizeof(hdi_stream_x), true, hdi_stream_group};
  hdi_walk walk;
  if (!hdi_walk_can(tile, tile->cols / HDB_Q8_BLOCK, &kind, &walk)) return false;
  hdi_stream_lay_x(tile, &walk, f);
  hdi_walk_do(tile, &walk, &kind, f);
  return true;
}

#endif
