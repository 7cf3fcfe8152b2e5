/* SPDX-License-Identifier: Apache-2.0 */
/* Properties that hold whatever happens: many lives of the world, each from its seed. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { SEEDS = 60, EVENTS = 4000 };

static const hd_policy_ops *policy(const char *name) {
  const hd_policy_ops *found = hd_policy_find(hd_policies_builtin(), name);
  assert_non_null(found);
  return found;
}

static void live(world_options options) {
  world sum = {0};
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    world w;
    options.seed = seed;
    options.events = EVENTS;
    world_run(&w, &options);
    sum.completed += w.completed;
    sum.stops += w.stops;
    sum.moves += w.moves;
    sum.fences += w.fences;
    sum.device_failures += w.device_failures;
    sum.reclaims += w.reclaims;
    sum.waits += w.waits;
  }
  /* A world in which nothing happens proves nothing. */
  assert_in_range(sum.completed, SEEDS * 100, UINT32_MAX);
  assert_in_range(sum.stops, SEEDS, UINT32_MAX);
  if (options.device_trouble) assert_in_range(sum.moves, SEEDS, UINT32_MAX);
  if (options.device_trouble) assert_in_range(sum.fences, SEEDS, UINT32_MAX);
  if (options.deaf) assert_in_range(sum.reclaims, SEEDS, UINT32_MAX);
  if (!options.deaf) assert_int_equal(sum.reclaims, 0);
  if (options.waits) assert_in_range(sum.waits, SEEDS * 10, UINT32_MAX);
  print_message("%u lives: %u steps completed, %u stops, %u moves, %u fences, %u failed everywhere\n", SEEDS,
                (unsigned)sum.completed, (unsigned)sum.stops, (unsigned)sum.moves, (unsigned)sum.fences,
                (unsigned)sum.device_failures);
}

static void every_step_completes_once_under_fifo(void **state) {
  (void)state;
  live((world_options){.policy = policy("fifo"), .policy_is_good = true});
}

static void every_step_completes_once_under_fair(void **state) {
  (void)state;
  live((world_options){.policy = policy("fair"), .policy_is_good = true});
}

static void no_step_is_lost_when_devices_fail_under_fifo(void **state) {
  (void)state;
  live((world_options){
      .policy = policy("fifo"), .policy_is_good = true, .device_trouble = true, .hostile = true});
}

static void no_step_is_lost_when_devices_fail_under_fair(void **state) {
  (void)state;
  live((world_options){
      .policy = policy("fair"), .policy_is_good = true, .device_trouble = true, .hostile = true});
}

static void what_is_waited_for_is_as_urgent_as_who_waits_whatever_happens(void **state) {
  (void)state;
  live((world_options){.policy = policy("fifo"), .policy_is_good = true, .waits = true, .hostile = true});
  live((world_options){
      .policy = policy("fair"), .policy_is_good = true, .waits = true, .device_trouble = true});
}

static void no_holder_that_does_not_listen_keeps_others_for_ever(void **state) {
  (void)state;
  live((world_options){
      .policy = policy("fifo"), .policy_is_good = true, .deaf = true, .device_trouble = true});
  live((world_options){.policy = policy("fair"), .policy_is_good = true, .deaf = true, .waits = true});
}

/* Answers at random: sometimes right, mostly wrong. Its state is a counter, so that it is a pure function
 * still. */
static size_t wild_bytes(const hd_limits *limits) {
  (void)limits;
  return sizeof(uint64_t);
}

static uint32_t wild_decide(void *state, const hd_view *view, hd_policy_decision *out_decisions,
                            uint32_t cap) {
  uint64_t *random = state;
  uint32_t count = 0;
  while (count < cap && (*random = *random * 6364136223846793005u + 1442695040888963407u) >> 62 != 0) {
    uint32_t r = (uint32_t)(*random >> 33);
    out_decisions[count++] = (hd_policy_decision){.step = view->waiting[r % WORLD_STEPS].step,
                                                  .device = (uint16_t)(r >> 8 & 3),
                                                  .width = (uint16_t)(r >> 16 & 3)};
  }
  return *random >> 60 == 0 ? cap + 1 : count;
}

static const hd_policy_ops wild = {.size = sizeof(hd_policy_ops),
                                   .abi = HD_POLICY_ABI,
                                   .name = "wild",
                                   .state_bytes = wild_bytes,
                                   .decide = wild_decide};

static void every_step_completes_once_under_a_wild_policy(void **state) {
  (void)state;
  live((world_options){.policy = &wild, .device_trouble = true});
}

static void the_same_seed_gives_the_same_decisions_byte_for_byte(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    world_options options = {.seed = seed,
                             .policy = policy("fair"),
                             .events = EVENTS,
                             .device_trouble = true,
                             .waits = true,
                             .deaf = true};
    world first, second;
    world_run(&first, &options);
    world_run(&second, &options);
    assert_memory_equal(&first.hash, &second.hash, sizeof first.hash);
  }
}

/* Change these when a decision is meant to change; when they differ between machines or compilers, something
 * in the control plane is not as exact as it must be. */
static void every_machine_decides_the_same(void **state) {
  (void)state;
  static const struct {
    const char *policy;
    uint64_t hash;
  } known[] = {{"fifo", 0x54c46db0342430a1u}, {"fair", 0xcb37d29a83bcdf87u}};
  for (uint32_t i = 0; i < 2; i++) {
    world w;
    world_options options = {.seed = 42,
                             .policy = policy(known[i].policy),
                             .events = 20000,
                             .device_trouble = true,
                             .hostile = true};
    world_run(&w, &options);
    if (w.hash != known[i].hash)
      fail_msg("%s: the decisions hash to 0x%llx", known[i].policy, (unsigned long long)w.hash);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_step_completes_once_under_fifo),
      cmocka_unit_test(every_step_completes_once_under_fair),
      cmocka_unit_test(no_step_is_lost_when_devices_fail_under_fifo),
      cmocka_unit_test(no_step_is_lost_when_devices_fail_under_fair),
      cmocka_unit_test(what_is_waited_for_is_as_urgent_as_who_waits_whatever_happens),
      cmocka_unit_test(no_holder_that_does_not_listen_keeps_others_for_ever),
      cmocka_unit_test(every_step_completes_once_under_a_wild_policy),
      cmocka_unit_test(the_same_seed_gives_the_same_decisions_byte_for_byte),
      cmocka_unit_test(every_machine_decides_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
