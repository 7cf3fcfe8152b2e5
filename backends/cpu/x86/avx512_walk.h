/* SPDX-License-Identifier: Apache-2.0 */
/* How AVX-512 walks over weight rows of short blocks with one activation row (decode): reading is all, so
 * blocks are taken in the order in which they lie in memory, sixteen neighbours at a time, a group. Rows
 * follow each other without a gap, so some of them are a run of blocks: a group may begin in the midst of a
 * row and end in the next, and the activation is laid out once for each place of a row where a group may
 * begin (rows of 18 blocks: nine places). What a group comes to, a number or two for each block, is kept, and
 * added up four rows at a time while the next rows are read, an output in each lane and blocks in order.
 *
 * Adding is spread over the reading: sixteen rows that were added up when they were done paused it, and kept
 * twice the numbers. Q8_0 of 2,048 columns had 30 GB/s so, of 11,008, which had to be cut, 23 to 25; spread
 * 32 to 33 and 28 to 29. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_WALK_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_WALK_H

#include <immintrin.h>
#include <stdbool.h>
#include "common/tile.h"
#include "cpu/ahead.h"

#define HDI_GROUP 16u /* blocks */
#define HDI_QUAD  4u  /* rows that are added up together */

/* What one kind of block knows; its function is inlined. */
typedef struct hdi_walk_kind {
  size_t block_bytes;
  size_t place_bytes; /* of a layout of the activation, a multiple of 64 */
  bool has_scales;
  /* The sums of sixteen blocks and, where there are some, the scales that they are to be multiplied with.
   * Reads no byte beyond the blocks. */
  __m512 (*group)(const void *format, const uint8_t *at, const uint8_t *place, __m512 *out_scales);
} hdi_walk_kind;

/* How a tile is taken: some rows at a time, as one run of blocks or one for each row. */
typedef struct hdi_walk {
  size_t blocks; /* of a row */
  uint32_t rows, runs;
  size_t run_blocks;
  size_t places; /* layouts of the activation that a run's groups take in turn */
} hdi_walk;

/* Where group g of a run begins; the last begins early where it is not full, and does some blocks again. */
HDB_INLINE size_t hdi_walk_group(const hdi_walk *walk, size_t g) {
  const size_t at = g * HDI_GROUP, last = walk->run_blocks - HDI_GROUP;
  return at < last ? at : last;
}

HDB_INLINE size_t hdi_walk_groups(size_t run_blocks) {
  return (run_blocks + HDI_GROUP - 1) / HDI_GROUP;
}

/* ---- the plan ---- */

/* The fewest rows whose blocks are whole groups, four at least, are one run. */
HDB_INLINE hdi_walk hdi_walk_one_run(size_t blocks) {
  hdi_walk walk = {blocks, HDI_GROUP, 1, 0, blocks};
  for (uint32_t twos = HDI_GROUP; twos > 1 && walk.places % 2 == 0; twos /= 2) {
    walk.places /= 2;
    if (walk.rows > HDI_QUAD) walk.rows /= 2;
  }
  walk.run_blocks = walk.rows * blocks;
  return walk;
}

HDB_INLINE hdi_walk hdi_walk_run_a_row(size_t blocks) {
  return (hdi_walk){blocks, HDI_QUAD, HDI_QUAD, blocks, hdi_walk_groups(blocks)};
}

/* Numbers of a kind, sums or scales, of the rows that are taken together, and a register behind them, because
 * a row's last blocks are loaded whether they are there or not. */
HDB_INLINE size_t hdi_walk_numbers(const hdi_walk *walk) {
  return walk->rows * walk->blocks + 16;
}

/* The scratch: places, then twice the numbers: those that are made and those that are added up. */
HDB_INLINE size_t hdi_walk_bytes(const hdi_walk *walk, const hdi_walk_kind *kind) {
  const size_t numbers = (kind->has_scales ? 4 : 2) * hdi_walk_numbers(walk);
  return walk->places * kind->place_bytes + numbers * sizeof(float);
}

/* Whether a tile can be taken so, and how: not rows so long that they leave the scratch. */
HDB_INLINE bool hdi_walk_can(const hdb_tile *tile, size_t blocks, const hdi_walk_kind *kind, hdi_walk *out) {
  *out = hdi_walk_one_run(blocks);
  if (tile->weight_stride != blocks * kind->block_bytes || hdi_walk_bytes(out, kind) > HDB_TILE_SCRATCH)
    *out = hdi_walk_run_a_row(blocks);
  return tile->x_rows == 1 && tile->weight_rows >= out->rows && out->run_blocks >= HDI_GROUP &&
         hdi_walk_bytes(out, kind) <= HDB_TILE_SCRATCH;
}

/* ---- what is added up late ---- */

typedef struct hdi_late {
  const float *sums, *scales; /* of four rows, one row's after the other's */
  float *out;
  uint32_t quads; /* that are left: four rows each */
  size_t block;   /* of the first of them: what is added next */
  __m128 acc;
} hdi_late;

/* Four rows' numbers of eight blocks: register j gets those of block j, and behind them those of block 4 + j.
 */
HDB_INLINE void hdi_late_turn(const float *at, size_t row, __m256 out[4]) {
  __m256d pair[4];
  for (size_t i = 0; i < 4; i += 2) {
    const __m256 even = _mm256_loadu_ps(at + i * row), odd = _mm256_loadu_ps(at + (i + 1) * row);
    pair[i] = _mm256_castps_pd(_mm256_unpacklo_ps(even, odd));
    pair[i + 1] = _mm256_castps_pd(_mm256_unpackhi_ps(even, odd));
  }
  for (size_t i = 0; i < 2; i++) {
    out[2 * i] = _mm256_castpd_ps(_mm256_unpacklo_pd(pair[i], pair[2 + i]));
    out[2 * i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(pair[i], pair[2 + i]));
  }
}

/* acc + up to four blocks of the lower or the upper halves. */
HDB_INLINE __m128 hdi_late_four(__m128 acc, const __m256 sums[4], const __m256 scales[4], int upper,
                                size_t count, bool has_scales) {
  for (size_t j = 0; j < 4 && j < count; j++) {
    const __m128 s = upper ? _mm256_extractf128_ps(sums[j], 1) : _mm256_castps256_ps128(sums[j]);
    const __m128 d = upper ? _mm256_extractf128_ps(scales[j], 1) : _mm256_castps256_ps128(scales[j]);
    acc = has_scales ? _mm_fmadd_ps(s, d, acc) : _mm_add_ps(acc, s);
  }
  return acc;
}

/* Adds the next eight blocks of four rows, or what is left of them; nothing where all is done. */
HDB_INLINE void hdi_late_add(hdi_late *late, size_t blocks, bool has_scales) {
  __m256 sums[4], scales[4] = {_mm256_setzero_ps()};
  if (late->quads == 0) return;
  const size_t left = blocks - late->block;
  hdi_late_turn(late->sums + late->block, blocks, sums);
  if (has_scales) hdi_late_turn(late->scales + late->block, blocks, scales);
  if (left >= 8) {
    late->acc = hdi_late_four(late->acc, sums, scales, 0, 4, has_scales);
    late->acc = hdi_late_four(late->acc, sums, scales, 1, 4, has_scales);
  } else {
    late->acc = hdi_late_four(late->acc, sums, scales, 0, left, has_scales);
    late->acc = hdi_late_four(late->acc, sums, scales, 1, left < 4 ? 0 : left - 4, has_scales);
  }
  late->block += 8;
  if (left > 8) return;
  _mm_storeu_ps(late->out, late->acc);
  late->sums += HDI_QUAD * blocks;
  late->scales += HDI_QUAD * blocks;
  late->out += HDI_QUAD;
  late->quads--;
  late->block = 0;
  late->acc = _mm_setzero_ps();
}

HDB_INLINE void hdi_late_finish(hdi_late *late, size_t blocks, bool has_scales) {
  while (late->quads > 0)
    hdi_late_add(late, blocks, has_scales);
}

/* ---- the walk ---- */

/* The numbers of a run whose blocks lie at `first`, and meanwhile what is late. */
HDB_INLINE void hdi_walk_run(const hdi_walk *walk, const hdi_walk_kind *kind, const void *format,
                             const uint8_t *first, hdi_behind behind, const uint8_t *places, float *sums,
                             float *scales, hdi_late *inout_late) {
  const size_t groups = hdi_walk_groups(walk->run_blocks);
  const uint8_t *place = places, *places_end = places + walk->places * kind->place_bytes;
  hdi_late late = *inout_late;
  for (size_t g = 0; g < groups; g++) {
    const size_t b = hdi_walk_group(walk, g);
    const uint8_t *at = first + b * kind->block_bytes;
    if (g % 2 == 1) hdi_late_add(&late, walk->blocks, kind->has_scales);
    hdi_ask_lines(hdi_behind_at(&behind, at + HDI_AHEAD), HDI_GROUP * kind->block_bytes);
    __m512 scale;
    _mm512_storeu_ps(sums + b, kind->group(format, at, place, &scale));
    if (kind->has_scales) _mm512_storeu_ps(scales + b, scale);
    place += kind->place_bytes;
    if (place == places_end) place = places;
  }
  *inout_late = late;
}

/* All weight rows; the activation has been laid out at the begin of the scratch. */
HDB_INLINE void hdi_walk_do(const hdb_tile *tile, const hdi_walk *walk, const hdi_walk_kind *kind,
                            const void *format) {
  const size_t numbers = hdi_walk_numbers(walk), set = (kind->has_scales ? 2 : 1) * numbers;
  float *made = (float *)(void *)(tile->scratch + walk->places * kind->place_bytes), *other = made + set;
  const hdi_behind behind = hdi_behind_of(tile);
  const uint32_t last = tile->weight_rows - walk->rows;
  hdi_late late = {.quads = 0};
  for (uint32_t row = 0; row < tile->weight_rows; row += walk->rows) {
    const uint32_t w = row < last ? row : last; /* rows of which there are too few are done twice, alike */
    for (uint32_t r = 0; r < walk->runs; r++)
      hdi_walk_run(walk, kind, format, tile->weights + (w + r) * tile->weight_stride, behind, tile->scratch,
                   made + r * walk->blocks, made + numbers + r * walk->blocks, &late);
    hdi_late_finish(&late, walk->blocks, kind->has_scales);
    late = (hdi_late){.sums = made,
                      .scales = made + numbers,
                      .out = tile->out + w,
                      .quads = walk->rows / HDI_QUAD,
                      .acc = _mm_setzero_ps()};
    float *swap = made;
    made = other;
    other = swap;
  }
  hdi_late_finish(&late, walk->blocks, kind->has_scales);
}

#endif
