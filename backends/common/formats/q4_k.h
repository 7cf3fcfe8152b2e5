/* SPDX-License-Identifier: Apache-2.0 */
/* Q4_K's twelve bytes of packed 6-bit scales and mins, for every tier.
 * Source: block layouts of ggml (k-quants). */
#ifndef HEDDLE_BACKENDS_COMMON_Q4_K_H
#define HEDDLE_BACKENDS_COMMON_Q4_K_H

#include <stdint.h>
#include <string.h>

enum { HDB_Q4_K_BYTES = 144, HDB_Q4_K_SCALES_AT = 4, HDB_Q4_K_NIBBLES_AT = 16 };

/* Eight 6-bit scales and eight 6-bit mins. Bytes 0-3 hold scales 0-3 and bytes 4-7 mins 0-3 in their low six
 * bits; bytes 8-11 hold the low nibbles of scales (low) and mins (high) 4-7, whose upper two bits are the
 * upper two of the first eight bytes. Four bytes at a time; byte order does not matter, because no bit leaves
 * its byte. */
static inline void hdb_q4_k_scales(const uint8_t packed[12], uint8_t scales[8], uint8_t mins[8]) {
  uint32_t a, b, c, out[4];
  memcpy(&a, packed, 4);
  memcpy(&b, packed + 4, 4);
  memcpy(&c, packed + 8, 4);
  out[0] = a & 0x3f3f3f3fu;
  out[1] = (c & 0x0f0f0f0fu) | (a & 0xc0c0c0c0u) >> 2;
  out[2] = b & 0x3f3f3f3fu;
  out[3] = (c & 0xf0f0f0f0u) >> 4 | (b & 0xc0c0c0c0u) >> 2;
  memcpy(scales, out, 8);
  memcpy(mins, out + 2, 8);
}

#endif
