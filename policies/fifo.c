/* SPDX-License-Identifier: Apache-2.0 */
/* fifo: first ready, first served.
 *
 * Good when requests are alike, or there is one; and as the fallback: it has no state that could be wrong,
 * and nobody starves, because who had a slice stands at the end again. Not good when some requests are more
 * urgent than others or one app floods the device: it knows neither classes nor shares. */
#include "policies.h"
#include "width.h"

static uint32_t decide(void *state, const hd_view *view, hd_policy_decision *out_decisions, uint32_t cap) {
  (void)state;
  uint32_t count = 0;
  hdi_room room;
  hdi_room_init(&room, view);
  hd_ready_walk walk = hd_ready_begin(view);
  const hd_waiting *step;
  while (room.devices != 0 && count < cap && (step = hd_ready_next(&walk, room.devices)) != NULL) {
    uint32_t device = hdi_room_device(&room, step);
    uint16_t width = hdi_room_take(&room, view, step, device);
    out_decisions[count++] =
        (hd_policy_decision){.step = step->step, .device = (uint16_t)device, .width = width};
  }
  return count;
}

const hd_policy_ops hdi_policy_fifo = {
    .size = sizeof(hd_policy_ops),
    .abi = HD_POLICY_ABI,
    .name = "fifo",
    .description = "first ready, first served; for requests that are alike",
    .decide = decide,
};
