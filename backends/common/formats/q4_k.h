/* SPDX-License-Identifier: Apache-2.0 */
/* Q4_K's twelve bytes of packed 6-bit scales and mins, for every tier.
 * Source: block layouts of ggml (k-quants). */
#ifndef HEDDLE_BACKENDS_COMMON_Q4_K_H
#define HEDDLE_BACKENDS_COMMON_Q4_K_H

#include <stdint.h>

enum { HDB_Q4_K_BYTES = 144, HDB_Q4_K_SCALES_AT = 4, HDB_Q4_K_NIBBLES_AT = 16 };

/* Eight 6-bit scales and eight 6-bit mins. Bytes 0-3 hold scales 0-3 and bytes 4-7 mins 0-3 in their low six
 * bits; bytes 8-11 hold the low nibbles of scales (low) and mins (high) 4-7, whose upper two bits are the
 * upper two of the first eight bytes. */
static inline void hdb_q4_k_scales(const uint8_t packed[12], uint8_t scales[8], uint8_t mins[8]) {
  for (uint32_t k = 0; k < 4; k++) {
    uint32_t a = packed[k], b = packed[k + 4], c = packed[k + 8];
    scales[k] = (uint8_t)(a & 63u);
    mins[k] = (uint8_t)(b & 63u);
    scales[k + 4] = (uint8_t)((c & 15u) | (a >> 6) << 4);
    mins[k + 4] = (uint8_t)(c >> 4 | (b >> 6) << 4);
  }
}

#endif
