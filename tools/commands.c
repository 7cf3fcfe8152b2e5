/* SPDX-License-Identifier: Apache-2.0 */
/* Which subcommands there are, and the options that all of them have. */
#include "command.h"

#include <stddef.h>
#include <string.h>
#include "console.h"

const hdt_command hdt_commands[] = {
    {"run", "run a model on a prompt and stream what it writes", hdt_command_run},
    {"bench", "measure prefill and decode speed", hdt_command_bench},
    {"quantize", "write a model with its weights in fewer bits", hdt_command_quantize},
    {"perplexity", "show how well a model foretells a text, and what that takes", hdt_command_perplexity},
    {"devices", "show devices, backends and policies", hdt_command_devices},
    {"split", "show which layers run on which device, and what that costs", hdt_command_split},
    {"trace", "print a recorded trace", hdt_command_trace},
    {"replay", "decide a recorded trace again and compare", hdt_command_replay},
    {"help", "show this, or the help of a command", hdt_command_help},
    {"version", "show the version", hdt_command_version},
    {NULL, NULL, NULL}};

const hdt_command *hdt_command_find(const char *name) {
  for (const hdt_command *command = hdt_commands; command->name != NULL; command++) {
    if (strcmp(command->name, name) == 0) return command;
  }
  return NULL;
}

hdt_exit hdt_command_unknown(const char *name) {
  const char *names[sizeof(hdt_commands) / sizeof(hdt_commands[0])];
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    names[i] = hdt_commands[i].name;
  const char *meant = hdt_nearest(name, names);
  if (meant) return hdt_fail(HDT_USAGE, NULL, "unknown command '%s'; did you mean '%s'?", name, meant);
  return hdt_fail(HDT_USAGE, NULL, "unknown command '%s'; see 'heddle help'", name);
}

void hdt_output_options(hdt_output_args *args, hdt_option out_options[HDT_OUTPUT_OPTIONS]) {
  out_options[0] = (hdt_option){.name = "json",
                                .kind = HDT_OPTION_FLAG,
                                .target = &args->json,
                                .help = "print JSON; its \"schema\" key names its shape"};
  out_options[1] = (hdt_option){.name = "no-color",
                                .kind = HDT_OPTION_FLAG,
                                .target = &args->no_color,
                                .help = "no colours (there are none in pipes, nor with NO_COLOR set)"};
}

hdt_option hdt_quiet_option(bool *target, const char *help) {
  return (hdt_option){
      .letter = 'q', .name = "quiet", .kind = HDT_OPTION_FLAG, .target = target, .help = help};
}
