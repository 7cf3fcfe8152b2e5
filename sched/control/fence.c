/* SPDX-License-Identifier: Apache-2.0 */
/* Failure: a device that fails gets no more steps, and its steps run elsewhere.
 *
 * Elsewhere is any READY CPU, because CPUs run every op; without one, any READY device: one that cannot says
 * UNSUPPORTED and the step moves on. A lease stays with its engine's device: the engine is told instead. */
#include "stations.h"

static uint16_t ready_mask(const hd_control *c, bool cpus_only) {
  uint32_t mask = 0;
  for (uint32_t d = 0; d < c->view.device_count; d++) {
    bool fits = !cpus_only || c->view_devices[d].kind == HD_DEVICE_CPU;
    if (hdi_device_takes_steps(c, d) && fits) mask |= 1u << d;
  }
  return (uint16_t)mask;
}

/* Where a step may go on; 0: nowhere. */
static uint16_t refuge(const hd_control *c, const hdi_step *step) {
  uint16_t home = (uint16_t)(1u << step->device);
  bool home_ready = hdi_device_ready(c, step->device);
  if (home_ready && (step->excluded & home) == 0) return home;
  if (step->is_lease) return 0;
  uint16_t cpus = ready_mask(c, true), all = ready_mask(c, false);
  if ((cpus & ~step->excluded) != 0) return (uint16_t)(cpus & ~step->excluded);
  if ((all & ~step->excluded) != 0) return (uint16_t)(all & ~step->excluded);
  /* All that are left have failed it. Chance deserves a second try, a step that no device can run does not.
   */
  if (step->failures >= c->config.fence_after_failures) return 0;
  if (home_ready) return home;
  return cpus != 0 ? cpus : all;
}

void hdi_settle(hd_control *c, hdi_step *step, hdi_place place) {
  uint16_t mask = refuge(c, step);
  if (mask == 0) {
    hdi_complete(c, step, HD_E_DEVICE);
    return;
  }
  step->mask = mask;
  if (!hdi_has(mask, step->device)) {
    uint16_t old = step->device;
    step->device = (uint16_t)__builtin_ctz(mask);
    hdi_emit_step(c, HD_DE_MOVE, step)->a = old;
    c->stats.moves++;
  }
  hdi_step_wait(c, step, place);
}

void hdi_fence(hd_control *c, uint32_t device, hd_fence_reason reason) {
  hd_view_device *view = &c->view_devices[device];
  view->state = reason == HD_FENCED_GONE ? HD_DEVICE_ABSENT : HD_DEVICE_FENCED;
  hdi_device_end_backoff(c, device);
  hdi_device_show(c, device);
  hd_record *out = hdi_emit(c, HD_DE_FENCE);
  out->device = (uint16_t)device;
  out->a = reason;
  out->b = c->devices[device].failures;
  c->stats.fences++;
  /* Its waiting steps go at once, in their order and to their place in it; running ones stay until they are
   * done. */
  hd_ready_walk walk = hd_ready_begin(&c->view);
  const hd_waiting *item;
  while ((item = hd_ready_next(&walk, 1u << device)) != NULL) {
    hdi_step *step = hdi_step_find(c, item->step);
    hdi_step_unwait(c, step);
    hdi_settle(c, step, HDI_PLACE_KEPT);
  }
}
