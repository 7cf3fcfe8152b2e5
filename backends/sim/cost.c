/* SPDX-License-Identifier: Apache-2.0 */
/* Time and energy out of numbers, in integers. Every op takes the longer of its streaming and its arithmetic
 * (the roofline), divided over the units that the launch may use. */
#include "sim/sim.h"

#include <assert.h>

#define MIB   (UINT64_C(1) << 20)
#define MFLOP UINT64_C(1000000)

/* amount * rate / unit without overflow on the way; saturates. */
static uint64_t scale(uint64_t amount, uint64_t rate, uint64_t unit) {
  uint64_t whole = amount / unit, rest = amount % unit;
  if (rate > 0 && whole > UINT64_MAX / 2 / rate) return UINT64_MAX / 2;
  return whole * rate + rest * rate / unit; /* rest < 2^20 and rate <= 10^12 < 2^40: fits */
}

static uint64_t op_ns(const sim_options *o, const hd_launch *launch, uint32_t op_index) {
  hd_op_cost cost;
  hd_graph_op_cost(launch->graph, op_index, &cost);
  uint64_t context = (uint64_t)launch->kv_pos + launch->n_tokens;
  uint64_t rows = cost.per_output ? launch->n_outputs : launch->n_tokens;
  uint64_t bytes = cost.weight_bytes + cost.context_bytes_per_row * context;
  uint64_t flops = rows * (cost.flops_per_row + cost.context_flops_per_row * context);
  uint64_t streaming = scale(bytes, o->ns_per_mib, MIB), arithmetic = scale(flops, o->ns_per_mflop, MFLOP);
  return streaming > arithmetic ? streaming : arithmetic;
}

/* splitmix64: the same chance on every machine. */
static uint64_t draw(uint64_t *state, uint64_t below) {
  uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return (x ^ x >> 31) % below;
}

uint64_t hdb_sim_launch_ns(const sim_options *o, sim_device *device, const hd_launch *launch,
                           uint64_t border_bytes) {
  assert(o->capacity > 0); /* the options' reader sees to it */
  uint64_t work = 0;
  for (uint32_t i = launch->op_begin; i < launch->op_end; i++)
    work += op_ns(o, launch, i);
  uint64_t width = launch->width > 0 ? launch->width : 1;
  if (width > o->capacity) width = o->capacity;
  uint64_t ns = o->latency_us * 1000 + work / width + scale(border_bytes, o->transfer_ns_per_mib, MIB);
  ns += o->late_us * 1000;
  if (o->jitter_us > 0) ns += draw(&device->random, o->jitter_us * 1000 + 1);
  return ns;
}

uint64_t hdb_sim_occupy(const sim_options *o, sim_device *device, uint32_t width, uint64_t now_ns,
                        uint64_t duration_ns) {
  uint32_t chosen[SIM_UNITS_MAX];
  bool taken[SIM_UNITS_MAX] = {false};
  uint64_t start = now_ns;
  uint32_t units = (uint32_t)o->capacity, wanted = width > 0 && width <= units ? width : units;
  for (uint32_t w = 0; w < wanted; w++) {
    uint32_t best = units;
    for (uint32_t u = 0; u < units; u++)
      if (!taken[u] && (best == units || device->unit_free_ns[u] < device->unit_free_ns[best])) best = u;
    taken[best] = true;
    chosen[w] = best;
    if (device->unit_free_ns[best] > start) start = device->unit_free_ns[best];
  }
  for (uint32_t w = 0; w < wanted; w++)
    device->unit_free_ns[chosen[w]] = start + duration_ns;
  return start;
}

uint64_t hdb_sim_energy_uj(const sim_options *o, uint32_t width, uint64_t duration_ns) {
  uint64_t units = width > 0 && width <= o->capacity ? width : o->capacity;
  return scale(duration_ns, o->power_uw * units, UINT64_C(1000000000)); /* uW * s */
}
