/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of formats with super-blocks of 256, one activation row (decode): rows are read two by two where
 * they lie and meet the activation in its own order: nothing is turned, and no more registers are alive than
 * there are, where eight rows side by side want 24. As all of a super-block is one exact integer
 * (common/superblock.h), its sum may stay spread over the lanes of a register; those wait in the scratch
 * until eight rows are done and an output can be a lane. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX2_SUPER_STREAM_H
#define HEDDLE_BACKENDS_CPU_X86_AVX2_SUPER_STREAM_H

#include "cpu/x86/avx2_superblocks.h"

/* What one format knows. */
typedef struct hdi_super_stream {
  /* The sums of a super-block of two rows. `x_sums`: the activation's, of 16 values. */
  void (*take)(const uint8_t *const at[2], const int8_t *x, const int16_t *x_sums, __m256i dot[2]);
  size_t bytes, d_at; /* of the f16 scale */
} hdi_super_stream;

/* What is left of a super-block of eight rows. */
typedef struct hdi_super_sums {
  __m256i dot[HDI_PANEL_ROWS];
  uint16_t d[2 * HDI_PANEL_ROWS]; /* the second half keeps the alignment */
} hdi_super_sums;

/* Super-blocks of a row that are taken before they are finished: all that the scratch holds. */
#define HDI_STREAM_BLOCKS 128u
_Static_assert(HDI_STREAM_BLOCKS * sizeof(hdi_super_sums) <= HDB_TILE_SCRATCH, "the sums fit the scratch");

/* Super-blocks [begin, begin + count) of the panel's rows r and r + 1, of which the first lies at `row`. Asks
 * twice as far ahead as others, because it is at two places at once and fast: 8 KiB came to 30 GB/s, 16
 * to 34.
 */
HDB_INLINE void hdi_super_stream_rows(const hdb_tile *tile, const hdi_super_stream *f, const uint8_t *row,
                                      uint32_t r, size_t begin, size_t count, hdi_super_sums *out) {
  const size_t parts = HDB_Q8K_BLOCK / HDB_Q8K_SUM;
  const int16_t *x_sums = hdb_q8k_sums(tile->x, tile->cols) + begin * parts;
  const int8_t *x = hdb_q8_values(tile->x) + begin * HDB_Q8K_BLOCK;
  const uint8_t *at[2] = {row + begin * f->bytes, row + begin * f->bytes + tile->weight_stride};
  for (size_t b = 0; b < count; b++, out++, x += HDB_Q8K_BLOCK, x_sums += parts) {
    __m256i dot[2];
    for (uint32_t k = 0; k < 2; k++) {
      const uint8_t *ask = hdb_tile_ask(tile, at[k] + 2 * (size_t)HDI_AHEAD);
      hdi_ask_lines(ask, f->bytes);
    }
    f->take(at, x, x_sums, dot);
    for (uint32_t k = 0; k < 2; k++) {
      out->dot[r + k] = dot[k];
      __builtin_memcpy(&out->d[r + k], at[k] + f->d_at, sizeof out->d[r + k]);
      at[k] += f->bytes;
    }
  }
}

/* One activation row with all weight rows, of which there are eight at least. */
HDB_INLINE void hdi_super_stream_dot(const hdb_tile *tile, const hdi_super_stream *f) {
  hdi_super_sums *sums = (hdi_super_sums *)(void *)tile->scratch;
  const float *x_scales = hdb_q8_scales(tile->x, tile->cols);
  const size_t blocks = tile->cols / HDB_Q8K_BLOCK;
  for (uint32_t i = 0; i < hdi_panel_count(tile); i++) {
    const uint32_t w = hdi_panel_begin(tile, i);
    __m256 acc = _mm256_setzero_ps();
    for (size_t begin = 0, count; begin < blocks; begin += count) {
      count = blocks - begin < HDI_STREAM_BLOCKS ? blocks - begin : HDI_STREAM_BLOCKS;
      for (uint32_t r = 0; r < HDI_PANEL_ROWS; r += 2)
        hdi_super_stream_rows(tile, f, tile->weights + (w + r) * tile->weight_stride, r, begin, count, sums);
      for (size_t b = 0; b < count; b++) {
        __m256 d = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)sums[b].d));
        acc = hdi_super_add(acc, hdi_fold_eight(sums[b].dot), _mm256_setzero_si256(), d, d,
                            _mm256_set1_ps(x_scales[begin + b]), false);
      }
    }
    _mm256_storeu_ps(tile->out + w, acc);
  }
}

#endif
