/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of waiting steps, against a plain sorted array, and the walk that policies take through them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "control/stations.h"

enum { SLOTS = 20, ROUNDS = 100000, DEVICES = 3 };

static hd_waiting table[SLOTS];
static uint32_t plain[SLOTS]; /* slots of those that wait, by order */
static uint32_t plain_count;

static void plain_insert(uint32_t slot) {
  uint32_t at = plain_count++;
  for (; at > 0 && table[plain[at - 1]].order > table[slot].order; at--)
    plain[at] = plain[at - 1];
  plain[at] = slot;
}

static void plain_remove(uint32_t at) {
  for (plain_count--; at < plain_count; at++)
    plain[at] = plain[at + 1];
}

/* A control plane of which only the lists are there. */
static hd_control *make_lists(void) {
  hd_control *c = calloc(1, sizeof *c);
  assert_non_null(c);
  memset(table, 0, sizeof table);
  c->waiting = table;
  c->view.waiting = table;
  c->view.devices = c->view_devices;
  c->view.device_count = DEVICES;
  for (uint32_t d = 0; d < DEVICES; d++)
    c->view_devices[d].oldest = c->view_devices[d].newest = HD_WAITING_END;
  plain_count = 0;
  return c;
}

static void count_roaming(hd_control *c, uint32_t slot, uint32_t one) {
  uint32_t mask = table[slot].device_mask;
  if ((mask & (mask - 1)) != 0) c->view_devices[table[slot].device].roaming += one;
}

static void check_walk(const hd_control *c, uint32_t devices) {
  hd_ready_walk walk = hd_ready_begin(&c->view);
  for (uint32_t i = 0; i < plain_count; i++) {
    const hd_waiting *wanted = &table[plain[i]];
    if ((wanted->device_mask & devices) == 0) continue;
    assert_ptr_equal(hd_ready_next(&walk, devices), wanted);
  }
  assert_null(hd_ready_next(&walk, devices));
}

static void each_walk_gives_what_a_plain_array_holds_in_its_order(void **state) {
  (void)state;
  hd_control *c = make_lists();
  uint64_t random = 5, next = 1, taken = 0; /* taken: an order that may come back to its place */
  for (uint32_t round = 0; round < ROUNDS; round++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint32_t what = (uint32_t)(random >> 33) % 5, slot = (uint32_t)(random >> 36) % SLOTS;
    if (what < 2 && table[slot].step == HD_ID_NONE) {
      uint16_t device = (uint16_t)((random >> 48) % DEVICES);
      uint16_t others = (random >> 52) % 4 == 0 ? (uint16_t)((random >> 56) % 8) : 0;
      uint64_t order = taken != 0 && what == 0 ? taken : next++;
      if (order == taken) taken = 0;
      hd_waiting item = {.step = slot | 1u << HD_ID_SLOT_BITS,
                         .device = device,
                         .device_mask = (uint16_t)(1u << device | others),
                         .order = order};
      hdi_queue_insert(c, &item);
      count_roaming(c, slot, 1);
      plain_insert(slot);
    } else if (what >= 2 && plain_count > 0) {
      uint32_t at = what == 2 ? 0 : (uint32_t)(random >> 40) % plain_count;
      taken = table[plain[at]].order;
      count_roaming(c, plain[at], 0u - 1u);
      hdi_queue_remove(c, plain[at]);
      plain_remove(at);
    }
    assert_int_equal(c->view.waiting_count, plain_count);
    check_walk(c, (uint32_t)(random >> 60) & 7u);
    check_walk(c, UINT32_MAX);
  }
  free(c);
}

/* As a policy uses it: what it looks for shrinks, and what was given may stop waiting. */
static void a_walk_goes_on_when_its_last_step_is_gone(void **state) {
  (void)state;
  hd_control *c = make_lists();
  for (uint32_t slot = 0; slot < 12; slot++)
    hdi_queue_insert(c, &(hd_waiting){.step = slot | 1u << HD_ID_SLOT_BITS,
                                      .device = (uint16_t)(slot % 3),
                                      .device_mask = (uint16_t)(1u << slot % 3),
                                      .order = slot + 1});
  hd_ready_walk walk = hd_ready_begin(&c->view);
  const uint32_t wanted[] = {0, 1, 2, 3, 4, 6, 7, 10};
  for (uint32_t i = 0; i < 8; i++) { /* device 2 is out after two, device 0 after six */
    const hd_waiting *step = hd_ready_next(&walk, i < 4 ? 7u : i < 6 ? 3u : 2u);
    assert_ptr_equal(step, &table[wanted[i]]);
    hdi_queue_remove(c, wanted[i]);
  }
  assert_null(hd_ready_next(&walk, 2u));
  assert_int_equal(hd_ready_next(&walk, 7u)->order, 6);
  free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_walk_gives_what_a_plain_array_holds_in_its_order),
      cmocka_unit_test(a_walk_goes_on_when_its_last_step_is_gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
