/* SPDX-License-Identifier: Apache-2.0 */
/* Which ops may be done as one, and how. */
#include "common/group.h"
#include "common/job.h"

enum { HEADS_MAX = 3, TAILS_MAX = 1 };

typedef struct graph_view {
  const hdb_kernels *kernels;
  const hd_graph *graph;
  const hd_op *ops;
  const hd_value_desc *values;
} graph_view;

static hdb_activation layout_of(const graph_view *g, const hd_op *op) {
  return g->kernels->activation[g->values[op->in[1]].format];
}

/* The arena gives a value the memory of one that is read no more. Parts of a group run at any time, so that
 * what one op reads last another must not write meanwhile. */
static bool share_memory(const graph_view *g, hd_value a, hd_value b) {
  if (a == b) return true;
  if (g->values[a].kind != HD_VALUE_ACTIVATION || g->values[b].kind != HD_VALUE_ACTIVATION) return false;
  return hd_graph_arena_offset(g->graph, a, 1, 1) == hd_graph_arena_offset(g->graph, b, 1, 1);
}

/* Matmuls with one input quantise it once and read it from the scratch: whoever reads the input itself, a
 * float weight, must not have it written to. */
static bool joins_heads(const graph_view *g, const hd_op *first, const hd_op *op) {
  if (op->kind != HD_OP_MATMUL || op->in[0] != first->in[0]) return false;
  return layout_of(g, op) == layout_of(g, first) && !share_memory(g, op->out, first->in[0]);
}

/* An op of single elements over the heads' columns: at least one input is made by a head, the other by a head
 * of as many columns or before the group. */
static bool joins_tails(const graph_view *g, const hd_op *heads, uint32_t count, const hd_op *op) {
  uint32_t made = 0;
  if (hdb_op_families[op->kind]->run_columns == NULL) return false;
  for (uint32_t h = 0; h < count; h++) {
    if (g->values[heads[h].out].cols != g->values[op->out].cols) return false;
    if (g->values[heads[h].out].rows_kind != g->values[op->out].rows_kind) return false;
    if (share_memory(g, op->out, heads[h].out)) return false;
    made += heads[h].out == op->in[0] || heads[h].out == op->in[1];
  }
  bool reads_floats = layout_of(g, &heads[0]) == HDB_ACTIVATION_F32;
  return made > 0 && !(reads_floats && share_memory(g, op->out, heads[0].in[0]));
}

hdb_group hdb_group_at(const hdb_kernels *kernels, const hd_graph *graph, uint32_t op_begin,
                       uint32_t op_end) {
  uint32_t count, value_count;
  graph_view g = {kernels, graph, hd_graph_ops(graph, &count), hd_graph_values(graph, &value_count)};
  const hd_op *first = &g.ops[op_begin];
  hdb_group group = {1, 0};
  if (first->kind != HD_OP_MATMUL) return group;
  while (group.heads < HEADS_MAX && op_begin + group.heads < op_end &&
         joins_heads(&g, first, &first[group.heads]))
    group.heads++;
  while (group.tails < TAILS_MAX && op_begin + group.heads + group.tails < op_end &&
         joins_tails(&g, first, group.heads, &first[group.heads + group.tails]))
    group.tails++;
  return group;
}

hdb_group hdb_group_cut(hdb_group group, uint32_t op_begin, uint32_t op_end) {
  uint32_t left = op_end - op_begin;
  if (group.heads > left) group.heads = (uint8_t)left;
  if (group.tails > left - group.heads) group.tails = (uint8_t)(left - group.heads);
  return group;
}

static hdb_run run_of(const hdb_run *run, uint32_t op) {
  hdb_run one = *run;
  one.op_index += op;
  return one;
}

/* The heads' only products, of all rows: the tails' columns are complete with them. */
static bool is_with_tails(const hdb_run *run, uint32_t step) {
  uint32_t steps = hdb_op_steps(run);
  return steps <= 2 && step + 1 == steps;
}

uint32_t hdb_group_steps(const hdb_run *run, hdb_group group) {
  uint32_t steps = hdb_op_steps(run);
  return steps <= 2 ? steps : steps + group.tails;
}

static uint32_t begin_tail(const hdb_run *run, hdb_group group, uint32_t tail, uint32_t width) {
  hdb_run one = run_of(run, group.heads + tail);
  return hdb_step_begin(&one, 0, width);
}

uint32_t hdb_group_begin(const hdb_run *run, hdb_group group, uint32_t step, uint32_t width) {
  uint32_t steps = hdb_op_steps(run), parts = 0;
  if (step >= steps) return begin_tail(run, group, step - steps, width);
  for (uint32_t h = 0; h < group.heads; h++) {
    hdb_run one = run_of(run, h);
    parts += hdb_step_begin(&one, step, width);
  }
  if (is_with_tails(run, step))
    for (uint32_t t = 0; t < group.tails; t++)
      (void)begin_tail(run, group, t, width);
  return parts < width * HDB_PARTS_PER_WORKER ? parts : width * HDB_PARTS_PER_WORKER;
}

/* Of the first matmul behind the group; NULL where the launch has none. */
static const uint8_t *weights_behind(const hdb_run *run, hdb_group group, uint32_t part, uint32_t parts) {
  for (hdb_run one = run_of(run, group.heads + group.tails); one.op_index < run->launch->op_end;
       one.op_index++) {
    hdb_job job = hdb_run_job(&one);
    if (job.op->kind != HD_OP_MATMUL) continue;
    job.part = part;
    job.parts = parts;
    return hdb_matmul_weights(&job);
  }
  return NULL;
}

/* What is read after head `head` of a part: the next head's rows, the next part's of the first head, or
 * behind the last of the parts that one of `width` workers takes, if all keep step, its share of the next
 * matmul. */
static const uint8_t *weights_after(const hdb_run *run, hdb_group group, uint32_t head, uint32_t part,
                                    uint32_t parts) {
  uint64_t width = run->launch->width;
  bool is_last_head = head + 1 == group.heads;
  uint32_t worker = (uint32_t)(part * width / parts), then = (uint32_t)((part + 1) * width / parts);
  if (is_last_head && worker != then) return weights_behind(run, group, worker, (uint32_t)width);
  hdb_run one = run_of(run, is_last_head ? 0 : head + 1);
  hdb_job job = hdb_run_job(&one);
  job.part = is_last_head ? part + 1 : part;
  job.parts = parts;
  return hdb_matmul_weights(&job);
}

void hdb_group_run(const hdb_run *run, hdb_group group, uint32_t step, uint32_t part, uint32_t parts) {
  uint32_t steps = hdb_op_steps(run);
  if (step >= steps) {
    hdb_run one = run_of(run, group.heads + step - steps);
    hdb_step_run(&one, 0, part, parts);
    return;
  }
  /* What the first op quantises is there for all. */
  bool quantises = group.heads > 1 && steps > 1 && step % 2 == 0;
  bool is_reading = steps <= 2 && step + 1 == steps && hdb_run_job(run).op->kind == HD_OP_MATMUL;
  for (uint32_t h = 0; h < (quantises ? 1u : group.heads); h++) {
    hdb_run one = run_of(run, h);
    hdb_job job = hdb_run_job(&one);
    job.step = step;
    job.part = part;
    job.parts = parts;
    if (is_reading) job.next = weights_after(run, group, h, part, parts);
    hdb_op_families[job.op->kind]->run(&job);
  }
  for (uint32_t t = 0; t < group.tails && is_with_tails(run, step); t++) {
    hdb_run one = run_of(run, group.heads + t);
    hdb_job job = hdb_run_job(&one);
    job.part = part;
    job.parts = parts;
    hdb_op_families[job.op->kind]->run_columns(&job);
  }
}
