/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of the formats with blocks of 256 and sub-block scales: Q4_K, Q6_K. As in avx2_k.c, with a
 * block of each of two weight rows in the halves of a register, so that each half adds up in the order of
 * common/lanes.h. */
#include <immintrin.h>
#include <stdbool.h>
#include "common/activation.h"
#include "common/formats/q4_k.h"
#include "common/tile.h"
#include "cpu/x86/avx2.h"
#include "cpu/x86/x86.h"

enum { BLOCK = 256, STEPS = 8 /* of 32 values of each row */, Q6_K_BYTES = 210 };

/* A block of each of two rows, unpacked: what does not depend on the activation. */
typedef struct unpacked {
  __m512i q[STEPS];     /* unsigned values in order */
  __m512i scale[STEPS]; /* of each step, 16-bit, for the pairs of values */
  __m512i offset;       /* for the 16 sums of an activation: 16-bit factors */
  __m512 d, d_min;      /* Q4_K: the block is d * sum(scale q x) - d_min * sum(offset sums) */
} unpacked;

typedef void (*unpack_fn)(const uint8_t *first, const uint8_t *second, unpacked *out);

HDB_INLINE __m512i join(__m256i low, __m256i high) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

HDB_INLINE __m512i load_both(const uint8_t *first, const uint8_t *second) {
  return join(_mm256_loadu_si256((const __m256i *)(const void *)first),
              _mm256_loadu_si256((const __m256i *)(const void *)second));
}

HDB_INLINE __m512 f16_both(const uint8_t *first, const uint8_t *second) {
  return _mm512_mask_blend_ps(0xff00, _mm512_set1_ps(hdi_f16(first)), _mm512_set1_ps(hdi_f16(second)));
}

/* Eight bytes as sixteen 16-bit numbers, each twice. */
HDB_INLINE __m256i twice(const uint8_t bytes[8]) {
  __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)bytes);
  return _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(eight, eight));
}

HDB_INLINE void unpack_q4_k(const uint8_t *first, const uint8_t *second, unpacked *out) {
  const __m512i nibble = _mm512_set1_epi8(15);
  uint8_t scales[2][8], mins[2][8];
  hdb_q4_k_scales(first + HDB_Q4_K_SCALES_AT, scales[0], mins[0]);
  hdb_q4_k_scales(second + HDB_Q4_K_SCALES_AT, scales[1], mins[1]);
  __m512i words = join(twice(scales[0]), twice(scales[1]));
  for (int j = 0; j < STEPS / 2; j++) {
    size_t at = HDB_Q4_K_NIBBLES_AT + 32 * (size_t)j;
    __m512i packed = load_both(first + at, second + at);
    out->q[2 * j] = _mm512_and_si512(packed, nibble);
    out->q[2 * j + 1] = _mm512_and_si512(_mm512_srli_epi16(packed, 4), nibble);
  }
  for (int j = 0; j < STEPS; j++) { /* word 2j of the first sixteen, of the second sixteen */
    __m512i which = join(_mm256_set1_epi16((short)(2 * j)), _mm256_set1_epi16((short)(2 * j + 16)));
    out->scale[j] = _mm512_permutexvar_epi16(which, words);
  }
  /* A min holds for 32 values, that is for two sums. */
  out->offset = join(twice(mins[0]), twice(mins[1]));
  out->d = f16_both(first, second);
  out->d_min = f16_both(first + 2, second + 2);
}

HDB_INLINE void unpack_q6_k(const uint8_t *first, const uint8_t *second, unpacked *out) {
  const __m512i nibble = _mm512_set1_epi8(15), pair = _mm512_set1_epi8(0x30);
  const __m512i halves = _mm512_set_epi16(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1,
                                          1, 0, 0, 0, 0, 0, 0, 0, 0);
  __m512i words = join(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(first + 192))),
                       _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(second + 192))));
  for (uint32_t half = 0; half < 2; half++) {
    __m512i low = load_both(first + 64 * half, second + 64 * half);
    __m512i next = load_both(first + 64 * half + 32, second + 64 * half + 32);
    __m512i upper = load_both(first + 128 + 32 * half, second + 128 + 32 * half);
    __m512i *q = out->q + 4 * half;
    q[0] =
        _mm512_or_si512(_mm512_and_si512(low, nibble), _mm512_and_si512(_mm512_slli_epi16(upper, 4), pair));
    q[1] =
        _mm512_or_si512(_mm512_and_si512(next, nibble), _mm512_and_si512(_mm512_slli_epi16(upper, 2), pair));
    q[2] =
        _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(low, 4), nibble), _mm512_and_si512(upper, pair));
    q[3] = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(next, 4), nibble),
                           _mm512_and_si512(_mm512_srli_epi16(upper, 2), pair));
  }
  for (int j = 0; j < STEPS; j++) { /* a step has two scales, eight pairs each */
    __m512i which = join(_mm256_set1_epi16((short)(2 * j)), _mm256_set1_epi16((short)(2 * j + 16)));
    out->scale[j] = _mm512_permutexvar_epi16(_mm512_add_epi16(which, halves), words);
  }
  out->offset = words;
  out->d = f16_both(first + 208, second + 208);
}

/* Sums of two results, a row in each half. Four of `min` are those of common/lanes.h, each twice. */
typedef struct sums_of_pairs {
  __m512 dot, min;
} sums_of_pairs;

/* One block of two rows with one activation. */
HDB_INLINE void take(const unpacked *w, const int8_t *x, float x_scale, const int16_t *x_sums, bool has_min,
                     sums_of_pairs *acc) {
  __m512i dot = _mm512_setzero_si512();
  __m512 scale = _mm512_set1_ps(x_scale);
  for (uint32_t j = 0; j < STEPS; j++) {
    __m512i values = load_both((const uint8_t *)x + 32 * j, (const uint8_t *)x + 32 * j);
    dot = _mm512_add_epi32(dot, _mm512_madd_epi16(w->scale[j], _mm512_maddubs_epi16(w->q[j], values)));
  }
  __m512i sums = load_both((const uint8_t *)x_sums, (const uint8_t *)x_sums);
  __m512i offset = _mm512_madd_epi16(w->offset, sums);
  if (has_min) {
    __m512i both = _mm512_add_epi32(offset, _mm512_shuffle_epi32(offset, _MM_PERM_CDAB));
    acc->min = _mm512_fnmadd_ps(_mm512_mul_ps(w->d_min, scale), _mm512_cvtepi32_ps(both), acc->min);
  } else {
    dot = _mm512_sub_epi32(dot, _mm512_slli_epi32(offset, 5));
  }
  acc->dot = _mm512_fmadd_ps(_mm512_mul_ps(w->d, scale), _mm512_cvtepi32_ps(dot), acc->dot);
}

/* The result of row 0 or 1 of a pair. */
HDB_INLINE float result(const sums_of_pairs *acc, uint32_t row, bool has_min) {
  float sum = hdi_sum_ps(row == 0 ? _mm512_castps512_ps256(acc->dot) : _mm512_extractf32x8_ps(acc->dot, 1));
  if (!has_min) return sum;
  __m256 min = row == 0 ? _mm512_castps512_ps256(acc->min) : _mm512_extractf32x8_ps(acc->min, 1);
  __m128 four =
      _mm_shuffle_ps(_mm256_castps256_ps128(min), _mm256_extractf128_ps(min, 1), _MM_SHUFFLE(2, 0, 2, 0));
  return sum + hdi_sum_of_four(four);
}

HDB_INLINE void block(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                      unpack_fn unpack, size_t block_bytes, bool has_min) {
  const uint32_t pairs = (rows + 1) / 2;
  sums_of_pairs acc[2][4];
  for (uint32_t p = 0; p < pairs; p++)
    for (uint32_t c = 0; c < activations; c++)
      acc[p][c] = (sums_of_pairs){_mm512_setzero_ps(), _mm512_setzero_ps()};
  for (size_t b = 0; b < tile->cols / BLOCK; b++)
    for (uint32_t p = 0; p < pairs; p++) {
      const uint8_t *first = tile->weights + (w + 2 * p) * tile->weight_stride + b * block_bytes;
      unpacked weights;
      unpack(first, rows == 1 ? first : first + tile->weight_stride,
             &weights); /* a row alone is its own second */
      for (uint32_t c = 0; c < activations; c++) {
        const uint8_t *x = tile->x + (t + c) * tile->x_stride;
        take(&weights, hdb_q8_values(x) + b * BLOCK, hdb_q8_scales(x, tile->cols)[b],
             hdb_q8k_sums(x, tile->cols) + b * (BLOCK / HDB_Q8K_SUM), has_min, &acc[p][c]);
      }
    }
  for (uint32_t c = 0; c < activations; c++)
    for (uint32_t r = 0; r < rows; r++)
      tile->out[(t + c) * tile->out_stride + w + r] = result(&acc[r / 2][c], r % 2, has_min);
}

HDB_DOT_OF_BLOCKS(hdi_avx512_dot_q4_k, 4, block, unpack_q4_k, HDB_Q4_K_BYTES, true)
HDB_DOT_OF_BLOCKS(hdi_avx512_dot_q6_k, 4, block, unpack_q6_k, Q6_K_BYTES, false)
