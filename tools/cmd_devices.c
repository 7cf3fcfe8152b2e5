/* SPDX-License-Identifier: Apache-2.0 */
/* heddle devices: what was opened, what it costs to use, and what else this build contains. */
#include <string.h>
#include "command.h"
#include "console.h"
#include "energy.h"
#include "heddle/implement/backend.h"
#include "heddle/implement/policy.h"
#include "json.h"
#include "machine.h"
#include "names.h"
#include "table.h"
#include "units.h"

/* Rates of one unit: the inverse of what the planner counts with, which is integer ns. */
static hdt_quantity bandwidth(uint64_t ns_per_mib) {
  return ns_per_mib ? hdt_bytes_per_s(1048576e9 / (double)ns_per_mib) : (hdt_quantity){"unknown"};
}

static hdt_quantity compute(uint64_t ns_per_mflop) {
  return ns_per_mflop ? hdt_flops_per_s(1e15 / (double)ns_per_mflop) : (hdt_quantity){"unknown"};
}

static void add_row(hdt_table *table, const hd_device_props *props, hd_device_state state) {
  hdt_table_cell(table, "%s", props->name);
  hdt_table_cell(table, "%s", hdt_device_kind_name(props->kind));
  hdt_table_cell(table, "%s", state == HD_DEVICE_READY ? "" : hdt_device_state_name(state));
  hdt_table_cell(table, "%u", props->capacity);
  hdt_table_cell(table, "%s", hdt_duration(props->launch_ns).text);
  hdt_table_cell(table, "%s", bandwidth(props->ns_per_mib).text);
  hdt_table_cell(table, "%s", compute(props->ns_per_mflop).text);
  hdt_table_cell(table, "%s",
                 props->transfer_ns_per_mib ? bandwidth(props->transfer_ns_per_mib).text : "shared");
  hdt_table_cell(table, "%s", props->active_power_uw ? hdt_power(props->active_power_uw).text : "unknown");
  hdt_table_cell(table, "%s", props->description);
}

static hdt_exit print_table(hd_sched *sched) {
  static const char *const titles[] = {"name",    "kind",     "state",     "units", "launch",
                                       "streams", "computes", "transfers", "power", ""};
  hdt_table table;
  hdt_table_init(&table, "lllrrrrrrl");
  hdt_table_header(&table, titles);
  for (uint32_t i = 0; i < hd_sched_device_count(sched); i++) {
    hd_device_props props = {.size = sizeof(props)};
    hd_device_state state;
    if (hd_sched_device(sched, i, &props, &state) == HD_OK) add_row(&table, &props, state);
  }
  bool printed = hdt_table_print(&table, stdout);
  hdt_table_finish(&table);
  return printed ? HDT_DONE : hdt_fail(HDT_FAILED, "devices", "no memory for the table");
}

static void print_choices(void) {
  const char *dim = hdt_style_on(stdout, HDT_DIM), *off = hdt_style_off(stdout, HDT_DIM);
  printf("\n  %sbackends in this build (--devices)%s\n", dim, off);
  for (const hd_backend_ops *const *ops = hd_backends_builtin(); *ops != NULL; ops++) {
    printf("  %-8s  %s\n", (*ops)->name, (*ops)->description);
  }
  printf("\n  %spolicies in this build (--policy)%s\n", dim, off);
  for (const hd_policy_ops *const *ops = hd_policies_builtin(); *ops != NULL; ops++) {
    printf("  %-8s  %s\n", (*ops)->name, (*ops)->description);
  }
  printf("\n  %spower is modelled;%s energy of a run: %s\n", dim, off, hdt_energy_meter_describe());
}

static cJSON *device_json(const hd_device_props *props, hd_device_state state) {
  cJSON *object = cJSON_CreateObject();
  cJSON_AddStringToObject(object, "name", props->name);
  cJSON_AddStringToObject(object, "description", props->description);
  cJSON_AddStringToObject(object, "kind", hdt_device_kind_name(props->kind));
  cJSON_AddStringToObject(object, "state", hdt_device_state_name(state));
  hdt_json_u64(object, "capacity", props->capacity);
  hdt_json_u64(object, "max_in_flight", props->max_in_flight);
  cJSON_AddBoolToObject(object, "stops_at_op", (props->flags & HD_DEVICE_STOPS_AT_OP) != 0);
  cJSON_AddBoolToObject(object, "cut_at_layer", (props->flags & HD_DEVICE_CUT_AT_LAYER) != 0);
  hdt_json_u64(object, "launch_ns", props->launch_ns);
  hdt_json_u64(object, "ns_per_mib", props->ns_per_mib);
  hdt_json_u64(object, "ns_per_mflop", props->ns_per_mflop);
  hdt_json_u64(object, "transfer_ns_per_mib", props->transfer_ns_per_mib);
  hdt_json_u64(object, "active_power_uw", props->active_power_uw);
  cJSON_AddStringToObject(object, "power_source", props->active_power_uw ? "modelled" : "none");
  hdt_json_u64(object, "memory_bytes", props->memory_bytes);
  return object;
}

static void add_choice(cJSON *list, const char *name, const char *description) {
  cJSON *object = cJSON_CreateObject();
  cJSON_AddStringToObject(object, "name", name);
  cJSON_AddStringToObject(object, "description", description);
  cJSON_AddItemToArray(list, object);
}

static hdt_exit print_json(hd_sched *sched, uint32_t threads) {
  cJSON *document = hdt_json_document("devices");
  cJSON *devices = cJSON_AddArrayToObject(document, "devices");
  for (uint32_t i = 0; i < hd_sched_device_count(sched); i++) {
    hd_device_props props = {.size = sizeof(props)};
    hd_device_state state;
    if (hd_sched_device(sched, i, &props, &state) == HD_OK) {
      cJSON_AddItemToArray(devices, device_json(&props, state));
    }
  }
  hdt_json_u64(document, "threads", threads);
  cJSON *backends = cJSON_AddArrayToObject(document, "backends");
  for (const hd_backend_ops *const *ops = hd_backends_builtin(); *ops != NULL; ops++) {
    add_choice(backends, (*ops)->name, (*ops)->description);
  }
  cJSON *policies = cJSON_AddArrayToObject(document, "policies");
  for (const hd_policy_ops *const *ops = hd_policies_builtin(); *ops != NULL; ops++) {
    add_choice(policies, (*ops)->name, (*ops)->description);
  }
  cJSON_AddStringToObject(document, "energy_meter", hdt_energy_meter_describe());
  return hdt_json_print(document, false, "devices");
}

hdt_exit hdt_command_devices(int argc, char **argv) {
  hdt_output_args output = {0};
  hdt_machine_args args = {0};
  hdt_option machine_options[HDT_MACHINE_OPTIONS], output_options[HDT_OUTPUT_OPTIONS];
  hdt_machine_options(&args, machine_options);
  hdt_output_options(&output, output_options);
  const hdt_option what[] = {machine_options[HDT_MACHINE_DEVICES], machine_options[HDT_MACHINE_THREADS]};
  const hdt_option_group groups[] = {{"Machine", what, 2}, {"Output", output_options, HDT_OUTPUT_OPTIONS}};
  const hdt_usage usage = {
      .command = "devices",
      .synopsis = "[OPTION...]",
      .summary =
          "Opens devices and shows what the scheduler knows of each: the units that work side by side,\n"
          "what a launch costs, how fast one unit streams weights and computes, how fast activations\n"
          "move to it, and what power a busy unit draws.",
      .groups = groups,
      .group_count = 2,
      .examples = "  heddle devices\n"
                  "  heddle devices --devices \"cpu,sim:latency_us=200,sim\"\n"
                  "  heddle devices --json"};
  hdt_exit code;
  if (!hdt_options_parse(&usage, argc, argv, NULL, &code)) return code;
  hdt_machine machine = {0};
  code = hdt_machine_start(&machine, &args, "devices");
  if (code == HDT_DONE && output.json) {
    code = print_json(machine.sched, machine.threads);
  } else if (code == HDT_DONE) {
    code = print_table(machine.sched);
    print_choices();
  }
  return hdt_machine_close(&machine, code, "devices");
}
