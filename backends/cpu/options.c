/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the cpu backend: "tier=NAME" forces a tier, for tests and benches. */
#include <stdio.h>
#include <string.h>
#include "cpu/cpu.h"

static hd_status parse_tier(const char *name, int length, hdi_tier *out_tier, hd_error *out_error) {
  for (uint32_t t = 0; t < HDI_TIER_COUNT; t++) {
    const char *tier = hdi_tier_name((hdi_tier)t);
    if (strlen(tier) != (size_t)length || memcmp(tier, name, (size_t)length) != 0) continue;
    if (!hdi_tier_usable((hdi_tier)t))
      return hd_fail(out_error, HD_E_UNSUPPORTED, "cpu: this machine does not run tier %s", tier);
    const char *why = hdi_tier_begin((hdi_tier)t);
    if (why) return hd_fail(out_error, HD_E_UNSUPPORTED, "cpu: tier %s: %s", tier, why);
    *out_tier = (hdi_tier)t;
    return HD_OK;
  }
  return hd_fail(out_error, HD_E_FORMAT,
                 "cpu: unknown tier '%.*s' (c, avx2, avxvnni, avx512, amx, neon, dotprod, i8mm)", length,
                 name);
}

hd_status hdi_cpu_options_parse(const hd_host *host, const char *text, hdi_cpu_options *out_options,
                                hd_error *out_error) {
  static const char key[] = "tier=";
  hdi_cpu_options options = {.tier = HDI_TIER_COUNT};
  for (const char *at = text; at && *at;) {
    size_t length = strcspn(at, ";");
    if (strncmp(at, key, sizeof key - 1) != 0)
      return hd_fail(out_error, HD_E_FORMAT, "cpu: unknown option '%.*s' (tier=NAME)",
                     (int)(length < 80 ? length : 80), at);
    size_t skip = sizeof key - 1;
    hd_status status =
        parse_tier(at + skip, (int)(length - skip < 80 ? length - skip : 80), &options.tier, out_error);
    if (status != HD_OK) return status;
    at += length + (at[length] == ';');
  }
  if (options.tier == HDI_TIER_COUNT) options.tier = hdi_tier_best(host);
  *out_options = options;
  return HD_OK;
}
