/* SPDX-License-Identifier: Apache-2.0 */
/* The AMX tiers, of products of bytes and of BF16: whether they are there, what must be done before they are
 * used, what they replace. */
#include <cpuid.h>
#include "cpu/x86/amx_config.h"
#include "cpu/x86/x86.h"
#include "kernel_shims/xstate.h"

/* ---- are they there ---- */

/* Source: Intel SDM volume 2, CPUID leaf 1Dh; volume 1, 13.3 (bits of XCR0). */
#define LEAF_TILES   0x1du
#define TILES_SAVED  (3u << 17) /* the configuration and the data */
#define OS_HAS_XSAVE (1u << 27)

static bool saves_tiles(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OS_HAS_XSAVE)) return false;
  __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return (a & TILES_SAVED) == TILES_SAVED;
}

static bool is_present(uint32_t products) {
  uint32_t a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !hdi_amx_offered(d, products)) return false;
  if (!saves_tiles() || !__get_cpuid_count(LEAF_TILES, 1, &a, &b, &c, &d)) return false;
  return b >> 16 >= HDI_TILES && (b & 0xffff) >= HDI_TILE_ROW && (c & 0xffff) >= HDI_TILE_ROWS;
}

bool hdi_amx_present(void) {
  return is_present(HDI_AMX_INT8);
}

bool hdi_amxbf16_present(void) {
  return is_present(HDI_AMX_INT8 | HDI_AMX_BF16);
}

/* ---- are they right ---- */

static const char *try_formats(const hd_format *formats, size_t count, const hdb_kernels *kernels) {
  for (size_t i = 0; i < count; i++)
    if (!hdi_amx_agrees(formats[i], kernels->dot[formats[i]]))
      return "its results are not those of portable C";
  return NULL;
}

const char *hdi_amx_begin(void) {
  static const hd_format formats[] = {HD_FORMAT_Q8_0, HD_FORMAT_Q4_0, HD_FORMAT_Q5_0, HD_FORMAT_Q4_K,
                                      HD_FORMAT_Q6_K};
  hdb_kernels kernels;
  if (!hdk_xstate_request(HDK_XSTATE_TILE_DATA)) return "the kernel does not lend the tiles";
  hdi_amx_replace(&kernels);
  return try_formats(formats, sizeof formats / sizeof *formats, &kernels);
}

const char *hdi_amxbf16_begin(void) {
  static const hd_format formats[] = {HD_FORMAT_BF16, HD_FORMAT_F16, HD_FORMAT_F32};
  hdb_kernels kernels;
  const char *why = hdi_amx_begin();
  if (why) return why;
  hdi_amxbf16_replace(&kernels);
  hdi_amxbf16_round_floats(&kernels);
  return try_formats(formats, sizeof formats / sizeof *formats, &kernels);
}

/* ---- what they replace ---- */

void hdi_amx_replace(hdb_kernels *kernels) {
  kernels->dot[HD_FORMAT_Q8_0] = hdi_amx_dot_q8_0;
  kernels->dot[HD_FORMAT_Q4_0] = hdi_amx_dot_q4_0;
  kernels->dot[HD_FORMAT_Q5_0] = hdi_amx_dot_q5_0;
  kernels->dot[HD_FORMAT_Q4_K] = hdi_amx_dot_q4_k;
  kernels->dot[HD_FORMAT_Q6_K] = hdi_amx_dot_q6_k;
}

void hdi_amxbf16_replace(hdb_kernels *kernels) {
  kernels->dot[HD_FORMAT_BF16] = hdi_amxbf16_dot_bf16;
}

void hdi_amxbf16_round_floats(hdb_kernels *kernels) {
  hdi_avx512bf16_round_floats(kernels);
  kernels->dot[HD_FORMAT_F16] = hdi_amxbf16_dot_f16;
  kernels->dot[HD_FORMAT_F32] = hdi_amxbf16_dot_f32;
}
