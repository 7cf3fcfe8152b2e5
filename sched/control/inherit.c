/* SPDX-License-Identifier: Apache-2.0 */
/* Inheritance: what an urgent request waits for is as urgent as it (priority inheritance: Sha, Rajkumar and
 * Lehoczky, IEEE Transactions on Computers 39(9), 1990).
 *
 * A request waits for one other at a time, so waits form chains, and perhaps rings, that end nowhere. With
 * every change the classes of all that are waited for are computed anew from what they were admitted with:
 * that undoes what has ended, also in a ring, whose members would keep each other urgent for ever. Waits are
 * rare and few; a walk along a chain ends where it finds something as urgent. */
#include "stations.h"

static uint32_t slot_of(const hd_control *c, const hdi_request *request) {
  return (uint32_t)(request - c->requests);
}

static void link_wait(hd_control *c, hdi_request *request, uint32_t target) {
  uint32_t slot = slot_of(c, request);
  request->waits_for = target;
  request->wait_prev = HDI_NONE;
  request->wait_next = c->waits_head;
  if (c->waits_head != HDI_NONE) c->requests[c->waits_head].wait_prev = slot;
  c->waits_head = slot;
}

static void unlink_wait(hd_control *c, hdi_request *request) {
  if (request->wait_prev != HDI_NONE)
    c->requests[request->wait_prev].wait_next = request->wait_next;
  else
    c->waits_head = request->wait_next;
  if (request->wait_next != HDI_NONE) c->requests[request->wait_next].wait_prev = request->wait_prev;
  request->waits_for = HDI_NONE;
}

static void apply(hd_control *c, hdi_request *request) {
  if (request->wanted != request->class_id) hdi_request_set_class(c, request, request->wanted);
}

/* `left`: slot of one that is waited for by somebody less than before. */
static void refresh(hd_control *c, uint32_t left) {
  hdi_request *requests = c->requests;
  requests[left].wanted = requests[left].own_class;
  for (uint32_t w = c->waits_head; w != HDI_NONE; w = requests[w].wait_next)
    requests[requests[w].waits_for].wanted = requests[requests[w].waits_for].own_class;
  for (uint32_t w = c->waits_head; w != HDI_NONE; w = requests[w].wait_next) {
    hd_class class_id = requests[w].own_class;
    for (uint32_t t = requests[w].waits_for; t != HDI_NONE && requests[t].wanted > class_id;
         t = requests[t].waits_for)
      requests[t].wanted = class_id;
  }
  apply(c, &requests[left]);
  for (uint32_t w = c->waits_head; w != HDI_NONE; w = requests[w].wait_next)
    apply(c, &requests[requests[w].waits_for]);
}

hd_status hdi_on_wait(hd_control *c, const hd_record *event) {
  hdi_request *waiter = hdi_request_find(c, event->request), *target = hdi_request_find(c, event->step);
  if (waiter == NULL || target == NULL || waiter == target || event->a > 1) return HD_E_INVALID;
  uint32_t slot = slot_of(c, target);
  if (waiter->waits_for != (event->a == 1 ? HDI_NONE : slot)) return HD_E_INVALID;
  if (event->a == 1)
    link_wait(c, waiter, slot);
  else
    unlink_wait(c, waiter);
  refresh(c, slot);
  return HD_OK;
}

void hdi_waits_end(hd_control *c, hdi_request *request) {
  uint32_t target = request->waits_for;
  if (target != HDI_NONE) {
    unlink_wait(c, request);
    refresh(c, target);
  }
  uint32_t slot = slot_of(c, request);
  for (uint32_t w = c->waits_head, next; w != HDI_NONE; w = next) {
    next = c->requests[w].wait_next;
    if (c->requests[w].waits_for == slot) unlink_wait(c, &c->requests[w]);
  }
}

hd_status hd_control_request_class(const hd_control *control, uint32_t request, hd_class *out_class) {
  uint32_t slot = request & HD_ID_SLOT_MASK;
  if (request == HD_ID_NONE || slot >= control->config.limits.max_requests ||
      control->requests[slot].id != request)
    return HD_E_NOT_FOUND;
  *out_class = control->requests[slot].class_id;
  return HD_OK;
}
