/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic that takes subnormal numbers as zero for a while, as common/bf16.h wants it. */
#ifndef HEDDLE_BACKENDS_CPU_X86_FLUSH_H
#define HEDDLE_BACKENDS_CPU_X86_FLUSH_H

#include <immintrin.h>
#include "common/kernels.h"

/* DAZ and FTZ. Source: Intel SDM volume 1, 10.2.3, MXCSR. */
#define HDI_FLUSHING 0x8040u

/* Calls `dot` with it set and leaves the thread's MXCSR as it was. `dot` must not be inlined: a compiler
 * knows nothing of what the register does to arithmetic. */
static inline void hdi_flushing(hdb_dot_fn dot, const hdb_tile *tile) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | HDI_FLUSHING);
  dot(tile);
  _mm_setcsr(before);
}

/* Defines the hdb_dot_fn NAME as BODY(tile, ...), flushing. */
#define HDI_FLUSHING_DOT(NAME, BODY, ...)                                                                    \
  __attribute__((noinline)) static void NAME##_flushing(const hdb_tile *tile) {                              \
    BODY(tile, __VA_ARGS__);                                                                                 \
  }                                                                                                          \
  void NAME(const hdb_tile *tile) {                                                                          \
    hdi_flushing(NAME##_flushing, tile);                                                                     \
  }

#endif
