/* SPDX-License-Identifier: Apache-2.0 */
/* heddle replay: the events of a trace go through the control plane again; do the same decisions come out? */
#include <string.h>
#include "command.h"
#include "console.h"
#include "heddle/heddle.h"
#include "heddle/implement/policy.h"
#include "json.h"

enum { LINE_BYTES = 512 };

typedef struct replay_args {
  hdt_output_args output;
  bool print;
} replay_args;

/* One side of the first difference; kind 0 means that this side has nothing there. */
static const char *side(const hd_trace_file *file, const hd_record *record, char *out_line) {
  if (record->kind == 0) return "nothing";
  hd_trace_format(file, record, out_line, LINE_BYTES);
  return out_line;
}

static void report_text(const char *path, const hd_trace_file *file, const hd_replay_result *result) {
  char line[LINE_BYTES];
  printf("%s: %llu events fed, %llu decisions compared: %s\n", path, (unsigned long long)result->events,
         (unsigned long long)result->decisions, result->identical ? "identical" : "different");
  if (result->identical) return;
  printf("  first difference at record %llu\n", (unsigned long long)result->first_difference);
  printf("  recorded  %s\n", side(file, &result->recorded, line));
  printf("  replayed  %s\n", side(file, &result->replayed, line));
}

static hdt_exit report_json(const char *path, const hd_trace_file *file, const hd_replay_result *result) {
  char line[LINE_BYTES];
  cJSON *document = hdt_json_document("replay");
  hdt_json_bytes(document, "file", path, strlen(path));
  hdt_json_u64(document, "events", result->events);
  hdt_json_u64(document, "decisions", result->decisions);
  cJSON_AddBoolToObject(document, "identical", result->identical);
  const char *policy = hd_trace_find_name(file, HD_NAME_POLICY, 0);
  if (policy) hdt_json_bytes(document, "policy", policy, strlen(policy));
  if (!result->identical) {
    cJSON *difference = cJSON_AddObjectToObject(document, "first_difference");
    hdt_json_u64(difference, "record", result->first_difference);
    const char *text = side(file, &result->recorded, line);
    hdt_json_bytes(difference, "recorded", text, strlen(text));
    text = side(file, &result->replayed, line);
    hdt_json_bytes(difference, "replayed", text, strlen(text));
  }
  return hdt_json_print(document, false, "replay");
}

static hdt_exit replay(const char *path, const replay_args *args) {
  hd_host host;
  hd_trace_file *file = NULL;
  hd_error error = {{0}};
  hd_replay_result result;
  hd_host_posix(&host);
  hd_status status = hd_trace_read(&host, path, &file, &error);
  if (status != HD_OK) return hdt_fail(HDT_FAILED, "replay", "%s", error.text);
  status = hd_trace_replay(&host, file, hd_policies_builtin(), args->print ? stdout : NULL, &result, &error);
  hdt_exit code;
  if (status != HD_OK) {
    code = hdt_fail(HDT_FAILED, "replay", "%s: %s", path, error.text);
  } else {
    code = HDT_DONE;
    if (args->output.json) {
      code = report_json(path, file, &result);
    } else {
      report_text(path, file, &result);
    }
    if (!result.identical) code = HDT_FAILED;
  }
  hd_trace_file_destroy(file);
  return code;
}

hdt_exit hdt_command_replay(int argc, char **argv) {
  replay_args args = {0};
  const hdt_option what[] = {{.name = "print",
                              .kind = HDT_OPTION_FLAG,
                              .target = &args.print,
                              .help = "print each replayed decision, a line each, before the verdict"}};
  hdt_option output[HDT_OUTPUT_OPTIONS];
  hdt_output_options(&args.output, output);
  const hdt_option_group groups[] = {{"Replay", what, 1}, {"Output", output, HDT_OUTPUT_OPTIONS}};
  const hdt_usage usage = {
      .command = "replay",
      .synopsis = "[OPTION...] FILE",
      .summary = "Feeds the recorded events of a trace to the same control plane and policy under a virtual\n"
                 "clock, and compares the decisions with the recorded ones, byte by byte.",
      .groups = groups,
      .group_count = 2,
      .positional_max = 1,
      .notes = "  Exit code 0: every decision is identical; 1: one is not, or the trace cannot be replayed.",
      .examples = "  heddle run -p \"Once upon a time\" --devices cpu,sim --trace story.rec\n"
                  "  heddle replay story.rec\n"
                  "  heddle replay --print story.rec | head"};
  const char *path;
  hdt_exit code;
  if (!hdt_options_parse(&usage, argc, argv, &path, &code)) return code;
  if (path == NULL) return hdt_fail(HDT_USAGE, "replay", "which file? see 'heddle replay --help'");
  if (args.print && args.output.json)
    return hdt_fail(HDT_USAGE, "replay", "--print and --json do not go together");
  return replay(path, &args);
}
