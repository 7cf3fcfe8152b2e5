/* SPDX-License-Identifier: Apache-2.0 */
/* The graph builder and its plain readers. */
#include "graph_internal.h"

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>
#include <string.h>

static void *grow(const hd_host *host, void *old, uint32_t count, uint32_t *cap, uint32_t limit,
                  size_t bytes) {
  if (count < *cap) return old;
  uint32_t wanted = *cap == 0 ? 64 : *cap * 2;
  if (wanted > limit) wanted = limit;
  void *grown = hd_host_zalloc(host, wanted, bytes, alignof(max_align_t));
  if (grown == NULL) return NULL;
  if (count > 0) memcpy(grown, old, (size_t)count * bytes);
  hd_host_free(host, old, *cap, bytes);
  *cap = wanted;
  return grown;
}

hd_status hd_graph_create(const hd_host *host, const hd_graph_desc *desc, hd_graph **out_graph) {
  if (host == NULL || desc == NULL || out_graph == NULL) return HD_E_INVALID;
  if (desc->n_layers == 0 || desc->n_layers > INT16_MAX - 1 || desc->n_vocab == 0 || desc->max_context == 0)
    return HD_E_INVALID;
  hd_graph *graph = hd_host_zalloc(host, 1, sizeof *graph, alignof(hd_graph));
  if (graph == NULL) return HD_E_NO_MEMORY;
  graph->host = *host;
  graph->desc = *desc;
  graph->desc.name[HD_NAME_BYTES - 1] = '\0';
  *out_graph = graph;
  return HD_OK;
}

static bool value_is_sound(const hd_value_desc *v) {
  if (v->cols == 0 || hd_format_row_bytes(v->format, v->cols) == 0) return false;
  if ((v->rows_kind == HD_ROWS_FIXED) != (v->rows != 0)) return false;
  bool f32 = v->format == HD_FORMAT_F32;
  if (v->layout != HD_KV_ROWS && (v->layout != HD_KV_TURNED || v->kind != HD_VALUE_KV)) return false;
  switch (v->kind) {
  case HD_VALUE_WEIGHT:
    return v->rows_kind == HD_ROWS_FIXED && v->format != HD_FORMAT_I32;
  case HD_VALUE_ACTIVATION:
    return f32 && (v->rows_kind == HD_ROWS_TOKENS || v->rows_kind == HD_ROWS_OUTPUTS);
  case HD_VALUE_KV:
    return v->rows_kind == HD_ROWS_CONTEXT &&
           (f32 || v->format == HD_FORMAT_F16 || (v->format == HD_FORMAT_Q8_0 && v->layout == HD_KV_ROWS));
  case HD_VALUE_TOKENS:
    return v->rows_kind == HD_ROWS_TOKENS && v->format == HD_FORMAT_I32 && v->cols == 1;
  case HD_VALUE_LOGITS:
    return v->rows_kind == HD_ROWS_OUTPUTS && f32;
  }
  return false;
}

hd_status hd_graph_add_value(hd_graph *graph, const hd_value_desc *desc, hd_value *out_value) {
  if (graph == NULL || desc == NULL || out_value == NULL || graph->sealed || !value_is_sound(desc))
    return HD_E_INVALID;
  if (graph->value_count >= HD_VALUES_MAX) return HD_E_LIMIT;
  hd_value_desc *values =
      grow(&graph->host, graph->values, graph->value_count, &graph->value_cap, HD_VALUES_MAX, sizeof *values);
  if (values == NULL) return HD_E_NO_MEMORY;
  graph->values = values;
  values[graph->value_count] = *desc;
  *out_value = (hd_value)graph->value_count++;
  return HD_OK;
}

hd_status hd_graph_add_op(hd_graph *graph, const hd_op *op) {
  if (graph == NULL || op == NULL || graph->sealed || hdi_op_rule_get(op->kind) == NULL) return HD_E_INVALID;
  if (op->layer < -1 || op->layer > (int16_t)graph->desc.n_layers) return HD_E_INVALID;
  if (graph->op_count > 0 && op->layer < graph->ops[graph->op_count - 1].layer) return HD_E_INVALID;
  if (graph->op_count >= HD_OPS_MAX) return HD_E_LIMIT;
  hd_op *ops = grow(&graph->host, graph->ops, graph->op_count, &graph->op_cap, HD_OPS_MAX, sizeof *ops);
  if (ops == NULL) return HD_E_NO_MEMORY;
  graph->ops = ops;
  ops[graph->op_count++] = *op;
  return HD_OK;
}

static hd_status make_lives(hd_graph *graph) {
  if (graph->life_count == graph->value_count) return HD_OK;
  hd_host_free(&graph->host, graph->lives, graph->life_count, sizeof *graph->lives);
  graph->life_count = 0;
  graph->lives = hd_host_zalloc(&graph->host, graph->value_count, sizeof *graph->lives, alignof(hdi_life));
  if (graph->lives == NULL) return HD_E_NO_MEMORY;
  graph->life_count = graph->value_count;
  return HD_OK;
}

hd_status hd_graph_seal(hd_graph *graph, hd_error *out_error) {
  if (graph == NULL || graph->sealed)
    return hd_fail(out_error, HD_E_INVALID, "graph: none, or sealed already");
  if (graph->op_count == 0) return hd_fail(out_error, HD_E_INVALID, "graph %s: no ops", graph->desc.name);
  for (uint32_t i = 0; i < graph->op_count; i++) {
    hd_status status = hdi_op_check(graph, i, out_error);
    if (status != HD_OK) return status;
  }
  hd_status status = make_lives(graph);
  if (status != HD_OK) return hd_fail(out_error, status, "graph %s: no memory", graph->desc.name);
  status = hdi_graph_find_lives(graph, out_error);
  if (status != HD_OK) return status;
  status = hdi_graph_lay_out(graph);
  if (status != HD_OK) return hd_fail(out_error, status, "graph %s: no memory", graph->desc.name);
  graph->sealed = true;
  return HD_OK;
}

void hd_graph_destroy(hd_graph *graph) {
  if (graph == NULL) return;
  hd_host host = graph->host;
  hd_host_free(&host, graph->values, graph->value_cap, sizeof *graph->values);
  hd_host_free(&host, graph->ops, graph->op_cap, sizeof *graph->ops);
  hd_host_free(&host, graph->lives, graph->life_count, sizeof *graph->lives);
  hd_host_free(&host, graph->slots, graph->slot_cap, sizeof *graph->slots);
  hd_host_free(&host, graph, 1, sizeof *graph);
}

const hd_graph_desc *hd_graph_describe(const hd_graph *graph) {
  return &graph->desc;
}

const hd_op *hd_graph_ops(const hd_graph *graph, uint32_t *out_count) {
  assert(graph->sealed);
  *out_count = graph->op_count;
  return graph->ops;
}

const hd_value_desc *hd_graph_values(const hd_graph *graph, uint32_t *out_count) {
  assert(graph->sealed);
  *out_count = graph->value_count;
  return graph->values;
}

uint32_t hd_rows_of(const hd_value_desc *value, uint32_t n_tokens, uint32_t n_outputs, uint32_t n_context) {
  switch (value->rows_kind) {
  case HD_ROWS_FIXED:
    return value->rows;
  case HD_ROWS_TOKENS:
    return n_tokens;
  case HD_ROWS_OUTPUTS:
    return n_outputs;
  case HD_ROWS_CONTEXT:
    return value->layout == HD_KV_TURNED ? (n_context + HD_KV_GROUP - 1) / HD_KV_GROUP * HD_KV_GROUP
                                         : n_context;
  }
  return 0;
}
