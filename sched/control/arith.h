/* SPDX-License-Identifier: Apache-2.0 */
/* Integer arithmetic that saturates: costs come from traces and from strangers' graphs, and no number in them
 * may wrap into a small one. Integers only, so that every machine computes the same. */
#ifndef HDI_ARITH_H
#define HDI_ARITH_H

#include <stdint.h>

/* Longest duration that is accounted as such: 2^44 ns is almost five hours. Times a width of 16 bits it still
 * fits. */
#define HDI_NS_MAX ((uint64_t)1 << 44)
/* Largest cost parameter of a device: 2^40 ns for a MiB is 18 minutes. Keeps the products below in 64 bits.
 */
#define HDI_PARAM_MAX ((uint64_t)1 << 40)

static inline uint64_t hdi_add(uint64_t a, uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}
static inline uint64_t hdi_sub(uint64_t a, uint64_t b) {
  return a < b ? 0 : a - b;
}
static inline uint64_t hdi_mul(uint64_t a, uint64_t b) {
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}
static inline uint64_t hdi_min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}
static inline uint64_t hdi_max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/* bytes * ns_per_mib / 2^20, rounded down in two parts; ns_per_mib is at most HDI_PARAM_MAX. */
static inline uint64_t hdi_ns_of_bytes(uint64_t bytes, uint64_t ns_per_mib) {
  return hdi_add(hdi_mul(bytes >> 20, ns_per_mib), (bytes & 0xfffffu) * ns_per_mib >> 20);
}

/* flops * ns_per_mflop / 10^6, the same way. */
static inline uint64_t hdi_ns_of_flops(uint64_t flops, uint64_t ns_per_mflop) {
  return hdi_add(hdi_mul(flops / 1000000u, ns_per_mflop), flops % 1000000u * ns_per_mflop / 1000000u);
}

/* x * q16 / 2^16; q16 is at most 2^32. */
static inline uint64_t hdi_scale_q16(uint64_t x, uint64_t q16) {
  return hdi_add(hdi_mul(x >> 16, q16), (x & 0xffffu) * q16 >> 16);
}

#endif
