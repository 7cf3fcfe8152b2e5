/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands. Each gets argv with its own name in argv[0], prints, and answers with the process's exit
 * code. */
#ifndef HEDDLE_TOOLS_COMMAND_H
#define HEDDLE_TOOLS_COMMAND_H

#include <stdbool.h>
#include "exit_code.h"
#include "options.h"

typedef struct hdt_command {
  const char *name;
  const char *summary; /* for the list of commands */
  hdt_exit (*run)(int argc, char **argv);
} hdt_command;

/* Ends with a NULL name. */
extern const hdt_command hdt_commands[];

hdt_exit hdt_command_devices(int argc, char **argv);
hdt_exit hdt_command_run(int argc, char **argv);
hdt_exit hdt_command_bench(int argc, char **argv);
hdt_exit hdt_command_bench_runtime(int argc, char **argv); /* of `bench --runtime` */
hdt_exit hdt_command_bench_crowd(int argc, char **argv);   /* of `bench --crowd` */
hdt_exit hdt_command_bench_kernels(int argc, char **argv); /* of `bench --kernels` */
hdt_exit hdt_command_quantize(int argc, char **argv);
hdt_exit hdt_command_perplexity(int argc, char **argv);
hdt_exit hdt_command_split(int argc, char **argv);
hdt_exit hdt_command_trace(int argc, char **argv);
hdt_exit hdt_command_replay(int argc, char **argv);
hdt_exit hdt_command_help(int argc, char **argv);
hdt_exit hdt_command_version(int argc, char **argv);

/* The command of that name; NULL: there is none. */
const hdt_command *hdt_command_find(const char *name);
/* One line on stderr about a name that is no command, with the one that was probably meant. */
hdt_exit hdt_command_unknown(const char *name);

/* Options that every command has. */
typedef struct hdt_output_args {
  bool json, no_color;
} hdt_output_args;
#define HDT_OUTPUT_OPTIONS 2u
void hdt_output_options(hdt_output_args *args, hdt_option out_options[HDT_OUTPUT_OPTIONS]);
/* -q, --quiet; what it leaves out differs. */
hdt_option hdt_quiet_option(bool *target, const char *help);

#endif
