/* SPDX-License-Identifier: Apache-2.0 */
/* heddle perplexity: how well a model foretells a text, and what that took. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include "command.h"
#include "console.h"
#include "energy.h"
#include "input.h"
#include "json.h"
#include "machine.h"
#include "names.h"
#include "progress.h"
#include "units.h"

/* Positions of a window: llama.cpp's default, so that figures compare without a word about it. */
enum { CONTEXT_DEFAULT = 512 };

typedef struct perplexity_args {
  hdt_machine_args machine;
  hdt_output_args output;
  const char *text;
  uint32_t context, chunks;
  bool quiet;
} perplexity_args;

typedef struct perplexity_report {
  const hdt_machine *machine;
  const perplexity_args *args;
  he_model_info info;
  uint32_t context, text_tokens;
  he_score_result score;
  hdt_energy_reading energy;
  uint64_t peak_resident_bytes;
} perplexity_report;

static double perplexity(const perplexity_report *report) {
  return exp(report->score.mean_nll);
}

/* To first order: the perplexity's derivative is itself. */
static double perplexity_error(const perplexity_report *report) {
  return perplexity(report) * report->score.nll_error;
}

static void print_report(const perplexity_report *report) {
  const he_score_result *score = &report->score;
  hdt_print_title(report->info.name, "%s, %s; %s, %" PRIu32 " thread%s", report->info.format,
                  hdt_bytes(report->info.file_bytes).text, report->args->machine.devices,
                  report->machine->threads, report->machine->threads == 1 ? "" : "s");
  printf("\n  perplexity  %.4f ± %.4f\n", perplexity(report), perplexity_error(report));
  printf("  scored      %" PRIu32 " of %" PRIu32 " tokens: %" PRIu32 " window%s of %" PRIu32
         ", the second half of each\n",
         score->n_scored, report->text_tokens, score->chunk_count, score->chunk_count == 1 ? "" : "s",
         report->context);
  printf("  speed       %s tokens/s: %" PRIu32 " in %s\n",
         hdt_rate(hdt_per_second(score->n_run, score->elapsed_ns)).text, score->n_run,
         hdt_duration(score->elapsed_ns).text);
  printf("  memory      %s resident at most, weights included\n",
         hdt_bytes(report->peak_resident_bytes).text);
  if (report->energy.source == HD_ENERGY_NONE)
    printf("  energy      unknown\n");
  else
    printf("  energy      %s, %s: %s a token\n", hdt_energy(report->energy.uj).text,
           hdt_energy_source_name(report->energy.source), hdt_energy(report->energy.uj / score->n_run).text);
}

static hdt_exit print_json(const perplexity_report *report) {
  const he_score_result *score = &report->score;
  cJSON *document = hdt_json_document("perplexity");
  hdt_json_bytes(document, "model", report->info.name, strlen(report->info.name));
  if (report->args->machine.model)
    hdt_json_bytes(document, "file", report->args->machine.model, strlen(report->args->machine.model));
  hdt_json_bytes(document, "format", report->info.format, strlen(report->info.format));
  hdt_json_u64(document, "file_bytes", report->info.file_bytes);
  hdt_json_bytes(document, "text", report->args->text, strlen(report->args->text));
  cJSON_AddNumberToObject(document, "perplexity", perplexity(report));
  cJSON_AddNumberToObject(document, "perplexity_error", perplexity_error(report));
  cJSON_AddNumberToObject(document, "mean_nll", score->mean_nll);
  cJSON_AddNumberToObject(document, "nll_error", score->nll_error);
  cJSON_AddStringToObject(document, "method", "windows, second half scored");
  hdt_json_u64(document, "context", report->context);
  hdt_json_u64(document, "windows", score->chunk_count);
  hdt_json_u64(document, "text_tokens", report->text_tokens);
  hdt_json_u64(document, "scored_tokens", score->n_scored);
  hdt_json_u64(document, "run_tokens", score->n_run);
  hdt_json_u64(document, "elapsed_ns", score->elapsed_ns);
  cJSON_AddNumberToObject(document, "tokens_per_s", hdt_per_second(score->n_run, score->elapsed_ns));
  hdt_json_u64(document, "peak_resident_bytes", report->peak_resident_bytes);
  hdt_energy_json(document, &report->energy);
  cJSON_AddStringToObject(document, "devices", report->args->machine.devices);
  hdt_json_u64(document, "threads", report->machine->threads);
  return hdt_json_print(document, false, "perplexity");
}

static void show_progress(void *arg, uint32_t chunk, uint32_t chunk_count, double mean_nll,
                          uint32_t n_scored) {
  (void)mean_nll;
  (void)n_scored;
  char detail[48];
  snprintf(detail, sizeof(detail), "window %" PRIu32 " of %" PRIu32, chunk + 1, chunk_count);
  hdt_progress_show(arg, chunk + 1, chunk_count, detail);
}

/* Source: getrusage(2); the most so far, in KiB. */
static uint64_t peak_resident_bytes(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

static hdt_exit score(const hdt_machine *machine, const perplexity_args *args, const hdt_prompt *text,
                      const he_tokens *tokens) {
  perplexity_report report = {.machine = machine, .args = args, .text_tokens = tokens->count};
  hdt_energy_meter meter;
  hdt_progress progress;
  hd_control_stats stats;
  hd_error error = {{0}};
  he_model_describe(machine->model, &report.info);
  report.context = args->context                             ? args->context
                   : report.info.n_context < CONTEXT_DEFAULT ? report.info.n_context
                                                             : CONTEXT_DEFAULT;
  hdt_progress_begin(&progress, "scoring", args->quiet);
  he_score_desc desc = {.size = sizeof(desc),
                        .tokens = tokens->ids,
                        .n_tokens = tokens->count,
                        .window_tokens = report.context,
                        .chunk_limit = args->chunks,
                        .class_id = HD_CLASS_DEFAULT,
                        .on_chunk = show_progress,
                        .arg = &progress};
  hdt_energy_begin(&meter);
  hd_status status = he_score(machine->instance, &desc, &report.score, &error);
  hd_sched_stats(machine->sched, &stats);
  report.energy = hdt_energy_end(&meter, &stats);
  report.peak_resident_bytes = peak_resident_bytes();
  hdt_progress_end(&progress);
  if (status != HD_OK)
    return hdt_fail(hdt_exit_of(status), "perplexity", "%s: %s", text->name,
                    error.text[0] ? error.text : hd_status_text(status));
  if (args->output.json) return print_json(&report);
  print_report(&report);
  return HDT_DONE;
}

static hdt_exit run(const perplexity_args *args) {
  const hdt_text_list list = {.count = 1, .letters = {'f'}, .texts = {args->text}};
  hdt_prompt text = {0};
  hdt_machine machine = {0};
  he_tokens tokens = {0};
  hd_error error = {{0}};
  hdt_exit code = hdt_prompts_read(&list, "perplexity", &text);
  if (code == HDT_DONE) code = hdt_machine_open_model(&machine, &args->machine, args->quiet, "perplexity");
  if (code == HDT_DONE) {
    he_tokens_init(&tokens, machine.model);
    hd_status status = he_tokenize(machine.model, text.text, text.bytes, 0, &tokens, &error);
    if (status != HD_OK) code = hdt_fail(hdt_exit_of(status), "perplexity", "%s: %s", text.name, error.text);
  }
  if (code == HDT_DONE) code = hdt_machine_start(&machine, &args->machine, "perplexity");
  if (code == HDT_DONE) code = score(&machine, args, &text, &tokens);
  he_tokens_finish(&tokens);
  hdt_prompts_free(&text, 1);
  return hdt_machine_close(&machine, code, "perplexity");
}

static const char notes[] =
    "  The way of llama.cpp's tool, so that figures compare: text and begin token are cut into windows of\n"
    "  -c positions, the first of which becomes the begin token; scored are the tokens behind the first\n"
    "  half of each window, so that every one has at least half a window in front of it. A rest that\n"
    "  fills no window is left out. KV caches are F32 here (F16 there, unless told otherwise).\n"
    "  ± is one standard error, as if tokens were independent: of use between texts. Two formats on the\n"
    "  same text err alike, and differ by much less than that.\n"
    "  Energy is measured where the machine has a counter that we may read, else modelled.";

static bool parse(perplexity_args *args, int argc, char **argv, hdt_exit *out_exit) {
  hdt_option machine[HDT_MACHINE_OPTIONS];
  hdt_machine_options(&args->machine, machine);
  const hdt_option what[] = {machine[HDT_MACHINE_MODEL],
                             {.letter = 'c',
                              .name = "context",
                              .argument = "N",
                              .kind = HDT_OPTION_COUNT,
                              .target = &args->context,
                              .min = 4,
                              .max = 1 << 20,
                              .help = "positions of a window (default: 512, or what the model has)"},
                             {.name = "chunks",
                              .argument = "N",
                              .kind = HDT_OPTION_COUNT,
                              .target = &args->chunks,
                              .min = 1,
                              .max = 1 << 30,
                              .help = "the first N windows only (default: all)"}};
  const hdt_option scheduling[] = {machine[HDT_MACHINE_DEVICES], machine[HDT_MACHINE_THREADS],
                                   machine[HDT_MACHINE_POLICY], machine[HDT_MACHINE_SPLIT],
                                   machine[HDT_MACHINE_KV]};
  hdt_option output[HDT_OUTPUT_OPTIONS + 1];
  hdt_output_options(&args->output, output);
  output[HDT_OUTPUT_OPTIONS] = hdt_quiet_option(&args->quiet, "no progress bar");
  const hdt_option_group groups[] = {{"What to score", what, sizeof(what) / sizeof(what[0])},
                                     {"Scheduling", scheduling, sizeof(scheduling) / sizeof(scheduling[0])},
                                     {"Output", output, HDT_OUTPUT_OPTIONS + 1}};
  const hdt_usage usage = {
      .command = "perplexity",
      .synopsis = "[OPTION...] [MODEL.gguf] FILE",
      .summary =
          "Shows how well a model foretells the text in FILE ('-' is stdin): its perplexity, the lower\n"
          "the better, with speed, memory and energy. The price of a format, and its gain, in one\n"
          "command. Without MODEL.gguf it is the model inside the command.",
      .groups = groups,
      .group_count = 3,
      .positional_max = 2,
      .notes = notes,
      .examples = "  heddle perplexity model-q4_k.gguf text.txt\n"
                  "  heddle perplexity model-f16.gguf text.txt --context 256 --chunks 20 --json"};
  const char *positional[2];
  if (!hdt_options_parse(&usage, argc, argv, positional, out_exit)) return false;
  args->text = positional[1] != NULL ? positional[1] : positional[0];
  if (args->text == NULL) {
    *out_exit = hdt_fail(HDT_USAGE, "perplexity", "no text: say [MODEL.gguf] FILE");
    return false;
  }
  return hdt_machine_take_model(&args->machine, positional[1] != NULL ? positional[0] : NULL, "perplexity",
                                out_exit);
}

hdt_exit hdt_command_perplexity(int argc, char **argv) {
  perplexity_args args = {0};
  hdt_exit code;
  if (!parse(&args, argc, argv, &code)) return code;
  return run(&args);
}
