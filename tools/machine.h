/* SPDX-License-Identifier: Apache-2.0 */
/* What most commands set up: a model, a scheduler over devices, a trace, and the model placed on them. */
#ifndef HEDDLE_TOOLS_MACHINE_H
#define HEDDLE_TOOLS_MACHINE_H

#include <stdbool.h>
#include "engine/engine.h"
#include "exit_code.h"
#include "heddle/heddle.h"
#include "options.h"

typedef struct hdt_machine_args {
  const char *model;     /* NULL: the embedded one */
  const char *devices;   /* "cpu" */
  const char *policy;    /* NULL: the first of the build, the fallback */
  const char *split;     /* NULL: the planner chooses */
  const char *kv;        /* the KV cache's format, "f32" */
  const char *trace;     /* NULL: none */
  uint32_t threads;      /* 0: all usable cores */
  uint32_t max_requests; /* 0: the library's default */
} hdt_machine_args;

/* Where each stands in the table; a command may take some of them only. */
enum {
  HDT_MACHINE_MODEL,
  HDT_MACHINE_DEVICES,
  HDT_MACHINE_THREADS,
  HDT_MACHINE_POLICY,
  HDT_MACHINE_SPLIT,
  HDT_MACHINE_KV,
  HDT_MACHINE_OPTIONS
};
void hdt_machine_options(hdt_machine_args *args, hdt_option out_options[HDT_MACHINE_OPTIONS]);

/* Joins the model's two spellings, -m FILE and the first argument. False: there were both, and a line says
 * so. */
bool hdt_machine_take_model(hdt_machine_args *args, const char *positional, const char *command,
                            hdt_exit *out_exit);

typedef struct hdt_machine {
  hd_host host;
  he_model *model;
  hd_trace *trace;
  const char *trace_path;
  bool trace_is_new; /* there was no such file before: a set-up that fails takes it away again */
  hd_sched *sched;
  he_instance *instance;
  uint32_t threads;
  uint64_t load_ns; /* opening the model and preparing it on the devices */
} hdt_machine;

/* Cores that this process may use; at least 1. */
uint32_t hdt_usable_cores(void);
/* -t, --threads N, of which there are as many as usable cores when the target stays 0. */
hdt_option hdt_threads_option(uint32_t *target, uint32_t most);

/* The two steps of setting up; each says one line when it fails. The first takes model and kv of `args`. What
 * they made is taken down by hdt_machine_close, also after a failure (a machine is zeroed before the first
 * step). */
hdt_exit hdt_machine_open_model(hdt_machine *machine, const hdt_machine_args *args, bool quiet,
                                const char *command);
/* Trace, scheduler and, when there is a model, its instance. */
hdt_exit hdt_machine_start(hdt_machine *machine, const hdt_machine_args *args, const char *command);

/* Takes all down and returns `code`, or HDT_FAILED with a line when `code` is HDT_DONE and the trace could
 * not be written. */
hdt_exit hdt_machine_close(hdt_machine *machine, hdt_exit code, const char *command);

#endif
