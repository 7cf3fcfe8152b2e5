/* SPDX-License-Identifier: Apache-2.0 */
/* heddle run: a prompt goes in, text comes out while it is made. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "command.h"
#include "console.h"
#include "heddle/implement/policy.h"
#include "input.h"
#include "machine.h"
#include "names.h"
#include "run_report.h"
#include "run_requests.h"

typedef struct run_args {
  const char *model; /* NULL: the embedded one */
  hdt_text_list prompts;
  const char *system;
  const char *class_name;
  uint32_t n_predict, context, parallel;
  uint32_t top_k;
  double temperature, top_p;
  uint64_t seed;
  bool chat, ids, quiet;
  hdt_machine_args machine;
  hdt_output_args output;
} run_args;

enum { REQUESTS_MAX = 4096, PREDICT_DEFAULT = 256 };

static const char summary[] =
    "Runs a model on a prompt and streams what it writes to stdout; a progress bar while there is\n"
    "something to wait for and a short table at the end go to stderr. Without MODEL.gguf it is the\n"
    "model inside the command.";

static const char notes[] =
    "  -p and -f may stand many times: each prompt is a request, and all run at once. '-' is stdin.\n"
    "  One newline at the end of a file is not part of its prompt.\n"
    "  On a terminal a prompt given with -p is shown before what follows from it.\n"
    "  --json prints one object at the end; each request's ids, text and times stand in \"requests\".\n"
    "  The same prompt, options, seed and thread count give the same text.\n"
    "  Exit codes: 0 done, 1 failed, 2 wrong usage, 75 refused for now (the line says when to try\n"
    "  again), 130 interrupted with Ctrl-C (what was written so far stays, the table comes too).";

static const char examples[] =
    "  heddle run -p \"Once upon a time\"\n"
    "  heddle run MODEL.gguf -p \"Once upon a time\" -n 64 --temp 0.8 --seed 7\n"
    "  heddle run MODEL.gguf --chat -p \"Why is the sky blue?\"\n"
    "  heddle run MODEL.gguf -f letter.txt --devices cpu,sim --split cpu:0-3,sim:4-\n"
    "  heddle run -p \"Once upon a time\" --parallel 4 --devices cpu,sim --trace four.rec\n"
    "  echo \"The little dog\" | heddle run -f - --json";

static size_t what_options(run_args *args, hdt_option *out) {
  const hdt_option options[] = {
      {.letter = 'm',
       .name = "model",
       .argument = "FILE",
       .kind = HDT_OPTION_TEXT,
       .target = &args->model,
       .help = "the same as MODEL.gguf"},
      {.letter = 'p',
       .name = "prompt",
       .argument = "TEXT",
       .kind = HDT_OPTION_LIST,
       .target = &args->prompts,
       .help = "the prompt"},
      {.letter = 'f',
       .name = "file",
       .argument = "FILE",
       .kind = HDT_OPTION_LIST,
       .target = &args->prompts,
       .help = "a file that holds the prompt"},
      {.letter = 'n',
       .name = "predict",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->n_predict,
       .max = UINT32_MAX,
       .help = "most tokens to generate (default: 256; 0: only the prefill)"},
      {.letter = 'c',
       .name = "ctx",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->context,
       .min = 1,
       .max = INT32_MAX,
       .help = "positions of the context (default: what prompt and -n need, at\nmost the model's)"},
      {.name = "chat",
       .kind = HDT_OPTION_FLAG,
       .target = &args->chat,
       .help = "the prompt is what a user says: apply the model's chat template"},
      {.name = "system",
       .argument = "TEXT",
       .kind = HDT_OPTION_TEXT,
       .target = &args->system,
       .help = "what the system says before, with --chat"},
      {.name = "parallel",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->parallel,
       .min = 1,
       .max = REQUESTS_MAX,
       .help = "run each prompt so many times at once (default: 1)"},
  };
  memcpy(out, options, sizeof(options));
  return sizeof(options) / sizeof(options[0]);
}

static size_t sampling_options(run_args *args, hdt_option *out) {
  const hdt_option options[] = {
      {.name = "temp",
       .argument = "T",
       .kind = HDT_OPTION_REAL,
       .target = &args->temperature,
       .max = 100,
       .help = "temperature (default: 0, always the likeliest token)"},
      {.name = "top-k",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->top_k,
       .max = INT32_MAX,
       .help = "choose among the N likeliest only (default: 40; 0: all)"},
      {.name = "top-p",
       .argument = "P",
       .kind = HDT_OPTION_REAL,
       .target = &args->top_p,
       .max = 1,
       .help = "choose among the likeliest that together reach P (default: 0.95;\n1: all)"},
      {.letter = 's',
       .name = "seed",
       .argument = "N",
       .kind = HDT_OPTION_U64,
       .target = &args->seed,
       .help = "of the first request; the next ones count on (default: 0)"},
  };
  memcpy(out, options, sizeof(options));
  return sizeof(options) / sizeof(options[0]);
}

static size_t scheduling_options(run_args *args, hdt_option *out) {
  hdt_machine_options(&args->machine, out);
  const hdt_option options[] = {
      {.name = "class",
       .argument = "NAME",
       .kind = HDT_OPTION_TEXT,
       .target = &args->class_name,
       .help = "how urgent it is: interactive, initiated, default, utility or\nbackground (default: "
               "interactive)"},
      {.name = "max-requests",
       .argument = "N",
       .kind = HDT_OPTION_COUNT,
       .target = &args->machine.max_requests,
       .min = 1,
       .max = 65535,
       .help = "admit so many at once, refuse the rest for now (default: 1024)"},
      {.name = "trace",
       .argument = "FILE",
       .kind = HDT_OPTION_TEXT,
       .target = &args->machine.trace,
       .help = "record every event and decision, for 'heddle trace' and\n'heddle replay'"},
  };
  memcpy(out + HDT_MACHINE_OPTIONS, options, sizeof(options));
  return HDT_MACHINE_OPTIONS + sizeof(options) / sizeof(options[0]);
}

static size_t output_options(run_args *args, hdt_option *out) {
  hdt_output_options(&args->output, out);
  out[HDT_OUTPUT_OPTIONS] = (hdt_option){.name = "ids",
                                         .kind = HDT_OPTION_FLAG,
                                         .target = &args->ids,
                                         .help = "print the generated token ids, a line for each request,\n"
                                                 "instead of the text"};
  out[HDT_OUTPUT_OPTIONS + 1] = (hdt_option){.letter = 'q',
                                             .name = "quiet",
                                             .kind = HDT_OPTION_FLAG,
                                             .target = &args->quiet,
                                             .help = "no progress bar and no table"};
  return HDT_OUTPUT_OPTIONS + 2;
}

static bool parse(run_args *args, int argc, char **argv, hdt_exit *out_exit) {
  hdt_option what[12], sampling[8], scheduling[12], output[8];
  const hdt_option_group groups[] = {{"What to run", what, what_options(args, what)},
                                     {"Sampling", sampling, sampling_options(args, sampling)},
                                     {"Scheduling", scheduling, scheduling_options(args, scheduling)},
                                     {"Output", output, output_options(args, output)}};
  const hdt_usage usage = {.command = "run",
                           .synopsis = "[OPTION...] [MODEL.gguf] -p TEXT",
                           .summary = summary,
                           .groups = groups,
                           .group_count = sizeof(groups) / sizeof(groups[0]),
                           .positional_max = 1,
                           .notes = notes,
                           .examples = examples};
  const char *model;
  if (!hdt_options_parse(&usage, argc, argv, &model, out_exit)) return false;
  if (model != NULL && args->model != NULL) {
    *out_exit = hdt_fail(HDT_USAGE, "run", "two models: '%s' and '%s'", args->model, model);
  } else if (args->prompts.count == 0) {
    *out_exit = hdt_fail(HDT_USAGE, "run", "no prompt: say it with -p TEXT or -f FILE");
  } else if (args->system != NULL && !args->chat) {
    *out_exit = hdt_fail(HDT_USAGE, "run", "--system goes with --chat");
  }
  if (model != NULL) args->model = model;
  return *out_exit == HDT_DONE;
}

static hdt_exit tokenize(const hdt_machine *machine, const run_args *args, const hdt_prompt *prompt,
                         he_tokens *out_tokens) {
  hd_error error = {{0}};
  hd_status status;
  he_tokens_init(out_tokens, machine->model);
  if (args->chat) {
    he_message messages[2];
    uint32_t count = 0;
    if (args->system) messages[count++] = (he_message){"system", args->system};
    messages[count++] = (he_message){"user", prompt->text};
    status = he_chat_tokenize(machine->model, messages, count, out_tokens, &error);
  } else {
    status = he_tokenize(machine->model, prompt->text, prompt->bytes, HE_TOKENIZE_BOS, out_tokens, &error);
  }
  if (status != HD_OK) return hdt_fail(hdt_exit_of(status), "run", "%s: %s", prompt->name, error.text);
  he_model_info info;
  he_model_describe(machine->model, &info);
  uint32_t room = args->context ? args->context : info.n_context;
  if (out_tokens->count <= room) return HDT_DONE;
  return hdt_fail(HDT_FAILED, "run", "%s: %" PRIu32 " tokens are more than the context of %" PRIu32 " holds",
                  prompt->name, out_tokens->count, room);
}

static void describe_job(const run_args *args, hd_class class_id, he_job_desc *out_desc) {
  he_job_desc_default(out_desc);
  out_desc->n_predict = args->n_predict;
  out_desc->max_context = args->context;
  out_desc->class_id = class_id;
  out_desc->sampling.temperature = (float)args->temperature;
  out_desc->sampling.top_k = args->top_k;
  out_desc->sampling.top_p = (float)args->top_p;
  out_desc->sampling.seed = args->seed;
}

static hdt_exit report(hdt_machine *machine, const run_args *args, const hdt_requests *requests,
                       hd_class class_id, hdt_energy_meter *meter, hdt_exit code) {
  hdt_run_report facts = {.machine = machine,
                          .requests = requests,
                          .policy =
                              args->machine.policy ? args->machine.policy : hd_policies_builtin()[0]->name,
                          .class_id = class_id,
                          .interrupted = code == HDT_INTERRUPTED || code == HDT_TERMINATED};
  hd_sched_stats(machine->sched, &facts.stats);
  facts.energy = hdt_energy_end(meter, &facts.stats);
  bool ran = code == HDT_DONE || code == HDT_INTERRUPTED || code == HDT_TERMINATED;
  if (!ran) return code;
  if (args->output.json) {
    hdt_exit printed = hdt_run_report_json(&facts, "run");
    return code == HDT_DONE ? printed : code;
  }
  if (!args->quiet && hdt_out_ok()) hdt_run_report_print(&facts);
  return code;
}

/* All but the prompts is there: run, report. */
static hdt_exit run_requests(hdt_machine *machine, const run_args *args, const hdt_prompt *prompts,
                             const he_tokens *tokens, hd_class class_id) {
  hdt_requests requests = {.quiet = args->quiet};
  he_job_desc common;
  hdt_energy_meter meter;
  describe_job(args, class_id, &common);
  if (!hdt_requests_init(&requests, prompts, tokens, args->prompts.count, args->parallel, &common)) {
    return hdt_fail(HDT_FAILED, "run", "no memory for %" PRIu32 " requests",
                    args->prompts.count * args->parallel);
  }
  requests.show = args->output.json ? HDT_SHOW_NOTHING : args->ids ? HDT_SHOW_IDS : HDT_SHOW_TEXT;
  requests.echo_prompt = hdt_is_terminal(stdout) && !args->chat;
  hdt_energy_begin(&meter);
  hdt_exit code = hdt_requests_run(&requests, machine->instance, &machine->host, "run");
  code = report(machine, args, &requests, class_id, &meter, code);
  hdt_requests_finish(&requests);
  return code;
}

static hdt_exit run(const run_args *args, hd_class class_id) {
  hdt_prompt prompts[HDT_LIST_MAX];
  he_tokens tokens[HDT_LIST_MAX] = {{0}};
  hdt_machine machine = {0};
  hdt_exit code = hdt_prompts_read(&args->prompts, "run", prompts);
  if (code == HDT_DONE) code = hdt_machine_open_model(&machine, args->model, args->quiet, "run");
  for (uint32_t i = 0; i < args->prompts.count && code == HDT_DONE; i++) {
    code = tokenize(&machine, args, &prompts[i], &tokens[i]);
  }
  if (code == HDT_DONE) code = hdt_machine_start(&machine, &args->machine, "run");
  if (code == HDT_DONE) code = run_requests(&machine, args, prompts, tokens, class_id);
  for (uint32_t i = 0; i < args->prompts.count; i++)
    he_tokens_finish(&tokens[i]);
  hdt_prompts_free(prompts, args->prompts.count);
  return hdt_machine_close(&machine, code, "run");
}

hdt_exit hdt_command_run(int argc, char **argv) {
  he_sampling sampling;
  he_sampling_default(&sampling);
  run_args args = {.class_name = "interactive",
                   .n_predict = PREDICT_DEFAULT,
                   .parallel = 1,
                   .temperature = (double)sampling.temperature,
                   .top_k = sampling.top_k,
                   .top_p = (double)sampling.top_p,
                   .seed = sampling.seed};
  hd_class class_id;
  hdt_exit code;
  if (!parse(&args, argc, argv, &code)) return code;
  if (!hdt_class_find(args.class_name, &class_id)) {
    return hdt_fail(HDT_USAGE, "run",
                    "--class: there is no '%s'; there are interactive, initiated, default, utility "
                    "and background",
                    args.class_name);
  }
  return run(&args, class_id);
}
