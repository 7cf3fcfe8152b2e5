/* SPDX-License-Identifier: Apache-2.0 */
/* Deciding: the policy is shown the frozen picture and its answer becomes launches. When the answer is wrong
 * the fallback decides, and when even that is wrong the oldest steps get one unit each: work goes on whatever
 * policies do. */
#include "stations.h"

/* Somebody waits for a device that takes something. */
static bool can_dispatch(const hd_control *c) {
  for (uint32_t d = 0; d < c->view.device_count; d++)
    if (c->view_devices[d].free_units > 0 && c->devices[d].candidates > 0) return true;
  return false;
}

static hd_policy_fault ask(hd_control *c, const hd_policy_ops *policy, void *state, uint32_t *out_count) {
  uint32_t count = policy->decide(state, &c->view, c->answer, c->view.waiting_count);
  *out_count = count;
  /* Nothing runs, so nothing will end: who does not start something now would wait for ever. */
  if (count == 0 && c->stats.running == 0) return HD_FAULT_STALL;
  return hdi_validate(c, count);
}

static uint32_t choose_oldest(hd_control *c) {
  uint32_t count = 0, units[HD_DEVICES_MAX], room[HD_DEVICES_MAX];
  for (uint32_t d = 0; d < HD_DEVICES_MAX; d++) {
    units[d] = c->view_devices[d].free_units;
    room[d] = c->view_devices[d].room;
  }
  hd_ready_walk walk = hd_ready_begin(&c->view);
  const hd_waiting *item;
  while ((item = hd_ready_next(&walk, UINT32_MAX)) != NULL) {
    for (uint32_t mask = item->device_mask; mask != 0; mask &= mask - 1) {
      uint16_t d = (uint16_t)__builtin_ctz(mask);
      if (units[d] == 0 || room[d] == 0) continue;
      units[d]--;
      room[d]--;
      c->choices[count++] = (hdi_choice){.step = item->step & HD_ID_SLOT_MASK, .device = d, .width = 1};
      break;
    }
  }
  return count;
}

/* The policy's answer was dropped: says so, and when it was once too often, never asks it again. */
static void note_fault(hd_control *c, hd_policy_fault fault) {
  hd_record *out = hdi_emit(c, HD_DE_FALLBACK);
  c->faults++;
  out->a = fault;
  out->b = c->faults;
  c->stats.fallbacks++;
  if (c->replaced || c->policy == c->fallback || c->faults < c->config.replace_after_faults) return;
  c->replaced = true;
  hdi_emit(c, HD_DE_REPLACED)->b = c->faults;
}

void hdi_decide(hd_control *c) {
  if (!can_dispatch(c)) return;
  bool by_fallback = c->replaced || c->policy == c->fallback;
  uint32_t count = 0;
  hd_policy_fault fault = by_fallback ? ask(c, c->fallback, c->fallback_state, &count)
                                      : ask(c, c->policy, c->policy_state, &count);
  if (fault != 0) {
    note_fault(c, fault);
    if (!by_fallback) fault = ask(c, c->fallback, c->fallback_state, &count);
  }
  if (fault != 0) count = choose_oldest(c);
  for (uint32_t i = 0; i < count; i++)
    hdi_dispatch(c, &c->choices[i]);
}
