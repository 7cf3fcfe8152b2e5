/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch: a decision becomes a launch, cut so that nobody more urgent waits longer than a slice, and what
 * runs is asked to leave when somebody more urgent waits for it.
 *
 * The slice of the step's class always applies, also when nobody else is there: see config.c. */
#include "stations.h"
#include "arith.h"

/* A launch may end before op `i` of the graph. */
static bool is_border(const hd_control *c, const hdi_step *step, uint32_t i) {
  const hdi_op *ops = c->ops + c->graphs[step->graph].op_base;
  bool by_layer = (c->devices[step->device].params[HD_PARAM_FLAGS] & HD_DEVICE_CUT_AT_LAYER) != 0;
  return i == step->op_end || !by_layer || ops[i].layer_plus_1 != ops[i - 1].layer_plus_1;
}

/* The greatest end so that the ops up to it cost at most `ns`, op by op. */
static uint32_t fitting_end(const hd_control *c, const hdi_step *step, uint64_t ns) {
  const hdi_op *ops = c->ops + c->graphs[step->graph].op_base;
  uint64_t raw_ns = 0;
  uint32_t i = step->op_begin;
  for (; i < step->op_end; i++) {
    raw_ns = hdi_add(raw_ns, hdi_cost_op(&c->devices[step->device], &ops[i], &step->size));
    if (raw_ns > ns) break;
  }
  return i;
}

/* Ends the launch at the last op (where the device wants that: the last layer) that fits into the slice, but
 * after at least one. */
static void cut(hd_control *c, hdi_step *step) {
  const hdi_device *device = &c->devices[step->device];
  /* Where a launch itself costs as much as a slice, cutting finer buys nobody an earlier turn worth its
   * price: at least half of a launch is work, and who comes waits for at most two launches' cost. */
  uint64_t slice_ns =
      hdi_max(c->config.classes[step->class_id].slice_ns, hdi_mul(2, device->params[HD_PARAM_LAUNCH_NS]));
  uint64_t fits = hdi_cost_fitting(device, step->phase, slice_ns, step->launch.width);
  if (step->raw_ns <= fits && step->raw_ns < HDI_NS_MAX / 2) { /* a capped figure hides the rest */
    step->launch.op_end = step->op_end;
    step->launch.raw_ns = step->raw_ns;
    return;
  }
  const hdi_cost_sums *sums = hdi_cost_sums_for(c, step);
  uint32_t end = sums != NULL ? hdi_cost_fitting_end(c, sums, step, fits) : fitting_end(c, step, fits);
  while (end > step->op_begin && !is_border(c, step, end))
    end--;
  if (end == step->op_begin) /* not even the first one fits */
    do
      end++;
    while (!is_border(c, step, end));
  step->launch.op_end = end;
  step->launch.raw_ns = hdi_cost_range(c, step, step->op_begin, end);
}

static void announce(hd_control *c, const hdi_step *step) {
  hd_run_fields run = {.op_begin = (uint16_t)step->op_begin,
                       .op_end = (uint16_t)step->launch.op_end,
                       .width = (uint16_t)step->launch.width,
                       .launch = (uint16_t)step->launch.count};
  hd_record *out = hdi_emit_step(c, step->is_lease ? HD_DE_GRANT : HD_DE_RUN, step);
  out->a = hd_record_pack_run(&run);
  out->b = step->is_lease ? c->config.classes[step->class_id].slice_ns : step->launch.expected_ns;
  c->stats.runs++;
}

void hdi_dispatch(hd_control *c, const hdi_choice *choice) {
  hdi_step *step = &c->steps[choice->step];
  hdi_step_unwait(c, step);
  if (step->device != choice->device) {
    uint16_t old = step->device;
    step->device = choice->device;
    step->raw_ns = hdi_cost_range(c, step, step->op_begin, step->op_end);
    step->weighed_device = step->device;
    step->weighed_version = c->devices[step->device].cost_version;
    hdi_emit_step(c, HD_DE_MOVE, step)->a = old;
    c->stats.moves++;
  }
  step->launch.width = choice->width;
  step->launch.count = step->launch.count % UINT16_MAX + 1;
  if (step->is_lease) {
    step->launch.op_end = step->op_end;
    step->launch.raw_ns = step->raw_ns;
    step->launch.expected_ns = step->raw_ns / choice->width;
  } else {
    cut(c, step);
    step->launch.expected_ns =
        hdi_cost_expected(&c->devices[step->device], step->phase, step->launch.raw_ns, choice->width);
  }
  hdi_step_start(c, step);
  announce(c, step);
}

static bool can_stop(const hd_control *c, const hdi_step *step) {
  bool at_op = (c->devices[step->device].params[HD_PARAM_FLAGS] & HD_DEVICE_STOPS_AT_OP) != 0;
  return !step->stop_sent && (step->is_lease || at_op); /* who holds a lease looks at its checkpoint */
}

void hdi_stop(hd_control *c, hdi_step *step) {
  if (!can_stop(c, step)) return;
  step->stop_sent = true;
  step->stop_ns = c->now_ns;
  c->devices[step->device].leases_leaving += step->is_lease;
  hdi_emit_step(c, HD_DE_STOP, step);
  c->stats.stops++;
}

/* The least urgent launch that can be asked to stop: the oldest of the least urgent class; NULL. */
static hdi_step *least_urgent(hd_control *c, const hdi_device *device) {
  hdi_step *found = NULL;
  for (uint32_t slot = device->running_head; slot != HDI_NONE; slot = c->steps[slot].running_next) {
    hdi_step *step = &c->steps[slot];
    if (can_stop(c, step) && (found == NULL || step->class_id >= found->class_id)) found = step;
  }
  return found;
}

static bool worth_a_look(const hdi_device *device) {
  uint32_t urgent = 0, running = HD_CLASS_COUNT;
  while (urgent < HD_CLASS_COUNT && device->eager_of[urgent] == 0)
    urgent++;
  while (running > 0 && device->running_of[running - 1] == 0)
    running--;
  return urgent + 1 < running;
}

/* The first that waits for the device, is more urgent than `class_id` and has asked nobody yet; NULL. */
static hdi_step *first_eager(hd_control *c, uint32_t device, hd_class class_id) {
  uint32_t slot = c->view_devices[device].oldest;
  for (; slot != HD_WAITING_END; slot = c->waiting[slot].next)
    if (c->waiting[slot].class_id < class_id && !c->steps[slot].asked) return &c->steps[slot];
  return NULL;
}

/* Each who waits may ask one launch to leave, once: a policy may well give the place to another than who
 * asked
 * (`fair` has reasons besides urgency), and asking again would stop launches for ever before their first op.
 */
void hdi_preempt(hd_control *c) {
  for (uint32_t d = 0; d < c->view.device_count; d++) {
    hdi_device *device = &c->devices[d];
    const hd_view_device *view = &c->view_devices[d];
    bool full = view->state == HD_DEVICE_READY && device->backoff_until_ns == 0 && view->free_units == 0;
    if (!full || view->waiting == 0) continue;
    while (worth_a_look(device)) {
      hdi_step *leaving = least_urgent(c, device);
      hdi_step *asking = leaving == NULL ? NULL : first_eager(c, d, leaving->class_id);
      if (asking == NULL) break;
      asking->asked = true;
      device->eager_of[asking->class_id]--;
      hdi_stop(c, leaving);
    }
  }
}
