/* SPDX-License-Identifier: Apache-2.0 */
/* check_kernels [--seed N] [--tier NAME] [--kernel TEXT] [--format NAME] [--bench] [--json]: see check.h.
 * Exit: 0 all agree, 1 not, 2 usage. `heddle bench --kernels` is this program with --bench. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "check.h"
#include "cpu/tiers.h"

enum { ROUNDS = 40, PARTS = 4 };

typedef struct check_options {
  uint64_t seed;
  const char *tier, *kernel, *format;
  bool bench, json;
} check_options;

void check_fail(check_run *run, const char *format, ...) {
  va_list args;
  if (!run->failed) {
    fprintf(stderr, "%s %s: ", run->tier->name, run->kernel);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
  }
  run->failed = true;
}

static bool is_wanted(const char *kernel, const check_options *options) {
  if (options->kernel && !strstr(kernel, options->kernel)) return false;
  if (!options->format) return true;
  return strncmp(kernel, "dot_", 4) == 0 && strcasecmp(kernel + 4, options->format) == 0;
}

/* Checks and times one tier; returns how many kernels failed, and adds the checked ones to *out_checked. */
static uint32_t run_tier(const hdb_kernels *tier, const check_options *options, uint32_t *out_checked) {
  static const check_part *const parts[PARTS] = {&check_dots, &check_quantise, &check_rows, &check_attention};
  uint32_t failed = 0;
  for (int p = 0; p < PARTS; p++)
    for (uint32_t i = 0; i < parts[p]->count; i++) {
      check_run run = {
          .rng = {options->seed}, .tier = tier, .c = hdb_kernels_c(), .kernel = parts[p]->name(i)};
      bool own = strcmp(tier->name, run.c->name) == 0 || parts[p]->replaced(tier, run.c, i);
      if (!own || !is_wanted(run.kernel, options)) continue;
      for (int round = 0; round < ROUNDS; round++)
        parts[p]->check(&run, i);
      *out_checked += 1;
      failed += run.failed;
      check_report_checked(&run);
      if (options->bench) parts[p]->bench(&run, i);
    }
  return failed;
}

static bool parse(int argc, char **argv, check_options *out) {
  *out = (check_options){.seed = (uint64_t)time(NULL)};
  for (int i = 1; i < argc; i++) {
    bool has_value = i + 1 < argc;
    if (strcmp(argv[i], "--bench") == 0)
      out->bench = true;
    else if (strcmp(argv[i], "--json") == 0)
      out->json = true;
    else if (strcmp(argv[i], "--format") == 0 && has_value)
      out->format = argv[++i];
    else if (strcmp(argv[i], "--seed") == 0 && has_value)
      out->seed = strtoull(argv[++i], NULL, 0);
    else if (strcmp(argv[i], "--tier") == 0 && has_value)
      out->tier = argv[++i];
    else if (strcmp(argv[i], "--kernel") == 0 && has_value)
      out->kernel = argv[++i];
    else
      return false;
  }
  return true;
}

int main(int argc, char **argv) {
  check_options options;
  uint32_t failed = 0, total = 0;
  if (!parse(argc, argv, &options)) {
    fprintf(
        stderr,
        "usage: check_kernels [--seed N] [--tier NAME] [--kernel TEXT] [--format NAME] [--bench] [--json]\n");
    return 2;
  }
  check_report_begin(options.json, options.bench, options.seed);
  for (uint32_t t = 0; t < HDI_TIER_COUNT; t++) {
    hdb_kernels tier;
    uint32_t checked = 0;
    if (options.tier && strcmp(options.tier, hdi_tier_name((hdi_tier)t)) != 0) continue;
    const char *why = hdi_tier_usable((hdi_tier)t) ? hdi_tier_begin((hdi_tier)t) : "this machine lacks it";
    if (why) {
      fprintf(stderr, "%s: skipped, %s\n", hdi_tier_name((hdi_tier)t), why);
      continue;
    }
    hdi_tier_kernels((hdi_tier)t, &tier);
    failed += run_tier(&tier, &options, &checked);
    total += checked;
    check_report_tier(tier.name, checked);
  }
  check_report_end();
  if (total == 0) fprintf(stderr, "check_kernels: no kernel of this machine matches\n");
  return failed > 0 || total == 0 ? 1 : 0;
}
