/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of formats with blocks of 32 integers and a scale, for the tiers with and without AVX-VNNI
 * (avx2_step.h). Up to four activation rows meet the weights of eight rows as they lie in memory, and the
 * sums are turned (decode); for more, the weights are turned, put into the scratch and read from there by all
 * (prefill). Results are those of common/block.h, whatever the shape.
 *
 * Eight-bit weights leave no room for sums in 16 bits. Without AVX-VNNI they are multiplied as magnitudes
 * with activations that take their sign where they are used once, and as two nibbles each, for which there
 * is room, where they are used often: w + 128 = 16 high + low. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX2_BLOCKS_H
#define HEDDLE_BACKENDS_CPU_X86_AVX2_BLOCKS_H

#include <stdbool.h>
#include "common/activation.h"
#include "cpu/x86/avx2_panel.h"
#include "cpu/x86/avx2_step.h"

typedef struct hdi_panel_block {
  __m256i q[HDI_PANEL_STEPS];
} hdi_panel_block;

typedef struct hdi_rows_block hdi_rows_block;

/* What one format knows. A block begins with its scale. */
typedef struct hdi_block_format {
  void (*turn)(const hdi_eight *at, hdi_panel_block *out); /* a block of eight rows */
  void (*rows)(const hdi_eight *at, hdi_rows_block *out);  /* the same, not turned */
  size_t block_bytes;
  unsigned offset_shift; /* values are 1 << this too large, so that they are not negative */
  uint32_t steps;        /* of a sum in 16 bits, if it has to fit them */
  bool is_bytes;         /* 8-bit values; those of `rows` are signed */
  bool has_fifths;       /* `rows` gives four bits of each value; the fifths lie behind the scale */
} hdi_block_format;

/* ---- few activation rows ---- */

/* A block of eight rows as it lies in memory. 8-bit values: register r holds row r's 32. Others: registers
 * j and j + 4 hold the first and the second sixteen of rows j and j + 4. */
struct hdi_rows_block {
  __m256i q[HDI_PANEL_ROWS];
};

/* Products of bytes: |w| with x of w's sign. |w| <= 128 and |x| <= 127: a pair stays under 2^15. */
HDB_INLINE __m256i hdi_eight_bit_step(__m256i w, __m256i x) {
#if HDI_HAS_DPBUSD
  return hdi_first(_mm256_xor_si256(w, _mm256_set1_epi8((char)0x80)), x);
#else
  return hdi_whole(_mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)));
#endif
}

/* Sums of eight rows' products with 32 activation values. */
HDB_INLINE __m256i hdi_sums_of_bytes(const hdi_rows_block *w, const uint8_t *x) {
  __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)x), t[HDI_PANEL_ROWS];
  for (uint32_t r = 0; r < HDI_PANEL_ROWS; r++)
    t[r] = hdi_eight_bit_step(w->q[r], v);
  return hdi_fold_eight(t);
}

/* Likewise of sums that, times two where they are in 16 bits, fit 16 bits signed; `narrow`: times four. */
HDB_INLINE __m256i hdi_fold_less(const __m256i t[4], bool narrow) {
  const __m256i one = _mm256_set1_epi16(1);
  __m256i a = _mm256_packs_epi32(hdi_whole(t[0]), hdi_whole(t[1]));
  __m256i b = _mm256_packs_epi32(hdi_whole(t[2]), hdi_whole(t[3]));
  a = _mm256_madd_epi16(a, one);
  b = _mm256_madd_epi16(b, one);
  if (narrow) return _mm256_madd_epi16(_mm256_packs_epi32(a, b), one);
  __m256 c = _mm256_castsi256_ps(a), d = _mm256_castsi256_ps(b);
  return _mm256_add_epi32(_mm256_castps_si256(_mm256_shuffle_ps(c, d, 0x88)),
                          _mm256_castps_si256(_mm256_shuffle_ps(c, d, 0xdd)));
}

/* Sixteen bytes to both halves. */
HDB_INLINE __m256i hdi_both(const uint8_t *x) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)x));
}

/* Fifth bits of a row are 32 neighbours. Shifted by i in dword i of a half, bit 4 of byte k is that of value
 * 8k + i + 4, and after four more to the left that of value 8k + i: bytes of 16 or nothing, for an activation
 * laid out so (hdi_lay_fifths). */
HDB_INLINE __m256i hdi_add_fifths(__m256i sum, const hdi_eight *at, uint32_t j, const uint8_t *x) {
  const __m256i bit = _mm256_set1_epi8(16), by = _mm256_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3);
  __m256i bits = _mm256_blend_epi32(hdi_four(hdi_row(at, 0, j, 2)), hdi_four(hdi_row(at, 1, j, 2)), 0xf0);
  bits = _mm256_srlv_epi32(bits, by);
  sum = hdi_step(sum, _mm256_and_si256(_mm256_slli_epi16(bits, 4), bit), hdi_both(x));
  return hdi_step(sum, _mm256_and_si256(bits, bit), hdi_both(x + 16));
}

/* Blocks of an activation row that are laid out at a time, of up to four rows. */
#define HDI_FIFTHS_LAID 256u
typedef uint8_t hdi_fifths[4][HDI_FIFTHS_LAID * HDB_Q8_BLOCK];
_Static_assert(sizeof(hdi_fifths) <= HDB_TILE_SCRATCH, "four rows' fit the scratch");

HDB_INLINE void hdi_lay_fifths(const uint8_t *x, size_t blocks, uint8_t *out) {
  const __m128i turn = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  for (size_t b = 0; b < blocks; b++, x += HDB_Q8_BLOCK, out += HDB_Q8_BLOCK) {
    __m128 low = _mm_loadu_ps((const float *)(const void *)x);
    __m128 high = _mm_loadu_ps((const float *)(const void *)(x + 16));
    __m128i first = _mm_castps_si128(_mm_shuffle_ps(low, high, 0x88));
    __m128i second = _mm_castps_si128(_mm_shuffle_ps(low, high, 0xdd));
    _mm_storeu_si128((__m128i *)(void *)out, _mm_shuffle_epi8(first, turn));
    _mm_storeu_si128((__m128i *)(void *)(out + 16), _mm_shuffle_epi8(second, turn));
  }
}

/* What few activation rows, `tokens` from t on, meet. */
typedef struct hdi_few_x {
  const uint8_t *x;
  uint32_t tokens;
  size_t laid; /* the first block of which fifths are laid out */
} hdi_few_x;

HDB_INLINE hdi_few_x hdi_few_x_at(const hdb_tile *tile, uint32_t t, uint32_t tokens) {
  return (hdi_few_x){tile->x + t * tile->x_stride, tokens, SIZE_MAX};
}

/* Those of block b on, unless they are there. */
HDB_INLINE void hdi_few_lay(const hdb_tile *tile, hdi_few_x *x, size_t b, uint8_t *out) {
  size_t left = tile->cols / HDB_Q8_BLOCK - b;
  if (x->laid == b) return;
  x->laid = b;
  for (uint32_t c = 0; c < x->tokens; c++)
    hdi_lay_fifths(x->x + c * tile->x_stride + b * HDB_Q8_BLOCK,
                   left < HDI_FIFTHS_LAID ? left : HDI_FIFTHS_LAID, out + c * sizeof(hdi_fifths) / 4);
}

/* The scales of a block of eight rows. A row's begins with it, so that it is read to where it belongs: what
 * is before it is another row's, and the first is alone at its register's beginning. Blending is done by any
 * unit, insertions by two. */
HDB_INLINE __m256 hdi_few_scales(const hdi_eight *at) {
  __m128i d = _mm_loadu_si128((const __m128i *)(const void *)at->row[0]);
#define HDI_BLEND(R)                                                                                         \
  d = _mm_blend_epi16(                                                                                       \
      d, _mm_loadu_si128((const __m128i *)(const void *)(hdi_row(at, (R) / 4, (R) % 4, 0) - 2 * (R))),       \
      1 << (R))
  HDI_BLEND(1);
  HDI_BLEND(2);
  HDI_BLEND(3);
  HDI_BLEND(4);
  HDI_BLEND(5);
  HDI_BLEND(6);
  HDI_BLEND(7);
#undef HDI_BLEND
  return _mm256_cvtph_ps(d);
}

/* Sums of products of weights of less than eight bits; `fifths`: the block's of the activation. */
HDB_INLINE __m256i hdi_sums_of_less(const hdi_rows_block *w, const hdi_eight *at, const uint8_t *x,
                                    const uint8_t *fifths, const hdi_block_format *f) {
  __m256i t[4];
  for (uint32_t j = 0; j < 4; j++) {
    t[j] = hdi_step(hdi_first(w->q[j], hdi_both(x)), w->q[j + 4], hdi_both(x + 16));
    if (f->has_fifths) t[j] = hdi_add_fifths(t[j], at, j, fifths);
  }
  return hdi_fold_less(t, !f->has_fifths);
}

/* acc + a block's sums of products times the scales. */
HDB_INLINE __m256 hdi_few_add(__m256 acc, __m256i sum, __m256 d, const uint8_t *x, uint32_t cols, size_t b,
                              const hdi_block_format *f) {
  if (HDI_HAS_DPBUSD || !f->is_bytes)
    sum = _mm256_add_epi32(
        sum, _mm256_slli_epi32(_mm256_set1_epi32(hdb_q8_minus_sums(x, cols)[b]), (int)f->offset_shift));
  __m256 scale = _mm256_mul_ps(d, _mm256_set1_ps(hdb_q8_scales(x, cols)[b]));
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), scale, acc);
}

/* Eight weight rows from `first` on; `alone`: one in all lanes. While it works it asks for the
 * eight rows after them, or where those are near, for what lies 8 KiB ahead, in the order of memory: that is
 * one stream where the rows themselves are eight. */
HDB_INLINE void hdi_few(const hdb_tile *tile, const uint8_t *first, bool alone, hdi_few_x *some,
                        const hdi_block_format *f, __m256 acc[4]) {
  const size_t stride = alone ? 0 : tile->weight_stride;
  const uint8_t *ask = first + hdi_ahead_of_rows(HDI_PANEL_ROWS * stride);
  const size_t bytes = HDI_PANEL_ROWS * f->block_bytes;
  for (uint32_t c = 0; c < some->tokens; c++)
    acc[c] = _mm256_setzero_ps();
  for (size_t b = 0; b < tile->cols / HDB_Q8_BLOCK; b++) {
    const uint8_t *fifths = tile->scratch + b % HDI_FIFTHS_LAID * HDB_Q8_BLOCK;
    hdi_rows_block w;
    if (f->has_fifths && b % HDI_FIFTHS_LAID == 0) hdi_few_lay(tile, some, b, tile->scratch);
    hdi_ask_lines(ask + b * bytes, bytes);
    hdi_eight at = hdi_eight_at(first + b * f->block_bytes, stride);
    f->rows(&at, &w);
    __m256 d = alone ? _mm256_set1_ps(hdi_f16(at.row[0])) : hdi_few_scales(&at);
    for (uint32_t c = 0; c < some->tokens; c++) {
      const uint8_t *x = some->x + c * tile->x_stride, *v = x + b * HDB_Q8_BLOCK;
      __m256i sum = f->is_bytes ? hdi_sums_of_bytes(&w, v)
                                : hdi_sums_of_less(&w, &at, v, fifths + c * sizeof(hdi_fifths) / 4, f);
      acc[c] = hdi_few_add(acc[c], sum, d, x, tile->cols, b, f);
    }
  }
}

/* Fewer than eight weight rows: one in all lanes, one after the other. */
HDB_INLINE void hdi_few_alone(const hdb_tile *tile, uint32_t t, const hdi_block_format *f) {
  hdi_few_x x = hdi_few_x_at(tile, t, 1);
  __m256 acc[4];
  for (uint32_t w = 0; w < tile->weight_rows; w++) {
    hdi_few(tile, tile->weights + w * tile->weight_stride, true, &x, f, acc);
    tile->out[t * tile->out_stride + w] = _mm256_cvtss_f32(acc[0]);
  }
}

HDB_INLINE void hdi_few_rows(const hdb_tile *tile, uint32_t t, uint32_t tokens, const hdi_block_format *f) {
  hdi_few_x x = hdi_few_x_at(tile, t, tokens);
  __m256 acc[4];
  for (uint32_t i = 0; i < hdi_panel_count(tile); i++) {
    uint32_t w = hdi_panel_begin(tile, i);
    hdi_few(tile, tile->weights + w * tile->weight_stride, false, &x, f, acc);
    for (uint32_t c = 0; c < tokens; c++)
      _mm256_storeu_ps(tile->out + (t + c) * tile->out_stride + w, acc[c]);
  }
}

/* ---- many activation rows ---- */

/* Two registers that share each load of an activation: of two panels, or the low and the high nibbles of one.
 */
typedef struct hdi_pair_block {
  __m256i q[HDI_PANEL_STEPS][2];
  __m256 d[2]; /* of nibbles: the same twice */
} hdi_pair_block;

/* Blocks of a pair that are multiplied before the next are unpacked. */
#define HDI_PAIR_BLOCKS 48u
_Static_assert(HDI_PAIR_BLOCKS * sizeof(hdi_pair_block) <= HDB_TILE_SCRATCH, "a pair fits the scratch");

/* Activation rows that share each load of weights: running sums, those of a block, and what they are made of
 * fill the 16 registers. Nibbles have half as many running sums. */
#define HDI_MANY         3u
#define HDI_MANY_NIBBLES 4u

/* Where a pair and its results are, and the rows after it, which are asked for meanwhile. */
typedef struct hdi_pair {
  uint32_t w[2];       /* first weight row of each panel; of nibbles: the same twice */
  size_t begin, count; /* of blocks */
  bool nibbles;
  hdi_ahead ahead;
} hdi_pair;

HDB_INLINE void hdi_unpack_pair(const hdb_tile *tile, const hdi_pair *pair, const hdi_block_format *f,
                                hdi_pair_block *out) {
  const size_t begin = pair->begin * f->block_bytes;
  for (uint32_t p = 0; p < (pair->nibbles ? 1u : 2u); p++) {
    const uint8_t *first = tile->weights + pair->w[p] * tile->weight_stride + begin;
    for (size_t b = 0; b < pair->count; b++) {
      hdi_panel_block one, high;
      hdi_eight at = hdi_eight_at(first + b * f->block_bytes, tile->weight_stride);
      f->turn(&at, &one);
      out[b].d[p] = hdi_gather_f16(&at, 0);
      if (pair->nibbles) {
        hdi_split_nibbles(one.q, high.q, HDI_PANEL_STEPS);
        for (uint32_t j = 0; j < HDI_PANEL_STEPS; j++)
          out[b].q[j][1] = high.q[j];
      }
      for (uint32_t j = 0; j < HDI_PANEL_STEPS; j++)
        out[b].q[j][p] = one.q[j];
    }
  }
}

/* Steps [begin, begin + steps) of a pair's block with `tokens` activation rows. AVX-VNNI adds them to what
 * `sum` holds, AVX2 begins anew. */
HDB_INLINE void hdi_many_sums(const hdi_pair_block *block, const uint8_t *x, size_t stride, uint32_t tokens,
                              uint32_t begin, uint32_t steps, __m256i sum[HDI_MANY_NIBBLES][2]) {
#pragma GCC unroll 8
  for (uint32_t j = begin; j < begin + steps; j++) {
    __m256i w0 = block->q[j][0], w1 = block->q[j][1];
    for (uint32_t c = 0; c < tokens; c++) {
      __m256i v = hdi_four(x + c * stride + 4 * j);
      const bool anew = !HDI_HAS_DPBUSD && j == begin;
      sum[c][0] = anew ? hdi_first(w0, v) : hdi_step(sum[c][0], w0, v);
      sum[c][1] = anew ? hdi_first(w1, v) : hdi_step(sum[c][1], w1, v);
    }
  }
}

/* Minus what a block's sum is too large by. */
HDB_INLINE __m256i hdi_start(const uint8_t *minus_sum, unsigned shift) {
  return _mm256_slli_epi32(hdi_four(minus_sum), (int)shift);
}

/* The whole sums of two panels' block with activation rows whose values are at x, sums at `minus_sums`. */
HDB_INLINE void hdi_many_whole(const hdi_pair_block *block, const uint8_t *x, const uint8_t *minus_sums,
                               size_t stride, uint32_t tokens, const hdi_block_format *f,
                               __m256i all[HDI_MANY_NIBBLES][2]) {
  __m256i sum[HDI_MANY_NIBBLES][2];
  if (HDI_HAS_DPBUSD) {
    for (uint32_t c = 0; c < tokens; c++)
      all[c][0] = all[c][1] = hdi_start(minus_sums + c * stride, f->offset_shift);
    hdi_many_sums(block, x, stride, tokens, 0, HDI_PANEL_STEPS, all);
    return;
  }
  for (uint32_t begin = 0; begin < HDI_PANEL_STEPS; begin += f->steps) {
    hdi_many_sums(block, x, stride, tokens, begin, f->steps, sum);
    for (uint32_t c = 0; c < tokens; c++) {
      __m256i start = hdi_start(minus_sums + c * stride, f->offset_shift);
      for (uint32_t p = 0; p < 2; p++)
        all[c][p] = _mm256_add_epi32(begin == 0 ? start : all[c][p], hdi_whole(sum[c][p]));
    }
  }
}

/* Two panels' block with activation rows whose values, scales and sums are at x, scales and scales + sums_at.
 */
HDB_INLINE void hdi_many_panels(const hdi_pair_block *block, const uint8_t *x, const uint8_t *scales,
                                size_t sums_at, size_t stride, uint32_t tokens, const hdi_block_format *f,
                                __m256 acc[HDI_MANY_NIBBLES][2]) {
  __m256i all[HDI_MANY_NIBBLES][2];
  hdi_many_whole(block, x, scales + sums_at, stride, tokens, f, all);
  for (uint32_t c = 0; c < tokens; c++) {
    __m256 scale = _mm256_castsi256_ps(hdi_four(scales + c * stride));
    for (uint32_t p = 0; p < 2; p++)
      acc[c][p] =
          _mm256_fmadd_ps(_mm256_cvtepi32_ps(all[c][p]), _mm256_mul_ps(block->d[p], scale), acc[c][p]);
  }
}

/* One panel's block of nibbles likewise. */
HDB_INLINE void hdi_many_nibbles(const hdi_pair_block *block, const uint8_t *x, const uint8_t *scales,
                                 size_t sums_at, size_t stride, uint32_t tokens,
                                 __m256 acc[HDI_MANY_NIBBLES][2]) {
  __m256i sum[HDI_MANY_NIBBLES][2];
  hdi_many_sums(block, x, stride, tokens, 0, HDI_PANEL_STEPS, sum);
  for (uint32_t c = 0; c < tokens; c++) {
    __m256i low = _mm256_add_epi32(hdi_start(scales + c * stride + sums_at, 7), hdi_whole(sum[c][0]));
    __m256i all = _mm256_add_epi32(low, _mm256_madd_epi16(sum[c][1], _mm256_set1_epi16(16)));
    __m256 scale = _mm256_mul_ps(block->d[0], _mm256_castsi256_ps(hdi_four(scales + c * stride)));
    acc[c][0] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(all), scale, acc[c][0]);
  }
}

/* The pair's blocks with activation rows t .. t + tokens - 1, added to the results. */
HDB_INLINE void hdi_many(const hdb_tile *tile, hdi_pair *pair, const hdi_pair_block *blocks, uint32_t t,
                         uint32_t tokens, const hdi_block_format *f) {
  const uint8_t *x = tile->x + t * tile->x_stride + pair->begin * HDB_Q8_BLOCK;
  const uint8_t *scales = tile->x + t * tile->x_stride + tile->cols + pair->begin * sizeof(float);
  const size_t stride = tile->x_stride, sums_at = tile->cols / HDB_Q8_BLOCK * sizeof(float);
  const uint32_t panels = pair->nibbles ? 1 : 2;
  __m256 acc[HDI_MANY_NIBBLES][2];
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < panels; p++)
      acc[c][p] = pair->begin == 0 ? _mm256_setzero_ps()
                                   : _mm256_loadu_ps(tile->out + (t + c) * tile->out_stride + pair->w[p]);
  for (size_t b = 0; b < pair->count; b++, x += HDB_Q8_BLOCK, scales += sizeof(float)) {
    hdi_ask_ahead(&pair->ahead);
    if (pair->nibbles)
      hdi_many_nibbles(blocks + b, x, scales, sums_at, stride, tokens, acc);
    else
      hdi_many_panels(blocks + b, x, scales, sums_at, stride, tokens, f, acc);
  }
  for (uint32_t c = 0; c < tokens; c++)
    for (uint32_t p = 0; p < panels; p++)
      _mm256_storeu_ps(tile->out + (t + c) * tile->out_stride + pair->w[p], acc[c][p]);
}

HDB_INLINE void hdi_many_rows(const hdb_tile *tile, const hdi_block_format *f) {
  hdi_pair_block *blocks = (hdi_pair_block *)(void *)tile->scratch;
  const size_t total = tile->cols / HDB_Q8_BLOCK;
  const bool nibbles = f->is_bytes && !HDI_HAS_DPBUSD;
  const uint32_t panels = nibbles ? 1 : 2, most = nibbles ? HDI_MANY_NIBBLES : HDI_MANY;
  for (uint32_t i = 0; i < hdi_panel_count(tile); i += panels) {
    hdi_pair pair = {.w = {hdi_panel_begin(tile, i), hdi_panel_begin(tile, i + panels - 1)},
                     .nibbles = nibbles};
    pair.ahead = hdi_ahead_of(tile, pair.w[panels - 1] + HDI_PANEL_ROWS, panels * HDI_PANEL_ROWS, total,
                              hdi_many_passes(tile->x_rows, most));
    for (; pair.begin < total; pair.begin += pair.count) {
      uint32_t t = 0;
      pair.count = total - pair.begin < HDI_PAIR_BLOCKS ? total - pair.begin : HDI_PAIR_BLOCKS;
      hdi_unpack_pair(tile, &pair, f, blocks);
      for (; t + most <= tile->x_rows; t += most)
        hdi_many(tile, &pair, blocks, t, most, f);
      for (; t + 2 <= tile->x_rows; t += 2)
        hdi_many(tile, &pair, blocks, t, 2, f);
      if (t < tile->x_rows) hdi_many(tile, &pair, blocks, t, 1, f);
    }
  }
}

/* ---- all of them ---- */

HDB_INLINE void hdi_blocks_dot(const hdb_tile *tile, const hdi_block_format *f) {
  if (tile->weight_rows < HDI_PANEL_ROWS) {
    for (uint32_t t = 0; t < tile->x_rows; t++)
      hdi_few_alone(tile, t, f);
    return;
  }
  switch (tile->x_rows) {
  case 0:
    break;
  case 1:
    hdi_few_rows(tile, 0, 1, f);
    break;
  case 2:
    hdi_few_rows(tile, 0, 2, f);
    break;
  case 3:
    hdi_few_rows(tile, 0, 3, f);
    break;
  case 4:
    hdi_few_rows(tile, 0, 4, f);
    break;
  default:
    hdi_many_rows(tile, f);
    break;
  }
}

#endif
