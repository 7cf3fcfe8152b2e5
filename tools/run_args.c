/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of `heddle run` says. */
#include "run_args.h"

#include <string.h>
#include "console.h"
#include "engine/engine.h"
#include "names.h"

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

static size_t what_options(hdt_run_args *args, const hdt_option *machine, hdt_option *out) {
  const hdt_option options[] = {
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
  out[0] = machine[HDT_MACHINE_MODEL];
  memcpy(out + 1, options, sizeof(options));
  return 1 + sizeof(options) / sizeof(options[0]);
}

static size_t sampling_options(hdt_run_args *args, hdt_option *out) {
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

static size_t scheduling_options(hdt_run_args *args, const hdt_option *machine, hdt_option *out) {
  size_t count = HDT_MACHINE_OPTIONS - HDT_MACHINE_DEVICES; /* all but the model */
  memcpy(out, &machine[HDT_MACHINE_DEVICES], count * sizeof(*out));
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
  memcpy(out + count, options, sizeof(options));
  return count + sizeof(options) / sizeof(options[0]);
}

static size_t output_options(hdt_run_args *args, hdt_option *out) {
  hdt_output_options(&args->output, out);
  out[HDT_OUTPUT_OPTIONS] = (hdt_option){.name = "ids",
                                         .kind = HDT_OPTION_FLAG,
                                         .target = &args->ids,
                                         .help = "print the generated token ids, a line for each request,\n"
                                                 "instead of the text"};
  out[HDT_OUTPUT_OPTIONS + 1] = hdt_quiet_option(&args->quiet, "no progress bar and no table");
  return HDT_OUTPUT_OPTIONS + 2;
}

static void set_defaults(hdt_run_args *args) {
  he_sampling sampling;
  he_sampling_default(&sampling);
  *args = (hdt_run_args){.class_name = "interactive",
                         .n_predict = PREDICT_DEFAULT,
                         .parallel = 1,
                         .temperature = (double)sampling.temperature,
                         .top_k = sampling.top_k,
                         .top_p = (double)sampling.top_p,
                         .seed = sampling.seed};
}

static bool check(hdt_run_args *args, hdt_exit *out_exit) {
  if (args->prompts.count == 0) {
    *out_exit = hdt_fail(HDT_USAGE, "run", "no prompt: say it with -p TEXT or -f FILE");
  } else if (args->system != NULL && !args->chat) {
    *out_exit = hdt_fail(HDT_USAGE, "run", "--system goes with --chat");
  } else if (!hdt_class_find(args->class_name, &args->class_id)) {
    *out_exit = hdt_fail(HDT_USAGE, "run",
                         "--class: there is no '%s'; there are interactive, initiated, default, "
                         "utility and background",
                         args->class_name);
  }
  return *out_exit == HDT_DONE;
}

bool hdt_run_args_parse(hdt_run_args *args, int argc, char **argv, hdt_exit *out_exit) {
  hdt_option machine[HDT_MACHINE_OPTIONS], what[12], sampling[8], scheduling[12], output[8];
  set_defaults(args);
  hdt_machine_options(&args->machine, machine);
  const hdt_option_group groups[] = {
      {"What to run", what, what_options(args, machine, what)},
      {"Sampling", sampling, sampling_options(args, sampling)},
      {"Scheduling", scheduling, scheduling_options(args, machine, scheduling)},
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
  return hdt_options_parse(&usage, argc, argv, &model, out_exit) &&
         hdt_machine_take_model(&args->machine, model, "run", out_exit) && check(args, out_exit);
}
