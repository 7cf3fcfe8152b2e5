/* SPDX-License-Identifier: Apache-2.0 */
/* The small model: embedding, layers of norm, attention and a residual matmul, and an output matrix. */
#include "fixture.h"

#include <stdlib.h>

static uint64_t next_random(uint64_t *seed) { /* splitmix64, Steele et al. 2014 */
  uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static hd_value value(fx_net *net, hd_value_kind kind, hd_rows rows_kind, uint32_t rows, uint32_t cols) {
  hd_value out = HD_VALUE_NONE;
  hd_value_desc desc = {.kind = kind, .rows_kind = rows_kind, .rows = rows, .cols = cols, .layer = -1};
  desc.format = kind == HD_VALUE_TOKENS ? HD_FORMAT_I32 : HD_FORMAT_F32;
  assert_int_equal(hd_graph_add_value(net->graph, &desc, &out), HD_OK);
  return out;
}

static hd_value turned_keys(fx_net *net, uint32_t cols) {
  hd_value out = HD_VALUE_NONE;
  hd_value_desc desc = {.kind = HD_VALUE_KV,
                        .format = HD_FORMAT_F32,
                        .rows_kind = HD_ROWS_CONTEXT,
                        .cols = cols,
                        .layer = -1,
                        .layout = HD_KV_TURNED};
  assert_int_equal(hd_graph_add_value(net->graph, &desc, &out), HD_OK);
  return out;
}

static hd_value weight(fx_net *net, uint32_t rows, uint32_t cols) {
  return value(net, HD_VALUE_WEIGHT, HD_ROWS_FIXED, rows, cols);
}

static hd_value op(fx_net *net, hd_op_kind kind, int layer, hd_value a, hd_value b, hd_value c,
                   hd_value out) {
  hd_op o = {.kind = kind, .layer = (int16_t)layer, .in = {a, b, c, HD_VALUE_NONE}, .out = out};
  if (kind == HD_OP_RMS_NORM) {
    o.u.rms_norm.eps = 1e-5f;
    o.u.rms_norm.group = FX_WIDTH;
  }
  if (kind == HD_OP_ATTENTION) {
    o.u.attention.n_heads = 4;
    o.u.attention.n_kv_heads = 2;
    o.u.attention.head_dim = FX_WIDTH / 4;
    o.u.attention.scale = 0.35355339f;
  }
  if (kind == HD_OP_ROPE) {
    o.u.rope.head_dim = FX_WIDTH / 4;
    o.u.rope.rope_dim = FX_WIDTH / 4;
    o.u.rope.freq_base = 10000.0f;
    o.u.rope.freq_scale = 1.0f;
  }
  assert_int_equal(hd_graph_add_op(net->graph, &o), HD_OK);
  return out;
}

static hd_value rows(fx_net *net, uint32_t cols) {
  return value(net, HD_VALUE_ACTIVATION, HD_ROWS_TOKENS, 0, cols);
}

static hd_value layer(fx_net *net, int l, hd_value x) {
  const hd_value none = HD_VALUE_NONE;
  hd_value n = op(net, HD_OP_RMS_NORM, l, x, weight(net, 1, FX_WIDTH), none, rows(net, FX_WIDTH));
  hd_value q = op(net, HD_OP_MATMUL, l, n, weight(net, FX_WIDTH, FX_WIDTH), none, rows(net, FX_WIDTH));
  hd_value k =
      op(net, HD_OP_MATMUL, l, n, weight(net, FX_WIDTH / 2, FX_WIDTH), none, rows(net, FX_WIDTH / 2));
  hd_value v =
      op(net, HD_OP_MATMUL, l, n, weight(net, FX_WIDTH / 2, FX_WIDTH), none, rows(net, FX_WIDTH / 2));
  q = op(net, HD_OP_ROPE, l, q, none, none, rows(net, FX_WIDTH));
  k = op(net, HD_OP_ROPE, l, k, none, none, rows(net, FX_WIDTH / 2));
  hd_value kc = op(net, HD_OP_KV_STORE, l, k, none, none, turned_keys(net, FX_WIDTH / 2));
  hd_value vc =
      op(net, HD_OP_KV_STORE, l, v, none, none, value(net, HD_VALUE_KV, HD_ROWS_CONTEXT, 0, FX_WIDTH / 2));
  hd_value a = op(net, HD_OP_ATTENTION, l, q, kc, vc, rows(net, FX_WIDTH));
  hd_value o = op(net, HD_OP_MATMUL, l, a, weight(net, FX_WIDTH, FX_WIDTH), none, rows(net, FX_WIDTH));
  return op(net, HD_OP_ADD, l, x, o, none, rows(net, FX_WIDTH));
}

static void fill_weights(fx_net *net) {
  const hd_value_desc *values = hd_graph_values(net->graph, &net->value_count);
  assert_true(net->value_count <= sizeof net->weights / sizeof net->weights[0]);
  size_t total = 0;
  for (uint32_t v = 0; v < net->value_count; v++)
    if (values[v].kind == HD_VALUE_WEIGHT) total += (size_t)values[v].rows * values[v].cols;
  net->storage = malloc(total * sizeof(float));
  assert_non_null(net->storage);
  uint64_t seed = 42;
  for (size_t i = 0; i < total; i++)
    net->storage[i] = (float)((int)(next_random(&seed) % 2001) - 1000) / 2500.0f;
  float *next = net->storage;
  for (uint32_t v = 0; v < net->value_count; v++) {
    if (values[v].kind != HD_VALUE_WEIGHT) continue;
    net->weights[v] = next;
    next += (size_t)values[v].rows * values[v].cols;
  }
}

void fx_net_make(fx_net *net) {
  *net = (fx_net){.graph = NULL};
  hd_host_posix(&net->host);
  hd_graph_desc desc = {.size = sizeof desc,
                        .name = "tiny",
                        .n_layers = FX_LAYERS,
                        .n_vocab = FX_VOCAB,
                        .max_context = FX_CONTEXT};
  const hd_value none = HD_VALUE_NONE;
  hd_error error = {""};
  assert_int_equal(hd_graph_create(&net->host, &desc, &net->graph), HD_OK);
  hd_value tokens = value(net, HD_VALUE_TOKENS, HD_ROWS_TOKENS, 0, 1),
           table = weight(net, FX_VOCAB, FX_WIDTH);
  hd_value x = op(net, HD_OP_EMBED, -1, tokens, table, none, rows(net, FX_WIDTH));
  for (int l = 0; l < FX_LAYERS; l++)
    x = layer(net, l, x);
  hd_value last = value(net, HD_VALUE_ACTIVATION, HD_ROWS_OUTPUTS, 0, FX_WIDTH);
  op(net, HD_OP_SELECT, FX_LAYERS, x, none, none, last);
  hd_value n = value(net, HD_VALUE_ACTIVATION, HD_ROWS_OUTPUTS, 0, FX_WIDTH);
  op(net, HD_OP_RMS_NORM, FX_LAYERS, last, weight(net, 1, FX_WIDTH), none, n);
  op(net, HD_OP_MATMUL, FX_LAYERS, n, table, none, value(net, HD_VALUE_LOGITS, HD_ROWS_OUTPUTS, 0, FX_VOCAB));
  if (hd_graph_seal(net->graph, &error) != HD_OK) fail_msg("%s", error.text);
  fill_weights(net);
}

void fx_net_free(fx_net *net) {
  hd_graph_destroy(net->graph);
  free(net->storage);
}

hd_sched *fx_sched(const fx_net *net, const fx_options *options) {
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = options->workers == 0  ? 2
                                : options->workers < 0 ? 0
                                                       : (uint32_t)options->workers;
  config.runtime.place_workers = false;
  if (options->max_requests != 0) config.control.limits.max_requests = options->max_requests;
  config.control.limits.memory_budget_bytes = options->memory_budget_bytes;
  config.backends = hd_backends_builtin();
  config.policies = hd_policies_builtin();
  config.policy = options->policy;
  config.devices = options->devices == NULL ? "cpu:tier=c" : options->devices;
  config.trace = options->trace;
  hd_sched *sched = NULL;
  hd_error error = {""};
  if (hd_sched_create(&net->host, &config, &sched, &error) != HD_OK) fail_msg("%s", error.text);
  return sched;
}

hd_model *fx_model(hd_sched *sched, const fx_net *net, const char *split) {
  hd_model_desc desc = {.size = sizeof desc, .graph = net->graph, .weights = net->weights, .split = split};
  hd_model *model = NULL;
  hd_error error = {""};
  if (hd_model_create(sched, &desc, &model, &error) != HD_OK) fail_msg("%s", error.text);
  return model;
}

static int32_t best(const float *logits) {
  int32_t top = 0;
  for (int32_t i = 1; i < FX_VOCAB; i++)
    if (logits[i] > logits[top]) top = i;
  return top;
}

static hd_status decode(fx_job *job, hd_request *request, hd_session *session) {
  int32_t tokens[FX_CONTEXT];
  float logits[FX_VOCAB];
  for (uint32_t i = 0; i < job->prompt; i++)
    tokens[i] = (int32_t)((job->seed * 31 + i * 7) % FX_VOCAB);
  hd_run run = {.size = sizeof run,
                .tokens = tokens,
                .n_tokens = job->prompt,
                .n_outputs = 1,
                .logits = logits,
                .phase = HD_PHASE_PREFILL};
  hd_status status = hd_request_run(request, session, &run);
  while (status == HD_OK && job->produced < FX_DECODE) {
    tokens[0] = best(logits);
    job->ids[job->produced++] = tokens[0];
    run.n_tokens = 1;
    run.phase = HD_PHASE_DECODE;
    status = hd_request_run(request, session, &run);
  }
  return status;
}

static hd_status job_main(hd_request *request, void *arg) {
  fx_job *job = arg;
  hd_session_desc desc = {.size = sizeof desc};
  hd_session *session = NULL;
  hd_status status = hd_session_create(job->model, &desc, &session);
  if (status != HD_OK) return status;
  status = decode(job, request, session);
  hd_session_destroy(session);
  return status;
}

hd_status fx_job_submit(hd_sched *sched, hd_model *model, fx_job *job, uint32_t seed, hd_class class_id) {
  *job = (fx_job){.model = model, .seed = seed, .prompt = 1 + seed % 9};
  hd_request_desc desc = {
      .size = sizeof desc, .name = "job", .class_id = class_id, .run = job_main, .arg = job};
  return hd_request_submit(sched, &desc, &job->request, NULL);
}

void fx_job_start(hd_sched *sched, hd_model *model, fx_job *job, uint32_t seed, hd_class class_id) {
  assert_int_equal(fx_job_submit(sched, model, job, seed, class_id), HD_OK);
}

void fx_job_finish(fx_job *job) {
  job->status = hd_request_wait(job->request);
  hd_request_release(job->request);
}

void fx_alone(uint32_t seed, int32_t ids[FX_DECODE]) {
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.workers = 1});
  hd_model *model = fx_model(sched, &net, NULL);
  fx_job job;
  fx_job_start(sched, model, &job, seed, HD_CLASS_DEFAULT);
  fx_job_finish(&job);
  assert_int_equal(job.status, HD_OK);
  memcpy(ids, job.ids, sizeof job.ids);
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}
