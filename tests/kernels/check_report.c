/* SPDX-License-Identifier: Apache-2.0 */
/* What the runner tells: lines for people, or one JSON object. Names and shapes are the program's own, so
 * that no text needs escaping. */
#include <stdio.h>
#include <string.h>
#include "check.h"
#include "bench/machine/machine.h"

/* What the machine can do at most; 0: not measured. Arithmetic of one core, by the instructions that are
 * used. */
static struct {
  double read[2]; /* by one thread, by two */
  double f32[HB_INSTRUCTIONS_COUNT], int8[HB_INSTRUCTIONS_COUNT], bf16[HB_INSTRUCTIONS_COUNT];
} limit;

static struct {
  bool json;
  uint32_t checked, figures;
} told;

/* Several times the last cache of any machine seen. */
#define READ_BYTES ((size_t)512 << 20)

static void measure_limits(void) {
  for (uint32_t i = 0; i < 2; i++)
    limit.read[i] = hb_machine_read(i + 1, READ_BYTES);
  for (uint32_t i = 0; i < HB_INSTRUCTIONS_COUNT; i++) {
    limit.f32[i] = hb_machine_peak(HB_ARITHMETIC_F32, (hb_instructions)i);
    limit.int8[i] = hb_machine_peak(HB_ARITHMETIC_INT8, (hb_instructions)i);
    limit.bf16[i] = hb_machine_peak(HB_ARITHMETIC_BF16, (hb_instructions)i);
  }
}

void check_report_begin(bool json, bool bench, uint64_t seed) {
  told.json = json;
  if (bench) measure_limits();
  if (json) {
    printf("{\"schema\": \"heddle.bench-kernels/1\", \"seed\": %llu", (unsigned long long)seed);
    if (bench)
      printf(
          ",\n\"machine\": {\"read_gb_per_s\": %.2f, \"read_2_threads_gb_per_s\": %.2f, \"f32_gop_per_s\": "
          "%.1f, \"int8_gop_per_s\": %.1f, \"f32_wide_gop_per_s\": %.1f, \"int8_wide_gop_per_s\": %.1f, "
          "\"bf16_gop_per_s\": %.1f}",
          limit.read[0], limit.read[1], limit.f32[0], limit.int8[0], limit.f32[1], limit.int8[1],
          limit.bf16[HB_INSTRUCTIONS_BEST]);
    printf(",\n\"results\": [");
    return;
  }
  printf("seed %llu\n", (unsigned long long)seed);
  if (bench)
    printf("machine: one thread reads %.1f GB/s, two %.1f; one core does %.0f Gop/s in float, %.0f in int8; "
           "in its "
           "widest registers %.0f and %.0f\n",
           limit.read[0], limit.read[1], limit.f32[0], limit.int8[0], limit.f32[1], limit.int8[1]);
  if (bench && limit.bf16[HB_INSTRUCTIONS_BEST] > 0)
    printf("machine: one core does %.0f Gop/s of pairs of BF16\n", limit.bf16[HB_INSTRUCTIONS_BEST]);
  if (bench && limit.int8[HB_INSTRUCTIONS_TILES] > 0)
    printf("machine: one core does %.0f Gop/s of bytes in tiles, %.0f of BF16\n",
           limit.int8[HB_INSTRUCTIONS_TILES], limit.bf16[HB_INSTRUCTIONS_TILES]);
}

/* With what a tier computes. */
static hb_instructions instructions_of(const char *tier, check_unit unit) {
  const bool bf16_tiles = strcmp(tier, "amxbf16") == 0, tiles = bf16_tiles || strcmp(tier, "amx") == 0;
  if (unit == CHECK_UNIT_INT8 ? tiles : unit == CHECK_UNIT_BF16 && bf16_tiles) return HB_INSTRUCTIONS_TILES;
  if (tiles) return HB_INSTRUCTIONS_BEST;
  if (strncmp(tier, "avx512", 6) == 0) return HB_INSTRUCTIONS_BEST;
  return strcmp(tier, "avxvnni") == 0 ? HB_INSTRUCTIONS_AVXVNNI : HB_INSTRUCTIONS_AVX2;
}

static double peak_of(const char *tier, check_unit unit) {
  hb_instructions with = instructions_of(tier, unit);
  if (unit == CHECK_UNIT_BF16) return limit.bf16[with];
  return unit == CHECK_UNIT_INT8 ? limit.int8[with] : limit.f32[with];
}

/* The fraction of what the tier can reach at most on so many threads; 0: it has no meaning. */
static double fraction(const check_run *run, const check_figure *figure, double ns, int threads) {
  double most = peak_of(run->tier->name, figure->unit);
  if (ns <= 0) return 0;
  if (figure->is_streamed)
    return limit.read[threads - 1] > 0 ? figure->bytes / ns / limit.read[threads - 1] : 0;
  return most > 0 ? figure->operations / ns / most / threads : 0;
}

static void print_number(const char *key, double value) {
  if (value > 0) printf(", \"%s\": %.6g", key, value);
}

static void begin_entry(const check_run *run) {
  printf("%s\n{\"tier\": \"%s\", \"kernel\": \"%s\"", told.checked + told.figures > 0 ? "," : "",
         run->tier->name, run->kernel);
}

static const char *unit_key(check_unit unit) {
  static const char *const keys[CHECK_UNITS] = {"f32", "int8", "bf16"};
  return keys[unit];
}

static void figure_json(const check_run *run, const check_figure *figure) {
  begin_entry(run);
  printf(", \"shape\": \"%s\"", figure->what);
  print_number("ns", figure->ns);
  print_number("ns_2_threads", figure->both_ns);
  print_number("gb_per_s", figure->bytes / figure->ns);
  print_number("gop_per_s", figure->operations / figure->ns);
  if (figure->is_streamed || figure->operations > 0) {
    printf(", \"of\": \"%s\"", figure->is_streamed ? "read" : unit_key(figure->unit));
    print_number("of_peak", fraction(run, figure, figure->ns, 1));
    print_number("of_peak_2_threads", fraction(run, figure, figure->both_ns, 2));
  }
  printf("}");
}

static void figure_line(const check_run *run, const check_figure *figure) {
  double one = fraction(run, figure, figure->ns, 1), two = fraction(run, figure, figure->both_ns, 2);
  printf("%-8s %-14s %-26s %12.1f ns", run->tier->name, run->kernel, figure->what, figure->ns);
  if (figure->bytes > 0) printf(" %8.2f GB/s", figure->bytes / figure->ns);
  if (figure->operations > 0) printf(" %8.2f Gop/s", figure->operations / figure->ns);
  if (one > 0)
    printf(" %4.0f %% of %s", 100 * one,
           figure->is_streamed              ? "reading"
           : figure->unit == CHECK_UNIT_F32 ? "float"
                                            : unit_key(figure->unit));
  if (figure->both_ns > 0) printf("; two threads x %.2f", figure->ns / figure->both_ns);
  if (two > 0) printf(", %.0f %%", 100 * two);
  printf("\n");
}

void check_report_figure(const check_run *run, const check_figure *figure) {
  if (told.json)
    figure_json(run, figure);
  else
    figure_line(run, figure);
  told.figures++;
}

void check_report(const check_run *run, const char *what, double ns, double bytes, double operations) {
  check_report_figure(run, &(check_figure){.what = what, .ns = ns, .bytes = bytes, .operations = operations});
}

void check_report_checked(const check_run *run) {
  if (told.json) {
    begin_entry(run);
    printf(", \"agrees\": %s}", run->failed ? "false" : "true");
  }
  told.checked++;
}

void check_report_tier(const char *name, uint32_t checked) {
  if (!told.json) printf("%s: %u kernels checked\n", name, checked);
}

void check_report_end(void) {
  if (told.json) printf("\n]}\n");
}
