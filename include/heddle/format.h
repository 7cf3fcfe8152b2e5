/* SPDX-License-Identifier: Apache-2.0 */
/* Number formats of tensor rows.
 * Source: the GGUF specification and the block layouts of ggml (names and byte layouts are theirs). */
#ifndef HEDDLE_FORMAT_H
#define HEDDLE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hd_format {
  HD_FORMAT_F32,
  HD_FORMAT_F16,  /* IEEE 754 binary16 */
  HD_FORMAT_BF16, /* upper half of binary32 */
  HD_FORMAT_Q8_0, /* 32 values: f16 scale, 32 int8; x = d*q */
  HD_FORMAT_Q4_0, /* 32 values: f16 scale, 16 bytes; value i in the low nibble of byte i, i+16 in the high; x
                     = d*(q-8) */
  HD_FORMAT_Q5_0, /* 32 values: f16 scale, 32 fifth bits, 16 bytes as Q4_0; x = d*(q-16). Not asked for by
                     name, but files quantized as Q4_K_M fall back to it where a row is no multiple of 256 */
  HD_FORMAT_Q4_K, /* 256 values: f16 d, f16 dmin, 12 bytes of 6-bit scales and mins, 128 bytes of nibbles */
  HD_FORMAT_Q6_K, /* 256 values: 128 low nibbles, 64 high pairs, 16 int8 scales, f16 d */
  HD_FORMAT_I32,
  HD_FORMAT_COUNT
} hd_format;

typedef struct hd_format_info {
  const char *name;      /* "Q8_0" */
  uint16_t block_values; /* values in a block; 1 for plain formats */
  uint16_t block_bytes;  /* bytes of a block */
} hd_format_info;

/* NULL for a value outside the enum. Threads: any. Ownership: static. */
const hd_format_info *hd_format_get(hd_format format);

/* Bytes of a row of `cols` values; 0 when `cols` is no multiple of the format's block or the product
 * overflows. */
size_t hd_format_row_bytes(hd_format format, uint64_t cols);

#ifdef __cplusplus
}
#endif
#endif
