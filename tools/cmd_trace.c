/* SPDX-License-Identifier: Apache-2.0 */
/* heddle trace print: a recorded trace as text, a record a line. */
#include <string.h>
#include "command.h"
#include "console.h"
#include "heddle/heddle.h"
#include "json.h"

enum { LINE_BYTES = 512 };

typedef struct trace_args {
  hdt_output_args output;
  bool decisions, events;
} trace_args;

static bool wanted(const trace_args *args, const hd_record *record) {
  if (!args->decisions && !args->events) return true;
  return (args->decisions && hd_record_is_decision(record)) || (args->events && hd_record_is_event(record));
}

/* {"schema": "heddle.trace.record/1", the fields as they are, and the line of text}. */
static hdt_exit print_json_line(const hd_record *record, const char *line) {
  cJSON *document = hdt_json_document("trace.record");
  hdt_json_u64(document, "t_ns", record->t_ns);
  hdt_json_u64(document, "seq", record->seq);
  hdt_json_u64(document, "kind", record->kind);
  hdt_json_u64(document, "device", record->device);
  hdt_json_u64(document, "request", record->request);
  hdt_json_u64(document, "step", record->step);
  hdt_json_u64(document, "a", record->a);
  hdt_json_u64(document, "b", record->b);
  hdt_json_bytes(document, "text", line, strlen(line));
  return hdt_json_print(document, true, "trace");
}

static hdt_exit print_records(const hd_trace_file *file, const trace_args *args) {
  size_t count;
  const hd_record *records = hd_trace_records(file, &count);
  for (size_t i = 0; i < count && hdt_out_ok(); i++) {
    char line[LINE_BYTES];
    if (!wanted(args, &records[i])) continue;
    hd_trace_format(file, &records[i], line, sizeof(line));
    if (!args->output.json) {
      puts(line);
    } else if (print_json_line(&records[i], line) != HDT_DONE) {
      return HDT_FAILED;
    }
  }
  return HDT_DONE;
}

static hdt_exit print_trace(const char *path, const trace_args *args) {
  hd_host host;
  hd_trace_file *file = NULL;
  hd_error error = {{0}};
  hd_host_posix(&host);
  hd_status status = hd_trace_read(&host, path, &file, &error);
  if (status != HD_OK) return hdt_fail(HDT_FAILED, "trace", "%s", error.text);
  hdt_exit code = print_records(file, args);
  if (hd_trace_is_truncated(file) && code == HDT_DONE) {
    code = hdt_fail(HDT_FAILED, "trace",
                    "%s: the trace is not whole: it was cut short, or records were dropped", path);
  }
  hd_trace_file_destroy(file);
  return code;
}

hdt_exit hdt_command_trace(int argc, char **argv) {
  trace_args args = {0};
  const hdt_option selection[] = {
      {.name = "events", .kind = HDT_OPTION_FLAG, .target = &args.events, .help = "only what happened"},
      {.name = "decisions",
       .kind = HDT_OPTION_FLAG,
       .target = &args.decisions,
       .help = "only what was decided"}};
  hdt_option output[HDT_OUTPUT_OPTIONS];
  hdt_output_options(&args.output, output);
  const hdt_option_group groups[] = {{"Selection", selection, 2}, {"Output", output, HDT_OUTPUT_OPTIONS}};
  const hdt_usage usage = {
      .command = "trace",
      .synopsis = "print [OPTION...] FILE",
      .summary =
          "Prints a trace that 'heddle run --trace FILE' wrote: one line for each event, decision and\n"
          "piece of information, in the order of the control plane.",
      .groups = groups,
      .group_count = 2,
      .positional_max = 2,
      .notes = "  A line is the time in ns, the number in the control plane's order, the kind, and then one\n"
               "  key=value word a field. With --json each record is a JSON object on a line of its own.",
      .examples = "  heddle run -p \"Once upon a time\" --trace story.rec\n"
                  "  heddle trace print story.rec | less\n"
                  "  heddle trace print --decisions story.rec\n"
                  "  heddle trace print --json story.rec"};
  const char *words[2];
  hdt_exit code;
  if (!hdt_options_parse(&usage, argc, argv, words, &code)) return code;
  if (words[0] == NULL)
    return hdt_fail(HDT_USAGE, "trace", "what to do? 'heddle trace print FILE' prints a trace");
  if (strcmp(words[0], "print") != 0) {
    return hdt_fail(HDT_USAGE, "trace", "unknown word '%s'; did you mean 'heddle trace print %s'?", words[0],
                    words[0]);
  }
  if (words[1] == NULL) return hdt_fail(HDT_USAGE, "trace", "which file? see 'heddle trace --help'");
  return print_trace(words[1], &args);
}
