/* SPDX-License-Identifier: Apache-2.0 */
/* The byte form of a trace file: little-endian whatever the machine is. Layout: see heddle/trace.h. */
#ifndef TRACES_BYTES_H
#define TRACES_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include "heddle/record.h"

#define HDI_TRACE_MAGIC        "hdtrace\n"
#define HDI_TRACE_MAGIC_BYTES  8u
#define HDI_TRACE_HEADER_BYTES 32u /* magic, u32 version, u32 bytes per record, u64 wall clock, u64 0 */
#define HDI_TRACE_CHUNK_BYTES  8u  /* u32 ring, u32 count */
#define HDI_TRACE_RECORD_BYTES 40u

/* Bounds on a chunk's fields: far above what a writer makes, low enough that nonsense is told from a cut
 * file. */
#define HDI_TRACE_RINGS_MAX 65536u
#define HDI_TRACE_COUNT_MAX (1u << 24)

_Static_assert(sizeof(hd_record) == HDI_TRACE_RECORD_BYTES, "records are compared byte by byte: no padding");

static inline void hdi_put_u16(uint8_t *at, uint16_t x) {
  at[0] = (uint8_t)(x & 0xffu);
  at[1] = (uint8_t)(x >> 8);
}
static inline void hdi_put_u32(uint8_t *at, uint32_t x) {
  hdi_put_u16(at, (uint16_t)(x & 0xffffu));
  hdi_put_u16(at + 2, (uint16_t)(x >> 16));
}
static inline void hdi_put_u64(uint8_t *at, uint64_t x) {
  hdi_put_u32(at, (uint32_t)(x & 0xffffffffu));
  hdi_put_u32(at + 4, (uint32_t)(x >> 32));
}
static inline uint16_t hdi_get_u16(const uint8_t *at) {
  return (uint16_t)(at[0] | at[1] << 8);
}
static inline uint32_t hdi_get_u32(const uint8_t *at) {
  return (uint32_t)hdi_get_u16(at) | (uint32_t)hdi_get_u16(at + 2) << 16;
}
static inline uint64_t hdi_get_u64(const uint8_t *at) {
  return (uint64_t)hdi_get_u32(at) | (uint64_t)hdi_get_u32(at + 4) << 32;
}

static inline void hdi_put_record(uint8_t *at, const hd_record *r) {
  hdi_put_u64(at, r->t_ns);
  hdi_put_u32(at + 8, r->seq);
  hdi_put_u16(at + 12, r->kind);
  hdi_put_u16(at + 14, r->device);
  hdi_put_u32(at + 16, r->request);
  hdi_put_u32(at + 20, r->step);
  hdi_put_u64(at + 24, r->a);
  hdi_put_u64(at + 32, r->b);
}
static inline void hdi_get_record(const uint8_t *at, hd_record *out) {
  out->t_ns = hdi_get_u64(at);
  out->seq = hdi_get_u32(at + 8);
  out->kind = hdi_get_u16(at + 12);
  out->device = hdi_get_u16(at + 14);
  out->request = hdi_get_u32(at + 16);
  out->step = hdi_get_u32(at + 20);
  out->a = hdi_get_u64(at + 24);
  out->b = hdi_get_u64(at + 32);
}

#endif
