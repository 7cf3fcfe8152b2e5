/* SPDX-License-Identifier: Apache-2.0 */
/* heddle run: a prompt goes in, text comes out while it is made. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "command.h"
#include "console.h"
#include "heddle/implement/policy.h"
#include "input.h"
#include "run_args.h"
#include "run_report.h"
#include "run_requests.h"

static hdt_exit tokenize(const hdt_machine *machine, const hdt_run_args *args, const hdt_prompt *prompt,
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

static void describe_job(const hdt_run_args *args, he_job_desc *out_desc) {
  he_job_desc_default(out_desc);
  out_desc->n_predict = args->n_predict;
  out_desc->max_context = args->context;
  out_desc->class_id = args->class_id;
  out_desc->sampling.temperature = (float)args->temperature;
  out_desc->sampling.top_k = args->top_k;
  out_desc->sampling.top_p = (float)args->top_p;
  out_desc->sampling.seed = args->seed;
}

static hdt_exit report(hdt_machine *machine, const hdt_run_args *args, const hdt_requests *requests,
                       hdt_energy_meter *meter, hdt_exit code) {
  hdt_run_report facts = {.machine = machine,
                          .requests = requests,
                          .policy =
                              args->machine.policy ? args->machine.policy : hd_policies_builtin()[0]->name,
                          .class_id = args->class_id,
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
static hdt_exit run_requests(hdt_machine *machine, const hdt_run_args *args, const hdt_prompt *prompts,
                             const he_tokens *tokens) {
  hdt_requests requests = {.quiet = args->quiet};
  he_job_desc common;
  hdt_energy_meter meter;
  describe_job(args, &common);
  if (!hdt_requests_init(&requests, prompts, tokens, args->prompts.count, args->parallel, &common)) {
    return hdt_fail(HDT_FAILED, "run", "no memory for %" PRIu32 " requests",
                    args->prompts.count * args->parallel);
  }
  requests.show = args->output.json ? HDT_SHOW_NOTHING : args->ids ? HDT_SHOW_IDS : HDT_SHOW_TEXT;
  requests.echo_prompt = hdt_is_terminal(stdout) && !args->chat;
  hdt_energy_begin(&meter);
  hdt_exit code = hdt_requests_run(&requests, machine->instance, &machine->host, "run");
  code = report(machine, args, &requests, &meter, code);
  hdt_requests_finish(&requests);
  return code;
}

static hdt_exit run(const hdt_run_args *args) {
  hdt_prompt prompts[HDT_LIST_MAX];
  he_tokens tokens[HDT_LIST_MAX] = {{0}};
  hdt_machine machine = {0};
  hdt_exit code = hdt_prompts_read(&args->prompts, "run", prompts);
  if (code == HDT_DONE) code = hdt_machine_open_model(&machine, &args->machine, args->quiet, "run");
  for (uint32_t i = 0; i < args->prompts.count && code == HDT_DONE; i++) {
    code = tokenize(&machine, args, &prompts[i], &tokens[i]);
  }
  if (code == HDT_DONE) code = hdt_machine_start(&machine, &args->machine, "run");
  if (code == HDT_DONE) code = run_requests(&machine, args, prompts, tokens);
  for (uint32_t i = 0; i < args->prompts.count; i++)
    he_tokens_finish(&tokens[i]);
  hdt_prompts_free(prompts, args->prompts.count);
  return hdt_machine_close(&machine, code, "run");
}

hdt_exit hdt_command_run(int argc, char **argv) {
  hdt_run_args args;
  hdt_exit code;
  if (!hdt_run_args_parse(&args, argc, argv, &code)) return code;
  return run(&args);
}
