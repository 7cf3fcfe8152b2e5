/* SPDX-License-Identifier: Apache-2.0 */
/* heddle bench: tokens per second of prefill and of decode, each alone, as llama-bench counts them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "bench_cost.h"
#include "command.h"
#include "console.h"
#include "json.h"
#include "machine.h"
#include "progress.h"
#include "table.h"
#include "units.h"

enum { REPEATS_MAX = 1000 };

typedef struct bench_args {
  uint32_t prompt_tokens, generated_tokens, depth, repeats, chunk;
  bool quiet, runtime, crowd, kernels;
  hdt_machine_args machine;
  hdt_output_args output;
} bench_args;

/* The times of one test, one entry a repetition; `tokens` were run in each. */
typedef struct bench_test {
  hd_phase phase;
  uint32_t tokens;
  uint32_t count;
  uint64_t ns[REPEATS_MAX];
  const hd_sched *sched;
  uint64_t first_meetings, last_meetings; /* as the first and the last generated token came */
  hdt_cost cost;
} bench_test;

static int by_size(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* Tokens per second of the repetition at `rank` of 0 (slowest) .. 1 (fastest); of two in the middle the mean.
 */
static double median_rate(const bench_test *test) {
  uint64_t sorted[REPEATS_MAX];
  if (test->count == 0) return 0;
  memcpy(sorted, test->ns, test->count * sizeof(sorted[0]));
  qsort(sorted, test->count, sizeof(sorted[0]), by_size);
  uint64_t middle = (sorted[(test->count - 1) / 2] + sorted[test->count / 2]) / 2;
  return hdt_per_second(test->tokens, middle);
}

static void extremes(const bench_test *test, double *out_least, double *out_most) {
  uint64_t fastest = UINT64_MAX, slowest = 0;
  for (uint32_t i = 0; i < test->count; i++) {
    if (test->ns[i] < fastest) fastest = test->ns[i];
    if (test->ns[i] > slowest) slowest = test->ns[i];
  }
  *out_least = hdt_per_second(test->tokens, slowest);
  *out_most = hdt_per_second(test->tokens, fastest);
}

/* Any ids do: what a token says changes no op. A fixed sequence, so that every run does the same work. */
static void fill_prompt(int32_t *ids, uint32_t count, uint32_t n_vocab) {
  uint32_t state = 1;
  for (uint32_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u; /* Numerical Recipes' generator */
    ids[i] = (int32_t)((state >> 8) % n_vocab);
  }
}

static bool count_meetings(void *arg, int32_t id, const char *text, size_t bytes) {
  bench_test *test = arg;
  (void)id;
  (void)text;
  (void)bytes;
  test->last_meetings = hd_sched_meetings(test->sched);
  if (test->first_meetings == UINT64_MAX) test->first_meetings = test->last_meetings;
  return true;
}

/* How often the workers met for each generated token; the first came out of the prefill. */
static double meetings_per_token(const bench_test *test) {
  if (test->count == 0 || test->phase != HD_PHASE_DECODE) return 0;
  return (double)(test->last_meetings - test->first_meetings) / test->tokens;
}

/* One repetition. Prefill: all tokens as one prompt into an empty context, nothing after. Decode: a prompt of
 * `depth` tokens, at least one, then n runs of one token: the last of n + 1 generated tokens is not run. */
static hdt_exit run_once(const hdt_machine *machine, const bench_args *args, const int32_t *ids,
                         bench_test *test) {
  he_job_desc desc;
  he_job *job;
  he_job_result result;
  hd_error error = {{0}};
  bool prefill = test->phase == HD_PHASE_PREFILL;
  he_job_desc_default(&desc);
  desc.name = prefill ? "bench-prefill" : "bench-decode";
  desc.tokens = ids;
  desc.n_tokens = prefill ? test->tokens : args->depth > 0 ? args->depth : 1;
  desc.n_predict = prefill ? 0 : test->tokens + 1;
  desc.max_context =
      test->tokens + (prefill ? 0 : args->depth) + 2; /* also beyond what the model was trained for */
  desc.chunk_tokens = args->chunk;
  desc.ignore_end = true;
  desc.on_token = count_meetings;
  desc.arg = test;
  test->sched = machine->sched;
  test->first_meetings = UINT64_MAX;
  hd_status status = he_job_submit(machine->instance, &desc, &job, NULL, &error);
  if (status != HD_OK) {
    return hdt_fail(hdt_exit_of(status), "bench", "%s", error.text[0] ? error.text : hd_status_text(status));
  }
  status = he_job_wait(job, &result);
  hdt_exit code = HDT_DONE;
  if (status != HD_OK) {
    code = hdt_fail(hdt_exit_of(status), "bench", "%s: %s", desc.name,
                    he_job_error(job)[0] ? he_job_error(job) : hd_status_text(status));
  } else if (test->count < REPEATS_MAX) {
    test->ns[test->count++] = prefill ? result.prefill_ns : result.decode_ns;
    test->cost.tokens += result.prompt_tokens + result.decode_tokens;
    test->cost.kv_bytes = hdt_kv_bytes(machine->model, result.prompt_tokens + result.decode_tokens);
    hdt_cost_add_energy(&test->cost, &result.request);
    (void)hdt_footprint_own(args->machine.model, &test->cost.footprint);
  }
  he_job_release(job);
  return code;
}

static hdt_exit run_test(const hdt_machine *machine, const bench_args *args, const int32_t *ids,
                         bench_test *test) {
  hdt_progress progress;
  hdt_exit code = HDT_DONE;
  if (test->tokens == 0) return HDT_DONE;
  uint64_t voluntary = 0, involuntary = 0;
  hdt_progress_begin(&progress, test->phase == HD_PHASE_PREFILL ? "prefill" : "decode", args->quiet);
  for (uint32_t i = 0; i <= args->repeats && code == HDT_DONE; i++) {
    char detail[48];
    snprintf(detail, sizeof(detail), "run %" PRIu32 " of %" PRIu32, i, args->repeats);
    hdt_progress_show(&progress, i, args->repeats + 1, detail);
    code = run_once(machine, args, ids, test);
    if (i > 0) continue;
    test->count = 0; /* the first one warms caches, pages and clocks up, and is not counted */
    test->cost = (hdt_cost){0};
    hdt_cost_switches(&voluntary, &involuntary);
  }
  hdt_cost_switches(&test->cost.voluntary, &test->cost.involuntary);
  test->cost.voluntary -= voluntary;
  test->cost.involuntary -= involuntary;
  hdt_progress_end(&progress);
  return code;
}

static void add_row(hdt_table *table, const bench_test *test) {
  double least, most;
  if (test->count == 0) return;
  extremes(test, &least, &most);
  hdt_table_cell(table, "%s", test->phase == HD_PHASE_PREFILL ? "prefill" : "decode");
  hdt_table_cell(table, "%" PRIu32, test->tokens);
  hdt_table_cell(table, "%s", hdt_rate(median_rate(test)).text);
  hdt_table_cell(table, "%s", hdt_rate(least).text);
  hdt_table_cell(table, "%s", hdt_rate(most).text);
  hdt_table_cell(table, "%" PRIu32, test->count);
}

static void print_table(const hdt_machine *machine, const bench_args *args, const bench_test *prefill,
                        const bench_test *decode, const hdt_streaming *streaming) {
  static const char *const titles[] = {"phase", "tokens", "tokens/s", "slowest", "fastest", "runs"};
  he_model_info info;
  hdt_table table;
  he_model_describe(machine->model, &info);
  hdt_print_title(info.name, "%s, %s, %.1f M parameters; %s, %" PRIu32 " thread%s", info.format,
                  hdt_bytes(info.file_bytes).text, (double)info.parameter_count / 1e6, args->machine.devices,
                  machine->threads, machine->threads == 1 ? "" : "s");
  puts("");
  hdt_table_init(&table, "lrrrrr");
  hdt_table_header(&table, titles);
  add_row(&table, prefill);
  add_row(&table, decode);
  hdt_table_print(&table, stdout);
  hdt_table_finish(&table);
  hdt_streaming_print(streaming, machine->threads);
  hdt_cost_print("prefill", &prefill->cost);
  hdt_cost_print("decode", &decode->cost);
}

static void add_samples(cJSON *document, const char *key, const bench_test *test) {
  cJSON *list = cJSON_AddArrayToObject(document, key);
  for (uint32_t i = 0; i < test->count; i++) {
    cJSON_AddItemToArray(list, cJSON_CreateNumber(hdt_per_second(test->tokens, test->ns[i])));
  }
}

static hdt_exit print_json(const hdt_machine *machine, const bench_args *args, const bench_test *prefill,
                           const bench_test *decode, const hdt_streaming *streaming) {
  he_model_info info;
  cJSON *document = hdt_json_document("bench");
  he_model_describe(machine->model, &info);
  hdt_json_bytes(document, "model", info.name, strlen(info.name));
  if (args->machine.model) hdt_json_bytes(document, "file", args->machine.model, strlen(args->machine.model));
  hdt_json_bytes(document, "format", info.format, strlen(info.format));
  hdt_json_u64(document, "threads", machine->threads);
  cJSON_AddStringToObject(document, "devices", args->machine.devices);
  hdt_json_u64(document, "prompt_tokens", prefill->tokens);
  hdt_json_u64(document, "generated_tokens", decode->tokens);
  hdt_json_u64(document, "depth", args->depth);
  cJSON_AddStringToObject(document, "kv", args->machine.kv);
  hdt_json_u64(document, "repetitions", args->repeats);
  cJSON_AddNumberToObject(document, "prefill_tokens_per_s", median_rate(prefill));
  cJSON_AddNumberToObject(document, "decode_tokens_per_s", median_rate(decode));
  cJSON_AddNumberToObject(document, "decode_meetings_per_token", meetings_per_token(decode));
  cJSON_AddNumberToObject(document, "decode_meetings_per_layer", meetings_per_token(decode) / info.n_layers);
  add_samples(document, "prefill_samples", prefill);
  add_samples(document, "decode_samples", decode);
  hdt_cost_json(document, "prefill_cost", &prefill->cost);
  hdt_cost_json(document, "decode_cost", &decode->cost);
  hdt_json_u64(document, "streamed_bytes_per_token", hdt_streamed_bytes(machine->model));
  cJSON_AddNumberToObject(document, "decode_weights_gb_per_s", streaming->weights);
  cJSON_AddNumberToObject(document, "read_gb_per_s", streaming->read);
  hdt_json_u64(document, "parameters", info.parameter_count);
  hdt_json_u64(document, "file_bytes", info.file_bytes);
  hdt_json_u64(document, "load_ns", machine->load_ns);
  return hdt_json_print(document, false, "bench");
}

static hdt_exit measure(const hdt_machine *machine, const bench_args *args) {
  static bench_test tests[2]; /* more than 8 KiB each */
  bench_test *prefill = &tests[0], *decode = &tests[1];
  he_model_info info;
  he_model_describe(machine->model, &info);
  *prefill = (bench_test){.phase = HD_PHASE_PREFILL, .tokens = args->prompt_tokens};
  *decode = (bench_test){.phase = HD_PHASE_DECODE, .tokens = args->generated_tokens};
  uint32_t longest = (args->prompt_tokens > args->depth ? args->prompt_tokens : args->depth) + 1u;
  int32_t *ids = calloc(longest, sizeof(*ids));
  if (ids == NULL) return hdt_fail(HDT_FAILED, "bench", "no memory for %" PRIu32 " tokens", longest);
  fill_prompt(ids, longest, info.n_vocab);
  hdt_exit code = run_test(machine, args, ids, prefill);
  if (code == HDT_DONE) code = run_test(machine, args, ids, decode);
  free(ids);
  if (code != HDT_DONE) return code;
  hdt_streaming streaming = hdt_streaming_measure(machine->model, median_rate(decode), machine->threads);
  if (args->output.json) return print_json(machine, args, prefill, decode, &streaming);
  print_table(machine, args, prefill, decode, &streaming);
  return HDT_DONE;
}

static const char notes[] =
    "  The figure is the median of the runs; the slowest and the fastest stand beside it.\n"
    "  --json prints one object with prefill_tokens_per_s, decode_tokens_per_s, threads, model,\n"
    "  format and, in prefill_samples and decode_samples, what each run gave;\n"
    "  decode_meetings_per_layer is how often the workers met in a layer of one token.\n"
    "  Beside the rates: the bytes of weights that decode streams as a fraction of what as many\n"
    "  threads read from memory just then; context switches of the process and energy, a token;\n"
    "  and resident memory that is neither the model's mapped file nor its cache\n"
    "  (/proc/self/smaps).";

static bool parse(bench_args *args, int argc, char **argv, hdt_exit *out_exit) {
  hdt_option machine[HDT_MACHINE_OPTIONS];
  hdt_machine_options(&args->machine, machine);
  const hdt_option what[] = {
      machine[HDT_MACHINE_MODEL],
      {.letter = 'p',
       .name = "prompt",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->prompt_tokens,
       .max = 1 << 20,
       .help = "tokens of the prefill test (default: 512; 0: no such test)"},
      {.letter = 'n',
       .name = "predict",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->generated_tokens,
       .max = 1 << 20,
       .help = "tokens of the decode test (default: 128; 0: no such test)"},
      {.name = "depth",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->depth,
       .max = 1 << 20,
       .help = "tokens that stand in the context when the decode test begins\n(default: 0)"},
      {.letter = 'r',
       .name = "repeat",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->repeats,
       .min = 1,
       .max = REPEATS_MAX,
       .help = "runs of each test after one that is not counted (default: 5)"},
      {.name = "chunk",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->chunk,
       .min = 1,
       .max = 1 << 16,
       .help = "most tokens of one prefill run (default: the engine's, 128)"},
      {.name = "runtime",
       .kind = HDT_OPTION_FLAG,
       .target = &args->runtime,
       .help = "measure the coroutine runtime instead: see 'heddle bench --runtime --help'"},
      {.name = "crowd",
       .kind = HDT_OPTION_FLAG,
       .target = &args->crowd,
       .help = "measure decode beside a thousand that wait instead: see 'heddle bench --crowd --help'"},
      {.name = "kernels",
       .kind = HDT_OPTION_FLAG,
       .target = &args->kernels,
       .help = "check and measure single kernels instead: see 'heddle bench --kernels --help'"},
  };
  hdt_option output[HDT_OUTPUT_OPTIONS + 1];
  const hdt_option scheduling[] = {machine[HDT_MACHINE_DEVICES],
                                   machine[HDT_MACHINE_THREADS],
                                   machine[HDT_MACHINE_POLICY],
                                   machine[HDT_MACHINE_SPLIT],
                                   machine[HDT_MACHINE_KV],
                                   {.name = "trace",
                                    .argument = "FILE",
                                    .kind = HDT_OPTION_TEXT,
                                    .target = &args->machine.trace,
                                    .help = "record every event and decision"}};
  hdt_output_options(&args->output, output);
  output[HDT_OUTPUT_OPTIONS] = hdt_quiet_option(&args->quiet, "no progress bar");
  const hdt_option_group groups[] = {{"What to measure", what, sizeof(what) / sizeof(what[0])},
                                     {"Scheduling", scheduling, sizeof(scheduling) / sizeof(scheduling[0])},
                                     {"Output", output, HDT_OUTPUT_OPTIONS + 1}};
  const hdt_usage usage = {
      .command = "bench",
      .synopsis = "[OPTION...] [MODEL.gguf]",
      .summary = "Measures tokens per second of prefill (a prompt of N tokens into an empty context) and of\n"
                 "decode (N tokens, one after another), each alone, as llama-bench\n"
                 "counts its pp and tg tests. Without MODEL.gguf it is the model inside the command.",
      .groups = groups,
      .group_count = 3,
      .positional_max = 1,
      .notes = notes,
      .examples = "  heddle bench MODEL.gguf\n"
                  "  heddle bench MODEL.gguf -p 512 -n 64 --threads 2\n"
                  "  heddle bench MODEL.gguf -p 0 -n 64 -r 9 --devices cpu,sim\n"
                  "  heddle bench MODEL.gguf --json"};
  const char *model;
  if (!hdt_options_parse(&usage, argc, argv, &model, out_exit) ||
      !hdt_machine_take_model(&args->machine, model, "bench", out_exit)) {
    return false;
  }
  if (args->prompt_tokens > 0 || args->generated_tokens > 0) return true;
  *out_exit = hdt_fail(HDT_USAGE, "bench", "-p 0 and -n 0 leave nothing to measure");
  return false;
}

/* Those that have options of their own are known before options are read. */
static bool asks_for(const char *what, int argc, char **argv) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], what) == 0) return true;
  }
  return false;
}

hdt_exit hdt_command_bench(int argc, char **argv) {
  if (asks_for("--runtime", argc, argv)) return hdt_command_bench_runtime(argc, argv);
  if (asks_for("--crowd", argc, argv)) return hdt_command_bench_crowd(argc, argv);
  if (asks_for("--kernels", argc, argv)) return hdt_command_bench_kernels(argc, argv);
  bench_args args = {.prompt_tokens = 512, .generated_tokens = 128, .repeats = 5};
  hdt_machine machine = {0};
  hdt_exit code;
  if (!parse(&args, argc, argv, &code)) return code;
  code = hdt_machine_open_model(&machine, &args.machine, args.quiet, "bench");
  if (code == HDT_DONE) code = hdt_machine_start(&machine, &args.machine, "bench");
  if (code == HDT_DONE) code = measure(&machine, &args);
  return hdt_machine_close(&machine, code, "bench");
}
