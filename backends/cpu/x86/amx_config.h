/* SPDX-License-Identifier: Apache-2.0 */
/* Which products of tiles a processor offers, and the 64 bytes that tell how many rows and bytes a row each
 * tile has. Source: Intel SDM volume 2, CPUID leaf 7; volume 1, 18.3. */
#ifndef HEDDLE_BACKENDS_CPU_X86_AMX_CONFIG_H
#define HEDDLE_BACKENDS_CPU_X86_AMX_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* Bits of EDX: products of BF16 and of bytes, and the tiles themselves. */
#define HDI_AMX_BF16 (1u << 22)
#define HDI_AMX_TILE (1u << 24)
#define HDI_AMX_INT8 (1u << 25)

/* Whether a processor whose leaf 7 gives `edx` has tiles and all of `products`. */
static inline bool hdi_amx_offered(uint32_t edx, uint32_t products) {
  return (~edx & (HDI_AMX_TILE | products)) == 0;
}

#define HDI_TILES     8u
#define HDI_TILE_ROWS 16u
#define HDI_TILE_ROW  64u /* bytes */

typedef struct hdi_tile_config {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} hdi_tile_config;
_Static_assert(sizeof(hdi_tile_config) == 64, "as LDTILECFG reads it");

/* Tiles begin .. end - 1. */
static inline void hdi_tile_config_set(hdi_tile_config *config, uint32_t begin, uint32_t end, uint32_t rows,
                                       uint32_t row_bytes) {
  for (config->palette = 1; begin < end; begin++) {
    config->rows[begin] = (uint8_t)rows;
    config->row_bytes[begin] = (uint16_t)row_bytes;
  }
}

#endif
