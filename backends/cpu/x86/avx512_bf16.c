/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 dots of BF16 rows without instructions for them: weights are widened when they are turned, and a
 * step of a chain is a multiply-add of floats. */
#include "cpu/x86/avx512_chain_stream.h"
#include "cpu/x86/x86.h"

/* Bytes 4j .. 4j+3 of all rows are values 2j and 2j + 1, which are the upper halves of floats. */
HDB_INLINE void turn(const hdi_rows *at, uint32_t half, __m512 *out) {
  const __m512i upper = _mm512_set1_epi32((int)0xffff0000u);
  __m512i both[8];
  hdi_turn_32(at, 32 * half, both);
  for (uint32_t j = 0; j < 8; j++) {
    out[2 * j] = _mm512_castsi512_ps(_mm512_slli_epi32(both[j], 16));
    out[2 * j + 1] = _mm512_castsi512_ps(_mm512_and_si512(both[j], upper));
  }
}

HDB_INLINE __m512 take(__m512 acc, __m512 w, __m512 x) {
  return _mm512_fmadd_ps(w, x, acc);
}

static const hdi_chain_format bf16 = {2, 16, turn, take};

HDI_FLUSHING_DOT(hdi_avx512_dot_bf16, hdi_chain_any_dot, &bf16)

void hdi_avx512_quantise_bf16(const float *x, uint32_t cols, void *out_row) {
  hdb_bf16_round_row(x, cols, out_row);
}
