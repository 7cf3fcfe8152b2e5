/* SPDX-License-Identifier: Apache-2.0 */
/* How wide a step should be when others use its device too. */
#ifndef HDI_POLICY_WIDTH_H
#define HDI_POLICY_WIDTH_H

#include "heddle/implement/policy.h"

/* What a policy has not yet given away of each device. */
typedef struct hdi_room {
  uint32_t units[HD_DEVICES_MAX];    /* free */
  uint32_t launches[HD_DEVICES_MAX]; /* that it still takes */
  uint32_t users[HD_DEVICES_MAX];    /* requests to share it with, those of this moment included */
  uint32_t devices;                  /* bit d: there is something left of d */
} hdi_room;

void hdi_room_init(hdi_room *room, const hd_view *view);

/* Where the step may start now: its own device first, else the lowest that may run it; HD_DEVICES_MAX:
 * nowhere. */
uint32_t hdi_room_device(const hdi_room *room, const hd_waiting *step);

/* Takes the step's share of a device and returns it, 1 .. max_width: an equal part of all units for each
 * user, so that what can run side by side does, and all units for who is alone. */
uint16_t hdi_room_take(hdi_room *room, const hd_view *view, const hd_waiting *step, uint32_t device);

#endif
