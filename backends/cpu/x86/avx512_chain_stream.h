/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots in the order of common/bf16.h with one activation row (decode): reading is all, so weights are
 * read in the order in which they lie in memory, sixteen neighbouring blocks at a time, which are the lanes:
 * where a row ends the next one's blocks follow. What the blocks add up to is kept until sixteen rows are
 * done, then turned and added with an output in each lane. The walk is avx512_stream.h's. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_CHAIN_STREAM_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_CHAIN_STREAM_H

#include "cpu/x86/avx512_chains.h"
#include "cpu/x86/avx512_stream.h"

/* The activation as the blocks of each place of a run's groups meet it: one that goes on with the row's first
 * block behind its last is put together and turned as weights are. */
HDB_INLINE void hdi_chain_stream_x(const hdb_tile *tile, const hdi_stream_part *part,
                                   const hdi_chain_format *f, __m512 *out) {
  const size_t bytes = hdi_chain_x_bytes(f), end = part->begin + part->count;
  uint8_t group[HDI_STREAM_GROUP * 2 * HDI_CHAIN_STEPS * sizeof(float)];
  for (size_t p = 0; p < part->places; p++) {
    size_t b = part->begin + hdi_stream_group(part, p) % part->count;
    for (uint32_t i = 0; i < HDI_STREAM_GROUP; i++) {
      memcpy(group + i * bytes, tile->x + b * bytes, bytes);
      if (++b == end) b = part->begin;
    }
    const hdi_sixteen at = hdi_sixteen_at(group, bytes);
    for (uint32_t j = 0; j < 2 * f->steps; j += 4, out += 4) {
      __m512i four[4];
      hdi_turn_16(&at, j * sizeof(float), four);
      for (uint32_t k = 0; k < 4; k++)
        out[k] = _mm512_castsi512_ps(four[k]);
    }
  }
}

/* The sums of a run whose blocks lie at `first`. */
HDB_INLINE void hdi_chain_stream_run(const hdb_tile *tile, const hdi_stream_part *part, const uint8_t *first,
                                     const hdi_chain_format *f, const __m512 *x, float *sums) {
  const size_t bytes = HDB_BF16_BLOCK * f->value_bytes;
  size_t place = 0;
  for (size_t g = 0; g < part->groups; g++) {
    const size_t b = hdi_stream_group(part, g);
    const uint8_t *ask = part->runs == 1 ? hdb_tile_ask(tile, first + b * bytes + HDI_AHEAD)
                                         : hdi_stream_ahead(tile, part, bytes, first, b * bytes);
    const hdi_rows at = hdi_rows_at(first + b * bytes, bytes);
    const __m512 *v = x + place * 2 * f->steps;
    __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    HDI_UNROLL
    for (uint32_t half = 0; half < 2; half++) {
      __m512 w[HDI_CHAIN_STEPS];
      hdi_ask_lines(ask + half * HDI_STREAM_GROUP * bytes / 2, HDI_STREAM_GROUP * bytes / 2);
      f->turn(&at, half, w);
      HDI_UNROLL
      for (uint32_t j = 0; j < f->steps; j++)
        sum[j % 2] = f->take(sum[j % 2], w[j], v[half * f->steps + j]);
    }
    _mm512_storeu_ps(sums + b, _mm512_add_ps(sum[0], sum[1]));
    if (++place == part->places) place = 0;
  }
}

/* acc + the sixteen rows' sums, block after block. */
HDB_INLINE __m512 hdi_chain_stream_finish(const hdi_stream_part *part, const float *sums, __m512 acc) {
  for (size_t b = 0; b < part->count; b += 4) {
    __m512i s[4];
    const hdi_sixteen at = hdi_sixteen_at((const uint8_t *)(sums + b), part->count * sizeof(float));
    hdi_turn_16(&at, 0, s);
    for (size_t j = 0; j < 4 && b + j < part->count; j++)
      acc = _mm512_add_ps(acc, _mm512_castsi512_ps(s[j]));
  }
  return acc;
}

HDB_INLINE size_t hdi_chain_stream_scratch(const hdi_stream_part *part, const hdi_chain_format *f) {
  return part->places * 2 * f->steps * sizeof(__m512) + hdi_stream_numbers(part) * sizeof(float);
}

HDB_INLINE void hdi_chain_stream_do(const hdb_tile *tile, const hdi_stream_part *part,
                                    const hdi_chain_format *f) {
  __m512 *x = (__m512 *)(void *)tile->scratch;
  float *sums = (float *)(void *)(x + part->places * 2 * f->steps);
  hdi_chain_stream_x(tile, part, f, x);
  for (uint32_t i = 0; i < hdi_panel_count(tile); i++) {
    const uint32_t w = hdi_panel_begin(tile, i);
    const uint8_t *first =
        tile->weights + w * tile->weight_stride + part->begin * HDB_BF16_BLOCK * f->value_bytes;
    for (uint32_t r = 0; r < part->runs; r++)
      hdi_chain_stream_run(tile, part, first + r * tile->weight_stride, f, x, sums + r * part->count);
    __m512 acc = part->begin == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(tile->out + w);
    const __mmask16 fresh = (__mmask16)(0xffffu << (i * HDI_PANEL_ROWS - w));
    _mm512_mask_storeu_ps(tile->out + w, fresh, hdi_chain_stream_finish(part, sums, acc));
  }
}

HDB_INLINE void hdi_chain_any_dot(const hdb_tile *tile, const hdi_chain_format *f) {
  const size_t blocks = tile->cols / HDB_BF16_BLOCK;
  if (tile->x_rows != 1 || tile->weight_rows < HDI_PANEL_ROWS || tile->cols % HDB_BF16_BLOCK != 0 ||
      blocks < HDI_STREAM_GROUP) {
    hdi_chain_dot(tile, f);
    return;
  }
  hdi_stream_part part = hdi_stream_whole(blocks);
  if (tile->weight_stride == blocks * HDB_BF16_BLOCK * f->value_bytes &&
      hdi_chain_stream_scratch(&part, f) <= HDB_TILE_SCRATCH) {
    hdi_chain_stream_do(tile, &part, f);
    return;
  }
  for (part.begin = 0; part.begin < blocks; part.begin += part.count) {
    part = hdi_stream_cut(part.begin, blocks, HDI_STREAM_CUT);
    hdi_chain_stream_do(tile, &part, f);
  }
}

#endif
