/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of the formats with blocks of 256 and sub-block scales: Q4_K, Q6_K. As in avx2_k.c: byte
 * products in pairs to 16 bits, times the sub-block's scale to 32 bits; offsets through the activation's
 * sums; exact in integers. */
#include <immintrin.h>
#include <string.h>
#include "common/activation.h"
#include "common/formats/q4_k.h"
#include "common/tile.h"
#include "cpu/x86/avx2.h"
#include "cpu/x86/x86.h"

enum { BLOCK = 256, STEPS = 4 /* of 64 values */, Q6_K_BYTES = 210 };

/* A block of weights, unpacked: what does not depend on the activation. */
typedef struct unpacked {
  __m512i q[STEPS];     /* unsigned values in order */
  __m512i scale[STEPS]; /* 16-bit, for the pairs of values */
  __m256i offset;       /* for the 16 sums of an activation: 16-bit factors */
  float d, d_offset;    /* block value: d * sum(scale q x) - d_offset * sum(offset sums) */
} unpacked;

typedef void (*unpack_fn)(const uint8_t *block, unpacked *out);

HDB_INLINE __m512i load_both(const uint8_t *bytes) { /* 32 bytes, twice */
  return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)bytes));
}

HDB_INLINE void unpack_q4_k(const uint8_t *block, unpacked *out) {
  const __m512i shift = _mm512_setr_epi64(0, 0, 0, 0, 4, 4, 4, 4), nibble = _mm512_set1_epi8(15);
  uint8_t scales[8], mins[8];
  hdb_q4_k_scales(block + HDB_Q4_K_SCALES_AT, scales, mins);
  __m512i wide =
      _mm512_castsi128_si512(_mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)scales)));
  __m512i which = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(1), 1); /* 0 x 16, 1 x 16 */
  for (uint32_t j = 0; j < STEPS; j++) {
    __m512i both = load_both(block + HDB_Q4_K_NIBBLES_AT + 32 * j);
    out->q[j] = _mm512_and_si512(_mm512_srlv_epi64(both, shift), nibble);
    out->scale[j] = _mm512_permutexvar_epi16(which, wide);
    which = _mm512_add_epi16(which, _mm512_set1_epi16(2));
  }
  /* A min holds for 32 values, that is for two sums: every min twice. */
  __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)mins);
  out->offset = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(eight, eight));
  out->d = hdi_f16(block);
  out->d_offset = hdi_f16(block + 2);
}

HDB_INLINE void unpack_q6_k(const uint8_t *block, unpacked *out) {
  const __m512i nibble = _mm512_set1_epi8(15), pair = _mm512_set1_epi8(0x30);
  const __m512i left = _mm512_setr_epi64(4, 4, 4, 4, 2, 2, 2, 2),
                right = _mm512_setr_epi64(0, 0, 0, 0, 2, 2, 2, 2);
  __m128i scales = _mm_loadu_si128((const __m128i *)(const void *)(block + 192));
  __m256i scales16 = _mm256_cvtepi8_epi16(scales);
  /* Of a step the scales are 4j .. 4j+3, eight pairs each. */
  __m512i which = _mm512_inserti32x4(_mm512_setzero_si512(), _mm_set1_epi16(1), 1);
  which = _mm512_inserti32x4(_mm512_inserti32x4(which, _mm_set1_epi16(2), 2), _mm_set1_epi16(3), 3);
  for (uint32_t half = 0; half < 2; half++) {
    __m512i low = _mm512_loadu_si512(block + 64 * half), upper = load_both(block + 128 + 32 * half);
    __m512i first = _mm512_and_si512(_mm512_sllv_epi64(upper, left), pair);
    __m512i second = _mm512_and_si512(_mm512_srlv_epi64(upper, right), pair);
    out->q[2 * half] = _mm512_or_si512(_mm512_and_si512(low, nibble), first);
    out->q[2 * half + 1] = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(low, 4), nibble), second);
  }
  for (uint32_t j = 0; j < STEPS; j++) {
    out->scale[j] = _mm512_permutexvar_epi16(which, _mm512_castsi256_si512(scales16));
    which = _mm512_add_epi16(which, _mm512_set1_epi16(4));
  }
  out->offset = scales16;
  out->d = hdi_f16(block + 208);
  out->d_offset = 32.0f * out->d;
}

/* One block with one activation, added to acc. The offset's eight sums go to the lower half. */
HDB_INLINE __m512 take(const unpacked *w, const int8_t *x, float x_scale, const int16_t *sums, __m512 acc) {
  __m512i dot = _mm512_setzero_si512();
  for (uint32_t j = 0; j < STEPS; j++) {
    __m512i pairs = _mm512_maddubs_epi16(w->q[j], _mm512_loadu_si512(x + 64 * j));
    dot = _mm512_add_epi32(dot, _mm512_madd_epi16(w->scale[j], pairs));
  }
  __m256i offset = _mm256_madd_epi16(w->offset, _mm256_loadu_si256((const __m256i *)(const void *)sums));
  acc = _mm512_fmadd_ps(_mm512_set1_ps(w->d * x_scale), _mm512_cvtepi32_ps(dot), acc);
  return _mm512_fnmadd_ps(_mm512_set1_ps(w->d_offset * x_scale),
                          _mm512_cvtepi32_ps(_mm512_zextsi256_si512(offset)), acc);
}

HDB_INLINE void block(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                      unpack_fn unpack, size_t block_bytes) {
  __m512 acc[4][4];
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      acc[r][c] = _mm512_setzero_ps();
  for (uint32_t b = 0; b < tile->cols / BLOCK; b++)
    for (uint32_t r = 0; r < rows; r++) {
      unpacked weights;
      unpack(tile->weights + (w + r) * tile->weight_stride + b * block_bytes, &weights);
      for (uint32_t c = 0; c < activations; c++) {
        const uint8_t *x = tile->x + (t + c) * tile->x_stride;
        acc[r][c] = take(&weights, hdb_q8_values(x) + (size_t)b * BLOCK, hdb_q8_scales(x, tile->cols)[b],
                         hdb_q8k_sums(x, tile->cols) + b * (BLOCK / HDB_Q8K_SUM), acc[r][c]);
      }
    }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      tile->out[(t + c) * tile->out_stride + w + r] = _mm512_reduce_add_ps(acc[r][c]);
}

HDB_DOT_OF_BLOCKS(hdi_avx512_dot_q4_k, block, unpack_q4_k, HDB_Q4_K_BYTES)
HDB_DOT_OF_BLOCKS(hdi_avx512_dot_q6_k, block, unpack_q6_k, Q6_K_BYTES)
