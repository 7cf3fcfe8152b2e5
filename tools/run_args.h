/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of `heddle run` says. */
#ifndef HEDDLE_TOOLS_RUN_ARGS_H
#define HEDDLE_TOOLS_RUN_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include "command.h"
#include "machine.h"

typedef struct hdt_run_args {
  hdt_text_list prompts;
  const char *system;
  const char *class_name;
  hd_class class_id; /* of that name */
  uint32_t n_predict, context, parallel;
  uint32_t top_k;
  double temperature, top_p;
  uint64_t seed;
  bool chat, ids, quiet;
  hdt_machine_args machine;
  hdt_output_args output;
} hdt_run_args;

/* Fills `out_args`, defaults included. False: `*out_exit` says how the command ends (help was printed, or a
 * line about what is wrong). */
bool hdt_run_args_parse(hdt_run_args *out_args, int argc, char **argv, hdt_exit *out_exit);

#endif
