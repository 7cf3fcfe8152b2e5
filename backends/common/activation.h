/* SPDX-License-Identifier: Apache-2.0 */
/* Layout of quantised activation rows: all values, then all scales, then all sums. Unlike ggml's
 * interleaved blocks the values of a row are contiguous, so that a register may span blocks. The numbers are
 * ggml's: integers and scales equal those of its Q8_0 and Q8_K, because results are compared with it. */
#ifndef HEDDLE_BACKENDS_COMMON_ACTIVATION_H
#define HEDDLE_BACKENDS_COMMON_ACTIVATION_H

#include <stddef.h>
#include <stdint.h>

#define HDB_Q8_BLOCK  32u
#define HDB_Q8K_BLOCK 256u
#define HDB_Q8K_SUM   16u /* values in one sum */

/* Bytes of a row of `cols` (a multiple of the block), a multiple of 64 so that rows keep their alignment. */
static inline size_t hdb_q8_bytes(uint32_t cols) {
  return ((size_t)cols + (size_t)cols / HDB_Q8_BLOCK * (sizeof(float) + sizeof(int32_t)) + 63) & ~(size_t)63;
}
static inline size_t hdb_q8k_bytes(uint32_t cols) {
  return ((size_t)cols + (size_t)cols / HDB_Q8K_BLOCK * sizeof(float) +
          (size_t)cols / HDB_Q8K_SUM * sizeof(int16_t) + (size_t)cols / 32 * sizeof(int16_t) + 63) &
         ~(size_t)63;
}

/* Q8: value i is q[i] * scale[i / 32]; -127 <= q <= 127; scales are f16 values held as float; sum[i / 32] of
 * 32 values. */
static inline const int8_t *hdb_q8_values(const void *row) {
  return (const int8_t *)row;
}
static inline const float *hdb_q8_scales(const void *row, uint32_t cols) {
  return (const float *)(const void *)((const uint8_t *)row + cols);
}

/* A kernel whose instructions want unsigned weights multiplies w + o, and takes o * sum off again: the sums
 * are held negated, so that it may start from a multiple of them. */
static inline const int32_t *hdb_q8_minus_sums(const void *row, uint32_t cols) {
  return (const int32_t *)(const void *)((const uint8_t *)row + cols + cols / HDB_Q8_BLOCK * sizeof(float));
}

/* Q8K: value i is q[i] * scale[i / 256]; sum[i / 16] of 16 values, and behind them sum[i / 32] of 32: formats
 * have parts of 16 or of 32 values, and what a part is off by is multiplied with its sum. */
static inline const int16_t *hdb_q8k_sums(const void *row, uint32_t cols) {
  return (const int16_t *)(const void *)((const uint8_t *)row + cols + cols / HDB_Q8K_BLOCK * sizeof(float));
}
static inline const int16_t *hdb_q8k_sums_32(const void *row, uint32_t cols) {
  return hdb_q8k_sums(row, cols) + cols / HDB_Q8K_SUM;
}

/* BF16 pairs: of eight neighbours the two of each chain (bf16.h) that VDPBF16PS takes at once, the first one
 * in the upper half; even and odd chain alternate. Rows are filled with zeros to a multiple of 32. */
#define HDB_PAIRS 8u
static const uint8_t hdb_pairs_order[HDB_PAIRS] = {2, 0, 3, 1, 6, 4, 7, 5};

#endif
