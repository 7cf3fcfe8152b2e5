/* SPDX-License-Identifier: Apache-2.0 */
/* Registered graphs: op costs in one pool, and which layers the user pinned. */
#include "stations.h"

#include <string.h>

#define PER_OUTPUT_BIT ((uint64_t)1 << 63)

uint32_t hdi_graph_find(const hd_control *c, uint64_t id) {
  for (uint32_t i = 0; i < HD_GRAPHS_MAX; i++)
    if (c->graphs[i].used && c->graphs[i].id == id) return i;
  return HDI_NONE;
}

/* Takes a graph's ops out of the pool and closes the gap. */
static void release(hd_control *c, hdi_graph *graph) {
  uint32_t end = graph->op_base + graph->op_count;
  memmove(c->ops + graph->op_base, c->ops + end, (c->ops_used - end) * sizeof *c->ops);
  for (uint32_t i = 0; i < HD_GRAPHS_MAX; i++)
    if (c->graphs[i].used && c->graphs[i].op_base >= end) c->graphs[i].op_base -= graph->op_count;
  c->ops_used -= graph->op_count;
  graph->used = false;
  c->graphs_version++;
  graph->has_split[HD_PHASE_PREFILL] = graph->has_split[HD_PHASE_DECODE] = false;
}

static uint32_t free_slot(const hd_control *c) {
  for (uint32_t i = 0; i < HD_GRAPHS_MAX; i++)
    if (!c->graphs[i].used) return i;
  return HDI_NONE;
}

hd_status hdi_on_graph(hd_control *c, const hd_record *event) {
  uint32_t slot = hdi_graph_find(c, event->request);
  uint32_t freed = 0;
  if (event->request > UINT16_MAX || event->a == 0 || event->a > HD_OPS_MAX || event->b > HD_LAYERS_MAX)
    return HD_E_INVALID;
  if (slot != HDI_NONE) {
    if (c->graphs[slot].steps != 0) return HD_E_INVALID;
    freed = c->graphs[slot].op_count;
  } else {
    slot = free_slot(c);
    if (slot == HDI_NONE) return HD_E_LIMIT;
  }
  if (event->a > c->config.limits.max_ops - (c->ops_used - freed)) return HD_E_LIMIT;
  hdi_graph *graph = &c->graphs[slot];
  if (graph->used) release(c, graph);
  graph->used = true;
  graph->id = event->request;
  graph->op_base = c->ops_used;
  graph->op_count = (uint32_t)event->a;
  graph->layer_count = (uint32_t)event->b;
  graph->border_bytes = event->step;
  graph->steps = 0;
  memset(graph->pins, HDI_PIN_NONE, sizeof graph->pins);
  memset(c->ops + c->ops_used, 0, graph->op_count * sizeof *c->ops);
  c->ops_used += graph->op_count;
  c->graphs_version++;
  return HD_OK;
}

/* The op that an event is about; NULL. Costs may not change under steps that were accounted with them. */
static hdi_op *find_op(hd_control *c, const hd_record *event, hdi_graph **out_graph) {
  uint32_t slot = hdi_graph_find(c, event->request);
  if (slot == HDI_NONE || event->step >= c->graphs[slot].op_count || c->graphs[slot].steps != 0) return NULL;
  *out_graph = &c->graphs[slot];
  return &c->ops[c->graphs[slot].op_base + event->step];
}

hd_status hdi_on_op(hd_control *c, const hd_record *event) {
  hdi_graph *graph;
  hdi_op *op = find_op(c, event, &graph);
  if (op == NULL || event->device > graph->layer_count + 1) return HD_E_INVALID;
  c->graphs_version++;
  op->known = true;
  op->layer_plus_1 = event->device;
  op->weight_bytes = event->a;
  op->flops_per_row = event->b & ~PER_OUTPUT_BIT;
  op->per_output = (event->b & PER_OUTPUT_BIT) != 0;
  return HD_OK;
}

hd_status hdi_on_op_context(hd_control *c, const hd_record *event) {
  hdi_graph *graph;
  hdi_op *op = find_op(c, event, &graph);
  if (op == NULL) return HD_E_INVALID;
  c->graphs_version++;
  op->context_bytes_per_row = event->a;
  op->context_flops_per_row = event->b;
  return HD_OK;
}

hd_status hdi_on_pin(hd_control *c, const hd_record *event) {
  uint32_t slot = hdi_graph_find(c, event->request);
  if (slot == HDI_NONE || event->device >= HD_DEVICES_MAX) return HD_E_INVALID;
  hdi_graph *graph = &c->graphs[slot];
  if (event->a >= event->b || event->b > graph->layer_count) return HD_E_INVALID;
  memset(graph->pins + event->a, event->device, (size_t)(event->b - event->a));
  return HD_OK;
}

hd_status hdi_on_graph_end(hd_control *c, const hd_record *event) {
  uint32_t slot = hdi_graph_find(c, event->request);
  if (slot == HDI_NONE || c->graphs[slot].steps != 0) return HD_E_INVALID;
  release(c, &c->graphs[slot]);
  return HD_OK;
}

const hd_split *hd_control_split(const hd_control *control, uint32_t graph_id, hd_phase phase) {
  uint32_t slot = hdi_graph_find(control, graph_id);
  if (slot == HDI_NONE || (unsigned)phase >= HD_PHASE_COUNT || !control->graphs[slot].has_split[phase])
    return NULL;
  return &control->graphs[slot].split[phase];
}
