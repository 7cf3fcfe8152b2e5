/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "bench_cost.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include "bench/machine/machine.h"
#include "names.h"
#include "units.h"

/* Several times the last cache of any machine seen. */
#define READ_BYTES ((size_t)512 << 20)

void hdt_cost_switches(uint64_t *out_voluntary, uint64_t *out_involuntary) {
  struct rusage usage = {0};
  (void)getrusage(RUSAGE_SELF, &usage);
  *out_voluntary = (uint64_t)usage.ru_nvcsw;
  *out_involuntary = (uint64_t)usage.ru_nivcsw;
}

void hdt_cost_add_energy(hdt_cost *cost, const hd_request_stats *stats) {
  for (uint32_t d = 0; d < HD_DEVICES_MAX; d++) {
    hd_energy_source source = stats->energy_source[d];
    if (source == HD_ENERGY_NONE) continue;
    cost->energy_uj += stats->energy_uj[d];
    /* A sum is as good as its worst part. */
    if (cost->energy_source == HD_ENERGY_NONE || source < cost->energy_source) cost->energy_source = source;
  }
}

uint64_t hdt_cost_beyond(const hdt_cost *cost) {
  uint64_t known = cost->footprint.model_bytes + cost->kv_bytes;
  return cost->footprint.resident_bytes > known ? cost->footprint.resident_bytes - known : 0;
}

uint64_t hdt_streamed_bytes(const he_model *model) {
  uint32_t op_count, value_count;
  uint64_t bytes = 0;
  const hd_op *ops = hd_graph_ops(he_model_graph(model), &op_count);
  const hd_value_desc *values = hd_graph_values(he_model_graph(model), &value_count);
  for (uint32_t i = 0; i < op_count; i++) {
    if (ops[i].kind != HD_OP_MATMUL) continue;
    const hd_value_desc *weight = &values[ops[i].in[1]];
    bytes += weight->rows * (uint64_t)hd_format_row_bytes(weight->format, weight->cols);
  }
  return bytes;
}

uint64_t hdt_kv_bytes(const he_model *model, uint32_t positions) {
  uint32_t count;
  uint64_t bytes = 0;
  const hd_value_desc *values = hd_graph_values(he_model_graph(model), &count);
  for (uint32_t i = 0; i < count; i++) {
    if (values[i].kind == HD_VALUE_KV)
      bytes += (uint64_t)hd_format_row_bytes(values[i].format, values[i].cols) *
               hd_rows_of(&values[i], 0, 0, positions);
  }
  return bytes;
}

hdt_streaming hdt_streaming_measure(const he_model *model, double tokens_per_s, uint32_t threads) {
  hdt_streaming streaming = {.weights = (double)hdt_streamed_bytes(model) * tokens_per_s / 1e9};
  if (tokens_per_s > 0) streaming.read = hb_machine_read(threads, READ_BYTES);
  return streaming;
}

void hdt_streaming_print(const hdt_streaming *streaming, uint32_t threads) {
  if (streaming->weights <= 0) return;
  printf("\n  weights  %s in decode", hdt_bytes_per_s(streaming->weights * 1e9).text);
  if (streaming->read > 0)
    printf("; %" PRIu32 " thread%s read %s: %.0f %%", threads, threads == 1 ? "" : "s",
           hdt_bytes_per_s(streaming->read * 1e9).text, 100 * streaming->weights / streaming->read);
  printf("\n");
}

void hdt_cost_print(const char *phase, const hdt_cost *cost) {
  double tokens = (double)cost->tokens;
  if (cost->tokens == 0) return;
  printf("  %-7s  a token: %.3f switches (%.3f of them forced)", phase,
         (double)(cost->voluntary + cost->involuntary) / tokens, (double)cost->involuntary / tokens);
  if (cost->energy_source != HD_ENERGY_NONE)
    printf(", %s (%s)", hdt_energy(cost->energy_uj / cost->tokens).text,
           hdt_energy_source_name(cost->energy_source));
  if (hdt_cost_beyond(cost) > 0)
    printf("; memory beyond weights and cache %s, of that %s of no file",
           hdt_bytes(hdt_cost_beyond(cost)).text,
           hdt_bytes(cost->footprint.anonymous_bytes > cost->kv_bytes
                         ? cost->footprint.anonymous_bytes - cost->kv_bytes
                         : 0)
               .text);
  printf("\n");
}

void hdt_cost_json(cJSON *document, const char *key, const hdt_cost *cost) {
  cJSON *object = cJSON_AddObjectToObject(document, key);
  double tokens = cost->tokens > 0 ? (double)cost->tokens : 1;
  cJSON_AddNumberToObject(object, "voluntary_switches_per_token", (double)cost->voluntary / tokens);
  cJSON_AddNumberToObject(object, "involuntary_switches_per_token", (double)cost->involuntary / tokens);
  cJSON_AddNumberToObject(object, "energy_uj_per_token", (double)cost->energy_uj / tokens);
  cJSON_AddStringToObject(object, "energy_source", hdt_energy_source_name(cost->energy_source));
  hdt_json_u64(object, "resident_bytes", cost->footprint.resident_bytes);
  hdt_json_u64(object, "resident_model_bytes", cost->footprint.model_bytes);
  hdt_json_u64(object, "resident_anonymous_bytes", cost->footprint.anonymous_bytes);
  hdt_json_u64(object, "kv_bytes", cost->kv_bytes);
  hdt_json_u64(object, "resident_beyond_bytes", hdt_cost_beyond(cost));
}
