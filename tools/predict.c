/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of ops would cost on a device: a control plane of our own is asked, so the answer is the
 * planner's. */
#include "predict.h"

#include "heddle/implement/policy.h"

enum { GRAPH_ID = 1 };

static hd_status feed(hd_control *control, hd_record event) {
  return hd_control_event(control, &event);
}

static hd_status feed_device(hd_control *control, const hd_device_props *device) {
  const uint64_t params[HD_PARAM_COUNT] = {
      [HD_PARAM_KIND] = (uint64_t)device->kind,
      [HD_PARAM_FLAGS] = device->flags,
      [HD_PARAM_CAPACITY] = device->capacity,
      [HD_PARAM_MAX_IN_FLIGHT] = device->max_in_flight,
      [HD_PARAM_LAUNCH_NS] = device->launch_ns,
      [HD_PARAM_NS_PER_MIB] = device->ns_per_mib,
      [HD_PARAM_NS_PER_MFLOP] = device->ns_per_mflop,
      [HD_PARAM_TRANSFER_NS_PER_MIB] = device->transfer_ns_per_mib,
      [HD_PARAM_ACTIVE_POWER_UW] = device->active_power_uw,
      [HD_PARAM_MEMORY_BYTES] = device->memory_bytes,
  };
  for (uint32_t i = 0; i < HD_PARAM_COUNT; i++) {
    hd_status status = feed(control, (hd_record){.kind = HD_EV_DEVICE_PARAM, .step = i, .a = params[i]});
    if (status != HD_OK) return status;
  }
  return feed(control, (hd_record){.kind = HD_EV_DEVICE_STATE, .a = HD_DEVICE_READY});
}

/* The ops as a graph of one layer. */
static hd_status feed_ops(hd_control *control, const hd_graph *graph, uint32_t op_begin, uint32_t op_end) {
  hd_status status =
      feed(control, (hd_record){.kind = HD_EV_GRAPH, .request = GRAPH_ID, .a = op_end - op_begin, .b = 1});
  for (uint32_t i = op_begin; i < op_end && status == HD_OK; i++) {
    hd_op_cost cost;
    hd_graph_op_cost(graph, i, &cost);
    hd_record op = {.kind = HD_EV_OP, .request = GRAPH_ID, .step = i - op_begin, .device = 1};
    op.a = cost.weight_bytes;
    op.b = cost.flops_per_row | (uint64_t)cost.per_output << 63;
    status = feed(control, op);
    if (status != HD_OK) break;
    op.kind = HD_EV_OP_CONTEXT;
    op.a = cost.context_bytes_per_row;
    op.b = cost.context_flops_per_row;
    status = feed(control, op);
  }
  return status;
}

hd_status hdt_predict_ops(const hd_host *host, const hd_device_props *device, const hd_graph *graph,
                          uint32_t op_begin, uint32_t op_end, hd_phase phase, uint64_t *out_ns) {
  const hd_policy_ops *policy = hd_policies_builtin()[0];
  hd_control_config config;
  hd_control *control;
  hd_control_config_default(&config);
  hd_status status = hd_control_create(host, &config, policy, policy, &control);
  if (status != HD_OK) return status;
  status = feed_device(control, device);
  if (status == HD_OK) status = feed_ops(control, graph, op_begin, op_end);
  if (status == HD_OK) {
    status = feed(control, (hd_record){.kind = HD_EV_PLAN, .request = GRAPH_ID, .a = (uint64_t)phase});
  }
  const hd_split *split = status == HD_OK ? hd_control_split(control, GRAPH_ID, phase) : NULL;
  if (status == HD_OK && split == NULL) status = HD_E_INTERNAL;
  if (status == HD_OK) *out_ns = split->predicted_ns;
  hd_control_destroy(control);
  return status;
}
