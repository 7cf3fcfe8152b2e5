/* SPDX-License-Identifier: Apache-2.0 */
/* Which tiers there are, and which this machine runs. A tier builds on the one before it of its architecture.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include "cpu/tiers.h"
#if defined(__x86_64__)
#include <cpuid.h>
#include "cpu/x86/x86.h"
#elif defined(__aarch64__)
#include <sys/auxv.h>
#include "cpu/arm/arm.h"
#endif

static void keep(hdb_kernels *kernels) {
  (void)kernels;
}

static bool always(void) {
  return true;
}

#if defined(__x86_64__)
/* __builtin_cpu_supports asks cpuid and, for what needs wider registers, whether the system saves them
 * (xgetbv). */
static bool has_avx2(void) {
  uint32_t a, b, c, d; /* not every compiler's builtin knows F16C */
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __get_cpuid(1, &a, &b, &c, &d) &&
         (c & bit_F16C) != 0;
}

static bool has_avxvnni(void) {
  uint32_t a, b, c,
      d; /* leaf 7, part 1: bit 4 of EAX. Source: Intel's instruction set extensions reference */
  return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4) != 0;
}

static bool has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

static bool has_avx512bf16(void) {
  uint32_t a, b, c, d; /* leaf 7, part 1: bit 5 of EAX */
  return has_avx512() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5) != 0;
}

static bool has_amx(void) {
  return has_avx512bf16() && hdi_amx_present();
}

static bool has_amxbf16(void) {
  return has_avx512bf16() && hdi_amxbf16_present();
}
#elif defined(__aarch64__)
/* Bits of AT_HWCAP and AT_HWCAP2 on aarch64. Source: Linux, arch/arm64/include/uapi/asm/hwcap.h. */
#define CAP_ASIMDDP (1ul << 20)
#define CAP2_I8MM   (1ul << 13)

static bool has_dotprod(void) {
  return (getauxval(AT_HWCAP) & CAP_ASIMDDP) != 0;
}

static bool has_i8mm(void) {
  return has_dotprod() && (getauxval(AT_HWCAP2) & CAP2_I8MM) != 0;
}
#endif

typedef struct tier_info {
  const char *name;
  hdi_tier base;                              /* itself: none */
  bool (*usable)(void);                       /* NULL: not of this architecture */
  void (*replace)(hdb_kernels *kernels);      /* what it does faster than its base */
  const char *(*begin)(void);                 /* NULL: nothing to do */
  void (*round_floats)(hdb_kernels *kernels); /* NULL: what its base does */
} tier_info;

static const tier_info tiers[HDI_TIER_COUNT] = {
    [HDI_TIER_C] = {"c", HDI_TIER_C, always, keep, NULL, NULL},
#if defined(__x86_64__)
    [HDI_TIER_AVX2] = {"avx2", HDI_TIER_C, has_avx2, hdi_avx2_replace, NULL, NULL},
    [HDI_TIER_AVXVNNI] = {"avxvnni", HDI_TIER_AVX2, has_avxvnni, hdi_avxvnni_replace, NULL, NULL},
    [HDI_TIER_AVX512] = {"avx512", HDI_TIER_AVX2, has_avx512, hdi_avx512_replace, NULL, NULL},
    [HDI_TIER_AVX512BF16] = {"avx512bf16", HDI_TIER_AVX512, has_avx512bf16, hdi_avx512bf16_replace, NULL,
                             hdi_avx512bf16_round_floats},
    [HDI_TIER_AMX] = {"amx", HDI_TIER_AVX512BF16, has_amx, hdi_amx_replace, hdi_amx_begin, NULL},
    [HDI_TIER_AMXBF16] = {"amxbf16", HDI_TIER_AMX, has_amxbf16, hdi_amxbf16_replace, hdi_amxbf16_begin,
                          hdi_amxbf16_round_floats},
#else
    [HDI_TIER_AVX2] = {"avx2", HDI_TIER_C, NULL, NULL, NULL, NULL},
    [HDI_TIER_AVXVNNI] = {"avxvnni", HDI_TIER_AVX2, NULL, NULL, NULL, NULL},
    [HDI_TIER_AVX512] = {"avx512", HDI_TIER_AVX2, NULL, NULL, NULL, NULL},
    [HDI_TIER_AVX512BF16] = {"avx512bf16", HDI_TIER_AVX512, NULL, NULL, NULL, NULL},
    [HDI_TIER_AMX] = {"amx", HDI_TIER_AVX512BF16, NULL, NULL, NULL, NULL},
    [HDI_TIER_AMXBF16] = {"amxbf16", HDI_TIER_AMX, NULL, NULL, NULL, NULL},
#endif
#if defined(__aarch64__)
    [HDI_TIER_NEON] = {"neon", HDI_TIER_C, always, hdi_neon_replace, NULL, NULL},
    [HDI_TIER_DOTPROD] = {"dotprod", HDI_TIER_NEON, has_dotprod, hdi_dotprod_replace, NULL, NULL},
    [HDI_TIER_I8MM] = {"i8mm", HDI_TIER_DOTPROD, has_i8mm, hdi_i8mm_replace, NULL, NULL},
#else
    [HDI_TIER_NEON] = {"neon", HDI_TIER_C, NULL, NULL, NULL, NULL},
    [HDI_TIER_DOTPROD] = {"dotprod", HDI_TIER_NEON, NULL, NULL, NULL, NULL},
    [HDI_TIER_I8MM] = {"i8mm", HDI_TIER_DOTPROD, NULL, NULL, NULL, NULL},
#endif
};

const char *hdi_tier_name(hdi_tier tier) {
  return (uint32_t)tier < HDI_TIER_COUNT ? tiers[tier].name : NULL;
}

bool hdi_tier_usable(hdi_tier tier) {
  return (uint32_t)tier < HDI_TIER_COUNT && tiers[tier].usable && tiers[tier].usable();
}

const char *hdi_tier_begin(hdi_tier tier) {
  return tiers[tier].begin ? tiers[tier].begin() : NULL;
}

__attribute__((format(printf, 2, 3))) static void say(const hd_host *host, const char *format, ...) {
  char line[160];
  va_list args;
  if (!host || !host->log) return;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  host->log(host->ctx, HD_LOG_WARNING, line);
}

hdi_tier hdi_tier_best(const hd_host *host) {
  for (uint32_t t = HDI_TIER_COUNT - 1; t > HDI_TIER_C; t--) {
    if (!hdi_tier_usable((hdi_tier)t)) continue;
    const char *why = hdi_tier_begin((hdi_tier)t);
    if (!why) return (hdi_tier)t;
    say(host, "cpu: tier %s is not used: %s", tiers[t].name, why);
  }
  return HDI_TIER_C;
}

void hdi_tier_kernels(hdi_tier tier, hdb_kernels *out_kernels) {
  if (tiers[tier].base == tier)
    *out_kernels = *hdb_kernels_c();
  else
    hdi_tier_kernels(tiers[tier].base, out_kernels);
  tiers[tier].replace(out_kernels);
  out_kernels->name = tiers[tier].name;
}

void hdi_tier_round_floats(hdi_tier tier, const hd_host *host, hdb_kernels *kernels) {
  hdi_tier t = tier;
  while (!tiers[t].round_floats && tiers[t].base != t)
    t = tiers[t].base;
  if (tiers[t].round_floats)
    tiers[t].round_floats(kernels);
  else
    say(host, "cpu: floats=bf16 changes nothing: tier %s has no products of BF16", tiers[tier].name);
}
