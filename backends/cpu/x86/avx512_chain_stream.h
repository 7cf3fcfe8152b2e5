/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots in the order of common/bf16.h with one activation row (decode): weights are read in the order
 * of memory (avx512_walk.h), and the sixteen neighbouring blocks of a group are the lanes of both chains. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_CHAIN_STREAM_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_CHAIN_STREAM_H

#include "cpu/x86/avx512_chains.h"
#include "cpu/x86/avx512_walk.h"

/* The activation as the blocks of each place of a run's groups meet it: one that goes on with the row's first
 * block behind its last is put together and turned as weights are. */
HDB_INLINE void hdi_chain_stream_lay_x(const hdb_tile *tile, const hdi_walk *walk,
                                       const hdi_chain_format *f) {
  __m512 *out = (__m512 *)(void *)tile->scratch;
  const size_t bytes = hdi_chain_x_bytes(f);
  uint8_t group[HDI_GROUP * 2 * HDI_CHAIN_STEPS * sizeof(float)];
  for (size_t p = 0; p < walk->places; p++) {
    const size_t b = hdi_walk_group(walk, p) % walk->blocks;
    const uint8_t *blocks = tile->x + b * bytes;
    if (b + HDI_GROUP > walk->blocks) {
      for (size_t i = 0; i < HDI_GROUP; i++)
        memcpy(group + i * bytes, tile->x + (b + i) % walk->blocks * bytes, bytes);
      blocks = group;
    }
    const hdi_sixteen at = hdi_sixteen_at(blocks, bytes);
    for (uint32_t j = 0; j < 2 * f->steps; j += 4, out += 4) {
      __m512i four[4];
      hdi_turn_16(&at, j * sizeof(float), four);
      for (uint32_t k = 0; k < 4; k++)
        out[k] = _mm512_castsi512_ps(four[k]);
    }
  }
}

HDB_INLINE __m512 hdi_chain_stream_group(const void *format, const uint8_t *first, const uint8_t *place,
                                         __m512 *out_scales) {
  const hdi_chain_format *f = format;
  const hdi_rows at = hdi_rows_at(first, HDB_BF16_BLOCK * f->value_bytes);
  const __m512 *x = (const __m512 *)(const void *)place;
  __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  (void)out_scales;
  HDI_UNROLL
  for (uint32_t half = 0; half < 2; half++) {
    __m512 w[HDI_CHAIN_STEPS];
    f->turn(&at, half, w);
    HDI_UNROLL
    for (uint32_t j = 0; j < f->steps; j++)
      sum[j % 2] = f->take(sum[j % 2], w[j], x[half * f->steps + j]);
  }
  return _mm512_add_ps(sum[0], sum[1]);
}

HDB_INLINE void hdi_chain_any_dot(const hdb_tile *tile, const hdi_chain_format *f) {
  const hdi_walk_kind kind = {HDB_BF16_BLOCK * f->value_bytes, 2 * f->steps * sizeof(__m512), false,
                              hdi_chain_stream_group};
  hdi_walk walk;
  if (tile->cols % HDB_BF16_BLOCK != 0 || !hdi_walk_can(tile, tile->cols / HDB_BF16_BLOCK, &kind, &walk)) {
    hdi_chain_dot(tile, f);
    return;
  }
  hdi_chain_stream_lay_x(tile, &walk, f);
  hdi_walk_do(tile, &walk, &kind, f);
}

#endif
