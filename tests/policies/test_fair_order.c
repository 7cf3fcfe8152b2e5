/* SPDX-License-Identifier: Apache-2.0 */
/* fair keeps an order; a fair that looks at everybody each time must decide the same. And the order itself.
 */
#include "control/world.h"
#include "policies/order.h"
#include "policies/width.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { SEEDS = 60, EVENTS = 4000 };

/* ---- the same policy by brute force ---- */

typedef struct plain_account {
  uint32_t request;
  uint64_t charged_ns, virtual_ns, ahead;
} plain_account;

typedef struct plain_fair {
  uint64_t virtual_ns;
  plain_account accounts[WORLD_REQUESTS];
  uint32_t taken[WORLD_STEPS]; /* ids named in this answer */
} plain_fair;

static size_t plain_bytes(const hd_limits *limits) {
  assert_in_range(limits->max_requests, 0, WORLD_REQUESTS);
  assert_in_range(limits->max_steps, 0, WORLD_STEPS);
  return sizeof(plain_fair);
}

static plain_account *account_of(plain_fair *f, const hd_waiting *step) {
  return &f->accounts[step->request & HD_ID_SLOT_MASK];
}

static uint64_t to_virtual(const hd_view *view, const hd_waiting *step, uint64_t ns) {
  return (ns << 10) / view->classes[step->class_id].weight;
}

static void plain_waiting(void *state, const hd_view *view, const hd_waiting *step,
                          hd_waiting_change change) {
  plain_fair *f = state;
  plain_account *a = account_of(f, step);
  if (change == HD_WAITING_ENDS) return;
  if (a->request != step->request)
    *a = (plain_account){.request = step->request, .charged_ns = step->used_ns, .virtual_ns = f->virtual_ns};
  a->virtual_ns += to_virtual(view, step, step->used_ns - a->charged_ns);
  a->charged_ns = step->used_ns;
}

static void plain_event(void *state, const hd_view *view, const hd_record *event) {
  plain_fair *f = state;
  hd_ready_walk walk = hd_ready_begin(view);
  const hd_waiting *step;
  if (event->kind != HD_EV_STEP && event->kind != HD_EV_LEASE) return;
  while ((step = hd_ready_next(&walk, UINT32_MAX)) != NULL) {
    if (step->step != event->step) continue;
    plain_account *a = account_of(f, step);
    if (a->virtual_ns < f->virtual_ns) a->virtual_ns = f->virtual_ns;
  }
}

static bool is_taken(const plain_fair *f, uint32_t count, uint32_t step) {
  for (uint32_t i = 0; i < count; i++)
    if (f->taken[i] == step) return true;
  return false;
}

static uint32_t plain_decide(void *state, const hd_view *view, hd_policy_decision *out_decisions,
                             uint32_t cap) {
  plain_fair *f = state;
  uint32_t count = 0;
  hdi_room room;
  hdi_room_init(&room, view);
  for (uint32_t i = 0; i < WORLD_REQUESTS; i++)
    f->accounts[i].ahead = 0;
  while (room.devices != 0 && count < cap) {
    const hd_waiting *best = NULL, *step;
    uint64_t best_tag = UINT64_MAX;
    hd_ready_walk walk = hd_ready_begin(view);
    while ((step = hd_ready_next(&walk, room.devices)) != NULL) {
      uint64_t tag = account_of(f, step)->virtual_ns + account_of(f, step)->ahead;
      if (tag >= best_tag || is_taken(f, count, step->step)) continue;
      best = step;
      best_tag = tag;
    }
    if (best == NULL) break;
    uint64_t slice_ns = view->classes[best->class_id].slice_ns;
    uint32_t device = hdi_room_device(&room, best);
    if (best_tag > f->virtual_ns) f->virtual_ns = best_tag;
    account_of(f, best)->ahead +=
        to_virtual(view, best, best->expected_ns < slice_ns ? best->expected_ns : slice_ns);
    f->taken[count] = best->step;
    out_decisions[count++] = (hd_policy_decision){
        .step = best->step, .device = (uint16_t)device, .width = hdi_room_take(&room, view, best, device)};
  }
  return count;
}

static const hd_policy_ops plain = {.size = sizeof(hd_policy_ops),
                                    .abi = HD_POLICY_ABI,
                                    .name = "plain fair",
                                    .state_bytes = plain_bytes,
                                    .event = plain_event,
                                    .waiting = plain_waiting,
                                    .decide = plain_decide};

static void compare(world_options options) {
  uint64_t runs = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    world ordered, searched;
    options.seed = seed;
    options.events = EVENTS;
    options.policy_is_good = true;
    options.policy = hd_policy_find(hd_policies_builtin(), "fair");
    world_run(&ordered, &options);
    options.policy = &plain;
    world_run(&searched, &options);
    if (ordered.hash != searched.hash) fail_msg("seed %u: the decisions differ", (unsigned)seed);
    runs += ordered.runs;
  }
  assert_in_range(runs, SEEDS * 100, UINT32_MAX);
}

static void fair_decides_what_a_search_through_all_would(void **state) {
  (void)state;
  compare((world_options){.device_trouble = false});
}

static void also_when_devices_fail_and_steps_may_go_elsewhere(void **state) {
  (void)state;
  compare((world_options){.device_trouble = true, .hostile = true, .deaf = true});
}

static void also_when_classes_change(void **state) {
  (void)state;
  compare((world_options){.device_trouble = true, .waits = true});
}

/* ---- the order alone ---- */

enum { SLOTS = 200, ROUNDS = 200000 };

static hdi_ordered nodes[SLOTS];

static uint32_t least(void) {
  uint32_t best = HD_WAITING_END;
  for (uint32_t slot = 0; slot < SLOTS; slot++) {
    if (!nodes[slot].is_in) continue;
    if (best == HD_WAITING_END || hdi_order_before(&nodes[slot], &nodes[best])) best = slot;
  }
  return best;
}

/* The right path is what a merge walks. */
static uint32_t right_path(uint32_t root) {
  uint32_t length = 0;
  for (; root != HD_WAITING_END; root = nodes[root].right)
    length++;
  return length;
}

static void the_first_is_the_least_whatever_came_and_went(void **state) {
  (void)state;
  uint64_t random = 1;
  uint32_t root = HD_WAITING_END, count = 0, most = 0;
  memset(nodes, 0, sizeof nodes);
  for (uint32_t round = 0; round < ROUNDS; round++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint32_t slot = (uint32_t)(random >> 33) % SLOTS;
    if (round / 1000 % 2 == 0 && root != HD_WAITING_END && random >> 62 == 0) slot = root;
    if (nodes[slot].is_in) {
      hdi_order_remove(nodes, &root, slot);
      count--;
    } else {
      nodes[slot].tag = (random >> 20) % 50; /* many equals */
      nodes[slot].ready = round;
      hdi_order_insert(nodes, &root, slot);
      count++;
    }
    if (count > most) most = count;
    assert_int_equal(root, least());
    assert_in_range(right_path(root), 0, 8); /* log2(201) */
  }
  assert_in_range(most, 80, SLOTS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fair_decides_what_a_search_through_all_would),
      cmocka_unit_test(also_when_devices_fail_and_steps_may_go_elsewhere),
      cmocka_unit_test(also_when_classes_change),
      cmocka_unit_test(the_first_is_the_least_whatever_came_and_went),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
