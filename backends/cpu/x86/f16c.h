/* SPDX-License-Identifier: Apache-2.0 */
/* Half precision by the F16C instructions: what rows.inc.h asks of a tier. */
#ifndef HEDDLE_BACKENDS_CPU_X86_F16C_H
#define HEDDLE_BACKENDS_CPU_X86_F16C_H

#include <immintrin.h>
#include <stdint.h>

static inline void rows_to_f16(const float *x, uint32_t count, uint16_t *out) {
  uint32_t i = 0;
  for (; i + 8 <= count; i += 8)
    _mm_storeu_si128((__m128i *)(void *)(out + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
  for (; i < count; i++)
    out[i] = _cvtss_sh(x[i], _MM_FROUND_TO_NEAREST_INT);
}

#endif
