/* SPDX-License-Identifier: Apache-2.0 */
/* What most commands set up: a model, a scheduler over devices, a trace, and the model placed on them. */
#include "machine.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "console.h"
#include "heddle/implement/backend.h"
#include "heddle/implement/policy.h"
#include "kernel_shims/affinity.h"
#include "progress.h"
#include "units.h"

/* At 40 bytes each 2.5 MiB: some seconds of work on a small model between two flushes. One ring, because all
 * that is recorded comes out of the scheduler's turn. */
enum { TRACE_RING_RECORDS = 1u << 16 };

hdt_option hdt_threads_option(uint32_t *target, uint32_t most) {
  return (hdt_option){.letter = 't',
                      .name = "threads",
                      .argument = "N",
                      .kind = HDT_OPTION_COUNT,
                      .target = target,
                      .min = 1,
                      .max = most,
                      .help = "worker threads (default: one for each usable core)"};
}

void hdt_machine_options(hdt_machine_args *args, hdt_option out_options[HDT_MACHINE_OPTIONS]) {
  args->devices = "cpu";
  args->kv = "f32";
  out_options[HDT_MACHINE_MODEL] = (hdt_option){.letter = 'm',
                                                .name = "model",
                                                .argument = "FILE",
                                                .kind = HDT_OPTION_TEXT,
                                                .target = &args->model,
                                                .help = "the same as MODEL.gguf"};
  out_options[HDT_MACHINE_DEVICES] =
      (hdt_option){.letter = 'd',
                   .name = "devices",
                   .argument = "LIST",
                   .kind = HDT_OPTION_TEXT,
                   .target = &args->devices,
                   .help = "devices to open, as in cpu,sim or sim:latency_us=50;fail_after=9\n"
                           "(default: cpu; 'heddle devices' lists what there is)"};
  out_options[HDT_MACHINE_POLICY] = (hdt_option){.name = "policy",
                                                 .argument = "NAME",
                                                 .kind = HDT_OPTION_TEXT,
                                                 .target = &args->policy,
                                                 .help = "who decides among ready steps (default: fifo)"};
  out_options[HDT_MACHINE_SPLIT] =
      (hdt_option){.name = "split",
                   .argument = "SPEC",
                   .kind = HDT_OPTION_TEXT,
                   .target = &args->split,
                   .help = "layers pinned to devices, as in cpu:0-3,sim:4-\n"
                           "(default: the planner chooses; 'heddle split' shows how)"};
  out_options[HDT_MACHINE_THREADS] = hdt_threads_option(&args->threads, 1024);
  out_options[HDT_MACHINE_KV] = (hdt_option){
      .name = "kv",
      .argument = "FORMAT",
      .kind = HDT_OPTION_TEXT,
      .target = &args->kv,
      .help =
          "of the KV cache: f32, f16 (half the memory, faster at\ndepth) or q8_0 (a quarter) (default: f32)"};
}

bool hdt_machine_take_model(hdt_machine_args *args, const char *positional, const char *command,
                            hdt_exit *out_exit) {
  if (positional != NULL && args->model != NULL) {
    *out_exit = hdt_fail(HDT_USAGE, command, "two models: '%s' and '%s'", args->model, positional);
    return false;
  }
  if (positional != NULL) args->model = positional;
  return true;
}

uint32_t hdt_usable_cores(void) {
  hdk_cpu_mask cores;
  if (hdk_affinity_get(&cores) != HD_OK) return 1;
  uint32_t count = hdk_cpu_mask_count(&cores);
  return count > 0 ? count : 1;
}

static void show_loading(void *arg, uint64_t done, uint64_t total) {
  char detail[80];
  snprintf(detail, sizeof(detail), "%s of %s", hdt_bytes(done).text, hdt_bytes(total).text);
  hdt_progress_show(arg, done, total, detail);
}

/* The default is exact: what the reference gave, to its last token. */
static bool find_kv(const char *name, hd_format *out_format) {
  static const struct {
    const char *name;
    hd_format format;
  } known[] = {{"f32", HD_FORMAT_F32}, {"f16", HD_FORMAT_F16}, {"q8_0", HD_FORMAT_Q8_0}};
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (strcmp(name, known[i].name) != 0) continue;
    *out_format = known[i].format;
    return true;
  }
  return false;
}

hdt_exit hdt_machine_open_model(hdt_machine *machine, const hdt_machine_args *args, bool quiet,
                                const char *command) {
  hdt_progress progress;
  he_model_options options;
  hd_error error = {{0}};
  hd_host_posix(&machine->host);
  he_model_options_default(&options);
  if (!find_kv(args->kv, &options.kv_format))
    return hdt_fail(HDT_USAGE, command, "--kv: there is no '%s'; there are f32, f16 and q8_0", args->kv);
  hdt_progress_begin(&progress, "loading", quiet);
  options.read_ahead = true;
  options.progress = show_loading;
  options.progress_arg = &progress;
  uint64_t begin = machine->host.now_ns(machine->host.ctx);
  hd_status status = args->model
                         ? he_model_open(&machine->host, args->model, &options, &machine->model, &error)
                         : he_model_open_embedded(&machine->host, &options, &machine->model, &error);
  machine->load_ns = machine->host.now_ns(machine->host.ctx) - begin;
  hdt_progress_end(&progress);
  return status == HD_OK ? HDT_DONE : hdt_fail(hdt_exit_of(status), command, "%s", error.text);
}

static hdt_exit open_trace(hdt_machine *machine, const hdt_machine_args *args, const char *command) {
  struct stat before;
  hd_error error = {{0}};
  if (args->trace == NULL) return HDT_DONE;
  machine->trace_path = args->trace;
  machine->trace_is_new = stat(args->trace, &before) != 0;
  hd_status status =
      hd_trace_create(&machine->host, args->trace, 1, TRACE_RING_RECORDS, &machine->trace, &error);
  return status == HD_OK ? HDT_DONE : hdt_fail(hdt_exit_of(status), command, "%s", error.text);
}

hdt_exit hdt_machine_start(hdt_machine *machine, const hdt_machine_args *args, const char *command) {
  hd_error error = {{0}};
  machine->threads = args->threads ? args->threads : hdt_usable_cores();
  hd_host_posix(&machine->host);
  if (args->devices[0] == '\0') return hdt_fail(HDT_USAGE, command, "device list: it is empty");
  hdt_exit code = open_trace(machine, args, command);
  if (code != HDT_DONE) return code;
  uint64_t begin = machine->host.now_ns(machine->host.ctx);
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = machine->threads;
  config.backends = hd_backends_builtin();
  config.policies = hd_policies_builtin();
  config.policy = args->policy;
  config.devices = args->devices;
  config.trace = machine->trace;
  if (args->max_requests) config.control.limits.max_requests = args->max_requests;
  hd_status status = hd_sched_create(&machine->host, &config, &machine->sched, &error);
  if (status != HD_OK) return hdt_fail(hdt_exit_of_usage(status), command, "%s", error.text);
  if (machine->model == NULL) return HDT_DONE;
  status = he_instance_create(machine->model, machine->sched, args->split, &machine->instance, &error);
  machine->load_ns += machine->host.now_ns(machine->host.ctx) - begin;
  if (status == HD_OK) return HDT_DONE;
  return hdt_fail(args->split ? hdt_exit_of_usage(status) : hdt_exit_of(status), command, "%s", error.text);
}

hdt_exit hdt_machine_close(hdt_machine *machine, hdt_exit code, const char *command) {
  hd_error error = {{0}};
  bool started = machine->instance != NULL || (machine->sched != NULL && machine->model == NULL);
  he_instance_destroy(machine->instance);
  hd_sched_destroy(machine->sched);
  if (machine->trace != NULL && !started) {
    hd_trace_discard(machine->trace);
    if (machine->trace_is_new) unlink(machine->trace_path);
  } else if (machine->trace != NULL) {
    hd_status status = hd_trace_destroy(machine->trace, &error);
    if (status != HD_OK && code == HDT_DONE) {
      code = hdt_fail(HDT_FAILED, command, "%s", error.text);
    }
  }
  he_model_close(machine->model);
  memset(machine, 0, sizeof(*machine));
  return code;
}
