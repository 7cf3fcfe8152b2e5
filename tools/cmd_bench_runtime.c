/* SPDX-License-Identifier: Apache-2.0 */
/* heddle bench --runtime: the coroutine runtime beside what the hardware could do and what a user would pick
 * instead, all in one run, interleaved. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "bench_figures.h"
#include "bench_programs.h"
#include "command.h"
#include "console.h"
#include "json.h"
#include "progress.h"
#include "table.h"

/* Of one measurement; a 99th of a hundred doubles it. */
enum { MEASURE_MS = 20 };

typedef struct runtime_args {
  bool runtime; /* --runtime itself */
  const char *figure;
  uint32_t rounds;
  bool quiet;
  hdt_output_args output;
} runtime_args;

typedef struct runtime_bench {
  hdt_program programs[HDT_PROGRAMS_MAX];
  uint32_t program_count;
  bool shown[HDT_FIGURES_MAX], wanted[HDT_FIGURES_MAX]; /* wanted: also what a shown one is compared with */
  hdt_measured measured[HDT_FIGURES_MAX];
} runtime_bench;

/* ---- measuring ---- */

typedef struct answer_to {
  hdt_measured *measured;
  bool ours;
} answer_to;

static void take_answer(void *arg, const char *who, double value, double instructions, const char *reason) {
  const answer_to *to = arg;
  if (reason == NULL) {
    hdt_measured_add(to->measured, who, value, instructions);
  } else if (to->ours) {
    snprintf(to->measured->missing, sizeof(to->measured->missing), "%s", reason);
  }
}

/* One round of one figure: everybody who has it, beginning with another one each round. */
static void measure_figure(runtime_bench *bench, int index, uint32_t round) {
  for (uint32_t i = 0; i < bench->program_count; i++) {
    uint32_t at = (i + round) % bench->program_count;
    const hdt_program *program = &bench->programs[at];
    answer_to to = {&bench->measured[index], at == 0};
    if (!hdt_program_has(program, hdt_figures[index].name)) continue;
    if (!hdt_program_measure(program, hdt_figures[index].name, MEASURE_MS, take_answer, &to) && at == 0)
      snprintf(to.measured->missing, sizeof(to.measured->missing), "the measurement failed");
  }
}

static void measure_all(runtime_bench *bench, const runtime_args *args) {
  hdt_progress progress;
  uint32_t figures = 0, done = 0;
  for (int i = 0; hdt_figures[i].name != NULL; i++)
    figures += bench->wanted[i];
  hdt_progress_begin(&progress, "runtime", args->quiet);
  for (uint32_t round = 0; round < args->rounds; round++) {
    for (int i = 0; hdt_figures[i].name != NULL; i++) {
      if (!bench->wanted[i]) continue;
      char detail[64];
      snprintf(detail, sizeof(detail), "round %" PRIu32 " of %" PRIu32 ": %s", round + 1, args->rounds,
               hdt_figures[i].name);
      hdt_progress_show(&progress, done++, args->rounds * figures, detail);
      measure_figure(bench, i, round);
    }
  }
  hdt_progress_end(&progress);
}

/* ---- telling ---- */

/* Three digits: 3.27, 12.7, 285, 34,264 as 34264. Below 0: nothing. */
static void number_cell(hdt_table *table, double value) {
  if (value < 0) {
    hdt_table_cell(table, "-");
  } else {
    hdt_table_cell(table, "%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
  }
}

static void add_row(hdt_table *table, const runtime_bench *bench, int index) {
  const hdt_measured *measured = &bench->measured[index];
  double ours = hdt_measured_value(measured, "heddle");
  double limit = hdt_goal_limit(bench->measured, index);
  double instructions = hdt_measured_instructions(measured, "heddle");
  const char *best = hdt_measured_best_peer(measured);
  hdt_table_cell(table, "%s", hdt_figures[index].name);
  number_cell(table, ours);
  number_cell(table, hdt_measured_value(measured, "floor"));
  number_cell(table, best == NULL ? -1 : hdt_measured_value(measured, best));
  hdt_table_cell(table, "%s", best == NULL ? "" : best);
  number_cell(table, limit);
  hdt_table_cell(table, "%s", hdt_figures[index].goal.text);
  if (ours < 0 || limit <= 0) {
    hdt_table_cell(table, "-");
    hdt_table_cell(table, "%s", ours < 0 ? measured->missing : "not measured");
  } else {
    hdt_table_cell(table, "%.2f", ours / limit);
    hdt_table_cell(table, "%s", hdt_goal_reached(bench->measured, index) ? "reached" : "no");
  }
  uint32_t most = hdt_figures[index].goal.instructions;
  if (instructions < 0) {
    hdt_table_cell(table, "%s", "");
  } else if (most == 0) {
    hdt_table_cell(table, "%.0f", instructions);
  } else {
    hdt_table_cell(table, "%.0f of %" PRIu32, instructions, most);
  }
}

static void print_table(const runtime_bench *bench, const runtime_args *args) {
  static const char *const titles[] = {"figure",  "ours",  "floor", "best peer", "",
                                       "at most", "which", "ratio", "reached",   "instructions"};
  hdt_table table;
  printf("  ns for one operation (parked_bytes: bytes), medians of %" PRIu32 " interleaved round%s;\n"
         "  ratio: ours to what it is to be at most\n\n",
         args->rounds, args->rounds == 1 ? "" : "s");
  hdt_table_init(&table, "lrrrlrlrlr");
  hdt_table_header(&table, titles);
  for (int i = 0; hdt_figures[i].name != NULL; i++) {
    if (bench->shown[i]) add_row(&table, bench, i);
  }
  hdt_table_print(&table, stdout);
  hdt_table_finish(&table);
}

/* Below 0 becomes null. */
static void add_number(cJSON *object, const char *stem, const char *unit, double value) {
  char key[48], digits[32];
  snprintf(key, sizeof(key), "%s_%s", stem, unit);
  snprintf(digits, sizeof(digits), "%.6g", value);
  cJSON_AddRawToObject(object, key, value < 0 ? "null" : digits);
}

static cJSON *figure_json(const runtime_bench *bench, int index) {
  const hdt_measured *measured = &bench->measured[index];
  const char *unit = hdt_figures[index].bytes ? "bytes" : "ns";
  double ours = hdt_measured_value(measured, "heddle");
  double instructions = hdt_measured_instructions(measured, "heddle");
  double limit = hdt_goal_limit(bench->measured, index);
  cJSON *object = cJSON_CreateObject();
  cJSON_AddStringToObject(object, "figure", hdt_figures[index].name);
  add_number(object, "ours", unit, ours);
  add_number(object, "floor", unit, hdt_measured_value(measured, "floor"));
  if (hdt_figures[index].bytes) cJSON_AddNullToObject(object, "floor_ns"); /* every object has that key */
  cJSON *others = cJSON_AddObjectToObject(object, "peers");
  for (uint32_t i = 0; i < measured->count; i++) {
    const char *who = measured->series[i].who;
    if (strcmp(who, "heddle") == 0 || strcmp(who, "floor") == 0) continue;
    cJSON_AddNumberToObject(others, who, hdt_measured_value(measured, who));
  }
  add_number(object, "reach", unit, limit);
  cJSON_AddStringToObject(object, "reach", hdt_figures[index].goal.text);
  if (ours >= 0 && limit > 0)
    cJSON_AddBoolToObject(object, "reached", hdt_goal_reached(bench->measured, index));
  if (ours < 0) cJSON_AddStringToObject(object, "missing", measured->missing);
  if (instructions >= 0) cJSON_AddNumberToObject(object, "ours_instructions", instructions);
  return object;
}

static hdt_exit print_json(const runtime_bench *bench) {
  cJSON *list = cJSON_CreateArray();
  for (int i = 0; hdt_figures[i].name != NULL; i++) {
    if (bench->shown[i]) cJSON_AddItemToArray(list, figure_json(bench, i));
  }
  return hdt_json_print(list, false, "bench");
}

/* ---- the command ---- */

static bool choose(runtime_bench *bench, const char *name, hdt_exit *out_exit) {
  const char *names[HDT_FIGURES_MAX + 1] = {NULL};
  for (int i = 0; hdt_figures[i].name != NULL; i++) {
    const char *reference = hdt_figures[i].goal.figure;
    names[i] = hdt_figures[i].name;
    bench->shown[i] = name == NULL || strcmp(name, names[i]) == 0;
    if (!bench->shown[i]) continue;
    bench->wanted[i] = true;
    if (reference != NULL) bench->wanted[hdt_figure_find(reference)] = true;
  }
  if (name == NULL || hdt_figure_find(name) >= 0) return true;
  *out_exit = hdt_fail_name("bench", "figure", name, names);
  return false;
}

static bool parse(runtime_args *args, int argc, char **argv, hdt_exit *out_exit) {
  const hdt_option what[] = {
      {.name = "runtime", .kind = HDT_OPTION_FLAG, .target = &args->runtime, .help = "this benchmark"},
      {.name = "figure",
       .argument = "NAME",
       .kind = HDT_OPTION_TEXT,
       .target = &args->figure,
       .help = "this figure alone (default: all)"},
      {.name = "rounds",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->rounds,
       .min = 1,
       .max = HDT_ROUNDS_MAX,
       .help = "times that everybody has a turn (default: 7)"}};
  hdt_option output[HDT_OUTPUT_OPTIONS + 1];
  hdt_output_options(&args->output, output);
  output[0].help = "print JSON: an array, one object a figure";
  output[HDT_OUTPUT_OPTIONS] = hdt_quiet_option(&args->quiet, "no progress bar");
  const hdt_option_group groups[] = {{"What to measure", what, sizeof(what) / sizeof(what[0])},
                                     {"Output", output, HDT_OUTPUT_OPTIONS + 1}};
  const hdt_usage usage = {
      .command = "bench",
      .synopsis = "--runtime [OPTION...]",
      .summary =
          "Measures what switching, waking, spawning, waiting and deciding cost, beside a floor (the least\n"
          "code that does the same), kernel threads and, where they were built, other runtimes.",
      .groups = groups,
      .group_count = 2,
      .notes =
          "  Each measurement is a process of its own, confined to one or two cores; all of them take turns\n"
          "  in each round, and the median of the rounds counts. Peers lie beside the command\n"
          "  (heddle-bench-NAME); `scripts/install bench` installs what building them needs.\n"
          "  --json prints an array of objects with figure, ours_ns (or ours_bytes), floor_ns and peers.",
      .examples = "  heddle bench --runtime\n"
                  "  heddle bench --runtime --figure yield --rounds 15\n"
                  "  heddle bench --runtime --json"};
  return hdt_options_parse(&usage, argc, argv, NULL, out_exit);
}

hdt_exit hdt_command_bench_runtime(int argc, char **argv) {
  runtime_args args = {.rounds = 7};
  hdt_exit code = HDT_DONE;
  if (!parse(&args, argc, argv, &code)) return code;
  runtime_bench *bench = calloc(1, sizeof(*bench));
  if (bench == NULL) return hdt_fail(HDT_FAILED, "bench", "no memory");
  if (choose(bench, args.figure, &code)) {
    bench->program_count = hdt_programs_find(bench->programs);
    measure_all(bench, &args);
    if (args.output.json) {
      code = print_json(bench);
    } else {
      print_table(bench, &args);
    }
  }
  free(bench);
  return code;
}
