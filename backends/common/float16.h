/* SPDX-License-Identifier: Apache-2.0 */
/* Half-precision numbers in plain integer arithmetic. Branches only where the compiler can turn them into
 * selects. Source: IEEE 754-2008 binary16; bfloat16 is the upper half of binary32. */
#ifndef HEDDLE_BACKENDS_COMMON_FLOAT16_H
#define HEDDLE_BACKENDS_COMMON_FLOAT16_H

#include <stdint.h>
#include <string.h>

static inline uint32_t hdb_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float hdb_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Exact. The product with 2^112 moves the exponent's bias from 15 to 127 and normalises subnormals on the
 * way; infinities and NaNs (exponent 31) get the exponent 255 by the addition of 2^112's worth of bias once
 * more. */
static inline float hdb_f16_to_f32(uint16_t h) {
  uint32_t magnitude = (uint32_t)(h & 0x7fffu) << 13;
  uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
  uint32_t finite = hdb_bits(hdb_float(magnitude) * 0x1p112f);
  uint32_t special = magnitude | 0x7f800000u;
  return hdb_float(sign | (magnitude >= 0x0f800000u ? special : finite));
}

/* Rounds to nearest, ties to even; overflow gives infinity; a NaN stays a (quiet) NaN with its sign. */
static inline uint16_t hdb_f32_to_f16(float x) {
  uint32_t sign = hdb_bits(x) >> 16 & 0x8000u;
  uint32_t magnitude = hdb_bits(x) & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u | (magnitude >> 13 & 0x1ffu);
  } else if (magnitude >= 0x477ff000u) { /* 65520: half way from the largest f16 to the next power */
    half = 0x7c00u;
  } else if (magnitude <
             0x38800000u) { /* below 2^-14: a subnormal counts units of 2^-24; adding 0.5 makes the */
    half =
        hdb_bits(hdb_float(magnitude) + 0.5f) - 0x3f000000u; /* float's own rounding place that unit last */
  } else {
    uint32_t odd = magnitude >> 13 & 1u;
    half = (magnitude - 0x38000000u + 0xfffu + odd) >> 13;
  }
  return (uint16_t)(sign | half);
}

static inline float hdb_bf16_to_f32(uint16_t h) {
  return hdb_float((uint32_t)h << 16);
}

/* A little-endian f16 at any address (blocks of 18 or 34 bytes leave it 2-byte aligned at best). */
static inline float hdb_f16_at(const uint8_t *bytes) {
  uint16_t h;
  memcpy(&h, bytes, sizeof h);
  return hdb_f16_to_f32(h);
}

#endif
