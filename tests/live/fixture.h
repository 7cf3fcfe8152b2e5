/* SPDX-License-Identifier: Apache-2.0 */
/* A small model with random weights, a scheduler around it, and requests that decode with it: what the live
 * tests share. */
#ifndef TESTS_LIVE_FIXTURE_H
#define TESTS_LIVE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "heddle/heddle.h"
#include "heddle/implement/backend.h"
#include "heddle/implement/policy.h"

enum { FX_VOCAB = 40, FX_WIDTH = 32, FX_LAYERS = 4, FX_CONTEXT = 64, FX_DECODE = 12 };

/* Graph and weights; independent of any scheduler. */
typedef struct fx_net {
  hd_host host;
  hd_graph *graph;
  uint32_t value_count;
  const void *weights[128];
  float *storage;
} fx_net;

void fx_net_make(fx_net *net);
void fx_net_free(fx_net *net);

/* What a scheduler is made with; zeroed means: defaults, two workers. */
typedef struct fx_options {
  const char *devices, *policy, *split;
  int workers; /* -1: the host drives */
  hd_trace *trace;
  uint32_t max_requests; /* 0: the default */
  uint64_t memory_budget_bytes;
} fx_options;

hd_sched *fx_sched(const fx_net *net, const fx_options *options);
hd_model *fx_model(hd_sched *sched, const fx_net *net, const char *split);

/* One request: a prompt of `prompt` tokens derived from `seed`, then greedy decoding of FX_DECODE tokens. */
typedef struct fx_job {
  hd_model *model;
  uint32_t seed, prompt;
  int32_t ids[FX_DECODE];
  uint32_t produced;
  hd_status status;
  hd_request *request;
} fx_job;

hd_status fx_job_submit(hd_sched *sched, hd_model *model, fx_job *job, uint32_t seed, hd_class class_id);
/* The same where nothing may go wrong. */
void fx_job_start(hd_sched *sched, hd_model *model, fx_job *job, uint32_t seed, hd_class class_id);
void fx_job_finish(fx_job *job); /* waits and releases */

/* The ids that job `seed` gives alone on the portable CPU. */
void fx_alone(uint32_t seed, int32_t ids[FX_DECODE]);

#endif
