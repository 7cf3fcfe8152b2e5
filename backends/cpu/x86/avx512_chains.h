/* SPDX-License-Identifier: Apache-2.0 */
/* chains.inc.h with the registers of AVX-512. Two panels meet four activation rows: 16 chains, where a core
 * has two units with a latency of 4 (fma) or 6 (VDPBF16PS), and 8 running sums. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AVX512_CHAINS_H
#define HEDDLE_BACKENDS_CPU_X86_AVX512_CHAINS_H

#include "cpu/x86/avx512_panel.h"
#include "cpu/x86/flush.h"

typedef __m512 hdi_lanes;
typedef hdi_sixteen hdi_rows;
#define HDI_LANES  16u
#define HDI_PANELS 2u
#define HDI_TOKENS 4u

HDB_INLINE hdi_rows hdi_rows_at(const uint8_t *first, size_t stride) {
  return hdi_sixteen_at(first, stride);
}
HDB_INLINE hdi_lanes hdi_lanes_zero(void) {
  return _mm512_setzero_ps();
}
HDB_INLINE hdi_lanes hdi_lanes_add(hdi_lanes a, hdi_lanes b) {
  return _mm512_add_ps(a, b);
}
HDB_INLINE hdi_lanes hdi_lanes_load(const float *at) {
  return _mm512_loadu_ps(at);
}
HDB_INLINE void hdi_lanes_store(float *at, hdi_lanes x) {
  _mm512_storeu_ps(at, x);
}
HDB_INLINE hdi_lanes hdi_lanes_spread(const uint8_t *x, uint32_t j) {
  return _mm512_set1_ps(((const float *)(const void *)x)[j]);
}

#include "cpu/chains.inc.h"

#endif
