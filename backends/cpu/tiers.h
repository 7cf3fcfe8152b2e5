/* SPDX-License-Identifier: Apache-2.0 */
/* Tiers of kernels: sets of instructions, chosen at run time by what CPU and operating system offer. */
#ifndef HEDDLE_BACKENDS_CPU_TIERS_H
#define HEDDLE_BACKENDS_CPU_TIERS_H

#include <stdbool.h>
#include "common/kernels.h"
#include "heddle/host.h"

/* Best last. There is no tier of SME (it would come after i8mm, with bit 23 of AT_HWCAP2): gcc 12 refuses
 * +sme, and clang 14 assembles it but has neither its intrinsics nor functions in streaming mode. Assembly
 * would do, as binutils 2.40 knows the instructions and QEMU 7.2 runs them, but how fast they are nothing
 * here can tell, not even a count: one SMOPA is 64 to 1,024 products by the width, on a unit that cores may
 * share. Unmeasured it must not be what a phone gets by default. */
typedef enum hdi_tier {
  HDI_TIER_C,
  HDI_TIER_AVX2,       /* AVX2, FMA, F16C */
  HDI_TIER_AVXVNNI,    /* and AVX-VNNI: its 256-bit VPDPBUSD without AVX-512 */
  HDI_TIER_AVX512,     /* AVX-512 F, BW, DQ, VL, VNNI */
  HDI_TIER_AVX512BF16, /* and AVX512-BF16 */
  HDI_TIER_AMX,        /* avx512bf16 with tiles of bytes */
  HDI_TIER_AMXBF16,    /* and tiles of BF16 */
  HDI_TIER_NEON,       /* aarch64's baseline */
  HDI_TIER_DOTPROD,    /* NEON with SDOT */
  HDI_TIER_I8MM,       /* dotprod with SMMLA */
  HDI_TIER_COUNT
} hdi_tier;

/* "c", "avx2" ... as the option says it; NULL outside the enum. */
const char *hdi_tier_name(hdi_tier tier);
/* Compiled in, and this machine runs it. */
bool hdi_tier_usable(hdi_tier tier);
/* Does what must be done once in a process before the kernels of a usable tier run: asks the kernel, checks
 * the CPU's results. NULL: done; otherwise why the tier cannot be used, in words (static). Again does no
 * harm. Threads: any. */
const char *hdi_tier_begin(hdi_tier tier);
/* The last usable one that could begin. What could not is told to the host's log; `host` may be NULL. */
hdi_tier hdi_tier_best(const hd_host *host);
/* Writes the tier's table: the portable one with what the tier does faster. The tier is usable, and
 * has begun before any of it is called. */
void hdi_tier_kernels(hdi_tier tier, hdb_kernels *out_kernels);
/* Makes that table multiply F16 and F32 rows as BF16, rounded to nearest. Where the tier has no instructions
 * for BF16 nothing changes, which is told to the host's log; `host` may be NULL. */
void hdi_tier_round_floats(hdi_tier tier, const hd_host *host, hdb_kernels *kernels);

#endif
