/* SPDX-License-Identifier: Apache-2.0 */
/* check_kernels [--seed N] [--tier NAME] [--kernel TEXT] [--bench]: see check.h. Exit: 0 all agree, 1 not, 2
 * usage. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "check.h"
#include "cpu/tiers.h"

enum { ROUNDS = 40, PARTS = 4 };

typedef struct check_options {
  uint64_t seed;
  const char *tier, *kernel;
  bool bench;
} check_options;

void check_fail(check_run *run, const char *format, ...) {
  va_list args;
  if (!run->failed) {
    printf("%s %s: ", run->tier->name, run->kernel);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
  }
  run->failed = true;
}

static double now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

double check_time_ns(void (*fn)(void *arg), void *arg) {
  double best = 1e30, begin = now_ns();
  fn(arg);
  double once = now_ns() - begin;
  uint32_t calls = once > 2e6 ? 1 : (uint32_t)(2e6 / (once + 1)) + 1;
  for (int round = 0; round < 9; round++) {
    begin = now_ns();
    for (uint32_t i = 0; i < calls; i++)
      fn(arg);
    double ns = (now_ns() - begin) / calls;
    best = ns < best ? ns : best;
  }
  return best;
}

/* What the machine can do at most, one thread; 0: not known. */
static struct { double read, f32, int8; } limit;

#ifdef CHECK_HAS_MACHINE
#include "bench/machine/machine.h"

static void measure_limits(void) {
  const size_t bytes = (size_t)512 << 20;
  limit.read = hb_machine_read(1, bytes);
  limit.f32 = hb_machine_peak(HB_ARITHMETIC_F32, 1);
  limit.int8 = hb_machine_peak(HB_ARITHMETIC_INT8, 1);
  printf("machine: one thread reads %.1f GB/s, two %.1f; %.0f Gop/s in float, %.0f in int8\n", limit.read,
         hb_machine_read(2, bytes), limit.f32, limit.int8);
}
#else
static void measure_limits(void) {}
#endif

void check_report_figure(const check_run *run, const check_figure *figure) {
  double peak = figure->is_int8 ? limit.int8 : limit.f32;
  printf("%-8s %-12s %-26s %12.1f ns", run->tier->name, run->kernel, figure->what, figure->ns);
  if (figure->bytes > 0) printf(" %8.2f GB/s", figure->bytes / figure->ns);
  if (figure->is_streamed && limit.read > 0)
    printf(" (%.0f %%)", 100.0 * figure->bytes / figure->ns / limit.read);
  if (figure->operations > 0) printf(" %8.2f Gop/s", figure->operations / figure->ns);
  if (figure->operations > 0 && !figure->is_streamed && peak > 0)
    printf(" (%.0f %%)", 100.0 * figure->operations / figure->ns / peak);
  printf("\n");
}

void check_report(const check_run *run, const char *what, double ns, double bytes, double operations) {
  check_report_figure(run, &(check_figure){.what = what, .ns = ns, .bytes = bytes, .operations = operations});
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
      if (!own || (options->kernel && !strstr(run.kernel, options->kernel))) continue;
      for (int round = 0; round < ROUNDS; round++)
        parts[p]->check(&run, i);
      *out_checked += 1;
      failed += run.failed;
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
    fprintf(stderr, "usage: check_kernels [--seed N] [--tier NAME] [--kernel TEXT] [--bench]\n");
    return 2;
  }
  printf("seed %llu\n", (unsigned long long)options.seed);
  if (options.bench) measure_limits();
  for (uint32_t t = 0; t < HDI_TIER_COUNT; t++) {
    hdb_kernels tier;
    uint32_t checked = 0;
    if (!hdi_tier_usable((hdi_tier)t)) continue;
    if (options.tier && strcmp(options.tier, hdi_tier_name((hdi_tier)t)) != 0) continue;
    hdi_tier_kernels((hdi_tier)t, &tier);
    failed += run_tier(&tier, &options, &checked);
    total += checked;
    printf("%s: %u kernels checked\n", tier.name, checked);
  }
  if (total == 0) printf("nothing matches\n");
  return failed > 0 || total == 0 ? 1 : 0;
}
