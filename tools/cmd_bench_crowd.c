/* SPDX-License-Identifier: Apache-2.0 */
/* heddle bench --crowd: what a thousand others that wait cost a decode. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "bench/crowd/crowd.h"
#include "command.h"
#include "console.h"
#include "json.h"
#include "machine.h"
#include "progress.h"
#include "table.h"
#include "units.h"

enum { ROUNDS_MAX = 100 };

typedef struct crowd_args {
  bool crowd; /* --crowd itself */
  const char *only, *policy;
  uint32_t rounds, requests, threads, ms;
  bool quiet;
  hdt_output_args output;
} crowd_args;

/* What was measured of one kind, a value a round. */
typedef struct crowd_series {
  uint32_t count;
  double rate[ROUNDS_MAX];  /* tokens a second */
  double ratio[ROUNDS_MAX]; /* of the time of a token to that alone, measured before and after */
  double voluntary[ROUNDS_MAX], involuntary[ROUNDS_MAX], wakes[ROUNDS_MAX]; /* a token */
} crowd_series;

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(const double *values, uint32_t count) {
  double sorted[ROUNDS_MAX];
  memcpy(sorted, values, count * sizeof(*values));
  qsort(sorted, count, sizeof(*sorted), by_size);
  return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static double ns_a_token(const hb_crowd_sample *sample) {
  return (double)sample->ns / (double)sample->tokens;
}

static void add(crowd_series *series, const hb_crowd_sample *sample, double alone_ns) {
  uint32_t at = series->count++;
  double tokens = (double)sample->tokens;
  series->rate[at] = 1e9 / ns_a_token(sample);
  series->ratio[at] = ns_a_token(sample) / alone_ns;
  series->voluntary[at] = (double)sample->voluntary / tokens;
  series->involuntary[at] = (double)sample->involuntary / tokens;
  series->wakes[at] = (double)sample->wakes / tokens;
}

/* Alone, a crowd, alone, the next crowd, alone ...: each crowd is compared with what lies on both its sides.
 */
static hd_status measure_round(hb_crowd *crowd, const crowd_args *args, uint32_t round, crowd_series *series,
                               hd_error *error) {
  hb_crowd_sample before, sample, after;
  uint64_t budget_ns = (uint64_t)args->ms * 1000000u;
  hd_status status = hb_crowd_measure(crowd, HB_CROWD_ALONE, budget_ns, &before, error);
  for (uint32_t i = 1; i < HB_CROWD_KINDS && status == HD_OK; i++) {
    uint32_t kind = 1 + (i + round) % (HB_CROWD_KINDS - 1);
    if (args->only != NULL && strcmp(args->only, hb_crowd_name(kind)) != 0) continue;
    status = hb_crowd_measure(crowd, kind, budget_ns, &sample, error);
    if (status == HD_OK) status = hb_crowd_measure(crowd, HB_CROWD_ALONE, budget_ns, &after, error);
    if (status != HD_OK) break;
    double alone_ns = (ns_a_token(&before) + ns_a_token(&after)) / 2;
    add(&series[kind], &sample, alone_ns);
    before = after;
  }
  if (status == HD_OK) add(&series[HB_CROWD_ALONE], &before, ns_a_token(&before));
  return status;
}

static hdt_exit measure(hb_crowd *crowd, const crowd_args *args, crowd_series *series) {
  hdt_progress progress;
  hd_error error = {{0}};
  hd_status status = HD_OK;
  hdt_progress_begin(&progress, "crowd", args->quiet);
  for (uint32_t round = 0; round <= args->rounds && status == HD_OK; round++) {
    char detail[48];
    snprintf(detail, sizeof(detail), "round %" PRIu32 " of %" PRIu32, round, args->rounds);
    hdt_progress_show(&progress, round, args->rounds + 1, detail);
    status = measure_round(crowd, args, round, series, &error);
    for (uint32_t i = 0; round == 0 && i < HB_CROWD_KINDS; i++)
      series[i].count = 0; /* the first one warms up */
  }
  hdt_progress_end(&progress);
  return status == HD_OK ? HDT_DONE : hdt_fail(hdt_exit_of(status), "bench", "%s", error.text);
}

/* ---- telling ---- */

static void print_table(const he_model *model, const crowd_args *args, const crowd_series *series) {
  static const char *const titles[] = {"beside", "tokens/s", "time", "voluntary", "involuntary", "wakes"};
  he_model_info info;
  hdt_table table;
  he_model_describe(model, &info);
  hdt_print_title(info.name, "%s, %s; decode on %" PRIu32 " thread%s beside %" PRIu32 " that wait",
                  info.format, hdt_bytes(info.file_bytes).text, args->threads, args->threads == 1 ? "" : "s",
                  args->requests);
  printf("\n  medians of %" PRIu32
         " rounds; time: of a token, beside the crowd / alone; switches that the kernel\n"
         "  counted and wakes of those who wait: for each token\n\n",
         args->rounds);
  hdt_table_init(&table, "lrrrrr");
  hdt_table_header(&table, titles);
  for (uint32_t i = 0; i < HB_CROWD_KINDS; i++) {
    const crowd_series *s = &series[i];
    if (s->count == 0) continue;
    hdt_table_cell(&table, "%s", i == HB_CROWD_ALONE ? "nobody" : hb_crowd_name(i));
    hdt_table_cell(&table, "%s", hdt_rate(median(s->rate, s->count)).text);
    hdt_table_cell(&table, "%.4f", median(s->ratio, s->count));
    hdt_table_cell(&table, "%.4f", median(s->voluntary, s->count));
    hdt_table_cell(&table, "%.4f", median(s->involuntary, s->count));
    hdt_table_cell(&table, "%.4f", median(s->wakes, s->count));
  }
  hdt_table_print(&table, stdout);
  hdt_table_finish(&table);
}

static hdt_exit print_json(const he_model *model, const crowd_args *args, const crowd_series *series) {
  he_model_info info;
  cJSON *document = hdt_json_document("bench");
  he_model_describe(model, &info);
  hdt_json_bytes(document, "model", info.name, strlen(info.name));
  cJSON_AddNumberToObject(document, "threads", args->threads);
  cJSON_AddNumberToObject(document, "requests", args->requests);
  cJSON *list = cJSON_AddArrayToObject(document, "crowds");
  for (uint32_t i = 0; i < HB_CROWD_KINDS; i++) {
    const crowd_series *s = &series[i];
    if (s->count == 0) continue;
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "beside", hb_crowd_name(i));
    cJSON_AddNumberToObject(one, "decode_tokens_per_s", median(s->rate, s->count));
    cJSON_AddNumberToObject(one, "time_ratio", median(s->ratio, s->count));
    cJSON_AddNumberToObject(one, "voluntary_switches_per_token", median(s->voluntary, s->count));
    cJSON_AddNumberToObject(one, "involuntary_switches_per_token", median(s->involuntary, s->count));
    cJSON_AddNumberToObject(one, "wakes_per_token", median(s->wakes, s->count));
    cJSON_AddItemToArray(list, one);
  }
  return hdt_json_print(document, false, "bench");
}

/* ---- the command ---- */

static bool parse(crowd_args *args, int argc, char **argv, const char **out_model, hdt_exit *out_exit) {
  const hdt_option what[] = {
      {.name = "crowd", .kind = HDT_OPTION_FLAG, .target = &args->crowd, .help = "this benchmark"},
      {.name = "requests",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->requests,
       .min = 1,
       .max = 30000,
       .help = "how many wait (default: 1000)"},
      {.name = "beside",
       .argument = "NAME",
       .kind = HDT_OPTION_TEXT,
       .target = &args->only,
       .help = "this crowd alone: leases, descriptors, timers, readers, thread_timers, thread_readers"},
      {.name = "rounds",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->rounds,
       .min = 1,
       .max = ROUNDS_MAX,
       .help = "times that everybody has a turn, after one that is not counted (default: 7)"},
      {.name = "ms",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->ms,
       .min = 1,
       .max = 60000,
       .help = "how long one measurement takes, about (default: 200)"}};
  const hdt_option scheduling[] = {hdt_threads_option(&args->threads, 64),
                                   {.name = "policy",
                                    .argument = "NAME",
                                    .kind = HDT_OPTION_TEXT,
                                    .target = &args->policy,
                                    .help = "who decides among ready steps (default: fifo)"}};
  hdt_option output[HDT_OUTPUT_OPTIONS + 1];
  hdt_output_options(&args->output, output);
  output[HDT_OUTPUT_OPTIONS] = hdt_quiet_option(&args->quiet, "no progress bar");
  const hdt_option_group groups[] = {{"What to measure", what, sizeof(what) / sizeof(what[0])},
                                     {"Scheduling", scheduling, sizeof(scheduling) / sizeof(scheduling[0])},
                                     {"Output", output, HDT_OUTPUT_OPTIONS + 1}};
  const hdt_usage usage = {
      .command = "bench",
      .synopsis = "--crowd [OPTION...] [MODEL.gguf]",
      .summary =
          "Measures the decode of one request alone and beside a thousand that wait, and how often the\n"
          "kernel switches threads meanwhile. Without MODEL.gguf it is the model inside the command.",
      .groups = groups,
      .group_count = 3,
      .positional_max = 1,
      .notes =
          "  leases: requests that wait for a device which another holds; descriptors: for files that stay\n"
          "  silent; timers: each looks up ten times a second; readers: each token wakes the next of them;\n"
          "  thread_timers, thread_readers: the same as one kernel thread each, on condition variables.",
      .examples = "  heddle bench --crowd\n"
                  "  heddle bench --crowd MODEL.gguf --threads 1\n"
                  "  heddle bench --crowd --beside timers --rounds 15 --json"};
  return hdt_options_parse(&usage, argc, argv, out_model, out_exit);
}

static bool knows(const char *name, hdt_exit *out_exit) {
  const char *names[HB_CROWD_KINDS + 1] = {NULL};
  for (uint32_t i = 0; i < HB_CROWD_KINDS; i++) {
    names[i] = hb_crowd_name(i);
    if (name == NULL || strcmp(name, names[i]) == 0) return true;
  }
  *out_exit = hdt_fail_name("bench", "crowd", name, names);
  return false;
}

static hdt_exit measure_and_print(hb_crowd *crowd, const he_model *model, const crowd_args *args,
                                  crowd_series *series) {
  hdt_exit code = measure(crowd, args, series);
  if (code != HDT_DONE) return code;
  if (args->output.json) return print_json(model, args, series);
  print_table(model, args, series);
  return HDT_DONE;
}

static hdt_exit measure_and_tell(he_model *model, const crowd_args *args) {
  const hb_crowd_setup setup = {
      .model = model, .policy = args->policy, .workers = args->threads, .size = args->requests};
  hb_crowd *crowd = NULL;
  hd_error error = {{0}};
  hd_status status = hb_crowd_open(&setup, &crowd, &error);
  if (status != HD_OK) return hdt_fail(hdt_exit_of_usage(status), "bench", "%s", error.text);
  crowd_series *series = calloc(HB_CROWD_KINDS, sizeof(*series));
  hdt_exit code = series == NULL ? hdt_fail(HDT_FAILED, "bench", "no memory")
                                 : measure_and_print(crowd, model, args, series);
  free(series);
  hb_crowd_close(crowd);
  return code;
}

hdt_exit hdt_command_bench_crowd(int argc, char **argv) {
  crowd_args args = {.rounds = 7, .requests = 1000, .ms = 200};
  hdt_machine machine = {0};
  const char *path = NULL;
  hdt_exit code = HDT_DONE;
  if (!parse(&args, argc, argv, &path, &code) || !knows(args.only, &code)) return code;
  if (args.threads == 0) args.threads = hdt_usable_cores();
  code =
      hdt_machine_open_model(&machine, &(hdt_machine_args){.model = path, .kv = "f32"}, args.quiet, "bench");
  if (code == HDT_DONE) code = measure_and_tell(machine.model, &args);
  return hdt_machine_close(&machine, code, "bench");
}
