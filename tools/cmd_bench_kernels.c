/* SPDX-License-Identifier: Apache-2.0 */
/* heddle bench --kernels: the program that checks every kernel of every tier against portable C and times it
 * as a fraction of what the machine can do. It is the test suite's own runner, so that a figure stands beside
 * a result that was checked; the command finds it and hands it its streams. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "command.h"
#include "console.h"

/* Where it may lie, seen from the command's own folder: in a build folder, and installed. */
static const char *const places[] = {"../tests/kernels/check_kernels", "heddle-bench-kernels",
                                     "../libexec/heddle/heddle-bench-kernels"};

typedef struct kernels_args {
  bool kernels; /* --kernels itself */
  const char *tier, *format, *kernel;
  uint64_t seed;
  bool seed_given, quiet;
  hdt_output_args output;
} kernels_args;

static bool parse(kernels_args *args, int argc, char **argv, hdt_exit *out_exit) {
  const hdt_option what[] = {
      {.name = "kernels", .kind = HDT_OPTION_FLAG, .target = &args->kernels, .help = "this benchmark"},
      {.name = "tier",
       .argument = "NAME",
       .kind = HDT_OPTION_TEXT,
       .target = &args->tier,
       .help = "kernels of this set of instructions alone: c, avx2, avx512, neon, dotprod ...\n"
               "(default: all that this machine runs)"},
      {.name = "format",
       .argument = "NAME",
       .kind = HDT_OPTION_TEXT,
       .target = &args->format,
       .help = "dot products of weights in this format alone: q8_0, q4_k, f16 ..."},
      {.name = "kernel",
       .argument = "TEXT",
       .kind = HDT_OPTION_TEXT,
       .target = &args->kernel,
       .help = "kernels with this in their names alone: dot_, attend, quantise ..."},
      {.name = "seed",
       .argument = "N",
       .kind = HDT_OPTION_U64,
       .target = &args->seed,
       .given = &args->seed_given,
       .help = "of the random shapes and values (default: another each time; it is printed)"}};
  hdt_option output[HDT_OUTPUT_OPTIONS + 1];
  hdt_output_options(&args->output, output);
  output[HDT_OUTPUT_OPTIONS] =
      hdt_quiet_option(&args->quiet, "accepted, as by every benchmark; there is no progress bar");
  const hdt_option_group groups[] = {{"What to measure", what, sizeof(what) / sizeof(what[0])},
                                     {"Output", output, HDT_OUTPUT_OPTIONS + 1}};
  const hdt_usage usage = {
      .command = "bench",
      .synopsis = "--kernels [OPTION...]",
      .summary =
          "Checks every kernel of every tier that this machine runs against portable C on random shapes, "
          "and\n"
          "times it: decode (one token, streamed from memory) as a fraction of the read bandwidth, prefill\n"
          "(128 and 512 tokens) as a fraction of the tier's peak arithmetic, both measured in the same run.",
      .groups = groups,
      .group_count = 2,
      .notes = "  Bounds: dots of quantised weights 2^-23 of the sum of magnitudes (bits where sums are "
               "whole), of\n"
               "  float weights 2^-18; quantisation, row and attention kernels to the bit. Status 1: one "
               "disagrees.\n"
               "  'two threads x R': how much faster two threads do it that share the rows.\n"
               "  The program is built with the test suite.",
      .examples = "  heddle bench --kernels\n"
                  "  heddle bench --kernels --tier avx2 --format q4_0\n"
                  "  heddle bench --kernels --json"};
  return hdt_options_parse(&usage, argc, argv, NULL, out_exit);
}

static bool find(char *path, size_t size) {
  char base[512];
  ssize_t length = readlink("/proc/self/exe", base, sizeof(base) - 1);
  if (length <= 0) return false;
  base[length] = '\0';
  char *slash = strrchr(base, '/');
  if (slash != NULL) *slash = '\0';
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    int written = snprintf(path, size, "%s/%s", base, places[i]);
    if (written > 0 && (size_t)written < size && access(path, X_OK) == 0) return true;
  }
  return false;
}

static void add(char **words, size_t *count, const char *option, const char *value) {
  if (value == NULL) return;
  words[(*count)++] = (char *)(uintptr_t)option; /* execv takes them without writing to them */
  words[(*count)++] = (char *)(uintptr_t)value;
}

hdt_exit hdt_command_bench_kernels(int argc, char **argv) {
  kernels_args args = {0};
  char path[1024], seed[24];
  char *words[16] = {path};
  size_t count = 1;
  hdt_exit code = HDT_DONE;
  if (!parse(&args, argc, argv, &code)) return code;
  if (!find(path, sizeof(path)))
    return hdt_fail(HDT_FAILED, "bench",
                    "the kernels' runner is not beside the command: it is built with the tests");
  words[count++] = (char *)(uintptr_t) "--bench";
  add(words, &count, "--tier", args.tier);
  add(words, &count, "--format", args.format);
  add(words, &count, "--kernel", args.kernel);
  snprintf(seed, sizeof(seed), "%llu", (unsigned long long)args.seed);
  add(words, &count, "--seed", args.seed_given ? seed : NULL);
  if (args.output.json) words[count++] = (char *)(uintptr_t) "--json";
  execv(path, words);
  return hdt_fail(HDT_FAILED, "bench", "%s: %s", path, strerror(errno));
}
