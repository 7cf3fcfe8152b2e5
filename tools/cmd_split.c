/* SPDX-License-Identifier: Apache-2.0 */
/* heddle split: which layers go to which device in each phase, what that is predicted to take, and what one
 * device alone would take. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "command.h"
#include "console.h"
#include "json.h"
#include "layers.h"
#include "machine.h"
#include "names.h"
#include "predict.h"
#include "table.h"
#include "units.h"

typedef struct split_args {
  hdt_machine_args machine;
  hdt_output_args output;
} split_args;

/* A phase's split with the times of its parts. `border_ns` is what the whole takes beyond its parts: handing
 * over from device to device. */
typedef struct phase_plan {
  hd_phase phase;
  hd_split split;
  uint64_t part_ns[HD_SPLIT_PARTS_MAX];
  uint64_t border_ns;
  uint32_t device_count;
  uint64_t alone_ns[HD_DEVICES_MAX]; /* all of it on one device */
} phase_plan;

static hd_status predict(const hdt_machine *machine, uint32_t device, uint32_t op_begin, uint32_t op_end,
                         hd_phase phase, uint64_t *out_ns) {
  hd_device_props props = {.size = sizeof(props)};
  hd_device_state state;
  hd_status status = hd_sched_device(machine->sched, device, &props, &state);
  if (status != HD_OK) return status;
  return hdt_predict_ops(&machine->host, &props, he_model_graph(machine->model), op_begin, op_end, phase,
                         out_ns);
}

static hd_status make_plan(const hdt_machine *machine, hd_phase phase, phase_plan *out_plan) {
  hd_status status = HD_OK;
  uint64_t sum_ns = 0;
  uint32_t op_count;
  hd_graph_ops(he_model_graph(machine->model), &op_count);
  out_plan->phase = phase;
  hd_model_split(he_instance_placed(machine->instance), phase, &out_plan->split);
  for (uint32_t i = 0; i < out_plan->split.count && status == HD_OK; i++) {
    const hd_split_part *part = &out_plan->split.parts[i];
    status = predict(machine, part->device, part->op_begin, part->op_end, phase, &out_plan->part_ns[i]);
    sum_ns += out_plan->part_ns[i];
  }
  out_plan->border_ns = out_plan->split.predicted_ns > sum_ns ? out_plan->split.predicted_ns - sum_ns : 0;
  out_plan->device_count = hd_sched_device_count(machine->sched);
  for (uint32_t d = 0; d < out_plan->device_count && status == HD_OK; d++) {
    status = predict(machine, d, 0, op_count, phase, &out_plan->alone_ns[d]);
  }
  return status;
}

static void add_plan(hdt_table *table, const hdt_machine *machine, const phase_plan *plan) {
  double whole = plan->split.predicted_ns ? (double)plan->split.predicted_ns : 1;
  for (uint32_t i = 0; i < plan->split.count; i++) {
    const hd_split_part *part = &plan->split.parts[i];
    char name[HD_NAME_BYTES];
    hdt_layer_range layers = hdt_part_layers(he_model_graph(machine->model), part);
    hdt_device_name(machine->sched, part->device, name);
    hdt_table_cell(table, "%s", i == 0 ? hdt_phase_name(plan->phase) : "");
    hdt_table_cell(table, "%s", name);
    hdt_table_cell(table, layers.first == layers.last ? "%" PRIu32 : "%" PRIu32 "-%" PRIu32, layers.first,
                   layers.last);
    hdt_table_cell(table, "%" PRIu32, part->op_end - part->op_begin);
    hdt_table_cell(table, "%s", hdt_duration(plan->part_ns[i]).text);
    hdt_table_cell(table, "%.0f %%", 100 * (double)plan->part_ns[i] / whole);
  }
  if (plan->border_ns > 0) {
    hdt_table_cell(table, "%s", "");
    hdt_table_cell(table, "borders");
    hdt_table_cell(table, "%s", "");
    hdt_table_cell(table, "%s", "");
    hdt_table_cell(table, "%s", hdt_duration(plan->border_ns).text);
    hdt_table_cell(table, "%.0f %%", 100 * (double)plan->border_ns / whole);
  }
}

static void print_whole(const hdt_machine *machine, const phase_plan *plan) {
  printf("  %-7s  %s a run", hdt_phase_name(plan->phase), hdt_duration(plan->split.predicted_ns).text);
  for (uint32_t d = 0; d < plan->device_count && plan->device_count > 1; d++) {
    char name[HD_NAME_BYTES];
    hdt_device_name(machine->sched, d, name);
    printf("%s %s on %s alone", d == 0 ? ";" : ",", hdt_duration(plan->alone_ns[d]).text, name);
  }
  printf("\n");
}

static hdt_exit print_table(const hdt_machine *machine, const phase_plan *plans) {
  static const char *const titles[] = {"phase", "device", "layers", "ops", "predicted", "share"};
  hdt_table table;
  he_model_info info;
  he_model_describe(machine->model, &info);
  hdt_print_title(info.name, "%s, %" PRIu32 " layers", info.format, info.n_layers);
  puts("");
  hdt_table_init(&table, "lllrrr");
  hdt_table_header(&table, titles);
  for (int phase = 0; phase < (int)HD_PHASE_COUNT; phase++)
    add_plan(&table, machine, &plans[phase]);
  hdt_table_print(&table, stdout);
  hdt_table_finish(&table);
  printf("\n");
  for (int phase = 0; phase < (int)HD_PHASE_COUNT; phase++)
    print_whole(machine, &plans[phase]);
  printf("  %sA run is 128 tokens in prefill, 1 in decode; times are for one unit of each device.%s\n",
         hdt_style_on(stdout, HDT_DIM), hdt_style_off(stdout, HDT_DIM));
  return HDT_DONE;
}

static cJSON *plan_json(const hdt_machine *machine, const phase_plan *plan) {
  cJSON *object = cJSON_CreateObject();
  hdt_json_u64(object, "predicted_ns", plan->split.predicted_ns);
  hdt_json_u64(object, "border_ns", plan->border_ns);
  cJSON *parts = hdt_split_json(machine->sched, he_model_graph(machine->model), &plan->split);
  for (uint32_t i = 0; i < plan->split.count; i++) {
    hdt_json_u64(cJSON_GetArrayItem(parts, (int)i), "predicted_ns", plan->part_ns[i]);
  }
  cJSON_AddItemToObject(object, "parts", parts);
  cJSON *alone = cJSON_AddObjectToObject(object, "alone_ns");
  for (uint32_t d = 0; d < plan->device_count; d++) {
    char name[HD_NAME_BYTES];
    hdt_device_name(machine->sched, d, name);
    hdt_json_u64(alone, name, plan->alone_ns[d]);
  }
  return object;
}

static hdt_exit print_json(const hdt_machine *machine, const phase_plan *plans) {
  he_model_info info;
  cJSON *document = hdt_json_document("split");
  he_model_describe(machine->model, &info);
  hdt_json_bytes(document, "model", info.name, strlen(info.name));
  hdt_json_bytes(document, "format", info.format, strlen(info.format));
  hdt_json_u64(document, "layers", info.n_layers);
  for (int phase = 0; phase < (int)HD_PHASE_COUNT; phase++) {
    cJSON_AddItemToObject(document, hdt_phase_name((hd_phase)phase), plan_json(machine, &plans[phase]));
  }
  return hdt_json_print(document, false, "split");
}

static hdt_exit show(const hdt_machine *machine, bool json) {
  phase_plan *plans = calloc(HD_PHASE_COUNT, sizeof(*plans));
  hd_status status = plans ? HD_OK : HD_E_NO_MEMORY;
  for (int phase = 0; phase < (int)HD_PHASE_COUNT && status == HD_OK; phase++) {
    status = make_plan(machine, (hd_phase)phase, &plans[phase]);
  }
  hdt_exit code;
  if (status != HD_OK) {
    code = hdt_fail(hdt_exit_of(status), "split", "cannot predict: %s", hd_status_text(status));
  } else {
    code = json ? print_json(machine, plans) : print_table(machine, plans);
  }
  free(plans);
  return code;
}

static bool parse(split_args *args, int argc, char **argv, hdt_exit *out_exit) {
  hdt_option machine[HDT_MACHINE_OPTIONS], output[HDT_OUTPUT_OPTIONS];
  hdt_machine_options(&args->machine, machine);
  hdt_output_options(&args->output, output);
  const hdt_option what[] = {machine[HDT_MACHINE_MODEL]};
  const hdt_option scheduling[] = {machine[HDT_MACHINE_DEVICES], machine[HDT_MACHINE_THREADS],
                                   machine[HDT_MACHINE_SPLIT]};
  const hdt_option_group groups[] = {
      {"What to split", what, 1}, {"Scheduling", scheduling, 3}, {"Output", output, HDT_OUTPUT_OPTIONS}};
  const hdt_usage usage = {
      .command = "split",
      .synopsis = "[OPTION...] [MODEL.gguf]",
      .summary =
          "Shows which layers of a model run on which device in each phase, what each part is predicted\n"
          "to take, and what each device would take alone. Without MODEL.gguf it is the model inside\n"
          "the command.",
      .groups = groups,
      .group_count = 3,
      .positional_max = 1,
      .examples = "  heddle split --devices cpu,sim\n"
                  "  heddle split MODEL.gguf --devices cpu,sim --split cpu:0-3,sim:4-\n"
                  "  heddle split MODEL.gguf --devices cpu,sim --json"};
  const char *model;
  return hdt_options_parse(&usage, argc, argv, &model, out_exit) &&
         hdt_machine_take_model(&args->machine, model, "split", out_exit);
}

hdt_exit hdt_command_split(int argc, char **argv) {
  split_args args = {0};
  hdt_machine machine = {0};
  hdt_exit code;
  if (!parse(&args, argc, argv, &code)) return code;
  code = hdt_machine_open_model(&machine, &args.machine, false, "split");
  if (code == HDT_DONE) code = hdt_machine_start(&machine, &args.machine, "split");
  if (code == HDT_DONE) code = show(&machine, args.output.json);
  return hdt_machine_close(&machine, code, "split");
}
