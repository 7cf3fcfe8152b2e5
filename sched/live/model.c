/* SPDX-License-Identifier: Apache-2.0 */
/* Models: a graph bound to weights, prepared on devices, planned for each phase. */
#include "live.h"

#include <stdalign.h>
#include <stddef.h>
#include <string.h>

static hd_status bind_weights(hd_model *model, const hd_model_desc *desc, hd_error *out_error) {
  const hd_value_desc *values = hd_graph_values(model->graph, &model->value_count);
  model->values =
      hd_host_zalloc(&model->sched->host, model->value_count, sizeof *model->values, alignof(void *));
  if (model->values == NULL) return hd_fail(out_error, HD_E_NO_MEMORY, "model: no memory");
  for (uint32_t v = 0; v < model->value_count; v++) {
    if (values[v].kind != HD_VALUE_WEIGHT) continue;
    if (desc->weights[v] == NULL) return hd_fail(out_error, HD_E_INVALID, "model: weight %u is not bound", v);
    model->values[v] = (void *)(uintptr_t)desc->weights[v]; /* backends read weights only */
  }
  return HD_OK;
}

static hd_status first_untested(const hdl_device *device, const hd_graph *graph, uint32_t *out_op) {
  uint32_t op_count = 0;
  (void)hd_graph_ops(graph, &op_count);
  for (uint32_t i = 0; i < op_count; i++) {
    hd_status status =
        device->backend->ops->test(device->backend->handle, device->index_in_backend, graph, i);
    if (status == HD_OK) continue;
    *out_op = i;
    return status;
  }
  return HD_OK;
}

/* A device that cannot run every op gets no program: any step may have to run there when another device
 * fails. */
static hd_status prepare_on_devices(hd_model *model, hd_error *out_error) {
  hd_sched *sched = model->sched;
  uint32_t op_count = 0, op = 0, prepared = 0;
  (void)hd_graph_ops(model->graph, &op_count);
  const char *refusing = "any device";
  for (uint32_t d = 0; d < sched->device_count; d++) {
    hdl_device *device = &sched->devices[d];
    if (device->backend == NULL) continue;
    if (first_untested(device, model->graph, &op) != HD_OK) {
      refusing = device->props.name;
      continue;
    }
    hd_status status =
        device->backend->ops->prepare(device->backend->handle, device->index_in_backend, model->graph, 0,
                                      op_count, model->values, &model->programs[d]);
    if (status == HD_E_NO_MEMORY)
      return hd_fail(out_error, status, "model: no memory on %s", device->props.name);
    if (status == HD_OK) prepared++;
  }
  if (prepared > 0) return HD_OK;
  return hd_fail(out_error, HD_E_UNSUPPORTED, "model: op %u does not run on %s", op, refusing);
}

static void feed_op(hd_model *model, const hd_op *op, uint32_t index) {
  hd_op_cost cost;
  hd_graph_op_cost(model->graph, index, &cost);
  hd_record event = {
      .kind = HD_EV_OP, .request = model->graph_id, .step = index, .device = (uint16_t)(op->layer + 1)};
  event.a = cost.weight_bytes;
  event.b = cost.flops_per_row | (uint64_t)cost.per_output << 63;
  (void)hdl_feed(model->sched, &event);
  if (cost.context_bytes_per_row == 0) return;
  event.kind = HD_EV_OP_CONTEXT;
  event.a = cost.context_bytes_per_row;
  event.b = cost.context_flops_per_row;
  (void)hdl_feed(model->sched, &event);
}

/* Bytes a row that cross from layer 0 to layer 1: the residual stream. */
static uint32_t border_bytes(const hd_graph *graph) {
  uint32_t op_count = 0, value_count = 0, in_count = 0, out_count = 0, cut = 0;
  const hd_op *ops = hd_graph_ops(graph, &op_count);
  const hd_value_desc *values = hd_graph_values(graph, &value_count);
  while (cut < op_count && ops[cut].layer <= 0)
    cut++;
  hd_value in[8], out[8];
  hd_graph_borders(graph, 0, cut, in, &in_count, out, &out_count, 8);
  uint32_t bytes = 0;
  for (uint32_t i = 0; i < out_count && i < 8; i++)
    bytes += values[out[i]].cols * (uint32_t)sizeof(float);
  return bytes;
}

static hd_status register_graph(hd_model *model, hd_error *out_error) {
  hd_sched *sched = model->sched;
  uint32_t id = 0, op_count = 0;
  while (id < HD_GRAPHS_MAX && sched->models[id] != NULL)
    id++;
  if (id == HD_GRAPHS_MAX) return hd_fail(out_error, HD_E_LIMIT, "model: %u models are loaded already", id);
  const hd_op *ops = hd_graph_ops(model->graph, &op_count);
  const hd_graph_desc *desc = hd_graph_describe(model->graph);
  model->graph_id = id;
  hd_record event = {.kind = HD_EV_GRAPH,
                     .device = HD_RECORD_NO_DEVICE,
                     .request = id,
                     .step = border_bytes(model->graph),
                     .a = op_count,
                     .b = desc->n_layers};
  hd_status status = hdl_feed(sched, &event);
  if (status != HD_OK)
    return hd_fail(out_error, status, "model %s: the planner has no room for %u ops", desc->name, op_count);
  if (sched->trace != NULL) hd_trace_name(sched->trace, sched->now_ns, HD_NAME_GRAPH, id, desc->name);
  for (uint32_t i = 0; i < op_count; i++)
    feed_op(model, &ops[i], i);
  sched->models[id] = model;
  return HD_OK;
}

static hd_status pin_layers(hd_model *model, const char *text, hd_error *out_error) {
  hd_sched *sched = model->sched;
  char names[HD_DEVICES_MAX][HD_NAME_BYTES];
  hd_split_pin pins[HD_SPLIT_PARTS_MAX];
  uint32_t count = 0;
  if (text == NULL) return HD_OK;
  for (uint32_t d = 0; d < sched->device_count; d++)
    memcpy(names[d], sched->devices[d].props.name, HD_NAME_BYTES);
  hd_status status =
      hd_split_parse(text, (const char(*)[HD_NAME_BYTES])names, sched->device_count,
                     hd_graph_describe(model->graph)->n_layers, pins, HD_SPLIT_PARTS_MAX, &count, out_error);
  if (status != HD_OK) return status;
  for (uint32_t i = 0; i < count; i++) {
    if (sched->devices[pins[i].device].backend == NULL)
      return hd_fail(out_error, HD_E_UNSUPPORTED, "split '%s': device %s is for leases alone", text,
                     sched->devices[pins[i].device].props.name);
    hd_record event = {.kind = HD_EV_PIN,
                       .device = pins[i].device,
                       .request = model->graph_id,
                       .a = pins[i].layer_begin,
                       .b = pins[i].layer_end};
    status = hdl_feed(sched, &event);
    if (status != HD_OK) return hd_fail(out_error, status, "split '%s': refused", text);
  }
  return HD_OK;
}

/* In the turn: asks for both phases' splits and keeps them. */
static hd_status plan(hd_model *model) {
  for (hd_phase phase = HD_PHASE_PREFILL; phase < HD_PHASE_COUNT; phase++) {
    hd_record event = {
        .kind = HD_EV_PLAN, .device = HD_RECORD_NO_DEVICE, .request = model->graph_id, .a = phase};
    hd_status status = hdl_feed(model->sched, &event);
    const hd_split *split = hd_control_split(model->sched->control, model->graph_id, phase);
    if (status != HD_OK) return status;
    if (split == NULL) return HD_E_DEVICE;
    model->splits[phase] = *split;
  }
  return HD_OK;
}

void hdl_models_replan(hd_sched *sched) {
  sched->replan = false;
  for (uint32_t i = 0; i < HD_GRAPHS_MAX; i++)
    if (sched->models[i] != NULL)
      (void)plan(sched->models[i]); /* no device left: the old split; steps fail one by one */
}

static hd_status check_programs(const hd_model *model, hd_error *out_error) {
  for (int phase = 0; phase < HD_PHASE_COUNT; phase++)
    for (uint32_t i = 0; i < model->splits[phase].count; i++) {
      uint32_t device = model->splits[phase].parts[i].device;
      if (model->programs[device] == NULL)
        return hd_fail(out_error, HD_E_UNSUPPORTED, "split: device %s cannot run this model",
                       model->sched->devices[device].props.name);
    }
  return HD_OK;
}

static void release_programs(hd_model *model) {
  for (uint32_t d = 0; d < model->sched->device_count; d++) {
    const hdl_device *device = &model->sched->devices[d];
    if (model->programs[d] != NULL)
      device->backend->ops->release(device->backend->handle, device->index_in_backend, model->programs[d]);
  }
}

static void unregister_graph(hd_model *model) {
  if (model->sched->models[model->graph_id] != model) return;
  model->sched->models[model->graph_id] = NULL;
  hd_record event = {.kind = HD_EV_GRAPH_END, .device = HD_RECORD_NO_DEVICE, .request = model->graph_id};
  (void)hdl_feed(model->sched, &event);
}

static hd_status enrol(hd_model *model, const hd_model_desc *desc, hd_error *out_error) {
  hdl_turn_enter(model->sched);
  hd_status status = register_graph(model, out_error);
  if (status == HD_OK) status = pin_layers(model, desc->split, out_error);
  if (status == HD_OK) {
    status = plan(model);
    if (status != HD_OK) hd_fail(out_error, status, "model: no split: %s", hd_status_text(status));
  }
  if (status == HD_OK) status = check_programs(model, out_error);
  if (status != HD_OK) unregister_graph(model);
  hdl_turn_leave(model->sched);
  return status;
}

hd_status hd_model_create(hd_sched *sched, const hd_model_desc *desc, hd_model **out_model,
                          hd_error *out_error) {
  if (sched == NULL || desc == NULL || desc->graph == NULL || desc->weights == NULL || out_model == NULL)
    return hd_fail(out_error, HD_E_INVALID, "model: graph or weights are missing");
  hd_model *model = hd_host_zalloc(&sched->host, 1, sizeof *model, alignof(hd_model));
  if (model == NULL) return hd_fail(out_error, HD_E_NO_MEMORY, "model: no memory");
  model->sched = sched;
  model->graph = desc->graph;
  model->graph_id = 0;
  hd_status status = bind_weights(model, desc, out_error);
  if (status == HD_OK) status = prepare_on_devices(model, out_error);
  if (status == HD_OK) status = enrol(model, desc, out_error);
  if (status != HD_OK) {
    hd_model_destroy(model);
    return status;
  }
  *out_model = model;
  return HD_OK;
}

void hd_model_destroy(hd_model *model) {
  if (model == NULL) return;
  hd_sched *sched = model->sched;
  hdl_turn_enter(sched);
  unregister_graph(model);
  hdl_turn_leave(sched);
  release_programs(model);
  hd_host_free(&sched->host, model->values, model->value_count, sizeof *model->values);
  hd_host_free(&sched->host, model, 1, sizeof *model);
}

const hd_graph *hd_model_graph(const hd_model *model) {
  return model->graph;
}

void hd_model_split(hd_model *model, hd_phase phase, hd_split *out_split) {
  hdl_turn_enter(model->sched);
  *out_split = model->splits[phase];
  hdl_turn_leave(model->sched);
}
