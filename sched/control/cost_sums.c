/* SPDX-License-Identifier: Apache-2.0 */
/* What the ops of a graph cost, summed up beforehand: a step is weighed and cut at every launch, and an op
 * costs some 6 ns to compute, a hundred of them a microsecond.
 *
 * Most ops cost the same wherever in the context a run is: those are summed. The few that look back (one in
 * ten: attention) depend on the position, another one at each token, and are computed when asked for. Sums
 * are kept for the few combinations of graph, device and size of run that are in use; what is kept never
 * changes an answer, only its price. */
#include "stations.h"
#include "arith.h"

static bool looks_back(const hdi_op *op) {
  return op->context_bytes_per_row != 0 || op->context_flops_per_row != 0;
}

static void fill(hd_control *c, hdi_cost_sums *sums, const hdi_step *step) {
  const hdi_graph *graph = &c->graphs[step->graph];
  const hdi_device *device = &c->devices[step->device];
  const hdi_op *ops = c->ops + graph->op_base;
  uint32_t next = graph->op_count;
  uint64_t ns = 0;
  for (uint32_t i = graph->op_count; i > 0; i--) {
    if (looks_back(&ops[i - 1])) next = i - 1;
    sums->next_back[i - 1] = next;
  }
  sums->next_back[graph->op_count] = graph->op_count;
  for (uint32_t i = 0; i < graph->op_count; i++) {
    sums->before[i] = ns;
    if (!looks_back(&ops[i])) ns = hdi_add(ns, hdi_cost_op(device, &ops[i], &step->size));
  }
  sums->before[graph->op_count] = ns;
  sums->usable = ns < HDI_NS_MAX; /* else a sum may have been cut off */
}

const hdi_cost_sums *hdi_cost_sums_for(hd_control *c, const hdi_step *step) {
  if (c->graphs[step->graph].op_count > c->sums_ops) return NULL;
  const hdi_cost_key key = {.graph = step->graph,
                            .device = step->device,
                            .device_version = c->devices[step->device].cost_version,
                            .graphs_version = c->graphs_version,
                            .n_tokens = (uint32_t)step->size.n_tokens,
                            .n_outputs = (uint32_t)step->size.n_outputs};
  for (uint32_t i = 0; i < HDI_COST_SUMS; i++) {
    const hdi_cost_sums *sums = &c->sums[i];
    const hdi_cost_key *k = &sums->key;
    bool same = k->n_tokens == key.n_tokens && k->device == key.device && k->graph == key.graph &&
                k->device_version == key.device_version && k->graphs_version == key.graphs_version &&
                k->n_outputs == key.n_outputs;
    if (same) return sums->usable ? sums : NULL;
  }
  hdi_cost_sums *sums = &c->sums[c->sums_turn++ % HDI_COST_SUMS];
  sums->key = key;
  fill(c, sums, step);
  return sums->usable ? sums : NULL;
}

uint64_t hdi_cost_summed(const hd_control *c, const hdi_cost_sums *sums, const hdi_step *step, uint32_t begin,
                         uint32_t end) {
  const hdi_op *ops = c->ops + c->graphs[step->graph].op_base;
  uint64_t ns = sums->before[end] - sums->before[begin];
  for (uint32_t i = sums->next_back[begin]; i < end; i = sums->next_back[i + 1])
    ns = hdi_add(ns, hdi_cost_op(&c->devices[step->device], &ops[i], &step->size));
  return hdi_min(ns, HDI_NS_MAX);
}

/* The end of the longest run of ops from `begin`, none of which looks back, that costs at most `ns`. */
static uint32_t fitting_run(const hdi_cost_sums *sums, uint32_t begin, uint32_t end, uint64_t ns) {
  uint32_t low = begin, high = end; /* [begin, low) fits */
  while (low < high) {
    uint32_t middle = high - (high - low) / 2;
    if (sums->before[middle] - sums->before[begin] <= ns)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

uint32_t hdi_cost_fitting_end(const hd_control *c, const hdi_cost_sums *sums, const hdi_step *step,
                              uint64_t ns) {
  const hdi_op *ops = c->ops + c->graphs[step->graph].op_base;
  uint32_t at = step->op_begin;
  for (;;) {
    uint32_t back = sums->next_back[at] < step->op_end ? sums->next_back[at] : step->op_end;
    uint32_t end = fitting_run(sums, at, back, ns);
    if (end < back || end == step->op_end) return end;
    ns -= sums->before[back] - sums->before[at];
    uint64_t back_ns = hdi_cost_op(&c->devices[step->device], &ops[back], &step->size);
    if (back_ns > ns) return back;
    ns -= back_ns;
    at = back + 1;
    if (at == step->op_end) return at;
  }
}
