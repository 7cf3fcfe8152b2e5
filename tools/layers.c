/* SPDX-License-Identifier: Apache-2.0 */
/* A split in words: which layers of a model run on which device. */
#include "layers.h"

#include <stdio.h>
#include <string.h>

hdt_layer_range hdt_part_layers(const hd_graph *graph, const hd_split_part *part) {
  uint32_t count, last = hd_graph_describe(graph)->n_layers;
  const hd_op *ops = hd_graph_ops(graph, &count);
  last = last > 0 ? last - 1 : 0;
  int first_layer = ops[part->op_begin].layer, last_layer = ops[part->op_end - 1].layer;
  hdt_layer_range range = {first_layer < 0 ? 0 : (uint32_t)first_layer,
                           last_layer < 0 ? 0 : (uint32_t)last_layer};
  if (range.first > last) range.first = last;
  if (range.last > last) range.last = last;
  return range;
}

void hdt_device_name(const hd_sched *sched, uint32_t index, char out_name[HD_NAME_BYTES]) {
  hd_device_props props = {.size = sizeof(props)};
  hd_device_state state;
  if (hd_sched_device(sched, index, &props, &state) == HD_OK) {
    memcpy(out_name, props.name, HD_NAME_BYTES);
  } else {
    snprintf(out_name, HD_NAME_BYTES, "device %u", index);
  }
}

void hdt_split_text(const hd_sched *sched, const hd_graph *graph, const hd_split *split, char *out_text,
                    size_t bytes) {
  size_t length = 0;
  out_text[0] = '\0';
  for (uint32_t i = 0; i < split->count && length < bytes; i++) {
    char name[HD_NAME_BYTES];
    hdt_layer_range layers = hdt_part_layers(graph, &split->parts[i]);
    hdt_device_name(sched, split->parts[i].device, name);
    const char *comma = i > 0 ? ", " : "";
    int added = layers.first == layers.last
                    ? snprintf(out_text + length, bytes - length, "%s%s %u", comma, name, layers.first)
                    : snprintf(out_text + length, bytes - length, "%s%s %u-%u", comma, name, layers.first,
                               layers.last);
    length += added > 0 ? (size_t)added : 0;
  }
}

cJSON *hdt_split_json(const hd_sched *sched, const hd_graph *graph, const hd_split *split) {
  cJSON *list = cJSON_CreateArray();
  for (uint32_t i = 0; i < split->count; i++) {
    const hd_split_part *part = &split->parts[i];
    char name[HD_NAME_BYTES];
    cJSON *object = cJSON_CreateObject();
    hdt_layer_range layers = hdt_part_layers(graph, part);
    hdt_device_name(sched, part->device, name);
    cJSON_AddStringToObject(object, "device", name);
    hdt_json_u64(object, "layer_first", layers.first);
    hdt_json_u64(object, "layer_last", layers.last);
    hdt_json_u64(object, "op_begin", part->op_begin);
    hdt_json_u64(object, "op_end", part->op_end);
    cJSON_AddItemToArray(list, object);
  }
  return list;
}
