/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane as a whole: made once, then fed event by event. Every event takes the same way: its
 * station's handler, the policies' hooks, one decision, preemption. */
#include "stations.h"

#include <assert.h>
#include <string.h>

/* ---- making ---- */

typedef struct table {
  void **memory;
  size_t count, bytes;
} table;

enum { TABLE_COUNT = 14 };

/* Sums of op costs are kept for graphs of at most so many ops, in 400 KB altogether: 128 layers of 20 ops
 * have 2,560. */
enum { SUMS_OPS_MAX = 4096 };

/* Every allocation, sized by the limits. */
static void list_tables(hd_control *c, table *out) {
  const hd_limits *limits = &c->config.limits;
  const table tables[TABLE_COUNT] = {
      {(void **)&c->graphs, HD_GRAPHS_MAX, sizeof *c->graphs},
      {(void **)&c->ops, limits->max_ops, sizeof *c->ops},
      {(void **)&c->sums_before, HDI_COST_SUMS, (c->sums_ops + 1) * sizeof *c->sums_before},
      {(void **)&c->sums_next_back, HDI_COST_SUMS, (c->sums_ops + 1) * sizeof *c->sums_next_back},
      {(void **)&c->requests, limits->max_requests, sizeof *c->requests},
      {(void **)&c->steps, limits->max_steps, sizeof *c->steps},
      {(void **)&c->waiting, limits->max_steps, sizeof *c->waiting},
      {(void **)&c->answer, limits->max_steps, sizeof *c->answer},
      {(void **)&c->choices, limits->max_steps, sizeof *c->choices},
      {(void **)&c->planned, HD_LAYERS_MAX, HD_DEVICES_MAX * sizeof *c->planned},
      {(void **)&c->layer_ns, HD_LAYERS_MAX, HD_DEVICES_MAX * sizeof *c->layer_ns},
      {(void **)&c->decisions, c->decision_cap, sizeof *c->decisions},
      {&c->policy_state, 1, c->policy_bytes},
      {&c->fallback_state, 1, c->fallback_bytes},
  };
  memcpy(out, tables, sizeof tables);
}

static hd_status allocate(hd_control *c) {
  table tables[TABLE_COUNT];
  list_tables(c, tables);
  for (uint32_t i = 0; i < TABLE_COUNT; i++) {
    if (tables[i].bytes == 0) continue; /* a policy without memory */
    *tables[i].memory = hd_host_zalloc(&c->host, tables[i].count, tables[i].bytes, 64);
    if (*tables[i].memory == NULL) return HD_E_NO_MEMORY;
  }
  return HD_OK;
}

void hd_control_destroy(hd_control *control) {
  if (control == NULL) return;
  table tables[TABLE_COUNT];
  hd_host host = control->host;
  list_tables(control, tables);
  for (uint32_t i = 0; i < TABLE_COUNT; i++)
    hd_host_free(&host, *tables[i].memory, tables[i].count, tables[i].bytes);
  hd_host_free(&host, control, 1, sizeof *control);
}

/* Fields that are 0 stand for the default. */
static void fill_limits(hd_limits *limits) {
  hd_limits defaults;
  hd_limits_default(&defaults);
  if (limits->max_requests == 0) limits->max_requests = defaults.max_requests;
  if (limits->max_steps == 0) limits->max_steps = defaults.max_steps;
  if (limits->max_waiting_per_device == 0) limits->max_waiting_per_device = defaults.max_waiting_per_device;
  if (limits->max_ops == 0) limits->max_ops = defaults.max_ops;
  if (limits->memory_budget_bytes == 0) limits->memory_budget_bytes = defaults.memory_budget_bytes;
}

static bool policy_fits(const hd_policy_ops *policy) {
  return policy != NULL && policy->size == sizeof *policy && policy->abi == HD_POLICY_ABI &&
         policy->decide != NULL;
}

static hd_status check_config(const hd_control_config *config) {
  const hd_limits *limits = &config->limits;
  if (config->size != sizeof *config || limits->size != sizeof *limits) return HD_E_INVALID;
  if (limits->max_requests > UINT16_MAX || limits->max_steps > UINT16_MAX) return HD_E_LIMIT;
  if (limits->max_ops > HD_GRAPHS_MAX * HD_OPS_MAX) return HD_E_LIMIT;
  for (uint32_t i = 0; i < HD_CLASS_COUNT; i++)
    if (config->classes[i].weight == 0) return HD_E_INVALID; /* a share of nothing would never run */
  return HD_OK;
}

static size_t state_bytes(const hd_policy_ops *policy, const hd_limits *limits) {
  return policy->state_bytes != NULL ? policy->state_bytes(limits) : 0;
}

hd_status hd_control_create(const hd_host *host, const hd_control_config *config, const hd_policy_ops *policy,
                            const hd_policy_ops *fallback, hd_control **out_control) {
  if (!policy_fits(policy) || !policy_fits(fallback)) return HD_E_INVALID;
  hd_status status = check_config(config);
  if (status != HD_OK) return status;
  hd_control *c = hd_host_zalloc(host, 1, sizeof *c, 64);
  if (c == NULL) return HD_E_NO_MEMORY;
  c->host = *host;
  c->config = *config;
  fill_limits(&c->config.limits);
  c->policy = policy;
  c->fallback = fallback;
  c->policy_bytes = policy != fallback ? state_bytes(policy, &c->config.limits) : 0;
  c->fallback_bytes = state_bytes(fallback, &c->config.limits);
  c->graphs_version = 1;
  c->sums_ops = c->config.limits.max_ops < SUMS_OPS_MAX ? c->config.limits.max_ops : SUMS_OPS_MAX;
  /* Each step at most completes, moves or stops by the event's handler, and then moves and runs. One that is
   * asked to stop at once has a more urgent one to thank, which does not run: together they stay below this.
   */
  c->decision_cap = 3 * c->config.limits.max_steps + HD_SPLIT_PARTS_MAX + 64;
  status = allocate(c);
  if (status != HD_OK) {
    hd_control_destroy(c);
    return status;
  }
  for (uint32_t d = 0; d < HD_DEVICES_MAX; d++) {
    c->devices[d].running_head = HDI_NONE;
    c->view_devices[d].oldest = c->view_devices[d].newest = HD_WAITING_END;
  }
  for (uint32_t i = 0; i < HDI_COST_SUMS; i++) {
    c->sums[i].before = c->sums_before + (size_t)i * (c->sums_ops + 1);
    c->sums[i].next_back = c->sums_next_back + (size_t)i * (c->sums_ops + 1);
  }
  c->waits_head = HDI_NONE;
  c->view = (hd_view){.size = sizeof c->view,
                      .devices = c->view_devices,
                      .waiting = c->waiting,
                      .classes = c->config.classes,
                      .limits = &c->config.limits};
  if (policy != fallback && policy->init != NULL) policy->init(c->policy_state, &c->config.limits);
  if (fallback->init != NULL) fallback->init(c->fallback_state, &c->config.limits);
  *out_control = c;
  return HD_OK;
}

/* ---- records ---- */

static uint32_t next_seq(hd_control *c) {
  if (++c->seq == 0) c->seq = 1; /* 0 means: never seen here */
  return c->seq;
}

hd_record *hdi_emit(hd_control *c, hd_record_kind kind) {
  assert(c->decision_count < c->decision_cap);
  hd_record *out = &c->decisions[c->decision_count++];
  *out = (hd_record){
      .t_ns = c->event_t_ns, .seq = next_seq(c), .kind = (uint16_t)kind, .device = HD_RECORD_NO_DEVICE};
  c->stats.decisions++;
  return out;
}

hd_record *hdi_emit_step(hd_control *c, hd_record_kind kind, const hdi_step *step) {
  hd_record *out = hdi_emit(c, kind);
  out->request = c->requests[step->request].id;
  out->step = step->id;
  out->device = step->device;
  return out;
}

const hd_record *hd_control_decisions(const hd_control *control, size_t *out_count) {
  *out_count = control->decision_count;
  return control->decisions;
}

/* ---- events ---- */

typedef hd_status (*handler)(hd_control *c, const hd_record *event);

static const handler handlers[] = {
    [HD_EV_DEVICE_PARAM] = hdi_on_device_param,
    [HD_EV_DEVICE_STATE] = hdi_on_device_state,
    [HD_EV_GRAPH] = hdi_on_graph,
    [HD_EV_OP] = hdi_on_op,
    [HD_EV_OP_CONTEXT] = hdi_on_op_context,
    [HD_EV_PIN] = hdi_on_pin,
    [HD_EV_PLAN] = hdi_on_plan,
    [HD_EV_GRAPH_END] = hdi_on_graph_end,
    [HD_EV_SENSOR] = hdi_on_sensor,
    [HD_EV_TIME] = hdi_on_time,
    [HD_EV_REQUEST] = hdi_on_request,
    [HD_EV_REQUEST_END] = hdi_on_request_end,
    [HD_EV_CANCEL] = hdi_on_cancel,
    [HD_EV_STEP] = hdi_on_step,
    [HD_EV_DONE] = hdi_on_done,
    [HD_EV_LEASE] = hdi_on_lease,
    [HD_EV_WAIT] = hdi_on_wait,
};

static void tell_policies(hd_control *c, const hd_record *event) {
  if (c->policy != c->fallback && !c->replaced && c->policy->event != NULL)
    c->policy->event(c->policy_state, &c->view, event);
  if (c->fallback->event != NULL) c->fallback->event(c->fallback_state, &c->view, event);
}

void hdi_tell_waiting(hd_control *c, const hd_waiting *item, hd_waiting_change change) {
  if (c->policy != c->fallback && !c->replaced && c->policy->waiting != NULL)
    c->policy->waiting(c->policy_state, &c->view, item, change);
  if (c->fallback->waiting != NULL) c->fallback->waiting(c->fallback_state, &c->view, item, change);
}

hd_status hd_control_event(hd_control *control, hd_record *event) {
  hd_control *c = control;
  bool known = event->kind < sizeof handlers / sizeof *handlers && handlers[event->kind] != NULL;
  c->decision_count = 0;
  event->seq = next_seq(c);
  c->event_t_ns = event->t_ns;
  c->stats.events++;
  if (event->t_ns > c->now_ns) c->now_ns = event->t_ns;
  c->view.now_ns = c->now_ns;
  hdi_epoch_advance(c);
  hdi_devices_end_backoffs(c);
  hd_status status = known ? handlers[event->kind](c, event) : HD_E_INVALID;
  if (status != HD_OK) {
    c->stats.invalid_events++;
    return status;
  }
  hdi_leases_reclaim(c);
  tell_policies(c, event);
  hdi_decide(c);
  hdi_preempt(c);
  hdi_leases_yield(c);
  hdi_devices_set_timer(c);
  return HD_OK;
}
