/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 dots of BF16 rows: weights are widened when they are turned, and a step of a chain is a multiply-add
 * of floats. Two panels meet three activation rows: 12 chains; the running sums wait in memory. */
#include "cpu/x86/avx2_panel.h"
#include "cpu/x86/flush.h"
#include "cpu/x86/x86.h"

typedef __m256 hdi_lanes;
typedef hdi_eight hdi_rows;
#define HDI_LANES  8u
#define HDI_PANELS 2u
#define HDI_TOKENS 3u

HDB_INLINE hdi_rows hdi_rows_at(const uint8_t *first, size_t stride) {
  return hdi_eight_at(first, stride);
}
HDB_INLINE hdi_lanes hdi_lanes_zero(void) {
  return _mm256_setzero_ps();
}
HDB_INLINE hdi_lanes hdi_lanes_add(hdi_lanes a, hdi_lanes b) {
  return _mm256_add_ps(a, b);
}
HDB_INLINE hdi_lanes hdi_lanes_load(const float *at) {
  return _mm256_loadu_ps(at);
}
HDB_INLINE void hdi_lanes_store(float *at, hdi_lanes x) {
  _mm256_storeu_ps(at, x);
}
HDB_INLINE hdi_lanes hdi_lanes_spread(const uint8_t *x, uint32_t j) {
  return _mm256_broadcast_ss((const float *)(const void *)x + j);
}

#include "cpu/chains.inc.h"

/* Bytes 4j .. 4j+3 of all rows are values 2j and 2j + 1, which are the upper halves of floats. */
HDB_INLINE void turn(const hdi_rows *at, uint32_t half, __m256 *out) {
  const __m256i upper = _mm256_set1_epi32((int)0xffff0000u);
  for (uint32_t i = 0; i < 2; i++) {
    __m256i both[4];
    hdi_turn_16(at, 32 * half + 16 * i, both);
    for (uint32_t j = 0; j < 4; j++) {
      out[8 * i + 2 * j] = _mm256_castsi256_ps(_mm256_slli_epi32(both[j], 16));
      out[8 * i + 2 * j + 1] = _mm256_castsi256_ps(_mm256_and_si256(both[j], upper));
    }
  }
}

HDB_INLINE __m256 take(__m256 acc, __m256 w, __m256 x) {
  return _mm256_fmadd_ps(w, x, acc);
}

static const hdi_chain_format bf16 = {2, 16, turn, take};

HDI_FLUSHING_DOT(hdi_avx2_dot_bf16, hdi_chain_dot, &bf16)

void hdi_avx2_quantise_bf16(const float *x, uint32_t cols, void *out_row) {
  hdb_bf16_round_row(x, cols, out_row);
}
