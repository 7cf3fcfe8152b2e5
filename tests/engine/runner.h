/* SPDX-License-Identifier: Apache-2.0 */
/* A model on a scheduler of its own, for tests that run it. */
#ifndef TESTS_RUNNER_H
#define TESTS_RUNNER_H

#include "check_host.h"
#include "engine/engine.h"

typedef struct runner_setup {
  const char *devices, *split, *policy; /* split and policy may be NULL */
  uint32_t workers;                     /* 0: the test drives */
  hd_format kv;                         /* of the KV cache; nothing said: F32 */
} runner_setup;

typedef struct runner {
  check_host check;
  he_model *model;
  hd_sched *sched;
  he_instance *instance;
  uint32_t n_vocab;
} runner;

/* False where this machine or build lacks a device of the setup. */
bool runner_can(const runner_setup *setup);
/* All of these fail the test on an error. `path` NULL: the embedded model. */
void runner_open(runner *out_runner, const char *path, const runner_setup *setup);
void runner_open_memory(runner *out_runner, const void *bytes, size_t size, const runner_setup *setup);
void runner_close(runner *r);

/* What a job gave. */
typedef struct runner_output {
  int32_t *ids;
  uint32_t id_count, id_capacity;
  char *text;
  size_t text_bytes, text_capacity;
  float *logits; /* logits_rows x n_vocab, kept when asked for */
  uint32_t logits_rows, logits_capacity, n_vocab;
  he_job_result result;
} runner_output;

/* `desc` with the callbacks that fill `output` set. */
void runner_collect(he_job_desc *desc, runner_output *output, bool with_logits);
/* Submits and waits. */
void runner_run(runner *r, const int32_t *tokens, uint32_t n_tokens, uint32_t n_predict, bool with_logits,
                runner_output *output);
void runner_output_finish(runner_output *output);

/* Between the two best logits. */
float runner_gap(const float *logits, uint32_t n_vocab);

#endif
