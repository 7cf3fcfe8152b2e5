/* SPDX-License-Identifier: Apache-2.0 */
/* What AVX-512 dots of F32 and F16 rows have in common: sixteen weights are widened, multiplied and added
 * with one rounding, in one order of sums whatever the shape.
 *
 * A row of more than 1,024 columns has 32 running sums for an output, sixteen for every other block of 512
 * columns; the two sixteens are added, and halves, quarters, pairs and lanes folded. With one sixteen a row
 * takes 8 cycles, twice the latency of an fma, for 64 bytes that memory gives in 6; blocks of 512 are short
 * enough for a core to have the next one's sums at work while it waits for one's. So a row can be read alone,
 * in the order of memory. A short row has one sixteen: there the next row is as near. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_PLAIN_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_PLAIN_H

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>
#include "common/tile.h"
#include "cpu/ahead.h"
#include "cpu/x86/x86.h"

/* Sums stay in registers only where every loop over them is gone. */
#define HDI_UNROLL _Pragma("GCC unroll 8")

#define HDI_PLAIN_LANES 16u
#define HDI_PLAIN_BLOCK 512u  /* columns */
#define HDI_PLAIN_SHORT 1024u /* columns of a row that is one block */

/* What one format knows; its function is inlined. */
typedef struct hdi_plain_format {
  __m512 (*widen)(const uint8_t *weights, __mmask16 mask);
  size_t bytes; /* of a number */
  size_t run;   /* columns of 32 weight rows that the second cache holds, of which half is taken at a time */
} hdi_plain_format;

HDB_INLINE bool hdi_plain_is_short(const hdb_tile *tile) {
  return tile->cols <= HDI_PLAIN_SHORT;
}

HDB_INLINE size_t hdi_plain_block(const hdb_tile *tile) {
  return hdi_plain_is_short(tile) ? HDI_PLAIN_SHORT : HDI_PLAIN_BLOCK;
}

/* Where the block that begins at column i ends, `end` at the latest. */
HDB_INLINE size_t hdi_plain_block_end(const hdb_tile *tile, size_t i, size_t end) {
  const size_t block = hdi_plain_block(tile);
  return end - i < block ? end : i + block;
}

HDB_INLINE __mmask16 hdi_plain_mask(size_t count) {
  return count >= HDI_PLAIN_LANES ? 0xffff : (__mmask16)((1u << count) - 1);
}

/* Folds sixteen registers together, in the order that each would be folded in alone: lane i gets the sum of
 * register i. */
HDB_INLINE __m512 hdi_plain_fold(const __m512 sums[HDI_PLAIN_LANES]) {
  __m512 quarter[4], pair[2];
  HDI_UNROLL
  for (uint32_t r = 0; r < 4; r++) {
    __m512 half[2];
    HDI_UNROLL
    for (uint32_t c = 0; c < 2; c++)
      half[c] = _mm512_add_ps(_mm512_shuffle_f32x4(sums[8 * c + r], sums[8 * c + 4 + r], 0x44),
                              _mm512_shuffle_f32x4(sums[8 * c + r], sums[8 * c + 4 + r], 0xee));
    quarter[r] = _mm512_add_ps(_mm512_shuffle_f32x4(half[0], half[1], 0x88),
                               _mm512_shuffle_f32x4(half[0], half[1], 0xdd));
  }
  HDI_UNROLL
  for (uint32_t i = 0; i < 2; i++)
    pair[i] = _mm512_add_ps(_mm512_shuffle_ps(quarter[2 * i], quarter[2 * i + 1], 0x44),
                            _mm512_shuffle_ps(quarter[2 * i], quarter[2 * i + 1], 0xee));
  return _mm512_add_ps(_mm512_shuffle_ps(pair[0], pair[1], 0x88), _mm512_shuffle_ps(pair[0], pair[1], 0xdd));
}

#endif
