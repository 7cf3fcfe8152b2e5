/* SPDX-License-Identifier: Apache-2.0 */
/* What the devices say of themselves. */
#include <stdio.h>
#include "common/ops.h"
#include "sim/sim.h"

static const char *kind_text(hd_device_kind kind) {
  switch (kind) {
  case HD_DEVICE_CPU:
    return "CPU";
  case HD_DEVICE_NPU:
    return "NPU";
  default:
    return "GPU";
  }
}

hd_status hdb_sim_probe(void *backend, uint32_t index, hd_device_props *out_props) {
  const sim_options *o = &((sim_backend *)backend)->options;
  if (index >= o->count) return HD_E_NOT_FOUND;
  *out_props = (hd_device_props){
      .size = sizeof(hd_device_props),
      .kind = (hd_device_kind)o->kind,
      .flags = o->cut == SIM_CUT_LAYER ? (uint32_t)HD_DEVICE_CUT_AT_LAYER : 0,
      .capacity = (uint32_t)o->capacity,
      .max_in_flight = (uint32_t)o->max_in_flight,
      .launch_ns = o->latency_us * 1000,
      .ns_per_mib = o->ns_per_mib,
      .ns_per_mflop = o->ns_per_mflop,
      .transfer_ns_per_mib = o->transfer_ns_per_mib,
      .active_power_uw = o->power_uw,
  };
  if (index == 0)
    snprintf(out_props->name, sizeof out_props->name, "sim");
  else
    snprintf(out_props->name, sizeof out_props->name, "sim%u", index);
  snprintf(out_props->description, sizeof out_props->description, "simulated %s, %llu us a launch",
           kind_text(out_props->kind), (unsigned long long)o->latency_us);
  return HD_OK;
}

hd_status hdb_sim_test(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_index) {
  const sim_options *o = &((sim_backend *)backend)->options;
  (void)index;
  uint32_t count = 0;
  const hd_op *ops = hd_graph_ops(graph, &count);
  if (op_index >= count || (uint64_t)ops[op_index].kind == o->without) return HD_E_UNSUPPORTED;
  return hdb_op_test(graph, op_index) == HD_OK ? HD_OK : HD_E_UNSUPPORTED;
}

hd_status hdb_sim_sense(void *backend, uint32_t index, int32_t *out_mdegc) {
  const sim_options *o = &((sim_backend *)backend)->options;
  (void)index;
  if (o->temperature_mdegc == 0) return HD_E_UNSUPPORTED;
  *out_mdegc = (int32_t)o->temperature_mdegc;
  return HD_OK;
}
