/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out decisions, one small function a kind. Runs in the turn; causes events only through
 * hdl_feed_later. */
#include "live.h"

#include <stdio.h>

static void say(hd_sched *sched, hd_log_level level, const char *line) {
  if (sched->host.log != NULL) sched->host.log(sched->host.ctx, level, line);
}

static hdl_step *step_of(hd_sched *sched, const hd_record *decision) {
  return hdl_slots_find(&sched->steps, decision->step);
}

static void act_complete(hd_sched *sched, const hd_record *decision) {
  hdl_step *step = step_of(sched, decision);
  if (step == NULL) return;
  hd_status status = -(hd_status)decision->a;
  hdl_run *run = step->run;
  hd_lease *lease = step->lease;
  *step = (hdl_step){.run = NULL};
  hdl_slots_give(&sched->steps, decision->step);
  if (run != NULL) hdl_run_complete(sched, run, status);
  if (lease != NULL) hdl_lease_complete(sched, lease, status);
}

static void act_grant(hd_sched *sched, const hd_record *decision) {
  hdl_step *step = step_of(sched, decision);
  if (step != NULL && step->lease != NULL) hdl_lease_granted(sched, step->lease, decision);
}

static void act_stop(hd_sched *sched, const hd_record *decision) {
  hdl_step *step = step_of(sched, decision);
  if (step == NULL) return;
  if (step->lease != NULL) {
    bool cancelled = atomic_load(&step->lease->request->cancelled);
    hdl_lease_advise(step->lease, cancelled ? HD_STOP : HD_YIELD);
    return;
  }
  if (step->launch != NULL) atomic_store(&step->launch->stop, 1);
}

static void act_reclaim(hd_sched *sched, const hd_record *decision) {
  hdl_step *step = step_of(sched, decision);
  if (step == NULL || step->lease == NULL) return;
  hd_lease *lease = step->lease;
  char line[160];
  snprintf(line, sizeof line, "request %s: its lease of device %s was taken back after %llu ms",
           lease->request->name, sched->devices[decision->device].props.name,
           (unsigned long long)decision->a / 1000000u);
  say(sched, HD_LOG_WARNING, line);
  *step = (hdl_step){.run = NULL};
  hdl_slots_give(&sched->steps, decision->step);
  hdl_lease_lost(lease);
}

/* Whoever holds a lease of the device goes on elsewhere. */
static void send_holders_away(hd_sched *sched, uint32_t device) {
  for (uint32_t i = 0; i < sched->steps.cap; i++) {
    const hdl_step *step = sched->steps.entries[i].object;
    hd_lease *lease = step == NULL ? NULL : step->lease;
    if (lease != NULL && lease->desc.device == device) hdl_lease_advise(lease, HD_MIGRATE);
  }
}

static void act_fence(hd_sched *sched, const hd_record *decision) {
  hdl_device *device = &sched->devices[decision->device];
  char line[160];
  device->state = HD_DEVICE_FENCED;
  sched->replan = true;
  snprintf(line, sizeof line, "device %s: fenced off after %llu failures (%s); its steps run elsewhere",
           device->props.name, (unsigned long long)decision->b,
           decision->a == HD_FENCED_HUNG ? "hung" : "failed");
  say(sched, HD_LOG_WARNING, line);
  send_holders_away(sched, decision->device);
  if (decision->a == HD_FENCED_HUNG) hdl_abandon_launches(sched, decision->device);
}

static void act_policy_fault(hd_sched *sched, const hd_record *decision) {
  char line[120];
  if (decision->kind == HD_DE_REPLACED)
    snprintf(line, sizeof line, "policy replaced by the fallback after %llu wrong answers",
             (unsigned long long)decision->b);
  else
    snprintf(line, sizeof line, "policy gave a wrong answer (fault %llu); the fallback decided",
             (unsigned long long)decision->a);
  say(sched, HD_LOG_WARNING, line);
}

static void act_timer(hd_sched *sched, const hd_record *decision) {
  sched->timer_ns = decision->b == 0 ? HDL_NEVER : decision->b;
}

static void act_nothing(hd_sched *sched, const hd_record *decision) {
  (void)sched; /* admissions are read by whoever fed the request, splits by whoever asked for the plan */
  (void)decision;
}

static void (*const ACTS[])(hd_sched *, const hd_record *) = {
    [HD_DE_ADMIT - HD_DE_ADMIT] = act_nothing,
    [HD_DE_REFUSE - HD_DE_ADMIT] = act_nothing,
    [HD_DE_SPLIT - HD_DE_ADMIT] = act_nothing,
    [HD_DE_RUN - HD_DE_ADMIT] = hdl_dispatch,
    [HD_DE_STOP - HD_DE_ADMIT] = act_stop,
    [HD_DE_COMPLETE - HD_DE_ADMIT] = act_complete,
    [HD_DE_GRANT - HD_DE_ADMIT] = act_grant,
    [HD_DE_FENCE - HD_DE_ADMIT] = act_fence,
    [HD_DE_TIMER - HD_DE_ADMIT] = act_timer,
    [HD_DE_FALLBACK - HD_DE_ADMIT] = act_policy_fault,
    [HD_DE_REPLACED - HD_DE_ADMIT] = act_policy_fault,
    [HD_DE_MOVE - HD_DE_ADMIT] = act_nothing,
    [HD_DE_RECLAIM - HD_DE_ADMIT] = act_reclaim,
};

void hdl_act(hd_sched *sched, const hd_record *decision) {
  uint32_t index = (uint32_t)decision->kind - HD_DE_ADMIT;
  if (index < sizeof ACTS / sizeof ACTS[0] && ACTS[index] != NULL) ACTS[index](sched, decision);
}
