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
#include "order.h"
#include "policies.h"
#include "width.h"

#include <stdbool.h>

/* Virtual ns are device ns * 1024 / weight: the largest weight in use stays well below 1024, so little is
 * rounded away. */
enum { VIRTUAL_SHIFT = 10 };

#define NONE HD_WAITING_END

typedef struct account {
  uint32_t request;    /* id; HD_ID_NONE: nobody's */
  uint32_t steps;      /* slots: its waiting steps, newest first */
  uint64_t charged_ns; /* used_ns up to here is in `virtual_ns` */
  uint64_t virtual_ns;
  uint64_t ahead; /* virtual time that the answer under way has already given it; else 0 */
} account;

/* A waiting step. Its tag is its request's virtual time. */
typedef struct sibling {
  uint32_t next, previous; /* slots: of the same request */
  uint32_t account;        /* slot */
  uint32_t device;
} sibling;

typedef struct fair {
  uint64_t virtual_ns;             /* of the whole: never goes back */
  uint32_t firsts[HD_DEVICES_MAX]; /* slots: of the steps that wait for each device, who is furthest behind */
  account *accounts;               /* by request slot */
  hdi_ordered *order;              /* by step slot, as are the siblings */
  sibling *siblings;
} fair;

static size_t state_bytes(const hd_limits *limits) {
  return sizeof(fair) + limits->max_requests * sizeof(account) +
         limits->max_steps * (sizeof(hdi_ordered) + sizeof(sibling));
}

static void init(void *state, const hd_limits *limits) {
  fair *f = state;
  f->accounts = (account *)(f + 1);
  f->order = (hdi_ordered *)(f->accounts + limits->max_requests);
  f->siblings = (sibling *)(f->order + limits->max_steps);
  for (uint32_t d = 0; d < HD_DEVICES_MAX; d++)
    f->firsts[d] = NONE;
}

static uint64_t to_virtual(const hd_view *view, const hd_waiting *step, uint64_t ns) {
  uint64_t limited = ns < (uint64_t)1 << 50 ? ns : (uint64_t)1 << 50; /* the shift must not lose the top */
  return (limited << VIRTUAL_SHIFT) / view->classes[step->class_id].weight;
}

static account *account_of(fair *f, const hd_waiting *step) {
  return &f->accounts[step->request & HD_ID_SLOT_MASK];
}

/* ---- keeping the order ---- */

static void enter(fair *f, uint32_t slot) {
  const sibling *s = &f->siblings[slot];
  const account *a = &f->accounts[s->account];
  f->order[slot].tag = a->virtual_ns + a->ahead;
  hdi_order_insert(f->order, &f->firsts[s->device], slot);
}

static void leave(fair *f, uint32_t slot) {
  if (f->order[slot].is_in) hdi_order_remove(f->order, &f->firsts[f->siblings[slot].device], slot);
}

/* The account's virtual time has changed: its steps go where that puts them. */
static void place(fair *f, const account *a) {
  for (uint32_t slot = a->steps; slot != NONE; slot = f->siblings[slot].next) {
    if (!f->order[slot].is_in || f->order[slot].tag == a->virtual_ns + a->ahead) continue;
    leave(f, slot);
    enter(f, slot);
  }
}

/* All device time charged. */
static void settle(fair *f, const hd_view *view, const hd_waiting *step, account *a) {
  if (a->request != step->request) /* a new one in its slot */
    *a = (account){
        .request = step->request, .steps = NONE, .charged_ns = step->used_ns, .virtual_ns = f->virtual_ns};
  if (a->charged_ns == step->used_ns) return; /* a division less for most */
  a->virtual_ns += to_virtual(view, step, step->used_ns - a->charged_ns);
  a->charged_ns = step->used_ns;
}

static void join(fair *f, const hd_waiting *step, account *a) {
  uint32_t slot = step->step & HD_ID_SLOT_MASK;
  f->siblings[slot] = (sibling){
      .next = a->steps, .previous = NONE, .account = step->request & HD_ID_SLOT_MASK, .device = step->device};
  if (a->steps != NONE) f->siblings[a->steps].previous = slot;
  a->steps = slot;
  f->order[slot].ready = step->order;
  enter(f, slot);
}

static void part(fair *f, const hd_waiting *step, account *a) {
  uint32_t slot = step->step & HD_ID_SLOT_MASK;
  const sibling *s = &f->siblings[slot];
  leave(f, slot);
  *(s->previous == NONE ? &a->steps : &f->siblings[s->previous].next) = s->next;
  if (s->next != NONE) f->siblings[s->next].previous = s->previous;
}

static void on_waiting(void *state, const hd_view *view, const hd_waiting *step, hd_waiting_change change) {
  fair *f = state;
  account *a = account_of(f, step);
  if (change == HD_WAITING_ENDS) {
    part(f, step, a);
    return;
  }
  settle(f, view, step, a);
  place(f, a);
  if (change == HD_WAITING_BEGINS) join(f, step, a);
}

/* A step that begins to wait: whoever was idle starts where the others are. */
static void on_event(void *state, const hd_view *view, const hd_record *event) {
  fair *f = state;
  if (event->kind != HD_EV_STEP && event->kind != HD_EV_LEASE) return;
  const hd_waiting *newest = &view->waiting[event->step & HD_ID_SLOT_MASK];
  if (newest->step != event->step) return; /* it never waited: cancelled, or no device is left */
  account *a = account_of(f, newest);
  if (a->virtual_ns < f->virtual_ns) a->virtual_ns = f->virtual_ns;
  place(f, a);
}

/* ---- deciding ---- */

/* Of a device that takes nothing, who may run elsewhere. Rare, so this looks at all who wait for it. */
static uint32_t first_roaming(const fair *f, const hd_view *view, const hdi_room *room, uint32_t device) {
  uint32_t best = NONE, slot = view->devices[device].oldest;
  for (; slot != NONE; slot = view->waiting[slot].next) {
    if ((view->waiting[slot].device_mask & room->devices) == 0 || !f->order[slot].is_in) continue;
    if (best == NONE || hdi_order_before(&f->order[slot], &f->order[best])) best = slot;
  }
  return best;
}

/* The waiting step that may start now and is furthest behind; ready order among equals. NONE: there is none.
 */
static uint32_t furthest_behind(const fair *f, const hd_view *view, const hdi_room *room) {
  uint32_t best = NONE;
  for (uint32_t d = 0; d < view->device_count; d++) {
    uint32_t slot = f->firsts[d];
    if (slot == NONE) continue;
    if ((room->devices & 1u << d) == 0)
      slot = view->devices[d].roaming > 0 ? first_roaming(f, view, room, d) : NONE;
    if (slot != NONE && (best == NONE || hdi_order_before(&f->order[slot], &f->order[best]))) best = slot;
  }
  return best;
}

/* The answer is complete: everything stands again where it did. */
static void put_back(fair *f, const hd_policy_decision *decisions, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint32_t slot = decisions[i].step & HD_ID_SLOT_MASK;
    account *a = &f->accounts[f->siblings[slot].account];
    if (a->ahead != 0) {
      a->ahead = 0;
      place(f, a);
    }
    if (!f->order[slot].is_in) enter(f, slot);
  }
}

static uint32_t decide(void *state, const hd_view *view, hd_policy_decision *out_decisions, uint32_t cap) {
  fair *f = state;
  uint32_t count = 0;
  hdi_room room;
  hdi_room_init(&room, view);
  while (room.devices != 0 && count < cap) {
    uint32_t slot = furthest_behind(f, view, &room);
    if (slot == NONE) break;
    const hd_waiting *step = &view->waiting[slot];
    account *a = account_of(f, step);
    uint32_t device = hdi_room_device(&room, step);
    if (f->order[slot].tag > f->virtual_ns) f->virtual_ns = f->order[slot].tag;
    uint64_t slice_ns = view->classes[step->class_id].slice_ns;
    uint64_t launch_ns = step->expected_ns < slice_ns ? step->expected_ns : slice_ns;
    uint16_t width = hdi_room_take(&room, view, step, device);
    out_decisions[count++] =
        (hd_policy_decision){.step = step->step, .device = (uint16_t)device, .width = width};
    if (room.devices == 0) break; /* the usual case: nothing had to be moved */
    a->ahead += to_virtual(view, step, launch_ns);
    leave(f, slot);
    place(f, a);
  }
  put_back(f, out_decisions, count);
  return count;
}

const hd_policy_ops hdi_policy_fair = {
    .size = sizeof(hd_policy_ops),
    .abi = HD_POLICY_ABI,
    .name = "fair",
    .description = "device time by the weight of each request's class; nobody starves",
    .state_bytes = state_bytes,
    .init = init,
    .event = on_event,
    .waiting = on_waiting,
    .decide = decide,
};
