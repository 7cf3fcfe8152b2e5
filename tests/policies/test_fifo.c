/* SPDX-License-Identifier: Apache-2.0 */
/* fifo: order and width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "heddle/implement/policy.h"

enum { MOST = 32 };

typedef struct scene {
  hd_view_device devices[3];
  hd_waiting waiting[MOST];
  hd_view view;
} scene;

static void add_device(scene *s, uint32_t capacity, uint32_t free_units, uint32_t room) {
  s->devices[s->view.device_count++] = (hd_view_device){.state = HD_DEVICE_READY,
                                                        .capacity = capacity,
                                                        .free_units = room > 0 ? free_units : 0,
                                                        .room = room,
                                                        .oldest = HD_WAITING_END,
                                                        .newest = HD_WAITING_END,
                                                        .in_flight = capacity - free_units};
  s->view.devices = s->devices;
}

static void add_waiting(scene *s, uint16_t device, uint16_t mask, uint16_t max_width) {
  uint32_t slot = s->view.waiting_count++;
  hd_view_device *d = &s->devices[device];
  s->waiting[slot] = (hd_waiting){.step = slot | 1u << HD_ID_SLOT_BITS,
                                  .device = device,
                                  .device_mask = mask,
                                  .max_width = max_width,
                                  .order = slot,
                                  .next = HD_WAITING_END,
                                  .previous = d->newest};
  *(d->oldest == HD_WAITING_END ? &d->oldest : &s->waiting[d->newest].next) = slot;
  d->newest = slot;
  d->waiting++;
  d->roaming += (mask & (mask - 1)) != 0;
  s->view.waiting = s->waiting;
}

static uint32_t decide(const scene *s, hd_policy_decision *decisions) {
  return hd_policies_builtin()[0]->decide(NULL, &s->view, decisions, MOST);
}

static void who_is_alone_gets_all_units_that_it_can_use(void **state) {
  (void)state;
  hd_policy_decision d[MOST];
  scene s = {0};
  add_device(&s, 8, 8, 8);
  add_waiting(&s, 0, 1, 8);
  assert_int_equal(decide(&s, d), 1);
  assert_int_equal(d[0].width, 8);
  s.waiting[0].max_width = 3;
  decide(&s, d);
  assert_int_equal(d[0].width, 3);
}

static void several_share_the_units_and_run_side_by_side(void **state) {
  (void)state;
  hd_policy_decision d[MOST];
  scene s = {0};
  add_device(&s, 8, 8, 8);
  for (uint32_t i = 0; i < 3; i++)
    add_waiting(&s, 0, 1, 8);
  assert_int_equal(decide(&s, d), 3);
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(d[i].step & HD_ID_SLOT_MASK, i);
    assert_int_equal(d[i].width, 2);
  }
}

static void more_than_there_are_units_go_in_their_order(void **state) {
  (void)state;
  hd_policy_decision d[MOST];
  scene s = {0};
  add_device(&s, 4, 4, 4);
  for (uint32_t i = 0; i < 20; i++)
    add_waiting(&s, 0, 1, 4);
  assert_int_equal(decide(&s, d), 4);
  for (uint32_t i = 0; i < 4; i++) {
    assert_int_equal(d[i].step & HD_ID_SLOT_MASK, i);
    assert_int_equal(d[i].width, 1);
  }
}

static void the_room_for_launches_bounds_them(void **state) {
  (void)state;
  hd_policy_decision d[MOST];
  scene s = {0};
  add_device(&s, 8, 8, 2);
  for (uint32_t i = 0; i < 3; i++)
    add_waiting(&s, 0, 1, 8);
  assert_int_equal(decide(&s, d), 2);
}

static void a_full_device_does_not_hold_up_another_one(void **state) {
  (void)state;
  hd_policy_decision d[MOST];
  scene s = {0};
  add_device(&s, 2, 0, 2);
  add_device(&s, 1, 1, 1);
  add_waiting(&s, 0, 1, 2);
  add_waiting(&s, 1, 2, 1);
  assert_int_equal(decide(&s, d), 1);
  assert_int_equal(d[0].step & HD_ID_SLOT_MASK, 1);
  assert_int_equal(d[0].device, 1);
}

static void a_step_that_may_go_elsewhere_does_when_its_device_is_full(void **state) {
  (void)state;
  hd_policy_decision d[MOST];
  scene s = {0};
  add_device(&s, 1, 0, 1);
  add_device(&s, 1, 1, 1);
  add_waiting(&s, 0, 3, 1);
  assert_int_equal(decide(&s, d), 1);
  assert_int_equal(d[0].device, 1);
}

static void who_is_between_two_steps_keeps_its_share(void **state) {
  (void)state;
  hd_policy_decision d[MOST];
  scene s = {0};
  add_device(&s, 8, 8, 8);
  add_waiting(&s, 0, 1, 8);
  s.devices[0].active = 2;
  decide(&s, d);
  assert_int_equal(d[0].width, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_is_alone_gets_all_units_that_it_can_use),
      cmocka_unit_test(several_share_the_units_and_run_side_by_side),
      cmocka_unit_test(more_than_there_are_units_go_in_their_order),
      cmocka_unit_test(the_room_for_launches_bounds_them),
      cmocka_unit_test(a_full_device_does_not_hold_up_another_one),
      cmocka_unit_test(a_step_that_may_go_elsewhere_does_when_its_device_is_full),
      cmocka_unit_test(who_is_between_two_steps_keeps_its_share),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
