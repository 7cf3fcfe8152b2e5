/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of formats with blocks of 32, one activation row (decode): reading is all, so weights are read
 * in the order in which they lie in memory. Sixteen neighbouring blocks of one row are turned like the rows
 * of a panel, so that a lane holds a block and the activation, turned alike, gives the sums of sixteen
 * blocks. They are kept until sixteen rows are done and then turned once more, so that the scales are applied
 * with an output in each lane and blocks in order (common/block.h).
 *
 * Reading the sixteen rows of a panel side by side instead came to 25 of the 40 GB/s that one core reads
 * here, whatever was prefetched: sixteen streams keep the machine's own prefetchers from seeing one. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_STREAM_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_STREAM_H

#include "common/activation.h"
#include "cpu/x86/avx512_panel.h"

/* Blocks of a row that are taken before their scales are applied: 40 KiB hold what is kept of sixteen rows.
 */
#define HDI_STREAM_BLOCKS 224u
#define HDI_STREAM_GROUP  16u
/* Bytes from what is read to what is asked for. Read GB/s of 40: 29 without asking, 27 with 2 KiB, 31 with 4,
 * 35 with 8, 32 with 16. */
#define HDI_STREAM_AHEAD 8192u

/* The scratch. */
typedef struct hdi_stream {
  __m512i x[HDI_STREAM_BLOCKS / HDI_STREAM_GROUP][HDI_PANEL_STEPS]; /* the activation, turned */
  __m512i start[HDI_STREAM_BLOCKS / HDI_STREAM_GROUP];              /* minus its sums times the offset */
  float sums[HDI_PANEL_ROWS][HDI_STREAM_BLOCKS];
  float scales[HDI_PANEL_ROWS][HDI_STREAM_BLOCKS];
} hdi_stream;
_Static_assert(sizeof(hdi_stream) <= HDB_TILE_SCRATCH, "a stream fits the scratch");

/* Blocks [begin, begin + count) of the rows. */
typedef struct hdi_stream_part {
  size_t begin, count;
} hdi_stream_part;

/* Where group g begins; the last begins early where it is not full, and does some blocks again. */
HDB_INLINE size_t hdi_stream_group(const hdi_stream_part *part, size_t g) {
  size_t at = g * HDI_STREAM_GROUP, last = part->count - HDI_STREAM_GROUP;
  return at < last ? at : last;
}

HDB_INLINE size_t hdi_stream_groups(const hdi_stream_part *part) {
  return (part->count + HDI_STREAM_GROUP - 1) / HDI_STREAM_GROUP;
}

HDB_INLINE void hdi_stream_turn_x(const hdb_tile *tile, const hdi_stream_part *part, unsigned shift,
                                  hdi_stream *s) {
  for (size_t g = 0; g < hdi_stream_groups(part); g++) {
    size_t b = part->begin + hdi_stream_group(part, g);
    hdi_sixteen at = hdi_sixteen_at(tile->x + b * HDB_Q8_BLOCK, HDB_Q8_BLOCK);
    hdi_turn_32(&at, 0, s->x[g]);
    s->start[g] = _mm512_slli_epi32(_mm512_loadu_si512(hdb_q8_minus_sums(tile->x, tile->cols) + b), shift);
  }
}

/* Sums and scales of row r of sixteen, whose blocks lie at `row`. */
HDB_INLINE void hdi_stream_row(const hdi_stream_part *part, const uint8_t *row, uint32_t r, hdi_turn_fn turn,
                               size_t block_bytes, hdi_stream *s) {
  for (size_t g = 0; g < hdi_stream_groups(part); g++) {
    size_t b = hdi_stream_group(part, g);
    hdi_panel_block w;
    hdi_sixteen at = hdi_sixteen_at(row + b * block_bytes, block_bytes);
    for (size_t line = 0; line < HDI_STREAM_GROUP * block_bytes; line += 64)
      _mm_prefetch((const char *)row + b * block_bytes + HDI_STREAM_AHEAD + line, _MM_HINT_T0);
    turn(&at, &w);
    __m512i even = s->start[g], odd = _mm512_setzero_si512();
    for (uint32_t j = 0; j < HDI_PANEL_STEPS; j += 2) {
      even = _mm512_dpbusd_epi32(even, w.q[j], s->x[g][j]);
      odd = _mm512_dpbusd_epi32(odd, w.q[j + 1], s->x[g][j + 1]);
    }
    _mm512_storeu_ps(s->sums[r] + b, _mm512_cvtepi32_ps(_mm512_add_epi32(even, odd)));
    _mm512_storeu_ps(s->scales[r] + b, w.d);
  }
}

/* acc + the sixteen rows' sums with their scales and the activation's. */
HDB_INLINE __m512 hdi_stream_finish(const hdb_tile *tile, const hdi_stream_part *part, const hdi_stream *s,
                                    __m512 acc) {
  const float *x_scales = hdb_q8_scales(tile->x, tile->cols) + part->begin;
  for (size_t b = 0; b < part->count; b += 4) {
    __m512i sums[4], scales[4];
    hdi_sixteen at = hdi_sixteen_at((const uint8_t *)(s->sums[0] + b), sizeof s->sums[0]);
    hdi_turn_16(&at, 0, sums);
    at = hdi_sixteen_at((const uint8_t *)(s->scales[0] + b), sizeof s->scales[0]);
    hdi_turn_16(&at, 0, scales);
    for (size_t j = 0; j < 4 && b + j < part->count; j++) {
      __m512 scale = _mm512_mul_ps(_mm512_castsi512_ps(scales[j]), _mm512_set1_ps(x_scales[b + j]));
      acc = _mm512_fmadd_ps(_mm512_castsi512_ps(sums[j]), scale, acc);
    }
  }
  return acc;
}

/* One activation row with all weight rows, of 16 blocks at least; the rows of the last sixteen that the
 * weight does not have are not computed and not written. */
HDB_INLINE void hdi_stream_dot(const hdb_tile *tile, hdi_turn_fn turn, size_t block_bytes, unsigned shift) {
  hdi_stream *s = (hdi_stream *)(void *)tile->scratch;
  const size_t blocks = tile->cols / HDB_Q8_BLOCK;
  const size_t parts = (blocks + HDI_STREAM_BLOCKS - 1) / HDI_STREAM_BLOCKS;
  const size_t groups = (blocks + HDI_STREAM_GROUP - 1) / HDI_STREAM_GROUP;
  const size_t most = (groups + parts - 1) / parts * HDI_STREAM_GROUP; /* so that the last has one too */
  hdi_stream_part part = {0, 0};
  for (; part.begin < blocks; part.begin += part.count) {
    part.count = blocks - part.begin < most ? blocks - part.begin : most;
    hdi_stream_turn_x(tile, &part, shift, s);
    for (uint32_t w = 0; w < tile->weight_rows; w += HDI_PANEL_ROWS) {
      uint32_t rows = tile->weight_rows - w < HDI_PANEL_ROWS ? tile->weight_rows - w : HDI_PANEL_ROWS;
      __mmask16 mask = (__mmask16)((1u << rows) - 1);
      for (uint32_t r = 0; r < rows; r++)
        hdi_stream_row(&part, tile->weights + (w + r) * tile->weight_stride + part.begin * block_bytes, r,
                       turn, block_bytes, s);
      __m512 acc = part.begin == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, tile->out + w);
      _mm512_mask_storeu_ps(tile->out + w, mask, hdi_stream_finish(tile, &part, s, acc));
    }
  }
}

#endif
