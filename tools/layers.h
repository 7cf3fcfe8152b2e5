/* SPDX-License-Identifier: Apache-2.0 */
/* A split in words: which layers of a model run on which device. */
#ifndef HEDDLE_TOOLS_LAYERS_H
#define HEDDLE_TOOLS_LAYERS_H

#include "json.h"
#include "heddle/heddle.h"

/* Layers of a part of a split; ops before the first layer count with it, ops after the last with that. */
typedef struct hdt_layer_range {
  uint32_t first, last;
} hdt_layer_range;
hdt_layer_range hdt_part_layers(const hd_graph *graph, const hd_split_part *part);

/* Name of a device of the scheduler. */
void hdt_device_name(const hd_sched *sched, uint32_t index, char out_name[HD_NAME_BYTES]);

/* "cpu 0-4, sim 5-7" into `out_text`. */
void hdt_split_text(const hd_sched *sched, const hd_graph *graph, const hd_split *split, char *out_text,
                    size_t bytes);
/* [{"device", "layer_first", "layer_last", "op_begin", "op_end"}] */
cJSON *hdt_split_json(const hd_sched *sched, const hd_graph *graph, const hd_split *split);

#endif
