/* SPDX-License-Identifier: Apache-2.0 */
/* The planner: each layer gets a device so that one run at the phase's reference size takes the least
 * predicted time.
 *
 * Layers run one after another, so the best way to end in layer l on device d goes through the best way to
 * end in l-1 on some device e: dynamic programming over layers x devices, exact, O(layers * devices^2).
 * Memory of devices is not weighed: what does not fit is UNSUPPORTED when it is prepared. */
#include "stations.h"
#include "arith.h"

#include <string.h>

/* Reference sizes: those of hd_split.predicted_ns. A decode step is weighed in the midst of a short
 * conversation. */
static const hdi_size reference_size[HD_PHASE_COUNT] = {
    [HD_PHASE_PREFILL] = {.n_tokens = 128, .n_outputs = 1, .kv_pos = 0},
    [HD_PHASE_DECODE] = {.n_tokens = 1, .n_outputs = 1, .kv_pos = 256},
};

typedef struct plan {
  const hd_control *c;
  const hdi_graph *graph;
  hd_phase phase;
  uint32_t layers; /* at least 1: a graph without layers is one */
} plan;

/* Ops before the first layer go with it, those after the last one with that. */
static uint32_t layer_of(const plan *p, const hdi_op *op) {
  uint32_t layer = op->layer_plus_1 == 0 ? 0 : op->layer_plus_1 - 1u;
  return layer < p->layers ? layer : p->layers - 1;
}

static bool ops_in_order(const hd_control *c, const hdi_graph *graph) {
  const hdi_op *ops = c->ops + graph->op_base;
  for (uint32_t i = 0; i < graph->op_count; i++)
    if (!ops[i].known || (i > 0 && ops[i].layer_plus_1 < ops[i - 1].layer_plus_1)) return false;
  return true;
}

static void weigh_layers(const plan *p, uint64_t *layer_ns) {
  const hdi_op *ops = p->c->ops + p->graph->op_base;
  memset(layer_ns, 0, sizeof *layer_ns * p->layers * HD_DEVICES_MAX);
  for (uint32_t d = 0; d < HD_DEVICES_MAX; d++) {
    if (!hdi_device_takes_steps(p->c, d)) continue;
    const hdi_device *device = &p->c->devices[d];
    for (uint32_t i = 0; i < p->graph->op_count; i++) {
      uint64_t *ns = &layer_ns[layer_of(p, &ops[i]) * HD_DEVICES_MAX + d];
      uint64_t raw = hdi_cost_op(device, &ops[i], &reference_size[p->phase]);
      *ns = hdi_add(*ns, hdi_scale_q16(raw, device->correction_q16[p->phase]));
    }
  }
}

/* Which devices a layer may use: its pin, while that is READY, else every READY one. */
static uint32_t allowed(const plan *p, uint32_t layer, uint32_t ready) {
  uint32_t pin = p->graph->pins[layer];
  bool pinned = pin != HDI_PIN_NONE && hdi_has(ready, pin);
  return pinned ? 1u << pin : ready;
}

/* Handing over from one device to another: the activations leave the one, reach the other, and a launch
 * begins. */
static uint64_t border_ns(const plan *p, uint32_t from, uint32_t to) {
  uint64_t bytes = hdi_mul(p->graph->border_bytes, reference_size[p->phase].n_tokens);
  const uint64_t *a = p->c->devices[from].params, *b = p->c->devices[to].params;
  uint64_t ns = hdi_add(hdi_ns_of_bytes(bytes, a[HD_PARAM_TRANSFER_NS_PER_MIB]),
                        hdi_ns_of_bytes(bytes, b[HD_PARAM_TRANSFER_NS_PER_MIB]));
  return hdi_add(ns, b[HD_PARAM_LAUNCH_NS]);
}

/* Fills `from`: the device of the layer before, for each layer and device. Returns the last layer's device.
 * Among equals: no border, then the lowest index. */
static uint32_t search(const plan *p, uint32_t ready, const uint64_t *layer_ns, uint8_t *from,
                       uint64_t *out_ns) {
  uint64_t best[HD_DEVICES_MAX], border[HD_DEVICES_MAX][HD_DEVICES_MAX];
  uint32_t before = 0;
  for (uint32_t e = 0; e < HD_DEVICES_MAX; e++)
    for (uint32_t d = 0; d < HD_DEVICES_MAX; d++)
      border[e][d] = hdi_has(ready, e) && hdi_has(ready, d) && e != d ? border_ns(p, e, d) : 0;
  for (uint32_t layer = 0; layer < p->layers; layer++) {
    uint32_t here = allowed(p, layer, ready);
    uint64_t next[HD_DEVICES_MAX];
    for (uint32_t d = 0; d < HD_DEVICES_MAX; d++) {
      next[d] = UINT64_MAX;
      if (!hdi_has(here, d)) continue;
      uint64_t least = layer == 0 ? p->c->devices[d].params[HD_PARAM_LAUNCH_NS] : UINT64_MAX;
      uint32_t source = d;
      if (hdi_has(before, d)) least = best[d];
      for (uint32_t e = 0; e < HD_DEVICES_MAX; e++) {
        if (!hdi_has(before, e) || e == d) continue;
        uint64_t ns = hdi_add(best[e], border[e][d]);
        if (ns < least || !hdi_has(before, source)) {
          least = ns;
          source = e;
        }
      }
      next[d] = hdi_add(least, layer_ns[layer * HD_DEVICES_MAX + d]);
      from[layer * HD_DEVICES_MAX + d] = (uint8_t)source;
    }
    memcpy(best, next, sizeof best);
    before = here;
  }
  uint32_t last = HDI_NONE;
  for (uint32_t d = 0; d < HD_DEVICES_MAX; d++)
    if (hdi_has(before, d) && (last == HDI_NONE || best[d] < best[last])) last = d;
  *out_ns = best[last];
  return last;
}

/* Walks back from the last layer: `from` row of layer l gets its device in the first column. */
static void trace_back(const plan *p, uint8_t *from, uint32_t last) {
  uint32_t device = last;
  for (uint32_t layer = p->layers; layer-- > 0;) {
    uint8_t before = from[layer * HD_DEVICES_MAX + device];
    from[layer * HD_DEVICES_MAX] = (uint8_t)device;
    device = before;
  }
}

static uint32_t count_parts(const plan *p, const uint8_t *chosen) {
  const hdi_op *ops = p->c->ops + p->graph->op_base;
  uint32_t count = 1, layer = layer_of(p, &ops[0]);
  for (uint32_t i = 1; i < p->graph->op_count; i++) {
    uint32_t next = layer_of(p, &ops[i]);
    if (chosen[next * HD_DEVICES_MAX] != chosen[layer * HD_DEVICES_MAX]) count++;
    layer = next;
  }
  return count;
}

/* Runs of ops on one device; there are at most HD_SPLIT_PARTS_MAX. */
static void merge(const plan *p, const uint8_t *chosen, hd_split *split) {
  const hdi_op *ops = p->c->ops + p->graph->op_base;
  split->count = 0;
  for (uint32_t i = 0; i < p->graph->op_count; i++) {
    uint16_t device = chosen[layer_of(p, &ops[i]) * HD_DEVICES_MAX];
    hd_split_part *part = split->count > 0 ? &split->parts[split->count - 1] : NULL;
    if (part == NULL || part->device != device) {
      part = &split->parts[split->count++];
      *part = (hd_split_part){.device = device, .op_begin = i};
    }
    part->op_end = i + 1;
  }
}

hd_status hdi_on_plan(hd_control *c, const hd_record *event) {
  uint32_t slot = hdi_graph_find(c, event->request);
  if (slot == HDI_NONE || event->a >= HD_PHASE_COUNT || !ops_in_order(c, &c->graphs[slot]))
    return HD_E_INVALID;
  hdi_graph *graph = &c->graphs[slot];
  hd_phase phase = (hd_phase)event->a;
  uint32_t ready = 0;
  for (uint32_t d = 0; d < HD_DEVICES_MAX; d++)
    if (hdi_device_takes_steps(c, d)) ready |= 1u << d;
  if (ready == 0) {
    graph->has_split[phase] = false;
    return HD_OK;
  }
  plan p = {
      .c = c, .graph = graph, .phase = phase, .layers = graph->layer_count > 0 ? graph->layer_count : 1};
  uint64_t predicted_ns;
  weigh_layers(&p, c->layer_ns);
  uint32_t last = search(&p, ready, c->layer_ns, c->planned, &predicted_ns);
  trace_back(&p, c->planned, last);
  if (count_parts(&p, c->planned) > HD_SPLIT_PARTS_MAX)
    return HD_E_LIMIT; /* pins that alternate hundreds of times */
  hd_split *split = &graph->split[phase];
  merge(&p, c->planned, split);
  split->predicted_ns = predicted_ns;
  graph->has_split[phase] = true;
  for (uint32_t i = 0; i < split->count; i++) {
    hd_record *out = hdi_emit(c, HD_DE_SPLIT);
    out->request = graph->id;
    out->device = split->parts[i].device;
    out->step = phase;
    out->a = split->parts[i].op_begin;
    out->b = split->parts[i].op_end;
  }
  return HD_OK;
}
