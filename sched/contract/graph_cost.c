/* SPDX-License-Identifier: Apache-2.0 */
/* What ops cost apart from the machine: bytes streamed and operations done. */
#include "graph_internal.h"

#include <assert.h>

/* Operations per element of the cheap ops: a handful of multiplies and adds, transcendental functions counted
 * as eight. They only have to be of the right order: matmuls and attention are nearly all of a transformer's
 * work. */
enum { NORM_OPS = 4, ROPE_OPS = 6, SWIGLU_OPS = 12, COPY_OPS = 1 };

static uint64_t row_bytes(const hd_value_desc *value) {
  return hd_format_row_bytes(value->format, value->cols);
}

void hd_graph_op_cost(const hd_graph *graph, uint32_t op_index, hd_op_cost *out_cost) {
  assert(graph->sealed && op_index < graph->op_count);
  const hd_op *op = &graph->ops[op_index];
  const hd_value_desc *out = &graph->values[op->out];
  hd_op_cost cost = {.per_output = out->rows_kind == HD_ROWS_OUTPUTS};
  switch (op->kind) {
  case HD_OP_MATMUL: {
    const hd_value_desc *w = &graph->values[op->in[1]];
    cost.weight_bytes = row_bytes(w) * w->rows;
    cost.flops_per_row = 2u * (uint64_t)w->cols * w->rows;
    break;
  }
  case HD_OP_ATTENTION: {
    const hd_value_desc *k = &graph->values[op->in[1]], *v = &graph->values[op->in[2]];
    cost.context_bytes_per_row = row_bytes(k) + row_bytes(v);
    /* q K^T and p V, a multiply and an add each */
    cost.context_flops_per_row = 4u * (uint64_t)op->u.attention.n_heads * op->u.attention.head_dim;
    break;
  }
  case HD_OP_RMS_NORM:
    cost.flops_per_row = NORM_OPS * (uint64_t)out->cols;
    break;
  case HD_OP_ROPE:
    cost.flops_per_row = ROPE_OPS * (uint64_t)out->cols;
    break;
  case HD_OP_SWIGLU:
    cost.flops_per_row = SWIGLU_OPS * (uint64_t)out->cols;
    break;
  default:
    cost.flops_per_row = COPY_OPS * (uint64_t)out->cols;
    break;
  }
  *out_cost = cost;
}
