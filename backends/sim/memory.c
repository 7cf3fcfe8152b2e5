/* SPDX-License-Identifier: Apache-2.0 */
/* Device memory. Activations live in an arena of the device's own with the graph's layout, so that a launch
 * that fails leaves the host's untouched. Weights, KV, tokens and logits are used where the launch has them.
 */
#include <assert.h>
#include <string.h>
#include "sim/sim.h"

static uint32_t value_count_of(const hd_graph *graph) {
  uint32_t count = 0;
  hd_graph_values(graph, &count);
  return count;
}

void hdb_sim_memory_free(const hd_host *host, const hd_graph *graph, sim_memory *memory) {
  uint32_t count = value_count_of(graph);
  hd_host_free(host, memory->arena, 1, memory->arena_bytes);
  hd_host_free(host, memory->values, count, sizeof(void *));
  hd_host_free(host, memory->in, count, sizeof(hd_value));
  hd_host_free(host, memory->out, count, sizeof(hd_value));
  memset(memory, 0, sizeof *memory);
}

/* Activations stay where they are for all launches that fit. */
static void place_activations(const hd_graph *graph, sim_memory *memory) {
  uint32_t count = 0;
  const hd_value_desc *values = hd_graph_values(graph, &count);
  for (uint32_t v = 0; v < count; v++)
    if (values[v].kind == HD_VALUE_ACTIVATION)
      memory->values[v] =
          memory->arena + hd_graph_arena_offset(graph, (hd_value)v, memory->max_tokens, memory->max_outputs);
}

hd_status hdb_sim_memory_reserve(const hd_host *host, const hd_graph *graph, sim_memory *memory,
                                 uint32_t tokens, uint32_t outputs) {
  if (tokens <= memory->max_tokens && outputs <= memory->max_outputs) return HD_OK;
  uint32_t count = value_count_of(graph);
  if (tokens < memory->max_tokens) tokens = memory->max_tokens;
  if (outputs < memory->max_outputs) outputs = memory->max_outputs;
  hdb_sim_memory_free(host, graph, memory);
  memory->arena_bytes = hd_graph_arena_bytes(graph, tokens, outputs);
  if (memory->arena_bytes == 0) memory->arena_bytes = HD_BUFFER_ALIGN; /* a graph without activations */
  memory->arena = hd_host_zalloc(host, 1, memory->arena_bytes, HD_BUFFER_ALIGN);
  memory->values = hd_host_zalloc(host, count, sizeof(void *), alignof(void *));
  memory->in = hd_host_zalloc(host, count, sizeof(hd_value), alignof(void *));
  memory->out = hd_host_zalloc(host, count, sizeof(hd_value), alignof(void *));
  if (!memory->arena || !memory->values || !memory->in || !memory->out) {
    hdb_sim_memory_free(host, graph, memory);
    return HD_E_NO_MEMORY;
  }
  memory->max_tokens = tokens;
  memory->max_outputs = outputs;
  place_activations(graph, memory);
  return HD_OK;
}

void hdb_sim_memory_bind(sim_memory *memory, const hd_launch *launch) {
  uint32_t op_count = 0, value_count = 0;
  const hd_op *ops = hd_graph_ops(launch->graph, &op_count);
  const hd_value_desc *values = hd_graph_values(launch->graph, &value_count);
  assert(launch->n_tokens <= memory->max_tokens && launch->n_outputs <= memory->max_outputs);
  for (uint32_t i = launch->op_begin; i < launch->op_end; i++) {
    for (uint32_t k = 0; k <= HD_OP_INPUTS_MAX; k++) {
      hd_value v = k < HD_OP_INPUTS_MAX ? ops[i].in[k] : ops[i].out;
      if (v != HD_VALUE_NONE && values[v].kind != HD_VALUE_ACTIVATION) memory->values[v] = launch->values[v];
    }
  }
  hd_graph_borders(launch->graph, launch->op_begin, launch->op_end, memory->in, &memory->in_count,
                   memory->out, &memory->out_count, value_count);
}

static size_t value_bytes(const hd_launch *launch, hd_value value) {
  uint32_t count = 0;
  const hd_value_desc *desc = &hd_graph_values(launch->graph, &count)[value];
  return hd_format_row_bytes(desc->format, desc->cols) *
         hd_rows_of(desc, launch->n_tokens, launch->n_outputs, launch->n_context);
}

void hdb_sim_copy_in(const sim_memory *memory, const hd_launch *launch) {
  for (uint32_t i = 0; i < memory->in_count; i++) {
    hd_value v = memory->in[i];
    memcpy(memory->values[v], launch->values[v], value_bytes(launch, v));
  }
}

void hdb_sim_copy_out(const sim_memory *memory, const hd_launch *launch) {
  for (uint32_t i = 0; i < memory->out_count; i++) {
    hd_value v = memory->out[i];
    memcpy(launch->values[v], memory->values[v], value_bytes(launch, v));
  }
}

uint64_t hdb_sim_border_bytes(const sim_memory *memory, const hd_launch *launch) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < memory->in_count; i++)
    bytes += value_bytes(launch, memory->in[i]);
  for (uint32_t i = 0; i < memory->out_count; i++)
    bytes += value_bytes(launch, memory->out[i]);
  return bytes;
}
