/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of the formats with blocks of 256 and sub-block scales: Q4_K, Q6_K. Products of bytes are summed
 * in pairs to 16 bits, multiplied by the sub-block's scale and summed to 32 bits by one instruction; what
 * every weight is off by (min, -32) is taken out through the activation's sums. All of a block is exact in
 * integers. */
#include <stdbool.h>
#include "common/activation.h"
#include "common/formats/q4_k.h"
#include "common/superblock.h"
#include "common/tile.h"
#include "cpu/x86/avx2.h"
#include "cpu/x86/x86.h"

enum { BLOCK = 256, STEPS = 8 /* of 32 values */, Q6_K_BYTES = 210 };

/* A block of weights, unpacked: what does not depend on the activation. */
typedef struct unpacked {
  __m256i q[STEPS];     /* unsigned values in order */
  __m256i scale[STEPS]; /* of each step, 16-bit, for the pairs of values */
  __m256i offset;       /* for the 16 sums of an activation: 16-bit factors */
  float d, d_min;       /* Q4_K: the block is d * sum(scale q x) - d_min * sum(offset sums) */
} unpacked;

typedef void (*unpack_fn)(const uint8_t *block, unpacked *out);

HDB_INLINE void unpack_q4_k(const uint8_t *block, unpacked *out) {
  uint8_t scales[8], mins[8];
  hdb_q4_k_scales(block + HDB_Q4_K_SCALES_AT, scales, mins);
  for (uint32_t j = 0; j < STEPS / 2; j++) {
    const uint8_t *at = block + HDB_Q4_K_NIBBLES_AT + 32 * j;
    __m256i packed = _mm256_loadu_si256((const __m256i *)(const void *)at);
    out->q[2 * j] = _mm256_and_si256(packed, _mm256_set1_epi8(15));
    out->q[2 * j + 1] = _mm256_and_si256(_mm256_srli_epi16(packed, 4), _mm256_set1_epi8(15));
    out->scale[2 * j] = _mm256_set1_epi16(scales[2 * j]);
    out->scale[2 * j + 1] = _mm256_set1_epi16(scales[2 * j + 1]);
  }
  /* A min holds for 32 values, that is for two sums: every min twice. */
  __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)mins);
  out->offset = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(eight, eight));
  out->d = hdi_f16(block);
  out->d_min = hdi_f16(block + 2);
}

/* Upper bits 2k, 2k+1 of 32 bytes, moved to bits 4 and 5. */
HDB_INLINE __m256i upper_pair(__m256i upper, int k) {
  __m256i moved = k == 0   ? _mm256_slli_epi16(upper, 4)
                  : k == 1 ? _mm256_slli_epi16(upper, 2)
                  : k == 2 ? upper
                           : _mm256_srli_epi16(upper, 2);
  return _mm256_and_si256(moved, _mm256_set1_epi8(0x30));
}

HDB_INLINE void unpack_q6_k(const uint8_t *block, unpacked *out) {
  const __m256i nibble = _mm256_set1_epi8(15);
  __m128i scales = _mm_loadu_si128((const __m128i *)(const void *)(block + 192));
  for (uint32_t half = 0; half < 2; half++) {
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(block + 64 * half));
    __m256i next = _mm256_loadu_si256((const __m256i *)(const void *)(block + 64 * half + 32));
    __m256i upper = _mm256_loadu_si256((const __m256i *)(const void *)(block + 128 + 32 * half));
    __m256i *q = out->q + 4 * half;
    q[0] = _mm256_or_si256(_mm256_and_si256(low, nibble), upper_pair(upper, 0));
    q[1] = _mm256_or_si256(_mm256_and_si256(next, nibble), upper_pair(upper, 1));
    q[2] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(low, 4), nibble), upper_pair(upper, 2));
    q[3] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(next, 4), nibble), upper_pair(upper, 3));
  }
  for (int j = 0; j < STEPS; j++) { /* a step has two scales, eight pairs each */
    __m128i which = _mm_add_epi8(_mm_set1_epi8((char)(2 * j)), _mm_set_epi64x(0x0101010101010101, 0));
    out->scale[j] = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(scales, which));
  }
  out->offset = _mm256_cvtepi8_epi16(scales);
  out->d = hdi_f16(block + 208);
}

/* One block with one activation, in the order of common/superblock.h. */
HDB_INLINE float take(const unpacked *w, const int8_t *x, float x_scale, const int16_t *x_sums, bool has_min,
                      float acc) {
  __m256i dot = _mm256_setzero_si256();
  for (uint32_t j = 0; j < STEPS; j++) {
    __m256i values = _mm256_loadu_si256((const __m256i *)(const void *)(x + 32 * j));
    dot = _mm256_add_epi32(dot, _mm256_madd_epi16(w->scale[j], _mm256_maddubs_epi16(w->q[j], values)));
  }
  __m256i offset = _mm256_madd_epi16(w->offset, _mm256_loadu_si256((const __m256i *)(const void *)x_sums));
  if (!has_min) dot = _mm256_sub_epi32(dot, _mm256_slli_epi32(offset, 5));
  acc = hdb_superblock_add(acc, w->d * x_scale, hdi_sum_epi32(dot));
  return has_min ? hdb_superblock_take(acc, w->d_min * x_scale, hdi_sum_epi32(offset)) : acc;
}

HDB_INLINE void block(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                      unpack_fn unpack, size_t block_bytes, bool has_min) {
  float acc[4][4] = {{0.0f}};
  for (uint32_t b = 0; b < tile->cols / BLOCK; b++)
    for (uint32_t r = 0; r < rows; r++) {
      unpacked weights;
      unpack(tile->weights + (w + r) * tile->weight_stride + b * block_bytes, &weights);
      for (uint32_t c = 0; c < activations; c++) {
        const uint8_t *x = tile->x + (t + c) * tile->x_stride;
        acc[r][c] = take(&weights, hdb_q8_values(x) + (size_t)b * BLOCK, hdb_q8_scales(x, tile->cols)[b],
                         hdb_q8k_sums(x, tile->cols) + b * (BLOCK / HDB_Q8K_SUM), has_min, acc[r][c]);
      }
    }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      tile->out[(t + c) * tile->out_stride + w + r] = acc[r][c];
}

HDB_DOT_OF_BLOCKS(hdi_avx2_dot_q4_k, 2, block, unpack_q4_k, HDB_Q4_K_BYTES, true)
HDB_DOT_OF_BLOCKS(hdi_avx2_dot_q6_k, 2, block, unpack_q6_k, Q6_K_BYTES, false)
