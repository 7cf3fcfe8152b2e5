/* SPDX-License-Identifier: Apache-2.0 */
/* Validation: the policy is not trusted. Its answer holds as a whole or not at all. */
#include "stations.h"

/* What is left of the devices after the decisions so far. */
typedef struct room {
  uint32_t units[HD_DEVICES_MAX], launches[HD_DEVICES_MAX];
} room;

static hd_policy_fault check(hd_control *c, room *left, const hd_policy_decision *decision) {
  hdi_step *step = hdi_step_find(c, decision->step);
  if (step == NULL || step->state != HDI_STEP_WAITING) return HD_FAULT_INDEX;
  const hd_waiting *item = &c->waiting[hdi_step_slot(c, step)];
  if (step->decided == c->answer_serial) return HD_FAULT_DUPLICATE;
  step->decided = c->answer_serial;
  uint32_t d = decision->device;
  if (!hdi_device_ready(c, d) || !hdi_has(step->mask, d)) return HD_FAULT_DEVICE;
  if (left->launches[d] == 0 || left->units[d] == 0) return HD_FAULT_FULL;
  if (decision->width == 0 || decision->width > left->units[d]) return HD_FAULT_WIDTH;
  if (decision->width > item->max_width) return HD_FAULT_WIDTH;
  left->launches[d]--;
  left->units[d] -= decision->width;
  return 0;
}

hd_policy_fault hdi_validate(hd_control *c, uint32_t count) {
  room left;
  for (uint32_t d = 0; d < HD_DEVICES_MAX; d++) {
    left.units[d] = c->view_devices[d].free_units;
    left.launches[d] = c->view_devices[d].room;
  }
  if (count > c->view.waiting_count) return HD_FAULT_COUNT_OVER;
  if (++c->answer_serial == 0) c->answer_serial = 1;
  for (uint32_t i = 0; i < count; i++) {
    const hd_policy_decision *decision = &c->answer[i];
    hd_policy_fault fault = check(c, &left, decision);
    if (fault != 0) return fault;
    c->choices[i] = (hdi_choice){
        .step = decision->step & HD_ID_SLOT_MASK, .device = decision->device, .width = decision->width};
  }
  return 0;
}
