/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting steps, a list in ready order for each device, inside the table that policies are shown: showing
 * costs nothing, and who waits for another device is not in the way.
 *
 * Nearly all come last; who had a turn for nothing comes back to its place, which is near the front. */
#include "stations.h"

/* The slot after which an entry of this order belongs; HD_WAITING_END: before all. */
static uint32_t place_of(const hd_control *c, const hd_view_device *device, uint64_t order) {
  if (device->oldest == HD_WAITING_END || c->waiting[device->oldest].order > order) return HD_WAITING_END;
  uint32_t at = device->newest;
  while (c->waiting[at].order > order)
    at = c->waiting[at].previous;
  return at;
}

void hdi_queue_insert(hd_control *c, const hd_waiting *item) {
  hd_view_device *device = &c->view_devices[item->device];
  uint32_t slot = item->step & HD_ID_SLOT_MASK;
  uint32_t before = place_of(c, device, item->order);
  uint32_t after = before == HD_WAITING_END ? device->oldest : c->waiting[before].next;
  c->waiting[slot] = *item;
  c->waiting[slot].previous = before;
  c->waiting[slot].next = after;
  *(before == HD_WAITING_END ? &device->oldest : &c->waiting[before].next) = slot;
  *(after == HD_WAITING_END ? &device->newest : &c->waiting[after].previous) = slot;
  c->view.waiting_count++;
}

void hdi_queue_remove(hd_control *c, uint32_t slot) {
  hd_waiting *item = &c->waiting[slot];
  hd_view_device *device = &c->view_devices[item->device];
  *(item->previous == HD_WAITING_END ? &device->oldest : &c->waiting[item->previous].next) = item->next;
  *(item->next == HD_WAITING_END ? &device->newest : &c->waiting[item->next].previous) = item->previous;
  item->step = HD_ID_NONE;
  c->view.waiting_count--;
}
