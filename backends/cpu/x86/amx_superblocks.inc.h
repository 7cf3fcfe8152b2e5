/* SPDX-License-Identifier: Apache-2.0 */
/* AMX dots of formats with super-blocks of 256 whose parts have integer scales, for sixteen activation rows
 * and more. All of a super-block is added up in integers (common/superblock.h), so the scale of a part may as
 * well be multiplied into its weights, once for all activation rows: a product has 13 bits with its sign, of
 * which the lower eight make one tile and the upper ones another. Four tiles deep, each gives the
 * super-block's sums for 256 outputs, and only these leave the tiles; the minimums are multiplied in AVX-512
 * meanwhile.
 *
 * Included where the operations of amx_tile.h are defined: as instructions, or as plain C in a test. */
#include "cpu/x86/amx_rows.h"
#include "cpu/x86/avx512_superblocks.h"

/* Values of a super-block that a tile is deep, and tiles of a super-block. */
#define HDI_AMX_DEEP  64u
#define HDI_AMX_DEEPS (HDB_Q8K_BLOCK / HDI_AMX_DEEP)

/* A super-block of a panel, in the scratch: the bytes of weight times scale, factors of sums, scales. */
typedef struct hdi_amx_super {
  __m512i lower[HDI_SUPER_STEPS], upper[HDI_SUPER_STEPS]; /* unsigned, signed */
  __m512i factor[4];
  __m512 d, d_min;
} hdi_amx_super;

#define HDI_AMX_SUPERS (HDB_TILE_SCRATCH / sizeof(hdi_amx_super))

/* Two groups of activation rows have four chains of sums, which keep the tiles' unit busy: a step of 16
 * cycles each, where a chain waits 52 for its last one. */
typedef struct hdi_amx_super_sums {
  __m512i lower[HDI_AMX_GROUPS][HDI_AMX_ROWS], upper[HDI_AMX_GROUPS][HDI_AMX_ROWS];
} hdi_amx_super_sums;

/* ---- weights ---- */

/* Bytes of value times scale: the even ones and the odd ones of a register in 16 bits each. */
HDB_INLINE void hdi_amx_super_split(__m512i q, __m512i scale, __m512i offset, __m512i *out_lower,
                                    __m512i *out_upper) {
  const __m512i even_bytes = _mm512_set1_epi16(0xff);
  __m512i even = _mm512_sub_epi16(_mm512_and_si512(q, even_bytes), offset);
  __m512i odd = _mm512_sub_epi16(_mm512_srli_epi16(q, 8), offset);
  even = _mm512_mullo_epi16(even, scale);
  odd = _mm512_mullo_epi16(odd, scale);
  /* 0xca: where the mask is set the second, elsewhere the third */
  *out_lower = _mm512_ternarylogic_epi32(even_bytes, even, _mm512_slli_epi16(odd, 8), 0xca);
  *out_upper = _mm512_ternarylogic_epi32(even_bytes, _mm512_srli_epi16(even, 8), odd, 0xca);
}

HDB_INLINE void hdi_amx_super_unpack_one(const hdi_sixteen *at, const hdi_super_format *f,
                                         hdi_amx_super *out) {
  const uint32_t groups = HDI_PIECE_STEPS / f->part_steps;
  const __m512i offset = _mm512_set1_epi16(f->has_min ? 0 : 32); /* minimums or signed values */
  hdi_super_head head;
  f->head(at, &head);
  for (uint32_t piece = 0; piece < HDI_PIECES; piece++) {
    __m512i q[HDI_PIECE_STEPS];
    f->turn(at, piece, q);
    for (uint32_t g = 0; g < groups; g++) {
      const uint32_t part = f->part(piece, g), to = part * f->part_steps;
      const __m512i one = f->scale(&head, part);
      const __m512i scale = _mm512_mask_blend_epi16(0xaaaaaaaau, one, _mm512_slli_epi32(one, 16));
      for (uint32_t j = 0; j < f->part_steps; j++)
        hdi_amx_super_split(q[g * f->part_steps + j], scale, offset, &out->lower[to + j],
                            &out->upper[to + j]);
    }
  }
  for (uint32_t i = 0; f->has_min && i < 4; i++)
    out->factor[i] = f->pair(&head, i);
  out->d = head.d;
  out->d_min = head.d_min;
}

/* ---- products ---- */

/* Tiles 0 and 1, 2 and 3: lower and upper sums; 4 and 5: activations; 6 and 7: weights. */

/* Sums of a super-block of one or two groups of activation rows from x on; `groups` is a constant where this
 * is inlined. */
HDB_INLINE void hdi_amx_super_multiply(hdi_tiles *tiles, uint32_t groups, const uint8_t *const x[],
                                       size_t x_stride, const hdi_amx_super *w, hdi_amx_super_sums *out) {
  (void)tiles;
  HDI_TILE_ZERO(tiles, 0);
  HDI_TILE_ZERO(tiles, 1);
  HDI_TILE_ZERO(tiles, 2);
  HDI_TILE_ZERO(tiles, 3);
#pragma GCC unroll 4
  for (uint32_t i = 0; i < HDI_AMX_DEEPS; i++) {
    HDI_TILE_LOAD(tiles, 6, w->lower + i * HDI_TILE_ROWS, HDI_TILE_ROW);
    HDI_TILE_LOAD(tiles, 4, x[0] + i * HDI_AMX_DEEP, x_stride);
    HDI_TILE_DOT_SU(tiles, 0, 4, 6);
    HDI_TILE_LOAD(tiles, 7, w->upper + i * HDI_TILE_ROWS, HDI_TILE_ROW);
    HDI_TILE_DOT_SS(tiles, 1, 4, 7);
    if (groups == 1) continue;
    HDI_TILE_LOAD(tiles, 5, x[1] + i * HDI_AMX_DEEP, x_stride);
    HDI_TILE_DOT_SU(tiles, 2, 5, 6);
    HDI_TILE_DOT_SS(tiles, 3, 5, 7);
  }
  HDI_TILE_STORE(tiles, 0, out->lower[0], HDI_TILE_ROW);
  HDI_TILE_STORE(tiles, 1, out->upper[0], HDI_TILE_ROW);
  if (groups == 1) return;
  HDI_TILE_STORE(tiles, 2, out->lower[1], HDI_TILE_ROW);
  HDI_TILE_STORE(tiles, 3, out->upper[1], HDI_TILE_ROW);
}

/* The eight parts' minimums times their sums of an activation row. */
HDB_INLINE __m512i hdi_amx_minimums(const __m512i factor[4], const uint8_t *sums) {
  __m512i sum = _mm512_dpwssd_epi32(_mm512_setzero_si512(), factor[0], hdi_broadcast_32(sums));
  sum = _mm512_dpwssd_epi32(sum, factor[1], hdi_broadcast_32(sums + 4));
  sum = _mm512_dpwssd_epi32(sum, factor[2], hdi_broadcast_32(sums + 8));
  return _mm512_dpwssd_epi32(sum, factor[3], hdi_broadcast_32(sums + 12));
}

/* Adds a super-block's products and minimums to the results of sixteen activation rows, whose scales and sums
 * lie at `scales` and `x_sums`. */
HDB_INLINE void hdi_amx_super_scale(const hdb_tile *tile, const hdi_amx_part *part, bool is_first,
                                    const hdi_amx_super *w, const __m512i *lower, const __m512i *upper,
                                    const uint8_t *scales, const uint8_t *x_sums, bool has_min) {
  hdi_sixteen scale_at = hdi_sixteen_at(scales, tile->x_stride);
  hdi_sixteen sums_at = hdi_sixteen_at(x_sums, tile->x_stride);
  float *out = tile->out + part->t * tile->out_stride + part->w;
#pragma GCC unroll 16
  for (uint32_t c = 0; c < HDI_AMX_ROWS; c++, out += tile->out_stride) {
    __m512i dot = _mm512_add_epi32(lower[c], _mm512_slli_epi32(upper[c], 8));
    __m512i minimums = _mm512_setzero_si512();
    __m512 acc = is_first ? _mm512_setzero_ps() : _mm512_loadu_ps(out);
    float scale;
    __builtin_memcpy(&scale, hdi_row(&scale_at, c / 4, c % 4, 0), sizeof scale);
    if (has_min) minimums = hdi_amx_minimums(w->factor, hdi_row(&sums_at, c / 4, c % 4, 0));
    acc = hdi_super_add(acc, w->d, w->d_min, scale, dot, minimums, has_min);
    if (c >= part->skip) _mm512_storeu_ps(out, acc);
  }
}

/* The super-blocks of a panel with one or two groups of activation rows. */
HDB_INLINE void hdi_amx_super_part_dot(const hdb_tile *tile, hdi_tiles *tiles, uint32_t groups,
                                       const hdi_amx_part parts[], const hdi_amx_super *supers,
                                       const hdi_super_format *f, bool has_min) {
  const size_t begin = parts[0].begin, count = parts[0].count,
               sum_bytes = hdi_super_parts(f) * sizeof(int16_t);
  const uint8_t *row[HDI_AMX_GROUPS];
  hdi_amx_super_sums sums[2]; /* of this super-block and of the one before it */
  for (uint32_t g = 0; g < groups; g++)
    row[g] = tile->x + parts[g].t * tile->x_stride;
  for (size_t b = 0; b <= count; b++) {
    const size_t now = begin + b, before = now - 1;
    const hdi_amx_super_sums *done = &sums[(b + 1) % 2];
    if (b < count) {
      hdi_ask_ahead(parts[0].ahead);
      const uint8_t *x[HDI_AMX_GROUPS] = {row[0] + now * HDB_Q8K_BLOCK,
                                          row[groups - 1] + now * HDB_Q8K_BLOCK};
      hdi_amx_super_multiply(tiles, groups, x, tile->x_stride, &supers[b], &sums[b % 2]);
    }
    for (uint32_t g = 0; g < groups && b > 0; g++)
      hdi_amx_super_scale(tile, &parts[g], before == 0, &supers[b - 1], done->lower[g], done->upper[g],
                          row[g] + tile->cols + before * sizeof(float),
                          hdi_super_sums(row[g], tile->cols, f) + before * sum_bytes, has_min);
  }
}

/* A panel with all activation rows. */
HDB_INLINE void hdi_amx_super_rows(const hdb_tile *tile, hdi_tiles *tiles, const hdi_amx_part *panel,
                                   const hdi_amx_super *supers, const hdi_super_format *f, bool has_min) {
  for (uint32_t t = 0; t < tile->x_rows; t += HDI_AMX_GROUPS * HDI_AMX_ROWS) {
    hdi_amx_part parts[HDI_AMX_GROUPS] = {*panel, *panel};
    if (hdi_amx_groups_at(tile, t, parts) == 2)
      hdi_amx_super_part_dot(tile, tiles, 2, parts, supers, f, has_min);
    else
      hdi_amx_super_part_dot(tile, tiles, 1, parts, supers, f, has_min);
  }
}

/* At least sixteen rows of either kind. `has_min` is the format's, a constant where this is inlined. */
HDB_INLINE void hdi_amx_superblocks_dot(const hdb_tile *tile, hdi_tiles *tiles, const hdi_super_format *f,
                                        bool has_min) {
  hdi_amx_super *supers = (hdi_amx_super *)(void *)tile->scratch;
  const size_t total = tile->cols / HDB_Q8K_BLOCK;
  hdi_amx_configure_full(&tiles->config);
  hdi_tiles_begin(tiles);
  for (uint32_t i = 0; i < hdi_panel_count(tile); i++) {
    hdi_ahead ahead = hdi_amx_ahead(tile, i, total, HDI_AMX_GROUPS * HDI_AMX_ROWS);
    hdi_amx_part part = {.w = hdi_panel_begin(tile, i), .ahead = &ahead};
    for (; part.begin < total; part.begin += part.count) {
      const uint8_t *first = tile->weights + part.w * tile->weight_stride + part.begin * f->block_bytes;
      const size_t left = total - part.begin;
      part.count = left < HDI_AMX_SUPERS ? left : HDI_AMX_SUPERS;
      for (size_t b = 0; b < part.count; b++) {
        hdi_sixteen at = hdi_sixteen_at(first + b * f->block_bytes, tile->weight_stride);
        hdi_amx_super_unpack_one(&at, f, &supers[b]);
      }
      hdi_amx_super_rows(tile, tiles, &part, supers, f, has_min);
    }
  }
  hdi_tiles_end(tiles);
}
