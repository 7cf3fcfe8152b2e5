/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a graph share: the object and what sealing computes. */
#ifndef HDI_GRAPH_INTERNAL_H
#define HDI_GRAPH_INTERNAL_H

#include "heddle/graph.h"

#define HDI_OP_NONE UINT32_MAX

/* A place in the arena that activations take in turn. */
typedef struct hdi_slot {
  hd_rows rows_kind; /* TOKENS or OUTPUTS */
  uint32_t cols;     /* the widest that ever lies here */
} hdi_slot;

/* What sealing learns about one value. */
typedef struct hdi_life {
  uint32_t producer; /* op that writes it first; HDI_OP_NONE: nobody (weights, tokens) */
  uint32_t last_use; /* op that reads it last; HDI_OP_NONE: nobody */
  uint32_t slot;     /* index among slots, activations only */
} hdi_life;

struct hd_graph {
  hd_host host;
  hd_graph_desc desc;
  bool sealed;
  uint32_t value_count, value_cap;
  uint32_t op_count, op_cap;
  uint32_t slot_count, slot_cap;
  hd_value_desc *values;
  hd_op *ops;
  hdi_life *lives; /* life_count of them, made by sealing */
  uint32_t life_count;
  hdi_slot *slots; /* slot_cap of them */
};

/* Inputs that an op of this kind has at least and at most. */
typedef struct hdi_op_rule {
  const char *name;
  uint8_t min_inputs, max_inputs;
} hdi_op_rule;
const hdi_op_rule *hdi_op_rule_get(hd_op_kind kind);

/* Shapes, kinds and formats of one op's values. Errors: INVALID with a line that names op and reason. */
hd_status hdi_op_check(const hd_graph *graph, uint32_t op_index, hd_error *out_error);

/* Fills lives and checks the order of writes and reads. Errors: INVALID. */
hd_status hdi_graph_find_lives(hd_graph *graph, hd_error *out_error);

/* Gives every activation a slot. Errors: NO_MEMORY. */
hd_status hdi_graph_lay_out(hd_graph *graph);

#endif
