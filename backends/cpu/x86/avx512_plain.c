/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of F32 and F16 rows. With many activation rows, four weight rows meet up to six of them in
 * registers, ten loads for 24 products: first the even blocks of columns, then the odd ones, as there are
 * registers for sixteen sums of an output and no more. 32 weight rows are taken together and columns in runs,
 * so that six activation rows stay in the first cache while the weights come from the second; what is not
 * folded yet waits in the scratch. The rows after them are asked for meanwhile: leaving out every other block
 * hides from the machine's own prefetchers what comes. */
#include "cpu/x86/avx512_plain_few.h"

HDB_INLINE __m512 widen_f32(const uint8_t *w, __mmask16 mask) {
  return _mm512_maskz_loadu_ps(mask, w);
}
HDB_INLINE __m512 widen_f16(const uint8_t *w, __mmask16 mask) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, w));
}

enum { LANES = HDI_PLAIN_LANES, ROWS = 4, TOKENS = 6, GROUPS = 8 };

/* The running sums of four weight rows with up to six activation rows. */
typedef __m512 sums_of_rows[TOKENS][ROWS];
_Static_assert(2 * GROUPS * sizeof(sums_of_rows) <= HDB_TILE_SCRATCH, "what waits fits the scratch");

/* Which columns of which rows; `begin` is an even block's. */
typedef struct plain_part {
  uint32_t w, t;
  size_t begin, end;
} plain_part;

HDB_INLINE void step(const uint8_t *w, size_t stride, const float *x, size_t x_stride, __mmask16 mask,
                     uint32_t tokens, const hdi_plain_format *f, sums_of_rows acc) {
  __m512 weights[ROWS];
  HDI_UNROLL
  for (uint32_t r = 0; r < ROWS; r++)
    weights[r] = f->widen(w + r * stride, mask);
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++) {
    __m512 v = _mm512_maskz_loadu_ps(mask, x + c * x_stride);
    HDI_UNROLL
    for (uint32_t r = 0; r < ROWS; r++)
      acc[c][r] = _mm512_fmadd_ps(weights[r], v, acc[c][r]);
  }
}

/* Adds the products of the part's even blocks of columns, or of the odd ones. Rows further on are asked for.
 */
HDB_INLINE void add(const hdb_tile *tile, const plain_part *p, uint32_t tokens, uint32_t odd,
                    const hdi_plain_format *f, hdi_ahead *ahead, sums_of_rows acc) {
  const size_t stride = tile->weight_stride, x_stride = tile->x_stride / sizeof(float);
  const uint8_t *w = tile->weights + p->w * stride;
  const float *x = (const float *)(const void *)(tile->x + p->t * tile->x_stride);
  for (size_t begin = p->begin + odd * hdi_plain_block(tile); begin < p->end;
       begin += 2 * hdi_plain_block(tile)) {
    const size_t end = hdi_plain_block_end(tile, begin, p->end);
    size_t i = begin;
    hdi_ask_ahead(ahead);
    for (; i + LANES <= end; i += LANES)
      step(w + i * f->bytes, stride, x + i, x_stride, 0xffff, tokens, f, acc);
    if (i < end) step(w + i * f->bytes, stride, x + i, x_stride, hdi_plain_mask(end - i), tokens, f, acc);
  }
}

/* Writes four rows' results. */
HDB_INLINE void finish(const hdb_tile *tile, const plain_part *p, uint32_t tokens, const sums_of_rows acc) {
  HDI_UNROLL
  for (uint32_t first = 0; first < tokens; first += ROWS) {
    __m512 four[ROWS * ROWS];
    float out[LANES];
    HDI_UNROLL
    for (uint32_t c = 0; c < ROWS; c++)
      HDI_UNROLL
    for (uint32_t r = 0; r < ROWS; r++)
      four[c * ROWS + r] = first + c < tokens ? acc[first + c][r] : _mm512_setzero_ps();
    _mm512_storeu_ps(out, hdi_plain_fold(four));
    HDI_UNROLL
    for (uint32_t c = 0; c < ROWS; c++)
      if (first + c < tokens)
        _mm_storeu_ps(tile->out + (p->t + first + c) * tile->out_stride + p->w, _mm_loadu_ps(out + ROWS * c));
  }
}

HDB_INLINE void clear(sums_of_rows acc, uint32_t tokens) {
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    HDI_UNROLL
  for (uint32_t r = 0; r < ROWS; r++)
    acc[c][r] = _mm512_setzero_ps();
}

HDB_INLINE void join(const sums_of_rows even, sums_of_rows acc, uint32_t tokens) {
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    HDI_UNROLL
  for (uint32_t r = 0; r < ROWS; r++)
    acc[c][r] = _mm512_add_ps(even[c][r], acc[c][r]);
}

HDB_INLINE void copy(const sums_of_rows from, sums_of_rows to, uint32_t tokens) {
  HDI_UNROLL
  for (uint32_t c = 0; c < tokens; c++)
    HDI_UNROLL
  for (uint32_t r = 0; r < ROWS; r++)
    to[c][r] = from[c][r];
}

/* Group g of four rows; the last one begins early where the rows do not fill it. */
HDB_INLINE uint32_t group_begin(const hdb_tile *tile, uint32_t g) {
  return g * ROWS + ROWS <= tile->weight_rows ? g * ROWS : tile->weight_rows - ROWS;
}

HDB_INLINE uint32_t group_count(const hdb_tile *tile) {
  return (tile->weight_rows + ROWS - 1) / ROWS;
}

/* The even blocks of columns [begin, begin + f->run) of up to 32 weight rows from group `first` on, or the
 * odd ones. */
HDB_INLINE void many(const hdb_tile *tile, uint32_t first, uint32_t t, uint32_t tokens, size_t begin,
                     uint32_t odd, const hdi_plain_format *f, hdi_ahead *ahead) {
  sums_of_rows *even = (sums_of_rows *)(void *)tile->scratch, *waiting = even + odd * GROUPS;
  const uint32_t left = group_count(tile) - first, groups = left < GROUPS ? left : GROUPS;
  const bool is_last = begin + f->run >= tile->cols;
  for (uint32_t g = 0; g < groups; g++) {
    plain_part p = {group_begin(tile, first + g), t, begin, is_last ? tile->cols : begin + f->run};
    sums_of_rows acc;
    clear(acc, tokens);
    if (begin > 0) copy((const __m512(*)[ROWS])waiting[g], acc, tokens);
    add(tile, &p, tokens, odd, f, ahead, acc);
    if (is_last && (odd || hdi_plain_is_short(tile))) {
      if (odd) join((const __m512(*)[ROWS])even[g], acc, tokens);
      finish(tile, &p, tokens, (const __m512(*)[ROWS])acc);
    } else {
      copy((const __m512(*)[ROWS])acc, waiting[g], tokens);
    }
  }
}

HDB_INLINE void many_columns(const hdb_tile *tile, uint32_t first, uint32_t t, uint32_t tokens,
                             const hdi_plain_format *f, hdi_ahead *ahead) {
  for (uint32_t odd = 0; odd < (hdi_plain_is_short(tile) ? 1u : 2u); odd++)
    for (size_t begin = 0; begin < tile->cols; begin += f->run)
      many(tile, first, t, tokens, begin, odd, f, ahead);
}

HDB_INLINE void many_rows(const hdb_tile *tile, const hdi_plain_format *f) {
  for (uint32_t first = 0; first < group_count(tile); first += GROUPS) {
    hdi_ahead ahead =
        hdi_ahead_of(tile, (first + GROUPS) * ROWS, GROUPS * ROWS,
                     GROUPS * ((tile->cols + hdi_plain_block(tile) - 1) / hdi_plain_block(tile)),
                     hdi_many_passes(tile->x_rows, TOKENS));
    uint32_t t = 0;
    for (; t + TOKENS <= tile->x_rows; t += TOKENS)
      many_columns(tile, first, t, TOKENS, f, &ahead);
    for (; t + 2 <= tile->x_rows; t += 2)
      many_columns(tile, first, t, 2, f, &ahead);
    if (t < tile->x_rows) many_columns(tile, first, t, 1, f, &ahead);
  }
}

HDB_INLINE void dot(const hdb_tile *tile, const hdi_plain_format *f) {
  uint32_t t = 0;
  if (tile->x_rows > HDI_PLAIN_FEW && tile->weight_rows >= ROWS) {
    many_rows(tile, f);
    return;
  }
  for (; t + HDI_PLAIN_FEW <= tile->x_rows; t += HDI_PLAIN_FEW)
    hdi_plain_few(tile, t, HDI_PLAIN_FEW, f);
  if (t < tile->x_rows) hdi_plain_few(tile, t, 1, f);
}

static const hdi_plain_format f32 = {widen_f32, 4, 1024}, f16 = {widen_f16, 2, 2048};

void hdi_avx512_dot_f32(const hdb_tile *tile) {
  dot(tile, &f32);
}
void hdi_avx512_dot_f16(const hdb_tile *tile) {
  dot(tile, &f16);
}
