/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of formats with super-blocks of 256, one activation row (decode): weights are read in the
 * order in which they lie in memory, see avx512_stream.h. Four super-blocks of a row at a time meet the
 * activation in its own order; a lane's products of four values fit 16 bits, so that one instruction
 * multiplies them with their scale and adds them up. As all of a super-block is one exact integer
 * (common/superblock.h), the lanes of a register may then be added up in any order; what remains of a
 * super-block is 16 bytes, which wait in the scratch until sixteen rows are done and an output can be a lane.
 */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_SUPER_STREAM_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_SUPER_STREAM_H

#include "common/activation.h"
#include "cpu/x86/avx512_superblocks.h"

/* Super-blocks that are taken together. */
#define HDI_FOUR       4u
#define HDI_FOUR_STEPS 4u /* registers of 64 values of a super-block */
/* Super-blocks of a row that are taken before they are finished: all that the scratch holds. */
#define HDI_SUPER_STREAM_BLOCKS 52u

/* A super-block's activation: values as the format wants them, and what its sums begin with. */
typedef struct hdi_quad_x {
  __m512i x[HDI_FOUR_STEPS], start[HDI_FOUR_STEPS];
} hdi_quad_x;

/* A super-block of a row: its integers and its f16 scales. */
typedef struct hdi_super_sum {
  int32_t dot, min;
  uint32_t d, unused;
} hdi_super_sum;

/* The scratch. */
typedef struct hdi_super_stream {
  hdi_quad_x x[HDI_SUPER_STREAM_BLOCKS];
  hdi_super_sum sums[HDI_PANEL_ROWS * HDI_SUPER_STREAM_BLOCKS]; /* row by row */
} hdi_super_stream;
_Static_assert(sizeof(hdi_super_stream) <= HDB_TILE_SCRATCH, "a stream fits the scratch");

/* What one format knows; its functions are inlined. */
typedef struct hdi_quad_format {
  size_t block_bytes, d_at; /* of the four bytes with the f16 scales */
  bool has_min;
  void (*x)(const int8_t *x, hdi_quad_x *out);
  /* The sums of four super-blocks, still spread over the lanes; those of the minimums in a quarter for each.
   * `x_sums`: of 32 values. */
  void (*take)(const uint8_t *at, const hdi_quad_x *x, const int16_t *x_sums, __m512i dot[HDI_FOUR],
               __m512i *min);
  __m512 (*d)(__m512i f16), (*d_min)(__m512i f16);
} hdi_quad_format;

/* Quarter i of the result: register i's quarters added up. */
HDB_INLINE __m512i hdi_add_quarters(const __m512i r[4]) {
  __m512i a = _mm512_add_epi32(_mm512_shuffle_i32x4(r[0], r[1], _MM_SHUFFLE(1, 0, 1, 0)),
                               _mm512_shuffle_i32x4(r[0], r[1], _MM_SHUFFLE(3, 2, 3, 2)));
  __m512i b = _mm512_add_epi32(_mm512_shuffle_i32x4(r[2], r[3], _MM_SHUFFLE(1, 0, 1, 0)),
                               _mm512_shuffle_i32x4(r[2], r[3], _MM_SHUFFLE(3, 2, 3, 2)));
  return _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, _MM_SHUFFLE(2, 0, 2, 0)),
                          _mm512_shuffle_i32x4(a, b, _MM_SHUFFLE(3, 1, 3, 1)));
}

/* Super-blocks [begin, begin + count) of the rows. */
typedef struct hdi_super_part {
  size_t begin, count;
} hdi_super_part;

/* All of one row; the last four begin early where the count is no multiple. */
HDB_INLINE void hdi_super_stream_row(const hdb_tile *tile, const hdi_super_part *part, const uint8_t *row,
                                     const hdi_quad_format *f, const hdi_quad_x *x, hdi_super_sum *out) {
  const int16_t *x_sums = hdb_q8k_sums_32(tile->x, tile->cols) + part->begin * 8;
  for (size_t i = 0; i < part->count; i += HDI_FOUR) {
    size_t b = i < part->count - HDI_FOUR ? i : part->count - HDI_FOUR;
    const uint8_t *at = row + b * f->block_bytes;
    __m512i dot[HDI_FOUR], min = _mm512_setzero_si512(), sum;
    const uint8_t *ask = hdb_tile_ask(tile, at + HDI_AHEAD);
    hdi_ask_lines(ask, HDI_FOUR * f->block_bytes);
    f->take(at, x + b, x_sums + b * 8, dot, &min);
    sum = hdi_add_quarters(dot);
    sum = _mm512_add_epi32(_mm512_unpacklo_epi32(sum, min), _mm512_unpackhi_epi32(sum, min));
    sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, _MM_PERM_BADC));
    _mm512_storeu_si512(out + b, sum);
    for (uint32_t k = 0; k < HDI_FOUR; k++)
      __builtin_memcpy(&out[b + k].d, at + k * f->block_bytes + f->d_at, sizeof out->d);
  }
}

/* acc + sixteen rows' super-blocks. */
HDB_INLINE __m512 hdi_super_stream_finish(const hdb_tile *tile, const hdi_super_part *part,
                                          const hdi_quad_format *f, const hdi_super_sum *sums, __m512 acc) {
  const float *x_scales = hdb_q8_scales(tile->x, tile->cols) + part->begin;
  hdi_sixteen at = hdi_sixteen_at((const uint8_t *)sums, part->count * sizeof *sums);
  for (size_t b = 0; b < part->count; b++) {
    __m512i r[4]; /* dot, min, d */
    hdi_turn_16(&at, b * sizeof *sums, r);
    acc = hdi_super_add(acc, f->d(r[2]), f->has_min ? f->d_min(r[2]) : acc, x_scales[b], r[0],
                        f->has_min ? r[1] : _mm512_setzero_si512(), f->has_min);
  }
  return acc;
}

/* One activation row with all weight rows, of four super-blocks at least. Of the last sixteen, the rows that
 * the weight does not have are not computed and not written. */
HDB_INLINE void hdi_super_stream_dot(const hdb_tile *tile, const hdi_quad_format *f) {
  hdi_super_stream *s = (hdi_super_stream *)(void *)tile->scratch;
  const size_t blocks = tile->cols / HDB_Q8K_BLOCK;
  const size_t parts = (blocks + HDI_SUPER_STREAM_BLOCKS - 1) / HDI_SUPER_STREAM_BLOCKS;
  const size_t most = (blocks + parts - 1) / parts; /* so that the last has four too */
  hdi_super_part part = {0, 0};
  for (; part.begin < blocks; part.begin += part.count) {
    part.count = blocks - part.begin < most ? blocks - part.begin : most;
    for (size_t b = 0; b < part.count; b++)
      f->x(hdb_q8_values(tile->x) + (part.begin + b) * HDB_Q8K_BLOCK, &s->x[b]);
    for (uint32_t w = 0; w < tile->weight_rows; w += HDI_PANEL_ROWS) {
      uint32_t rows = tile->weight_rows - w < HDI_PANEL_ROWS ? tile->weight_rows - w : HDI_PANEL_ROWS;
      __mmask16 mask = (__mmask16)((1u << rows) - 1);
      for (uint32_t r = 0; r < rows; r++)
        hdi_super_stream_row(tile, &part,
                             tile->weights + (w + r) * tile->weight_stride + part.begin * f->block_bytes, f,
                             s->x, s->sums + r * part.count);
      __m512 acc = part.begin == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, tile->out + w);
      _mm512_mask_storeu_ps(tile->out + w, mask, hdi_super_stream_finish(tile, &part, f, s->sums, acc));
    }
  }
}

#endif
