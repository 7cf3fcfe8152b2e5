/* SPDX-License-Identifier: Apache-2.0 */
/* fair: device time in proportion to the weight of each request's class.
 *
 * Good when several apps share a device and nobody may starve, however urgent the others. Not good when a
 * deadline must be met (a share is no promise of a time), or for one request alone (fifo decides the same for
 * less).
 *
 * Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996): each request carries a virtual time that
 * advances by the device time it has had, divided by its weight; the one that is furthest behind goes next.
 * Virtual time of the whole is the start tag of what was last started; a newcomer begins there, so that
 * idling earns no credit. A launch is charged when it is done, at what it really took, because that is what
 * the view tells (used_ns). */
#include "policies.h"
#include "width.h"

#include <stdbool.h>

/* Virtual ns are device ns * 1024 / weight: the largest weight in use stays well below 1024, so little is
 * rounded away. */
enum { VIRTUAL_SHIFT = 10 };

typedef struct account {
  uint32_t request;    /* id; HD_ID_NONE: nobody's */
  uint32_t answer;     /* the answer for which `ahead` holds */
  uint64_t charged_ns; /* used_ns up to here is in `virtual_ns` */
  uint64_t virtual_ns;
  uint64_t ahead; /* virtual time that this answer has already given it */
} account;

typedef struct fair {
  uint64_t virtual_ns; /* of the whole: never goes back */
  uint32_t answer;
  account accounts[]; /* by request slot */
} fair;

static size_t state_bytes(const hd_limits *limits) {
  return sizeof(fair) + limits->max_requests * sizeof(account);
}

static uint64_t to_virtual(const hd_view *view, const hd_waiting *step, uint64_t ns) {
  uint64_t limited = ns < (uint64_t)1 << 50 ? ns : (uint64_t)1 << 50; /* the shift must not lose the top */
  return (limited << VIRTUAL_SHIFT) / view->classes[step->class_id].weight;
}

/* The request's account, with all its device time charged. */
static account *settle(fair *f, const hd_view *view, const hd_waiting *step) {
  account *a = &f->accounts[step->request & HD_ID_SLOT_MASK];
  if (a->request != step->request || step->used_ns < a->charged_ns) /* a new one in its slot */
    *a = (account){.request = step->request, .charged_ns = step->used_ns, .virtual_ns = f->virtual_ns};
  if (a->charged_ns != step->used_ns) { /* seldom: a division less for most of those who wait */
    a->virtual_ns += to_virtual(view, step, step->used_ns - a->charged_ns);
    a->charged_ns = step->used_ns;
  }
  if (a->answer != f->answer) {
    a->answer = f->answer;
    a->ahead = 0;
  }
  return a;
}

/* A step that begins to wait: whoever was idle starts where the others are. */
static void on_event(void *state, const hd_view *view, const hd_record *event) {
  fair *f = state;
  if (event->kind != HD_EV_STEP && event->kind != HD_EV_LEASE) return;
  if (view->waiting_count == 0) return;
  const hd_waiting *newest = &view->waiting[view->waiting_count - 1];
  if (newest->step != event->step) return; /* it never waited: cancelled, or no device is left */
  account *a = settle(f, view, newest);
  if (a->virtual_ns < f->virtual_ns) a->virtual_ns = f->virtual_ns;
}

/* The waiting step that may start now and is furthest behind; ready order among equals. waiting_count: none.
 */
static uint32_t furthest_behind(fair *f, const hd_view *view, const hdi_room *room,
                                const hd_policy_decision *taken, uint32_t taken_count) {
  uint32_t best = view->waiting_count;
  uint64_t best_tag = UINT64_MAX;
  for (uint32_t i = 0; i < view->waiting_count; i++) {
    const hd_waiting *step = &view->waiting[i];
    if ((room->devices & step->device_mask) == 0) continue;
    const account *a = settle(f, view, step);
    uint64_t tag = a->virtual_ns + a->ahead;
    if (tag >= best_tag) continue;
    bool is_taken = false;
    for (uint32_t k = 0; k < taken_count && !is_taken; k++)
      is_taken = taken[k].waiting_index == i;
    if (is_taken) continue;
    best = i;
    best_tag = tag;
  }
  return best;
}

static uint32_t decide(void *state, const hd_view *view, hd_policy_decision *out_decisions, uint32_t cap) {
  fair *f = state;
  uint32_t count = 0;
  hdi_room room;
  hdi_room_init(&room, view);
  f->answer++;
  while (room.devices != 0 && count < cap) {
    uint32_t i = furthest_behind(f, view, &room, out_decisions, count);
    if (i == view->waiting_count) break;
    const hd_waiting *step = &view->waiting[i];
    account *a = &f->accounts[step->request & HD_ID_SLOT_MASK];
    uint32_t device = hdi_room_device(&room, step);
    if (a->virtual_ns + a->ahead > f->virtual_ns) f->virtual_ns = a->virtual_ns + a->ahead;
    uint64_t slice_ns = view->classes[step->class_id].slice_ns;
    uint64_t launch_ns = step->expected_ns < slice_ns ? step->expected_ns : slice_ns;
    uint16_t width = hdi_room_take(&room, view, step, device);
    a->ahead += to_virtual(view, step, launch_ns);
    out_decisions[count++] =
        (hd_policy_decision){.waiting_index = i, .device = (uint16_t)device, .width = width};
  }
  return count;
}

const hd_policy_ops hdi_policy_fair = {
    .size = sizeof(hd_policy_ops),
    .abi = HD_POLICY_ABI,
    .name = "fair",
    .description = "device time by the weight of each request's class; nobody starves",
    .state_bytes = state_bytes,
    .event = on_event,
    .decide = decide,
};
