/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of formats with blocks of 32, one activation row (decode): reading is all, so weights are read
 * in the order in which they lie in memory, sixteen neighbouring blocks at a time. Nothing is turned before
 * it is multiplied: the activation is laid out as the blocks are, an instruction multiplies the values of
 * several blocks, and the four or eight partial sums of each, integers, are added up in any order. What is
 * left of sixteen blocks are a register of sums and one of scales; they are kept until sixteen rows are done
 * and then turned, so that scales are applied with an output in each lane and blocks in order
 * (common/block.h).
 *
 * Rows follow each other without a gap, so sixteen rows are taken as one run of blocks: a group of sixteen
 * blocks may end in the midst of a row, and the activation is laid out once for each place of a row where a
 * group may begin (rows of 18 blocks: nine places). Rows so long that this leaves the scratch are cut, and
 * then each is a run of its own, whose last group begins early.
 *
 * Read GB/s where a plain reading had 33 to 34, a decode's matrices of the 135M shape (576 and 1,536
 * columns): 36.5 so, 30.1 with sixteen rows side by side, whatever was asked for: sixteen streams keep the
 * machine's own prefetchers from seeing one. Asking 4 KiB ahead 32.4, for every second line 35.3. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_STREAM_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_STREAM_H

#include <stdbool.h>
#include "common/activation.h"
#include "cpu/x86/avx512_panel.h"

#define HDI_STREAM_GROUP 16u /* blocks */
/* Blocks of a row that are a run of their own. */
#define HDI_STREAM_CUT 192u

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

/* Blocks [begin, begin + count) of sixteen rows: a run of all of them, or one for each row. */
typedef struct hdi_stream_part {
  size_t begin, count;
  size_t run_blocks, groups; /* of a run */
  size_t places;             /* layouts of the activation that a run's groups take in turn */
  uint32_t runs;
} hdi_stream_part;

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

/* Where group g of a run begins; the last begins early where it is not full, and does some blocks again. */
HDB_INLINE size_t hdi_stream_group(const hdi_stream_part *part, size_t g) {
  size_t at = g * HDI_STREAM_GROUP, last = part->run_blocks - HDI_STREAM_GROUP;
  return at < last ? at : last;
}

HDB_INLINE void hdi_stream_lay_x(const hdb_tile *tile, const hdi_stream_part *part,
                                 const hdi_stream_format *f, hdi_stream_x *out) {
  const size_t end = part->begin + part->count;
  for (size_t p = 0; p < part->places; p++) {
    int8_t values[HDI_STREAM_GROUP * HDB_Q8_BLOCK];
    int32_t start[HDI_STREAM_GROUP];
    float scale[HDI_STREAM_GROUP];
    size_t b = part->begin + hdi_stream_group(part, p) % part->count;
    for (size_t i = 0; i < HDI_STREAM_GROUP; i++) {
      __builtin_memcpy(values + i * HDB_Q8_BLOCK, hdb_q8_values(tile->x) + b * HDB_Q8_BLOCK, HDB_Q8_BLOCK);
      start[i] = hdb_q8_minus_sums(tile->x, tile->cols)[b] * (1 << f->offset_shift);
      scale[i] = hdb_q8_scales(tile->x, tile->cols)[b];
      if (++b == end) b = part->begin;
    }
    f->x(values, out[p].q);
    out[p].start = _mm512_loadu_si512(start);
    out[p].scale = _mm512_loadu_ps(scale);
  }
}

/* What is read HDI_AHEAD bytes after byte `at` of a run that lies at `first`, where rows are cut: it is in a
 * run further on. A run of whole rows does without: computed so for it as well, Q8_0 decodes 13 % slower. */
HDB_INLINE const uint8_t *hdi_stream_ahead(const hdb_tile *tile, const hdi_stream_part *part,
                                           size_t block_bytes, const uint8_t *first, size_t at) {
  const size_t run = part->run_blocks * block_bytes;
  at += HDI_AHEAD;
  for (; at >= run; at -= run)
    first += tile->weight_stride;
  return hdb_tile_ask(tile, first + at);
}

/* The sums and scales of a run whose blocks lie at `first`. */
HDB_INLINE void hdi_stream_run(const hdb_tile *tile, const hdi_stream_part *part, const uint8_t *first,
                               const hdi_stream_format *f, const hdi_stream_x *x, float *sums,
                               float *scales) {
  size_t place = 0;
  for (size_t g = 0; g < part->groups; g++) {
    size_t b = hdi_stream_group(part, g);
    const uint8_t *at = first + b * f->block_bytes;
    const uint8_t *ask = part->runs == 1
                             ? hdb_tile_ask(tile, at + HDI_AHEAD)
                             : hdi_stream_ahead(tile, part, f->block_bytes, first, b * f->block_bytes);
    hdi_ask_lines(ask, HDI_STREAM_GROUP * f->block_bytes);
    __m512 d;
    __m512i sum = _mm512_add_epi32(f->take(at, x[place].q, &d), x[place].start);
    _mm512_storeu_ps(sums + b, _mm512_cvtepi32_ps(sum));
    _mm512_storeu_ps(scales + b, _mm512_mul_ps(d, x[place].scale));
    if (++place == part->places) place = 0;
  }
}

/* acc + the sixteen rows' sums times their scales. */
HDB_INLINE __m512 hdi_stream_finish(const hdi_stream_part *part, const float *sums, const float *scales,
                                    __m512 acc) {
  const size_t stride = part->count * sizeof(float);
  for (size_t b = 0; b < part->count; b += 4) {
    __m512i s[4], d[4];
    hdi_sixteen at = hdi_sixteen_at((const uint8_t *)(sums + b), stride);
    hdi_turn_16(&at, 0, s);
    at = hdi_sixteen_at((const uint8_t *)(scales + b), stride);
    hdi_turn_16(&at, 0, d);
    for (size_t j = 0; j < 4 && b + j < part->count; j++)
      acc = _mm512_fmadd_ps(_mm512_castsi512_ps(s[j]), _mm512_castsi512_ps(d[j]), acc);
  }
  return acc;
}

/* The scratch: layouts of the activation, then sums and scales of sixteen rows, each with a register behind
 * it, because a row's last four blocks are turned whether they are there or not. */
HDB_INLINE size_t hdi_stream_numbers(const hdi_stream_part *part) {
  return HDI_PANEL_ROWS * part->count + 16;
}

HDB_INLINE bool hdi_stream_fits(const hdi_stream_part *part) {
  size_t bytes = part->places * sizeof(hdi_stream_x) + 2 * hdi_stream_numbers(part) * sizeof(float);
  return bytes <= HDB_TILE_SCRATCH;
}

HDB_INLINE void hdi_stream_do(const hdb_tile *tile, const hdi_stream_part *part, const hdi_stream_format *f) {
  hdi_stream_x *x = (hdi_stream_x *)(void *)tile->scratch;
  float *sums = (float *)(void *)(x + part->places), *scales = sums + hdi_stream_numbers(part);
  hdi_stream_lay_x(tile, part, f, x);
  for (uint32_t i = 0; i < hdi_panel_count(tile); i++) {
    uint32_t w = hdi_panel_begin(tile, i);
    const uint8_t *first = tile->weights + w * tile->weight_stride + part->begin * f->block_bytes;
    for (uint32_t r = 0; r < part->runs; r++)
      hdi_stream_run(tile, part, first + r * tile->weight_stride, f, x, sums + r * part->count,
                     scales + r * part->count);
    __m512 acc = part->begin == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(tile->out + w);
    /* Rows that the panel before has done too: their sums have this part already. */
    __mmask16 fresh = (__mmask16)(0xffffu << (i * HDI_PANEL_ROWS - w));
    _mm512_mask_storeu_ps(tile->out + w, fresh, hdi_stream_finish(part, sums, scales, acc));
  }
}

/* Sixteen whole rows as one run: its groups begin at multiples of sixteen blocks, which are as many places of
 * a row as it has blocks, less the twos that both have. */
HDB_INLINE hdi_stream_part hdi_stream_whole(size_t blocks) {
  size_t places = blocks;
  for (uint32_t twos = HDI_STREAM_GROUP; twos > 1 && places % 2 == 0; twos /= 2)
    places /= 2;
  return (hdi_stream_part){0, blocks, HDI_PANEL_ROWS * blocks, blocks, places, 1};
}

/* Blocks from `begin` on, about `cut` of them, of sixteen rows: each row's are a run of their own. */
HDB_INLINE hdi_stream_part hdi_stream_cut(size_t begin, size_t blocks, size_t cut) {
  const size_t groups = (blocks + HDI_STREAM_GROUP - 1) / HDI_STREAM_GROUP, cuts = (blocks + cut - 1) / cut;
  const size_t most = (groups + cuts - 1) / cuts * HDI_STREAM_GROUP; /* so that the last has one too */
  const size_t count = blocks - begin < most ? blocks - begin : most;
  const size_t places = (count + HDI_STREAM_GROUP - 1) / HDI_STREAM_GROUP;
  return (hdi_stream_part){begin, count, count, places, places, HDI_PANEL_ROWS};
}

/* One activation row with all weight rows, of which there are sixteen at least. */
HDB_INLINE void hdi_stream_dot(const hdb_tile *tile, const hdi_stream_format *f) {
  const size_t blocks = tile->cols / HDB_Q8_BLOCK;
  hdi_stream_part part = hdi_stream_whole(blocks);
  if (tile->weight_stride == blocks * f->block_bytes && hdi_stream_fits(&part)) {
    hdi_stream_do(tile, &part, f);
    return;
  }
  for (part.begin = 0; part.begin < blocks; part.begin += part.count) {
    part = hdi_stream_cut(part.begin, blocks, HDI_STREAM_CUT);
    hdi_stream_do(tile, &part, f);
  }
}

#endif
