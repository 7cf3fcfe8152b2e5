/* SPDX-License-Identifier: Apache-2.0 */
/* How long each value lives, where it lies in the arena meanwhile, and what crosses a border between ops. */
#include "graph_internal.h"

#include <assert.h>
#include <stdalign.h>

#include "heddle/buffer.h"

static hd_status order_fault(const hd_graph *graph, uint32_t op, const char *reason, hd_error *out_error) {
  return hd_fail(out_error, HD_E_INVALID, "graph %s, op %u (%s): %s", graph->desc.name, op,
                 hdi_op_rule_get(graph->ops[op].kind)->name, reason);
}

hd_status hdi_graph_find_lives(hd_graph *graph, hd_error *out_error) {
  for (uint32_t v = 0; v < graph->value_count; v++)
    graph->lives[v] = (hdi_life){.producer = HDI_OP_NONE, .last_use = HDI_OP_NONE, .slot = 0};
  for (uint32_t i = 0; i < graph->op_count; i++) {
    const hd_op *op = &graph->ops[i];
    for (uint32_t k = 0; k < HD_OP_INPUTS_MAX; k++) {
      if (op->in[k] == HD_VALUE_NONE) continue;
      hdi_life *life = &graph->lives[op->in[k]];
      hd_value_kind kind = graph->values[op->in[k]].kind;
      if (kind == HD_VALUE_ACTIVATION && life->producer == HDI_OP_NONE)
        return order_fault(graph, i, "an input is read before it is written", out_error);
      life->last_use = i;
    }
    hdi_life *out = &graph->lives[op->out];
    if (out->producer != HDI_OP_NONE && graph->values[op->out].kind != HD_VALUE_KV)
      return order_fault(graph, i, "the output was written before", out_error);
    if (out->producer == HDI_OP_NONE) out->producer = i;
  }
  return HD_OK;
}

/* The smallest free slot that is wide enough, else the widest free one (it grows), else a new one. */
static uint32_t choose_slot(hd_graph *graph, const bool *busy, const hd_value_desc *value) {
  uint32_t best = HDI_OP_NONE;
  for (uint32_t s = 0; s < graph->slot_count; s++) {
    if (busy[s] || graph->slots[s].rows_kind != value->rows_kind) continue;
    if (best == HDI_OP_NONE) {
      best = s;
      continue;
    }
    uint32_t cols = graph->slots[s].cols, best_cols = graph->slots[best].cols;
    bool fits = cols >= value->cols, best_fits = best_cols >= value->cols;
    if (fits ? (!best_fits || cols < best_cols) : (!best_fits && cols > best_cols)) best = s;
  }
  if (best == HDI_OP_NONE) {
    best = graph->slot_count++;
    graph->slots[best] = (hdi_slot){.rows_kind = value->rows_kind, .cols = 0};
  }
  if (graph->slots[best].cols < value->cols) graph->slots[best].cols = value->cols;
  return best;
}

/* Frees the slots whose value was last read by `op`. An output nobody reads is freed where it is written. */
static void free_after(hd_graph *graph, bool *busy, uint32_t op_index) {
  const hd_op *op = &graph->ops[op_index];
  for (uint32_t k = 0; k <= HD_OP_INPUTS_MAX; k++) {
    hd_value v = k < HD_OP_INPUTS_MAX ? op->in[k] : op->out;
    if (v == HD_VALUE_NONE || graph->values[v].kind != HD_VALUE_ACTIVATION) continue;
    uint32_t last = graph->lives[v].last_use;
    if (last == op_index || (v == op->out && last == HDI_OP_NONE)) busy[graph->lives[v].slot] = false;
  }
}

static void assign_slots(hd_graph *graph, bool *busy) {
  for (uint32_t i = 0; i < graph->op_count; i++) {
    hd_value out = graph->ops[i].out;
    if (graph->values[out].kind == HD_VALUE_ACTIVATION) {
      uint32_t slot = choose_slot(graph, busy, &graph->values[out]);
      graph->lives[out].slot = slot;
      busy[slot] = true;
    }
    free_after(graph, busy, i);
  }
}

hd_status hdi_graph_lay_out(hd_graph *graph) {
  uint32_t activations = 0;
  for (uint32_t v = 0; v < graph->value_count; v++)
    activations += graph->values[v].kind == HD_VALUE_ACTIVATION;
  uint32_t cap = activations == 0 ? 1 : activations;
  hdi_slot *slots = hd_host_zalloc(&graph->host, cap, sizeof *slots, alignof(hdi_slot));
  bool *busy = hd_host_zalloc(&graph->host, cap, sizeof *busy, alignof(bool));
  if (slots == NULL || busy == NULL) {
    hd_host_free(&graph->host, slots, cap, sizeof *slots);
    hd_host_free(&graph->host, busy, cap, sizeof *busy);
    return HD_E_NO_MEMORY;
  }
  graph->slots = slots;
  graph->slot_cap = cap;
  graph->slot_count = 0;
  assign_slots(graph, busy);
  hd_host_free(&graph->host, busy, cap, sizeof *busy);
  return HD_OK;
}

static size_t slot_bytes(const hdi_slot *slot, uint32_t max_tokens, uint32_t max_outputs) {
  size_t rows = slot->rows_kind == HD_ROWS_TOKENS ? max_tokens : max_outputs;
  size_t bytes = rows * slot->cols * sizeof(float);
  return (bytes + HD_BUFFER_ALIGN - 1) / HD_BUFFER_ALIGN * HD_BUFFER_ALIGN;
}

static size_t bytes_before(const hd_graph *graph, uint32_t slot, uint32_t max_tokens, uint32_t max_outputs) {
  size_t total = 0;
  for (uint32_t s = 0; s < slot; s++)
    total += slot_bytes(&graph->slots[s], max_tokens, max_outputs);
  return total;
}

size_t hd_graph_arena_bytes(const hd_graph *graph, uint32_t max_tokens, uint32_t max_outputs) {
  assert(graph->sealed);
  return bytes_before(graph, graph->slot_count, max_tokens, max_outputs);
}

size_t hd_graph_arena_offset(const hd_graph *graph, hd_value value, uint32_t max_tokens,
                             uint32_t max_outputs) {
  assert(graph->sealed && value < graph->value_count && graph->values[value].kind == HD_VALUE_ACTIVATION);
  return bytes_before(graph, graph->lives[value].slot, max_tokens, max_outputs);
}

static void append_once(hd_value *list, uint32_t *count, uint32_t cap, hd_value value) {
  uint32_t kept = *count < cap ? *count : cap;
  for (uint32_t i = 0; i < kept; i++)
    if (list[i] == value) return;
  if (*count < cap) list[*count] = value;
  (*count)++;
}

void hd_graph_borders(const hd_graph *graph, uint32_t op_begin, uint32_t op_end, hd_value *out_in,
                      uint32_t *out_in_count, hd_value *out_out, uint32_t *out_out_count, uint32_t cap) {
  assert(graph->sealed && op_begin <= op_end && op_end <= graph->op_count);
  *out_in_count = 0;
  *out_out_count = 0;
  for (uint32_t i = op_begin; i < op_end; i++) {
    const hd_op *op = &graph->ops[i];
    for (uint32_t k = 0; k < HD_OP_INPUTS_MAX; k++) {
      hd_value v = op->in[k];
      if (v == HD_VALUE_NONE || graph->values[v].kind != HD_VALUE_ACTIVATION) continue;
      if (graph->lives[v].producer < op_begin) append_once(out_in, out_in_count, cap, v);
    }
    uint32_t last = graph->lives[op->out].last_use;
    if (graph->values[op->out].kind == HD_VALUE_ACTIVATION && last != HDI_OP_NONE && last >= op_end)
      append_once(out_out, out_out_count, cap, op->out);
  }
}
