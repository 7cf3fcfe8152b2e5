/* SPDX-License-Identifier: Apache-2.0 */
/* The live scheduler: made, driven, unmade. */
#include "live.h"

#include <sched.h>
#include <stdalign.h>
#include <stdio.h>

void hd_sched_config_default(hd_sched_config *out_config) {
  *out_config = (hd_sched_config){.size = sizeof *out_config};
  hd_runtime_config_default(&out_config->runtime);
  hd_control_config_default(&out_config->control);
}

static hd_status choose_policy(const hd_sched_config *config, const hd_policy_ops **out_policy,
                               hd_error *out_error) {
  if (config->policies == NULL || config->policies[0] == NULL)
    return hd_fail(out_error, HD_E_INVALID, "scheduler: no policies");
  *out_policy = config->policies[0];
  if (config->policy == NULL) return HD_OK;
  *out_policy = hd_policy_find(config->policies, config->policy);
  if (*out_policy != NULL) return HD_OK;
  char known[128] = "";
  size_t used = 0;
  for (size_t i = 0; config->policies[i] != NULL && used < sizeof known; i++)
    used += (size_t)snprintf(known + used, sizeof known - used, " %s", config->policies[i]->name);
  return hd_fail(out_error, HD_E_NOT_FOUND, "policy '%s': not in this build; there is:%s", config->policy,
                 known);
}

/* What a replay needs to make the same control plane. */
static void trace_config(hd_sched *sched, const hd_control_config *config, const hd_policy_ops *policy) {
  if (sched->trace == NULL) return;
  hd_record records[HD_CONFIG_RECORDS_MAX];
  uint64_t now = sched->host.now_ns(sched->host.ctx);
  uint32_t count = hd_control_config_write(config, records, HD_CONFIG_RECORDS_MAX);
  for (uint32_t i = 0; i < count; i++) {
    records[i].t_ns = now;
    hd_trace_emit(sched->trace, 0, &records[i]);
  }
  hd_trace_name(sched->trace, now, HD_NAME_POLICY, 0, policy->name);
}

static hd_status make_tables(hd_sched *sched, const hd_control_config *config) {
  const hd_limits *limits = &config->limits;
  sched->pending_cap = limits->max_steps + HDL_LAUNCHES_MAX;
  sched->pending =
      hd_host_zalloc(&sched->host, sched->pending_cap, sizeof *sched->pending, alignof(hd_record));
  sched->step_cap = limits->max_steps;
  sched->step_table =
      hd_host_zalloc(&sched->host, sched->step_cap, sizeof *sched->step_table, alignof(hdl_step));
  if (sched->pending == NULL || sched->step_table == NULL) return HD_E_NO_MEMORY;
  hd_status status = hdl_slots_init(&sched->host, &sched->requests, limits->max_requests);
  if (status == HD_OK) status = hdl_slots_init(&sched->host, &sched->steps, limits->max_steps);
  return status;
}

static void free_tables(hd_sched *sched) {
  hd_host_free(&sched->host, sched->pending, sched->pending_cap, sizeof *sched->pending);
  hd_host_free(&sched->host, sched->step_table, sched->step_cap, sizeof *sched->step_table);
  hdl_slots_finish(&sched->host, &sched->requests);
  hdl_slots_finish(&sched->host, &sched->steps);
}

static hd_status start(hd_sched *sched, const hd_sched_config *config, hd_error *out_error) {
  hd_control_config control = config->control;
  hd_limits defaults;
  hd_limits_default(&defaults);
  if (control.limits.max_requests == 0) control.limits.max_requests = defaults.max_requests;
  if (control.limits.max_steps == 0) control.limits.max_steps = defaults.max_steps;
  const hd_policy_ops *policy = NULL;
  hd_status status = choose_policy(config, &policy, out_error);
  if (status != HD_OK) return status;
  status = make_tables(sched, &control);
  if (status == HD_OK) status = hdl_wait_init(sched);
  sched->can_wait = status == HD_OK;
  if (status != HD_OK) return hd_fail(out_error, status, "scheduler: no memory for its tables");
  status = hd_control_create(&sched->host, &control, policy, config->policies[0], &sched->control);
  if (status != HD_OK) return hd_fail(out_error, status, "control plane: %s", hd_status_text(status));
  trace_config(sched, &control, policy);
  status = hd_runtime_create(&sched->host, &config->runtime, &sched->runtime);
  if (status != HD_OK) return hd_fail(out_error, status, "workers: %s", hd_status_text(status));
  hdl_executor_init(sched);
  hd_runtime_set_hook(sched->runtime, hdl_turn_try, sched);
  hdl_turn_enter(sched);
  status = hdl_devices_open(sched, config->backends, config->devices, out_error);
  hdl_turn_leave(sched);
  return status;
}

/* Everything that start made, in any state of completeness. */
static void stop(hd_sched *sched) {
  if (sched->runtime != NULL) hd_runtime_destroy(sched->runtime);
  hdl_devices_close(sched);
  if (sched->can_wait) hdl_wait_finish(sched);
  hd_control_destroy(sched->control);
  free_tables(sched);
  hd_host host = sched->host;
  hd_host_free(&host, sched, 1, sizeof *sched);
}

hd_status hd_sched_create(const hd_host *host, const hd_sched_config *config, hd_sched **out_sched,
                          hd_error *out_error) {
  if (host == NULL || config == NULL || out_sched == NULL)
    return hd_fail(out_error, HD_E_INVALID, "scheduler: no host or no configuration");
  hd_sched *sched = hd_host_zalloc(host, 1, sizeof *sched, HD_BUFFER_ALIGN);
  if (sched == NULL) return hd_fail(out_error, HD_E_NO_MEMORY, "scheduler: no memory");
  sched->host = *host;
  sched->trace = config->trace;
  sched->worker_count = config->runtime.worker_count;
  sched->timer_ns = HDL_NEVER;
  sched->watch_ns = HDL_NEVER;
  atomic_init(&sched->due, HDL_NEVER);
  hd_status status = start(sched, config, out_error);
  if (status != HD_OK) {
    stop(sched);
    return status;
  }
  *out_sched = sched;
  return HD_OK;
}

/* What cancelled requests get to end by themselves: a launch already on a device is seen out. */
#define CLOSE_PATIENCE_NS 5000000000ull

static void cancel_all(hd_sched *sched) {
  for (uint32_t i = 0; i < sched->requests.cap; i++) {
    hdl_turn_enter(sched);
    hd_request *request = sched->requests.entries[i].object;
    if (request != NULL) atomic_fetch_add(&request->refs, 1);
    hdl_turn_leave(sched);
    if (request == NULL) continue;
    hd_request_cancel(request);
    hdl_request_unref(request);
  }
}

void hd_sched_destroy(hd_sched *sched) {
  if (sched == NULL) return;
  atomic_store(&sched->closing, true);
  hdl_wait_take_over(sched);
  cancel_all(sched);
  uint64_t deadline = sched->host.now_ns(sched->host.ctx) + CLOSE_PATIENCE_NS;
  for (int alive = atomic_load(&sched->coroutines); alive > 0; alive = atomic_load(&sched->coroutines))
    if (hdl_wait_while(sched, &sched->coroutines, alive, NULL, deadline) != HD_OK) break;
  hdl_guests_end(sched);
  while (atomic_load(&sched->visitors) > 0 && atomic_load(&sched->coroutines) == 0)
    sched_yield(); /* woken, and on their way out */
  stop(sched);
}

hd_runtime *hd_sched_runtime(hd_sched *sched) {
  return sched->runtime;
}

const hd_host *hd_sched_host(const hd_sched *sched) {
  return &sched->host;
}

int hd_sched_fd(const hd_sched *sched) {
  return hd_runtime_fd(sched->runtime);
}

void hd_sched_stats(hd_sched *sched, hd_control_stats *out_stats) {
  hdl_turn_enter(sched);
  hd_control_stats_get(sched->control, out_stats);
  hdl_turn_leave(sched);
}
