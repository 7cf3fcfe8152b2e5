/* SPDX-License-Identifier: Apache-2.0 */
/* AMX dots of formats with blocks of 32 integers and a scale, for sixteen activation rows and more. A panel
 * of sixteen weight rows, turned as the AVX-512 tier turns it, is a tile as it lies: eight rows of sixteen
 * times four values; sixteen activation rows are the other. Their product is the sums of one block for 256
 * outputs, which then meet their scales in AVX-512, an output a lane, blocks in order: common/block.h, to the
 * bit.
 *
 * Included where the operations of amx_tile.h are defined: as instructions, or as plain C in a test. */
#include "common/activation.h"
#include "cpu/x86/amx_rows.h"
#include "cpu/x86/avx512_blocks.h"

/* Blocks that are multiplied before the next are unpacked: 36 KiB of a first cache of 48. */
#define HDI_AMX_BLOCKS 64u
_Static_assert(HDI_AMX_BLOCKS * sizeof(hdi_panel_block) <= HDB_TILE_SCRATCH, "a panel fits the scratch");

/* Products on their way: a product takes 52 cycles and its store some more, the scales of one before it about
 * 28, so that the third one back is done when it is wanted. Each has a tile and a place in memory. */
#define HDI_AMX_SLOTS 4u
#define HDI_AMX_LAG   2u

typedef struct hdi_amx_sums {
  __m512i row[HDI_AMX_SLOTS][HDI_AMX_ROWS];
} hdi_amx_sums;

/* 0..3: sums, 4 and 5: activations, 6 and 7: weights. */
HDB_INLINE void hdi_amx_configure(hdi_tile_config *config) {
  __builtin_memset(config, 0, sizeof *config);
  hdi_tile_config_set(config, 0, 4, HDI_AMX_ROWS, HDI_TILE_ROW);
  hdi_tile_config_set(config, 4, 6, HDI_AMX_ROWS, HDB_Q8_BLOCK);
  hdi_tile_config_set(config, 6, 8, HDI_PANEL_STEPS, HDI_TILE_ROW);
}

#define HDI_AMX_MULTIPLY(c, a, b)                                                                            \
  do {                                                                                                       \
    HDI_TILE_ZERO(tiles, c);                                                                                 \
    HDI_TILE_LOAD(tiles, b, w, HDI_TILE_ROW);                                                                \
    HDI_TILE_LOAD(tiles, a, x, x_stride);                                                                    \
    HDI_TILE_DOT_SS(tiles, c, a, b);                                                                         \
    HDI_TILE_STORE(tiles, c, out, HDI_TILE_ROW);                                                             \
  } while (0)

/* Sums of a block of sixteen activation rows from x on with the panel's block w. `slot` is a constant where
 * this is inlined. */
HDB_INLINE void hdi_amx_multiply(hdi_tiles *tiles, uint32_t slot, const uint8_t *x, size_t x_stride,
                                 const __m512i *w, __m512i *out) {
  (void)tiles;
  switch (slot) {
  case 0:
    HDI_AMX_MULTIPLY(0, 4, 6);
    break;
  case 1:
    HDI_AMX_MULTIPLY(1, 5, 7);
    break;
  case 2:
    HDI_AMX_MULTIPLY(2, 4, 6);
    break;
  default:
    HDI_AMX_MULTIPLY(3, 5, 7);
    break;
  }
}

/* acc + sums * scales, for sixteen activation rows whose scales of this block lie at `scales`. */
HDB_INLINE void hdi_amx_scale(const __m512i *sums, __m512 d, const uint8_t *scales, size_t stride,
                              __m512 acc[HDI_AMX_ROWS]) {
  hdi_sixteen at = hdi_sixteen_at(scales, stride);
#pragma GCC unroll 16
  for (uint32_t c = 0; c < HDI_AMX_ROWS; c++) {
    float scale;
    __builtin_memcpy(&scale, hdi_row(&at, c / 4, c % 4, 0), sizeof scale);
    acc[c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[c]), _mm512_mul_ps(d, _mm512_set1_ps(scale)), acc[c]);
  }
}

/* Running sums, an activation row each: zero before the first block, else what the blocks before gave. */
HDB_INLINE void hdi_amx_acc_begin(const hdb_tile *tile, const hdi_amx_part *part, __m512 acc[HDI_AMX_ROWS]) {
  const float *out = tile->out + part->t * tile->out_stride + part->w;
#pragma GCC unroll 16
  for (uint32_t c = 0; c < HDI_AMX_ROWS; c++)
    acc[c] = part->begin == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(out + c * tile->out_stride);
}

HDB_INLINE void hdi_amx_acc_end(const hdb_tile *tile, const hdi_amx_part *part,
                                const __m512 acc[HDI_AMX_ROWS]) {
  float *out = tile->out + part->t * tile->out_stride + part->w;
#pragma GCC unroll 16
  for (uint32_t c = 0; c < HDI_AMX_ROWS; c++)
    if (c >= part->skip) _mm512_storeu_ps(out + c * tile->out_stride, acc[c]);
}

HDB_INLINE void hdi_amx_part_dot(const hdb_tile *tile, hdi_tiles *tiles, const hdi_amx_part *part,
                                 const hdi_panel_block *blocks) {
  const size_t stride = tile->x_stride;
  const uint8_t *x = tile->x + part->t * stride + part->begin * HDB_Q8_BLOCK;
  const uint8_t *scales = tile->x + part->t * stride + tile->cols + part->begin * sizeof(float);
  hdi_amx_sums sums;
  __m512 acc[HDI_AMX_ROWS];
  hdi_amx_acc_begin(tile, part, acc);
  for (size_t b = 0; b < part->count + HDI_AMX_LAG; b += HDI_AMX_SLOTS)
#pragma GCC unroll 4
    for (uint32_t s = 0; s < HDI_AMX_SLOTS; s++) {
      const size_t now = b + s, before = now - HDI_AMX_LAG; /* wraps around: none yet */
      if (now < part->count) {
        hdi_ask_ahead(part->ahead);
        hdi_amx_multiply(tiles, s, x + now * HDB_Q8_BLOCK, stride, blocks[now].q, sums.row[s]);
      }
      if (before < part->count)
        hdi_amx_scale(sums.row[(s + HDI_AMX_SLOTS - HDI_AMX_LAG) % HDI_AMX_SLOTS], blocks[before].d,
                      scales + before * sizeof(float), stride, acc);
    }
  hdi_amx_acc_end(tile, part, acc);
}

/* Weights of the panel at `first`, signed. */
HDB_INLINE void hdi_amx_unpack(const hdb_tile *tile, const uint8_t *first, size_t count,
                               const hdi_block_format *f, hdi_panel_block *out) {
  const __m512i offset = _mm512_set1_epi8((char)(1u << f->offset_shift));
  for (size_t b = 0; b < count; b++) {
    hdi_sixteen at = hdi_sixteen_at(first + b * f->block_bytes, tile->weight_stride);
    f->turn(&at, &out[b]);
    for (uint32_t j = 0; j < HDI_PANEL_STEPS; j++)
      out[b].q[j] = _mm512_sub_epi8(out[b].q[j], offset);
  }
}

/* At least sixteen rows of either kind. */
HDB_INLINE void hdi_amx_blocks_dot(const hdb_tile *tile, hdi_tiles *tiles, const hdi_block_format *f) {
  hdi_panel_block *blocks = (hdi_panel_block *)(void *)tile->scratch;
  const size_t total = tile->cols / HDB_Q8_BLOCK;
  hdi_amx_configure(&tiles->config);
  hdi_tiles_begin(tiles);
  for (uint32_t i = 0; i < hdi_panel_count(tile); i++) {
    hdi_ahead ahead = hdi_amx_ahead(tile, i, total, HDI_AMX_ROWS);
    hdi_amx_part part = {.w = hdi_panel_begin(tile, i), .ahead = &ahead};
    for (; part.begin < total; part.begin += part.count) {
      const size_t left = total - part.begin;
      part.count = left < HDI_AMX_BLOCKS ? left : HDI_AMX_BLOCKS;
      hdi_amx_unpack(tile, tile->weights + part.w * tile->weight_stride + part.begin * f->block_bytes,
                     part.count, f, blocks);
      for (uint32_t t = 0; t < tile->x_rows; t += HDI_AMX_ROWS) {
        hdi_amx_part_at(tile, t, &part);
        hdi_amx_part_dot(tile, tiles, &part, blocks);
      }
    }
  }
  hdi_tiles_end(tiles);
}
