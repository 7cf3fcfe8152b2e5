/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of the formats with blocks of 32 and one scale: Q8_0, Q4_0, Q5_0. Unpacking differs, the rest
 * does not. */
#include "common/activation.h"
#include "common/tile.h"
#include "cpu/x86/avx2.h"
#include "cpu/x86/x86.h"

/* The 32 values of a block, signed, in order. */
typedef __m256i (*unpack_fn)(const uint8_t *block);

HDB_INLINE __m256i unpack_q8_0(const uint8_t *block) {
  return _mm256_loadu_si256((const __m256i *)(const void *)(block + 2));
}

/* Low nibbles in the lower half, high nibbles in the upper. */
HDB_INLINE __m256i nibbles(const uint8_t *bytes) {
  __m128i packed = _mm_loadu_si128((const __m128i *)(const void *)bytes);
  __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(packed), _mm_srli_epi16(packed, 4), 1);
  return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

HDB_INLINE __m256i unpack_q4_0(const uint8_t *block) {
  return _mm256_sub_epi8(nibbles(block + 2), _mm256_set1_epi8(8));
}

/* Value i's fifth bit stands in bit i: byte i / 8 goes to every byte of its group of eight, and the bit i % 8
 * is tested there. Where it is 0 the value is below 16 of 32: less 16. */
HDB_INLINE __m256i unpack_q5_0(const uint8_t *block) {
  const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i each = _mm256_set1_epi64x((long long)0x8040201008040201u);
  int32_t bits;
  memcpy(&bits, block + 2, sizeof bits);
  __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(bits), spread);
  __m256i absent = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, each), _mm256_setzero_si256());
  return _mm256_or_si256(nibbles(block + 6), _mm256_and_si256(absent, _mm256_set1_epi8((char)0xf0)));
}

/* Products of signed bytes summed in fours. The instruction takes an unsigned factor: |w| and x with w's
 * sign. |w| <= 128 and |x| <= 127, so two products stay under 2^15. */
HDB_INLINE __m256 products(__m256i magnitude, __m256i w, __m256i x) {
  __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(x, w));
  return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

HDB_INLINE void block(const hdb_tile *tile, uint32_t w, uint32_t t, uint32_t rows, uint32_t activations,
                      unpack_fn unpack, size_t block_bytes) {
  const uint8_t *wp[4];
  const int8_t *xp[4];
  const float *scales[4];
  __m256 acc[4][4];
  for (uint32_t r = 0; r < rows; r++)
    wp[r] = tile->weights + (w + r) * tile->weight_stride;
  for (uint32_t c = 0; c < activations; c++) {
    xp[c] = hdb_q8_values(tile->x + (t + c) * tile->x_stride);
    scales[c] = hdb_q8_scales(tile->x + (t + c) * tile->x_stride, tile->cols);
  }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      acc[r][c] = _mm256_setzero_ps();
  for (uint32_t b = 0; b < tile->cols / HDB_Q8_BLOCK; b++)
    for (uint32_t r = 0; r < rows; r++) {
      const uint8_t *at = wp[r] + b * block_bytes;
      __m256i values = unpack(at), magnitude = _mm256_abs_epi8(values);
      float d = hdi_f16(at);
      for (uint32_t c = 0; c < activations; c++) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(xp[c] + (size_t)b * HDB_Q8_BLOCK));
        acc[r][c] =
            _mm256_fmadd_ps(_mm256_set1_ps(d * scales[c][b]), products(magnitude, values, x), acc[r][c]);
      }
    }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < activations; c++)
      tile->out[(t + c) * tile->out_stride + w + r] = hdi_sum_ps(acc[r][c]);
}

HDB_DOT_OF_BLOCKS(hdi_avx2_dot_q8_0, 2, block, unpack_q8_0, 34)
HDB_DOT_OF_BLOCKS(hdi_avx2_dot_q4_0, 2, block, unpack_q4_0, 18)
HDB_DOT_OF_BLOCKS(hdi_avx2_dot_q5_0, 2, block, unpack_q5_0, 22)
