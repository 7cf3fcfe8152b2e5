/* SPDX-License-Identifier: Apache-2.0 */
/* Completion: learn the real cost, account it, and say what becomes of the step. */
#include "stations.h"
#include "arith.h"

void hdi_complete(hd_control *c, hdi_step *step, hd_status status) {
  hd_record *out = hdi_emit_step(c, HD_DE_COMPLETE, step);
  out->a = (uint64_t)-status;
  out->b = step->device_ns;
  c->stats.completions++;
  hdi_step_free(c, step);
}

/* What a launch's end means for its step. */
typedef enum outcome {
  OUTCOME_PROGRESS, /* some ops are done, or it was asked to stop */
  OUTCOME_BUSY,     /* not begun, for a reason of the moment */
  OUTCOME_UNABLE,   /* this device cannot do it; another can */
  OUTCOME_REJECTED, /* nobody can: the step is wrong */
  OUTCOME_FAILED    /* the device failed */
} outcome;

static outcome judge_status(uint8_t negated) {
  switch (-(hd_status)negated) {
  case HD_OK:
  case HD_E_CANCELLED:
    return OUTCOME_PROGRESS;
  case HD_E_AGAIN:
    return OUTCOME_BUSY;
  case HD_E_UNSUPPORTED:
  case HD_E_NO_MEMORY:
    return OUTCOME_UNABLE;
  case HD_E_INVALID:
  case HD_E_NOT_FOUND:
  case HD_E_LIMIT:
  case HD_E_FORMAT:
  case HD_E_REFUSED:
    return OUTCOME_REJECTED;
  default:
    return OUTCOME_FAILED;
  }
}

static outcome judge(const hdi_step *step, const hd_done_fields *done) {
  outcome judged = judge_status(done->status);
  if (judged != OUTCOME_PROGRESS || step->is_lease) return judged;
  /* A device that reports ops it was not given lies; one that does nothing unasked would be asked for ever.
   */
  if (done->op_reached < step->op_begin || done->op_reached > step->launch.op_end) return OUTCOME_FAILED;
  if (done->op_reached == step->op_begin && !step->stop_sent) return OUTCOME_FAILED;
  return OUTCOME_PROGRESS;
}

static void account_energy(hd_control *c, uint32_t device, const hd_done_fields *done, uint64_t unit_ns) {
  uint64_t power_uw = c->devices[device].params[HD_PARAM_ACTIVE_POWER_UW];
  hd_energy_source source = HD_ENERGY_NONE;
  uint64_t uj = 0;
  if (done->energy_source == HD_ENERGY_MODELLED || done->energy_source == HD_ENERGY_MEASURED) {
    source = (hd_energy_source)done->energy_source;
    uj = done->energy_uj;
  } else if (power_uw != 0) {
    source = HD_ENERGY_MODELLED; /* ns * uW is 10^-9 uJ */
    uj = hdi_add(hdi_mul(unit_ns / 1000000000u, power_uw), unit_ns % 1000000000u * power_uw / 1000000000u);
  }
  if (source == HD_ENERGY_NONE) return;
  c->stats.energy_uj[device] = hdi_add(c->stats.energy_uj[device], uj);
  /* A sum with a modelled part in it is a modelled one. */
  if (c->stats.energy_source[device] != HD_ENERGY_MODELLED) c->stats.energy_source[device] = source;
}

static void account(hd_control *c, hdi_step *step, const hd_done_fields *done, uint64_t elapsed_ns) {
  hdi_request *request = &c->requests[step->request];
  uint64_t unit_ns = elapsed_ns * step->launch.width; /* below 2^60 */
  c->stats.busy_ns[step->device] = hdi_add(c->stats.busy_ns[step->device], unit_ns);
  account_energy(c, step->device, done, unit_ns);
  step->device_ns = hdi_add(step->device_ns, elapsed_ns);
  request->used_ns = hdi_add(request->used_ns, unit_ns);
  hdi_request_show_used(c, request);
}

/* Takes what was done off the step, and learns from it. */
static void advance(hd_control *c, hdi_step *step, uint32_t reached, uint64_t elapsed_ns) {
  bool whole = reached == step->launch.op_end;
  uint64_t done_ns = whole ? step->launch.raw_ns : hdi_cost_range(c, step, step->op_begin, reached);
  if (reached > step->op_begin) hdi_cost_learn(c, step, done_ns, elapsed_ns);
  step->op_begin = reached;
  step->raw_ns = hdi_sub(step->raw_ns, done_ns);
}

static void count_failure(hd_control *c, uint32_t device) {
  hdi_device *d = &c->devices[device];
  d->failures++;
  if (hdi_device_ready(c, device) && d->failures >= c->config.fence_after_failures)
    hdi_fence(c, device, HD_FENCED_FAILURES);
}

static void after_step(hd_control *c, hdi_step *step, outcome judged, const hd_done_fields *done) {
  bool cancelled = c->requests[step->request].cancelled;
  if (cancelled) {
    hdi_complete(c, step, HD_E_CANCELLED);
  } else if (judged == OUTCOME_REJECTED) {
    hdi_complete(c, step, -(hd_status)done->status);
  } else if (step->op_begin == step->op_end) {
    hdi_complete(c, step, HD_OK);
  } else {
    /* Who had a turn goes to the end; who had none through no fault of its own keeps its place. */
    hdi_settle(c, step, judged == OUTCOME_PROGRESS ? HDI_PLACE_LAST : HDI_PLACE_KEPT);
  }
}

static void on_step_done(hd_control *c, hdi_step *step, const hd_done_fields *done, uint64_t elapsed_ns) {
  uint16_t device = step->device;
  outcome judged = judge(step, done);
  if (judged == OUTCOME_PROGRESS) {
    if (done->op_reached > step->op_begin) c->devices[device].failures = 0;
    advance(c, step, done->op_reached, elapsed_ns);
  } else if (judged == OUTCOME_UNABLE) {
    step->excluded |= (uint16_t)(1u << device);
    step->failures = c->config.fence_after_failures; /* asking it again would not help */
  } else if (judged == OUTCOME_FAILED) {
    /* A launch that failed cannot have done all: what it says is believed when it says that something is
     * left. */
    if (done->op_reached > step->op_begin && done->op_reached < step->launch.op_end) {
      step->op_begin = done->op_reached;
      step->weighed_device = HDI_NONE;
    }
    step->excluded |= (uint16_t)(1u << device);
    step->failures++;
  }
  hdi_step_finish_launch(c, step);
  hdi_device_end_backoff(c, device);
  if (judged == OUTCOME_BUSY) hdi_device_back_off(c, device);
  if (judged == OUTCOME_FAILED) count_failure(c, device);
  after_step(c, step, judged, done);
}

static void on_lease_done(hd_control *c, hdi_step *step, const hd_done_fields *done, uint64_t elapsed_ns) {
  uint16_t device = step->device;
  outcome judged = judge(step, done);
  bool some = done->op_reached > step->op_begin && done->op_reached <= step->launch.op_end;
  if (judged == OUTCOME_PROGRESS) {
    c->devices[device].failures = 0;
    if (some) hdi_cost_learn_lease(c, step, done->op_reached - step->op_begin, elapsed_ns);
  }
  hdi_step_finish_launch(c, step);
  hdi_device_end_backoff(c, device);
  hdi_step_free(c, step);
  if (judged == OUTCOME_FAILED) count_failure(c, device);
}

void hdi_lease_take_back(hd_control *c, hdi_step *step) {
  account(c, step, &(hd_done_fields){.op_reached = 0}, hdi_min(c->now_ns - step->start_ns, HDI_NS_MAX));
  hdi_step_finish_launch(c, step);
  hdi_step_free(c, step);
}

hd_status hdi_on_done(hd_control *c, const hd_record *event) {
  hdi_step *step = hdi_step_find(c, event->step);
  if (step == NULL || step->device != event->device) return HD_E_INVALID;
  if (step->state == HDI_STEP_WAITING) {
    if (!step->is_lease) return HD_E_INVALID;
    hdi_step_unwait(c, step); /* nobody waits for it any more */
    hdi_step_free(c, step);
    return HD_OK;
  }
  hd_done_fields done = hd_record_unpack_done(event);
  uint64_t elapsed_ns = hdi_min(event->a, HDI_NS_MAX);
  account(c, step, &done, elapsed_ns);
  if (step->is_lease)
    on_lease_done(c, step, &done, elapsed_ns);
  else
    on_step_done(c, step, &done, elapsed_ns);
  return HD_OK;
}
