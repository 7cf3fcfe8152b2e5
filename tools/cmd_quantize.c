/* SPDX-License-Identifier: Apache-2.0 */
/* heddle quantize: a model's file in, a smaller one out. */
#include <inttypes.h>
#include <semaphore.h>
#include <string.h>
#include <strings.h>
#include "bell.h"
#include "command.h"
#include "common/encode/encode.h"
#include "console.h"
#include "engine/quantize.h"
#include "heddle/runtime.h"
#include "json.h"
#include "machine.h"
#include "progress.h"
#include "table.h"
#include "units.h"

enum { IN, OUT, FORMAT, POSITIONALS };

typedef struct quantize_args {
  const char *paths[POSITIONALS]; /* the last one is the format's name */
  hd_format format;
  uint32_t threads;
  bool pure, quiet;
  hdt_output_args output;
} quantize_args;

typedef struct format_name {
  const char *name;
  hd_format format;
} format_name;

/* The one name of more than one is the field's. */
static const format_name FORMATS[] = {
    {"Q8_0", HD_FORMAT_Q8_0}, {"Q4_0", HD_FORMAT_Q4_0}, {"Q4_K", HD_FORMAT_Q4_K}, {"Q4_K_M", HD_FORMAT_Q4_K},
    {"Q6_K", HD_FORMAT_Q6_K}, {"F16", HD_FORMAT_F16},   {"BF16", HD_FORMAT_BF16}};

/* ---- rows, by all workers ---- */

/* Values that a worker takes at once: some hundred microseconds of the slowest format. */
#define PART_VALUES 65536u

typedef struct quantizing {
  const quantize_args *args;
  hd_host host;
  hd_runtime *runtime;
  hdt_progress progress;
  sem_t done;
  hd_status status;
  hd_error error;
  he_quantize_result result;
  /* of the rows being written */
  const he_recode *rows;
  uint32_t rows_of_part;
  atomic_ullong good; /* values in front of the first that cannot be written */
} quantizing;

static void recode_part(void *arg, uint32_t part) {
  quantizing *q = arg;
  const he_recode *rows = q->rows;
  uint32_t begin = part * q->rows_of_part, left = rows->row_count - begin;
  uint32_t count = left < q->rows_of_part ? left : q->rows_of_part;
  size_t from = hd_format_row_bytes(rows->from, rows->cols), to = hd_format_row_bytes(rows->to, rows->cols);
  for (uint32_t row = begin; row < begin + count; row++) {
    uint32_t good = hdb_recode_row(rows->from, (const uint8_t *)rows->rows + row * from, rows->to, rows->cols,
                                   (uint8_t *)rows->out + row * to);
    if (good == rows->cols) continue;
    unsigned long long mine = (unsigned long long)row * rows->cols + good, least = atomic_load(&q->good);
    while (mine < least && !atomic_compare_exchange_weak(&q->good, &least, mine)) {
    }
    return;
  }
}

static uint64_t recode(void *arg, const he_recode *rows) {
  quantizing *q = arg;
  q->rows = rows;
  q->rows_of_part = rows->cols < PART_VALUES ? PART_VALUES / rows->cols : 1;
  atomic_store(&q->good, (unsigned long long)rows->row_count * rows->cols);
  hd_runtime_parallel(q->runtime, q->args->threads, (rows->row_count - 1) / q->rows_of_part + 1, recode_part,
                      q);
  return atomic_load(&q->good);
}

static bool show_progress(void *arg, uint64_t done, uint64_t total) {
  quantizing *q = arg;
  char detail[80];
  snprintf(detail, sizeof(detail), "%s of %s", hdt_bytes(done).text, hdt_bytes(total).text);
  hdt_progress_show(&q->progress, done, total, detail);
  return hdt_interrupted() == HDT_DONE;
}

/* On a worker: only there the others can be called to help. */
static void quantize_on_worker(void *arg) {
  quantizing *q = arg;
  he_quantize_desc desc = {.size = sizeof(desc),
                           .format = q->args->format,
                           .pure = q->args->pure,
                           .recode = recode,
                           .progress = show_progress,
                           .arg = q};
  q->status = he_quantize(&q->host, q->args->paths[IN], q->args->paths[OUT], &desc, &q->result, &q->error);
  sem_post(&q->done);
}

/* ---- what came of it ---- */

static void print_result(const quantizing *q) {
  static const char *const titles[] = {"format", "tensors", "size", "share"};
  const he_quantize_result *result = &q->result;
  hdt_table table;
  hdt_print_title(q->args->paths[OUT], "%s, %s from %s (%.0f %%); %s on %" PRIu32 " thread%s",
                  hd_format_get(q->args->format)->name, hdt_bytes(result->out_bytes).text,
                  hdt_bytes(result->in_bytes).text,
                  100.0 * (double)result->out_bytes / (double)result->in_bytes,
                  hdt_duration(result->elapsed_ns).text, q->args->threads, q->args->threads == 1 ? "" : "s");
  puts("");
  hdt_table_init(&table, "lrrr");
  hdt_table_header(&table, titles);
  for (int f = 0; f < HD_FORMAT_COUNT; f++) {
    if (result->tensor_count[f] == 0) continue;
    hdt_table_cell(&table, "%s", hd_format_get((hd_format)f)->name);
    hdt_table_cell(&table, "%" PRIu64, result->tensor_count[f]);
    hdt_table_cell(&table, "%s", hdt_bytes(result->tensor_bytes[f]).text);
    hdt_table_cell(&table, "%.1f %%", 100.0 * (double)result->tensor_bytes[f] / (double)result->out_bytes);
  }
  hdt_table_print(&table, stdout);
  hdt_table_finish(&table);
}

static hdt_exit print_json(const quantizing *q) {
  const he_quantize_result *result = &q->result;
  cJSON *document = hdt_json_document("quantize");
  hdt_json_bytes(document, "in", q->args->paths[IN], strlen(q->args->paths[IN]));
  hdt_json_bytes(document, "out", q->args->paths[OUT], strlen(q->args->paths[OUT]));
  cJSON_AddStringToObject(document, "format", hd_format_get(q->args->format)->name);
  cJSON_AddBoolToObject(document, "pure", q->args->pure);
  hdt_json_u64(document, "threads", q->args->threads);
  hdt_json_u64(document, "in_bytes", result->in_bytes);
  hdt_json_u64(document, "out_bytes", result->out_bytes);
  hdt_json_u64(document, "elapsed_ns", result->elapsed_ns);
  cJSON *list = cJSON_AddArrayToObject(document, "tensors");
  for (int f = 0; f < HD_FORMAT_COUNT; f++) {
    if (result->tensor_count[f] == 0) continue;
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "format", hd_format_get((hd_format)f)->name);
    hdt_json_u64(entry, "count", result->tensor_count[f]);
    hdt_json_u64(entry, "bytes", result->tensor_bytes[f]);
    cJSON_AddItemToArray(list, entry);
  }
  return hdt_json_print(document, false, "quantize");
}

static hdt_exit report(const quantizing *q) {
  if (q->status == HD_E_CANCELLED)
    return hdt_fail(hdt_interrupted(), "quantize", "%s: stopped, and not written", q->args->paths[OUT]);
  if (q->status != HD_OK) return hdt_fail(hdt_exit_of(q->status), "quantize", "%s", q->error.text);
  if (q->args->output.json) return print_json(q);
  if (!q->args->quiet) print_result(q);
  return HDT_DONE;
}

static hdt_exit quantize(const quantize_args *args) {
  quantizing q = {.args = args};
  hd_task task = {.fn = quantize_on_worker, .arg = &q};
  hd_runtime_config config;
  hd_host_posix(&q.host);
  hd_runtime_config_default(&config);
  config.worker_count = args->threads;
  hd_status status = hd_runtime_create(&q.host, &config, &q.runtime);
  if (status != HD_OK)
    return hdt_fail(hdt_exit_of(status), "quantize", "%" PRIu32 " threads: %s", args->threads,
                    hd_status_text(status));
  if (!hdt_bell_open()) {
    hd_runtime_destroy(q.runtime);
    return hdt_fail(HDT_FAILED, "quantize", "no file descriptor is left");
  }
  sem_init(&q.done, 0, 0);
  hdt_progress_begin(&q.progress, "writing", args->quiet);
  status = hd_runtime_post(q.runtime, &task);
  while (status == HD_OK && sem_wait(&q.done) != 0) { /* a signal came: the worker looks at it */
  }
  if (status != HD_OK) q.status = status; /* else it is the task's word, which may come before post returns */
  hd_runtime_destroy(q.runtime);
  sem_destroy(&q.done);
  hdt_progress_end(&q.progress);
  if (status != HD_OK) q.status = hd_fail(&q.error, status, "the workers take no task");
  hdt_exit code = report(&q);
  hdt_bell_close();
  return code;
}

/* ---- what was asked for ---- */

static bool find_format(const char *name, hd_format *out_format) {
  for (size_t i = 0; i < sizeof(FORMATS) / sizeof(FORMATS[0]); i++) {
    if (strcasecmp(FORMATS[i].name, name) != 0) continue;
    *out_format = FORMATS[i].format;
    return true;
  }
  return false;
}

static bool check(quantize_args *args, hdt_exit *out_exit) {
  if (args->threads == 0) args->threads = hdt_usable_cores();
  if (args->paths[FORMAT] == NULL) {
    *out_exit = hdt_fail(HDT_USAGE, "quantize", "%s; see 'heddle quantize --help'",
                         args->paths[IN] == NULL    ? "no input: say IN.gguf OUT.gguf FORMAT"
                         : args->paths[OUT] == NULL ? "no output: say IN.gguf OUT.gguf FORMAT"
                                                    : "no format: say IN.gguf OUT.gguf FORMAT");
    return false;
  }
  if (find_format(args->paths[FORMAT], &args->format)) return true;
  *out_exit = hdt_fail(HDT_USAGE, "quantize",
                       "there is no format '%s' to quantize to; there are Q8_0, Q4_0, Q4_K, Q6_K, F16, BF16",
                       args->paths[FORMAT]);
  return false;
}

static const char notes[] =
    "  What a file of that name is made of, as llama.cpp makes it:\n"
    "  - matrices get FORMAT; norms, biases and all else that is no matrix stay as they are;\n"
    "  - the output matrix, or the embeddings where they are both, gets Q6_K with Q4_0 and Q4_K;\n"
    "  - Q4_K gives Q6_K also to V and the down projection of the layers that are most sensitive:\n"
    "    the first and last eighth and every third between (that is what others call Q4_K_M);\n"
    "  - a row that is no multiple of 256 values gets Q5_0 for Q4_K, Q8_0 for Q6_K; one that is\n"
    "    no multiple of 32 gets F16.\n"
    "  --pure leaves out the second and the third.\n"
    "  OUT appears whole at the end: a failure, or Ctrl-C, leaves what was there.\n"
    "  The memory that it takes does not depend on the model's size.";

static bool parse(quantize_args *args, int argc, char **argv, hdt_exit *out_exit) {
  const hdt_option what[] = {{.name = "pure",
                              .kind = HDT_OPTION_FLAG,
                              .target = &args->pure,
                              .help = "every matrix in FORMAT, none in a better one"},
                             hdt_threads_option(&args->threads, 1024)};
  hdt_option output[HDT_OUTPUT_OPTIONS + 1];
  hdt_output_options(&args->output, output);
  output[HDT_OUTPUT_OPTIONS] = hdt_quiet_option(&args->quiet, "no progress bar and no table");
  const hdt_option_group groups[] = {{"What to write", what, sizeof(what) / sizeof(what[0])},
                                     {"Output", output, HDT_OUTPUT_OPTIONS + 1}};
  const hdt_usage usage = {
      .command = "quantize",
      .synopsis = "[OPTION...] IN.gguf OUT.gguf FORMAT",
      .summary = "Writes a model with its weights in fewer bits. IN has them in F32, F16 or BF16; FORMAT is\n"
                 "Q8_0, Q4_0, Q4_K or Q6_K (or F16, BF16). All that is no weight is kept to the byte.",
      .groups = groups,
      .group_count = 2,
      .positional_max = POSITIONALS,
      .notes = notes,
      .examples = "  heddle quantize model-f16.gguf model-q4_k.gguf Q4_K\n"
                  "  heddle quantize model-f16.gguf model-q8_0.gguf Q8_0 --threads 2 --json\n"
                  "  heddle perplexity model-q4_k.gguf text.txt      what it costs in quality"};
  if (!hdt_options_parse(&usage, argc, argv, args->paths, out_exit)) return false;
  return check(args, out_exit);
}

hdt_exit hdt_command_quantize(int argc, char **argv) {
  quantize_args args = {0};
  hdt_exit code;
  if (!parse(&args, argc, argv, &code)) return code;
  return quantize(&args);
}
