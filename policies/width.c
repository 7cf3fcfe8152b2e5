/* SPDX-License-Identifier: Apache-2.0 */
/* How wide a step should be when others use its device too.
 *
 * Fork-join over all cores pays a barrier at each op, and two requests that take turns at full width pay it
 * twice and never overlap: side by side on half the cores each is faster. So a device's units are shared
 * among the requests that use it lately (view->active), not only among those that happen to wait this
 * instant. */
#include "width.h"

void hdi_room_init(hdi_room *room, const hd_view *view) {
  room->devices = 0;
  for (uint32_t d = 0; d < view->device_count; d++) {
    const hd_view_device *device = &view->devices[d];
    uint32_t now = device->in_flight + device->waiting;
    room->units[d] = device->free_units;
    room->launches[d] = device->room;
    room->users[d] = device->active > now ? device->active : now;
    if (device->state == HD_DEVICE_READY && device->free_units > 0) room->devices |= 1u << d;
  }
}

uint32_t hdi_room_device(const hdi_room *room, const hd_waiting *step) {
  uint32_t open = room->devices & step->device_mask;
  if (open == 0) return HD_DEVICES_MAX;
  if ((open & 1u << step->device) != 0) return step->device;
  return (uint32_t)__builtin_ctz(open);
}

uint16_t hdi_room_take(hdi_room *room, const hd_view *view, const hd_waiting *step, uint32_t device) {
  uint32_t users = room->users[device] > 0 ? room->users[device] : 1;
  uint32_t width = view->devices[device].capacity / users;
  if (width == 0) width = 1;
  if (width > step->max_width) width = step->max_width;
  if (width > room->units[device]) width = room->units[device];
  room->units[device] -= width;
  room->launches[device]--;
  if (room->units[device] == 0 || room->launches[device] == 0) room->devices &= ~(1u << device);
  return (uint16_t)width;
}
