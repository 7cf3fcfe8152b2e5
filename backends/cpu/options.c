/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the cpu backend: "tier=NAME" forces a tier, for tests and benches; "floats=bf16" lets F16 and
 * F32 matrices be multiplied as BF16 where the tier has instructions for it: twice as many products, three of
 * eleven (sixteen of 24) bits of each weight lost, and results that other machines do not give. */
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
                 "cpu: unknown tier '%.*s' (c, avx2, avxvnni, avx512, avx512bf16, amx, amxbf16, neon, "
                 "dotprod, i8mm)",
                 length, name);
}

static hd_status parse_floats(const char *name, int length, bool *out_is_bf16, hd_error *out_error) {
  static const char only[] = "bf16";
  if ((size_t)length != sizeof only - 1 || memcmp(name, only, sizeof only - 1) != 0)
    return hd_fail(out_error, HD_E_FORMAT,
                   "cpu: floats are multiplied as they are, or as bf16, not as '%.*s'", length, name);
  *out_is_bf16 = true;
  return HD_OK;
}

/* What follows `key` in an option of `length` bytes; NULL: it is another one. */
static const char *value_of(const char *option, size_t length, const char *key, int *out_length) {
  size_t skip = strlen(key);
  if (length < skip || memcmp(option, key, skip) != 0) return NULL;
  *out_length = (int)(length - skip < 80 ? length - skip : 80);
  return option + skip;
}

hd_status hdi_cpu_options_parse(const hd_host *host, const char *text, hdi_cpu_options *out_options,
                                hd_error *out_error) {
  hdi_cpu_options options = {.tier = HDI_TIER_COUNT};
  for (const char *at = text; at && *at;) {
    hd_status status;
    const char *value;
    int value_length;
    size_t length = strcspn(at, ";");
    if ((value = value_of(at, length, "tier=", &value_length)) != NULL)
      status = parse_tier(value, value_length, &options.tier, out_error);
    else if ((value = value_of(at, length, "floats=", &value_length)) != NULL)
      status = parse_floats(value, value_length, &options.floats_are_bf16, out_error);
    else
      status = hd_fail(out_error, HD_E_FORMAT, "cpu: unknown option '%.*s' (tier=NAME, floats=bf16)",
                       (int)(length < 80 ? length : 80), at);
    if (status != HD_OK) return status;
    at += length + (at[length] == ';');
  }
  if (options.tier == HDI_TIER_COUNT) options.tier = hdi_tier_best(host);
  *out_options = options;
  return HD_OK;
}
