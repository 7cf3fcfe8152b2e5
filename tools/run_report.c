/* SPDX-License-Identifier: Apache-2.0 */
/* What `heddle run` says at the end: a short table for people, one object for programs. */
#include "run_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "console.h"
#include "json.h"
#include "layers.h"
#include "names.h"
#include "table.h"
#include "units.h"

/* All requests together; rates are tokens over the sum of the requests' own times. */
typedef struct totals {
  uint64_t prompt_tokens, generated_tokens, decode_tokens;
  uint64_t prefill_ns, decode_ns;
} totals;

static totals add_up(const hdt_requests *requests) {
  totals sum = {0};
  for (uint32_t i = 0; i < requests->count; i++) {
    const he_job_result *result = &requests->items[i].result;
    sum.prompt_tokens += result->prompt_tokens;
    sum.generated_tokens += result->generated_tokens;
    sum.decode_tokens += result->decode_tokens;
    sum.prefill_ns += result->prefill_ns;
    sum.decode_ns += result->decode_ns;
  }
  return sum;
}

static const char *ending(const hdt_request *request) {
  const char *stop = he_stop_name(request->result.stop);
  if (request->result.status == HD_OK && stop != NULL) return stop;
  if (request->result.status == HD_E_CANCELLED) return "interrupt";
  return hd_status_text(request->result.status);
}

static void print_phase(hdt_table *table, const hdt_run_report *report, hd_phase phase, uint64_t tokens,
                        uint64_t ns) {
  char layers[160];
  hd_split split;
  hd_model_split(he_instance_placed(report->machine->instance), phase, &split);
  hdt_split_text(report->machine->sched, he_model_graph(report->machine->model), &split, layers,
                 sizeof(layers));
  hdt_table_cell(table, "%s", hdt_phase_name(phase));
  hdt_table_cell(table, "%" PRIu64 " tokens", tokens);
  hdt_table_cell(table, "%s", tokens ? hdt_duration(ns).text : "");
  hdt_table_cell(table, "%s%s", tokens ? hdt_rate(hdt_per_second((double)tokens, ns)).text : "",
                 tokens ? " tokens/s" : "");
  hdt_table_cell(table, "layers %s", layers);
}

static void print_phases(const hdt_run_report *report) {
  hdt_table table;
  totals sum = add_up(report->requests);
  hdt_table_init(&table, "lrrrl");
  print_phase(&table, report, HD_PHASE_PREFILL, sum.prompt_tokens, sum.prefill_ns);
  print_phase(&table, report, HD_PHASE_DECODE, sum.decode_tokens, sum.decode_ns);
  hdt_table_print(&table, stderr);
  hdt_table_finish(&table);
}

static void print_requests(const hdt_run_report *report) {
  static const char *const titles[] = {"request",  "prompt", "tokens/s", "generated",
                                       "tokens/s", "seed",   "ended by"};
  enum { SHOWN_MAX = 16 };
  const hdt_requests *requests = report->requests;
  hdt_table table;
  hdt_table_init(&table, "rrrrrrl");
  hdt_table_header(&table, titles);
  for (uint32_t i = 0; i < requests->count && i < SHOWN_MAX; i++) {
    const hdt_request *request = &requests->items[i];
    const he_job_result *result = &request->result;
    hdt_table_cell(&table, "%" PRIu32, i + 1);
    hdt_table_cell(&table, "%" PRIu32, result->prompt_tokens);
    hdt_table_cell(&table, "%s", hdt_rate(hdt_per_second(result->prompt_tokens, result->prefill_ns)).text);
    hdt_table_cell(&table, "%" PRIu32, result->generated_tokens);
    hdt_table_cell(&table, "%s", hdt_rate(hdt_per_second(result->decode_tokens, result->decode_ns)).text);
    if (requests->desc.sampling.temperature > 0) {
      hdt_table_cell(&table, "%" PRIu64, request->seed);
    } else {
      hdt_table_cell(&table, "%s", ""); /* greedy: there is no chance to seed */
    }
    hdt_table_cell(&table, "%s", ending(request));
  }
  hdt_table_print(&table, stderr);
  hdt_table_finish(&table);
  if (requests->count > SHOWN_MAX)
    fprintf(stderr, "  ... and %" PRIu32 " more\n", requests->count - SHOWN_MAX);
}

/* Appends ", 3 steps moved" when there were any. */
static void append_count(char *text, size_t bytes, uint64_t count, const char *what, const char *happened) {
  size_t length = strlen(text);
  if (count == 0) return;
  snprintf(text + length, bytes - length, ", %" PRIu64 " %s%s%s", count, what, count == 1 ? "" : "s",
           happened);
}

static void add_decided(hdt_table *table, const hdt_run_report *report) {
  const hd_control_stats *stats = &report->stats;
  char trouble[128] = "";
  append_count(trouble, sizeof(trouble), stats->fallbacks, "fallback", "");
  append_count(trouble, sizeof(trouble), stats->fences, "device", " fenced");
  append_count(trouble, sizeof(trouble), stats->moves, "step", " moved");
  hdt_table_cell(table, "decided");
  hdt_table_cell(table, "%" PRIu64 " decisions by %s on %" PRIu64 " events%s", stats->decisions,
                 report->policy, stats->events, trouble);
}

static void add_ran(hdt_table *table, const hdt_run_report *report) {
  char text[200] = "";
  size_t length = 0;
  for (uint32_t d = 0; d < hd_sched_device_count(report->machine->sched) && length < sizeof(text); d++) {
    char name[HD_NAME_BYTES];
    hdt_device_name(report->machine->sched, d, name);
    int added = snprintf(text + length, sizeof(text) - length, "%s%s %s", d > 0 ? ", " : "", name,
                         hdt_duration(report->stats.busy_ns[d]).text);
    length += added > 0 ? (size_t)added : 0;
  }
  hdt_table_cell(table, "busy");
  hdt_table_cell(table, "%s; %" PRIu64 " launches", text, report->stats.runs);
}

static void add_energy(hdt_table *table, const hdt_energy_reading *energy) {
  hdt_table_cell(table, "energy");
  if (energy->source == HD_ENERGY_NONE) {
    hdt_table_cell(table, "unknown: neither measured nor modelled here");
  } else {
    hdt_table_cell(table, "%s, %s", hdt_energy(energy->uj).text, hdt_energy_source_name(energy->source));
  }
}

static void add_ended(hdt_table *table, const hdt_run_report *report) {
  const hdt_requests *requests = report->requests;
  hdt_table_cell(table, "ended");
  if (requests->count > 1) {
    totals sum = add_up(requests);
    hdt_table_cell(table, "%" PRIu64 " tokens of %" PRIu32 " requests in %s: %s tokens/s together",
                   sum.generated_tokens, requests->count, hdt_duration(requests->wall_ns).text,
                   hdt_rate(hdt_per_second((double)sum.generated_tokens, requests->wall_ns)).text);
  } else if (requests->desc.sampling.temperature > 0) {
    hdt_table_cell(table, "by %s after %" PRIu32 " tokens, seed %" PRIu64, ending(&requests->items[0]),
                   requests->items[0].result.generated_tokens, requests->items[0].seed);
  } else {
    hdt_table_cell(table, "by %s after %" PRIu32 " tokens", ending(&requests->items[0]),
                   requests->items[0].result.generated_tokens);
  }
}

void hdt_run_report_print(const hdt_run_report *report) {
  hdt_table table;
  fputs("\n", stderr);
  if (report->requests->count > 1) {
    print_requests(report);
    fputs("\n", stderr);
  }
  print_phases(report);
  hdt_table_init(&table, "ll");
  add_ended(&table, report);
  add_decided(&table, report);
  add_ran(&table, report);
  add_energy(&table, &report->energy);
  hdt_table_print(&table, stderr);
  hdt_table_finish(&table);
}

/* ---- JSON ---- */

static cJSON *request_json(const hdt_request *request) {
  const he_job_result *result = &request->result;
  cJSON *object = cJSON_CreateObject();
  cJSON_AddStringToObject(object, "status", hd_status_text(result->status));
  cJSON_AddStringToObject(object, "ended_by", ending(request));
  hdt_json_u64(object, "seed", request->seed);
  hdt_json_u64(object, "prompt_tokens", result->prompt_tokens);
  hdt_json_u64(object, "generated_tokens", result->generated_tokens);
  hdt_json_u64(object, "wait_ns", result->wait_ns);
  hdt_json_u64(object, "prefill_ns", result->prefill_ns);
  hdt_json_u64(object, "decode_ns", result->decode_ns);
  cJSON_AddNumberToObject(object, "prefill_tokens_per_s",
                          hdt_per_second(result->prompt_tokens, result->prefill_ns));
  cJSON_AddNumberToObject(object, "decode_tokens_per_s",
                          hdt_per_second(result->decode_tokens, result->decode_ns));
  cJSON *ids = cJSON_AddArrayToObject(object, "prompt_ids");
  for (uint32_t i = 0; i < request->tokens->count; i++) {
    cJSON_AddItemToArray(ids, cJSON_CreateNumber(request->tokens->ids[i]));
  }
  ids = cJSON_AddArrayToObject(object, "ids");
  for (size_t i = 0; i < request->id_count; i++)
    cJSON_AddItemToArray(ids, cJSON_CreateNumber(request->ids[i]));
  hdt_json_bytes(object, "text", request->text ? request->text : "", request->text_bytes);
  return object;
}

static void add_model(cJSON *document, const hdt_run_report *report) {
  he_model_info info;
  he_model_describe(report->machine->model, &info);
  hdt_json_bytes(document, "model", info.name, strlen(info.name));
  hdt_json_bytes(document, "format", info.format, strlen(info.format));
  hdt_json_u64(document, "threads", report->machine->threads);
  cJSON_AddStringToObject(document, "policy", report->policy);
  cJSON_AddStringToObject(document, "class", hd_class_name(report->class_id));
  const he_sampling *sampling = &report->requests->desc.sampling;
  cJSON *object = cJSON_AddObjectToObject(document, "sampling");
  hdt_json_float(object, "temperature", sampling->temperature);
  hdt_json_u64(object, "top_k", sampling->top_k);
  hdt_json_float(object, "top_p", sampling->top_p);
  hdt_json_u64(object, "seed", sampling->seed);
}

static void add_devices(cJSON *document, const hdt_run_report *report) {
  const hd_control_stats *stats = &report->stats;
  cJSON *list = cJSON_AddArrayToObject(document, "devices");
  for (uint32_t d = 0; d < hd_sched_device_count(report->machine->sched); d++) {
    char name[HD_NAME_BYTES];
    cJSON *object = cJSON_CreateObject();
    hdt_device_name(report->machine->sched, d, name);
    cJSON_AddStringToObject(object, "name", name);
    hdt_json_u64(object, "busy_ns", stats->busy_ns[d]);
    hdt_json_u64(object, "energy_uj", stats->energy_uj[d]);
    cJSON_AddStringToObject(object, "energy_source", hdt_energy_source_name(stats->energy_source[d]));
    cJSON_AddItemToArray(list, object);
  }
  hdt_json_u64(document, "decisions", stats->decisions);
  hdt_json_u64(document, "events", stats->events);
  hdt_json_u64(document, "launches", stats->runs);
  hdt_json_u64(document, "fallbacks", stats->fallbacks);
  hdt_json_u64(document, "fences", stats->fences);
  hdt_json_u64(document, "moves", stats->moves);
}

hdt_exit hdt_run_report_json(const hdt_run_report *report, const char *command) {
  const hdt_machine *machine = report->machine;
  totals sum = add_up(report->requests);
  cJSON *document = hdt_json_document("run");
  add_model(document, report);
  cJSON_AddBoolToObject(document, "interrupted", report->interrupted);
  hdt_json_u64(document, "load_ns", machine->load_ns);
  hdt_json_u64(document, "wall_ns", report->requests->wall_ns);
  cJSON_AddNumberToObject(document, "prefill_tokens_per_s",
                          hdt_per_second((double)sum.prompt_tokens, sum.prefill_ns));
  cJSON_AddNumberToObject(document, "decode_tokens_per_s",
                          hdt_per_second((double)sum.decode_tokens, sum.decode_ns));
  cJSON *splits = cJSON_AddObjectToObject(document, "split");
  for (int phase = 0; phase < (int)HD_PHASE_COUNT; phase++) {
    hd_split split;
    hd_model_split(he_instance_placed(machine->instance), (hd_phase)phase, &split);
    cJSON_AddItemToObject(splits, hdt_phase_name((hd_phase)phase),
                          hdt_split_json(machine->sched, he_model_graph(machine->model), &split));
  }
  add_devices(document, report);
  hdt_energy_json(document, &report->energy);
  cJSON *list = cJSON_AddArrayToObject(document, "requests");
  for (uint32_t i = 0; i < report->requests->count; i++) {
    cJSON_AddItemToArray(list, request_json(&report->requests->items[i]));
  }
  return hdt_json_print(document, false, command);
}
