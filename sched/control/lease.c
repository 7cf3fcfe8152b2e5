/* SPDX-License-Identifier: Apache-2.0 */
/* Leases whose holders stay too long. Nothing happens while nobody waits for the device. When somebody does,
 * a holder whose slice is over is asked to leave, and one that was asked and stays is taken back from: its
 * device may do two things at once for a while, but nobody waits for a thread that never comes back. */
#include "stations.h"
#include "arith.h"

/* Somebody could run here if a holder left. */
static bool is_wanted(const hd_control *c, uint32_t d) {
  const hdi_device *device = &c->devices[d];
  const hd_view_device *view = &c->view_devices[d];
  return device->leases > 0 && device->candidates > 0 && view->state == HD_DEVICE_READY &&
         device->backoff_until_ns == 0 && view->free_units == 0;
}

/* When a lease that is held is due to be asked to leave or, when it was asked, to be taken back. */
static uint64_t due_ns(const hd_control *c, const hdi_step *lease) {
  uint64_t slice_end_ns = hdi_add(lease->start_ns, c->config.classes[lease->class_id].slice_ns);
  if (!lease->stop_sent) return slice_end_ns;
  return hdi_add(hdi_max(lease->stop_ns, slice_end_ns), c->config.lease_grace_ns);
}

/* Of the leases held here, asked to leave already or not: the one that is due first, the oldest of equals;
 * HDI_NONE. */
static uint32_t first_due(const hd_control *c, const hdi_device *device, bool asked) {
  uint32_t first = HDI_NONE;
  uint64_t first_ns = UINT64_MAX;
  for (uint32_t slot = device->running_head; slot != HDI_NONE; slot = c->steps[slot].running_next) {
    const hdi_step *step = &c->steps[slot];
    if (!step->is_lease || step->stop_sent != asked || due_ns(c, step) > first_ns) continue;
    first = slot;
    first_ns = due_ns(c, step);
  }
  return first;
}

/* One that is due now; NULL. */
static hdi_step *due_now(hd_control *c, const hdi_device *device, bool asked) {
  uint32_t slot = first_due(c, device, asked);
  if (slot == HDI_NONE || due_ns(c, &c->steps[slot]) > c->now_ns) return NULL;
  return &c->steps[slot];
}

/* As many holders leave already as there are who wait. */
static bool enough_leave(const hdi_device *device) {
  return device->leases_leaving >= device->candidates;
}

void hdi_leases_reclaim(hd_control *c) {
  for (uint32_t d = 0; d < c->view.device_count; d++) {
    hdi_step *lease;
    while (is_wanted(c, d) && (lease = due_now(c, &c->devices[d], true)) != NULL) {
      hd_record *out = hdi_emit_step(c, HD_DE_RECLAIM, lease);
      out->a = c->now_ns - lease->start_ns;
      out->b = c->now_ns - lease->stop_ns;
      c->stats.reclaims++;
      hdi_lease_take_back(c, lease);
    }
  }
}

void hdi_leases_yield(hd_control *c) {
  for (uint32_t d = 0; d < c->view.device_count; d++) {
    hdi_step *lease;
    while (is_wanted(c, d) && !enough_leave(&c->devices[d]) &&
           (lease = due_now(c, &c->devices[d], false)) != NULL)
      hdi_stop(c, lease);
  }
}

uint64_t hdi_leases_due(const hd_control *c) {
  uint64_t earliest_ns = UINT64_MAX;
  for (uint32_t d = 0; d < c->view.device_count; d++) {
    if (!is_wanted(c, d)) continue;
    uint32_t asked = first_due(c, &c->devices[d], true);
    uint32_t holder = enough_leave(&c->devices[d]) ? HDI_NONE : first_due(c, &c->devices[d], false);
    if (asked != HDI_NONE) earliest_ns = hdi_min(earliest_ns, due_ns(c, &c->steps[asked]));
    if (holder != HDI_NONE) earliest_ns = hdi_min(earliest_ns, due_ns(c, &c->steps[holder]));
  }
  /* Overdue only when the device has filled up in this very event: the next one takes it. */
  return hdi_max(earliest_ns, hdi_add(c->now_ns, 1));
}
