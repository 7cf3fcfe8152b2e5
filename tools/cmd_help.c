/* SPDX-License-Identifier: Apache-2.0 */
/* heddle help, heddle version. */
#include <stdio.h>
#include <string.h>
#include "command.h"
#include "console.h"
#include "heddle/heddle.h"
#include "json.h"

static void print_overview(void) {
  const char *bold = hdt_style_on(stdout, HDT_BOLD), *off = hdt_style_off(stdout, HDT_BOLD);
  printf("%sheddle%s: a scheduler for AI work on the devices of one machine\n\n", bold, off);
  printf("%sUsage:%s heddle COMMAND [OPTION...]\n\n%sCommands%s\n", bold, off, bold, off);
  for (const hdt_command *command = hdt_commands; command->name != NULL; command++) {
    printf("  %-10s %s\n", command->name, command->summary);
  }
  printf("\n%sStart here%s\n"
         "  heddle run -p \"Once upon a time\"       a story from the model inside the command\n"
         "  heddle run MODEL.gguf -p \"Hello\"       a model of yours\n"
         "  heddle help run                        all that a command can do\n\n",
         bold, off);
  printf("%sExit codes%s\n"
         "  0 done   1 failed   2 wrong usage   75 busy: try again later   130 interrupted\n",
         bold, off);
}

static hdt_exit print_overview_json(void) {
  cJSON *document = hdt_json_document("help");
  cJSON *list = cJSON_AddArrayToObject(document, "commands");
  for (const hdt_command *command = hdt_commands; command->name != NULL; command++) {
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "name", command->name);
    cJSON_AddStringToObject(entry, "summary", command->summary);
    cJSON_AddItemToArray(list, entry);
  }
  return hdt_json_print(document, false, "help");
}

hdt_exit hdt_command_help(int argc, char **argv) {
  hdt_output_args output = {0};
  hdt_option options[HDT_OUTPUT_OPTIONS];
  hdt_output_options(&output, options);
  const hdt_option_group groups[] = {{"Output", options, HDT_OUTPUT_OPTIONS}};
  const hdt_usage usage = {.command = "help",
                           .synopsis = "[COMMAND]",
                           .summary = "Shows what there is, or the help of one command.",
                           .groups = groups,
                           .group_count = 1,
                           .positional_max = 1,
                           .examples = "  heddle help\n  heddle help run"};
  const char *topic;
  hdt_exit code;
  if (!hdt_options_parse(&usage, argc, argv, &topic, &code)) return code;
  if (topic == NULL) {
    if (output.json) return print_overview_json();
    print_overview();
    return HDT_DONE;
  }
  const hdt_command *command = hdt_command_find(topic);
  if (command == NULL) return hdt_command_unknown(topic);
  if (command->run == hdt_command_help) {
    hdt_usage_print(&usage);
    return HDT_DONE;
  }
  char help[] = "--help";
  char *forwarded[] = {argv[0], help, NULL};
  return command->run(2, forwarded);
}

hdt_exit hdt_command_version(int argc, char **argv) {
  hdt_output_args output = {0};
  hdt_option options[HDT_OUTPUT_OPTIONS];
  hdt_output_options(&output, options);
  const hdt_option_group groups[] = {{"Output", options, HDT_OUTPUT_OPTIONS}};
  const hdt_usage usage = {.command = "version",
                           .synopsis = "",
                           .summary = "Shows the version.",
                           .groups = groups,
                           .group_count = 1,
                           .examples = "  heddle --version\n  heddle version --json"};
  hdt_exit code;
  if (!hdt_options_parse(&usage, argc, argv, NULL, &code)) return code;
  if (!output.json) {
    printf("heddle %s\n", HD_VERSION_TEXT);
    return HDT_DONE;
  }
  cJSON *document = hdt_json_document("version");
  cJSON_AddStringToObject(document, "version", HD_VERSION_TEXT);
  return hdt_json_print(document, false, "version");
}
