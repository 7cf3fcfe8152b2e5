/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch: launches no longer than a slice, and who must leave for whom. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* Device 0 of graph 1, whose ops take `op_ns` each, in layers of one op. */
static void start_with(feed *f, uint32_t capacity, uint64_t op_ns, const hd_policy_ops *policy) {
  feed_init(f, policy, NULL);
  feed_device(f, 0, HD_DEVICE_CPU, capacity);
  feed_param(f, 0, HD_PARAM_NS_PER_MIB, op_ns);
  feed_graph(f, 1, 10, 1 << 20, 0);
  for (uint32_t request = 1; request <= HD_CLASS_COUNT; request++)
    feed_request(f, request, (hd_class)(request - 1)); /* request n is of class n-1 */
}

static void start(feed *f, uint32_t capacity, uint64_t op_ns) {
  start_with(f, capacity, op_ns, NULL);
}

static void a_launch_ends_where_the_slice_of_its_class_does(void **state) {
  (void)state;
  feed f;
  start(&f, 1, 1000000);
  feed_step(&f, HD_CLASS_DEFAULT + 1, 1, 0, 10);
  assert_int_equal(feed_run_of(&f, 1).op_end, 4); /* 4 ms */
  assert_int_equal(feed_decision(&f, HD_DE_RUN, 0)->b, 4000000);
  feed_done(&f, 1, 0, 4, HD_OK, 4000000);
  assert_int_equal(feed_count(&f, HD_DE_COMPLETE), 0);
  assert_int_equal(feed_run_of(&f, 1).op_begin, 4);
  assert_int_equal(feed_run_of(&f, 1).op_end, 8);
  assert_int_equal(feed_run_of(&f, 1).launch, 2);
  feed_done(&f, 1, 0, 8, HD_OK, 4000000);
  assert_int_equal(feed_run_of(&f, 1).op_end, 10);
  feed_done(&f, 1, 0, 10, HD_OK, 2000000);
  assert_int_equal(feed_decision(&f, HD_DE_COMPLETE, 0)->b, 10000000);
  feed_step(&f, HD_CLASS_BACKGROUND + 1, 1, 0, 10);
  assert_int_equal(feed_run_of(&f, 1).op_end, 2); /* 2 ms */
  feed_finish(&f);
}

static void a_wider_launch_gets_more_ops_into_the_slice(void **state) {
  (void)state;
  feed f;
  start(&f, 2, 1000000);
  feed_step(&f, HD_CLASS_DEFAULT + 1, 1, 0, 10);
  assert_int_equal(feed_run_of(&f, 1).width, 2);
  assert_int_equal(feed_run_of(&f, 1).op_end, 8);
  feed_finish(&f);
}

/* 2.5 ms of launch would leave 1.5 ms of the slice, one op, for work. */
static void at_least_half_of_a_launch_is_work(void **state) {
  (void)state;
  feed f;
  start(&f, 1, 1000000);
  feed_param(&f, 0, HD_PARAM_LAUNCH_NS, 2500000);
  feed_step(&f, HD_CLASS_DEFAULT + 1, 1, 0, 10);
  assert_int_equal(feed_run_of(&f, 1).op_end, 2);
  feed_finish(&f);
  start(&f, 1, 1000000);
  feed_param(&f, 0, HD_PARAM_LAUNCH_NS, 20000000); /* five slices: nothing is left of one */
  feed_step(&f, HD_CLASS_DEFAULT + 1, 1, 0, 10);
  assert_int_equal(feed_run_of(&f, 1).op_end, 10);
  feed_finish(&f);
}

static void the_launch_itself_counts(void **state) {
  (void)state;
  feed f;
  start(&f, 1, 1000000);
  feed_param(&f, 0, HD_PARAM_LAUNCH_NS, 1500000);
  feed_step(&f, HD_CLASS_DEFAULT + 1, 1, 0, 10);
  assert_int_equal(feed_run_of(&f, 1).op_end, 2);
  assert_int_equal(feed_decision(&f, HD_DE_RUN, 0)->b, 3500000);
  feed_finish(&f);
}

static void an_op_longer_than_the_slice_runs_alone(void **state) {
  (void)state;
  feed f;
  start(&f, 1, 50000000);
  feed_step(&f, HD_CLASS_DEFAULT + 1, 1, 0, 10);
  assert_int_equal(feed_run_of(&f, 1).op_end, 1);
  feed_finish(&f);
}

static void what_is_learned_moves_the_cut(void **state) {
  (void)state;
  feed f;
  start(&f, 1, 1000000);
  for (uint32_t i = 0; i < 60; i++) { /* twice as fast as described */
    feed_step(&f, HD_CLASS_DEFAULT + 1, 1, 0, 4);
    uint16_t reached = feed_run_of(&f, 1).op_end;
    feed_done(&f, 1, 0, reached, HD_OK, reached * 500000u);
  }
  feed_step(&f, HD_CLASS_DEFAULT + 1, 1, 0, 10);
  assert_in_range(feed_run_of(&f, 1).op_end, 7, 8);
  feed_finish(&f);
}

static void devices_that_want_it_are_cut_between_layers(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_NPU, 1);
  feed_param(&f, 0, HD_PARAM_FLAGS, HD_DEVICE_CUT_AT_LAYER);
  feed_param(&f, 0, HD_PARAM_NS_PER_MIB, 1000000);
  feed_event(&f, (hd_record){.kind = HD_EV_GRAPH, .request = 1, .a = 12, .b = 3});
  const uint16_t layers[12] = {0, 1, 1, 1, 1, 1, 1, 2, 3, 3, 3, 4};
  for (uint32_t i = 0; i < 12; i++)
    feed_event(&f, (hd_record){.kind = HD_EV_OP, .request = 1, .step = i, .device = layers[i], .a = 1 << 20});
  feed_request(&f, 1, HD_CLASS_DEFAULT);
  feed_step(&f, 1, 1, 0, 12);
  const uint16_t borders[] = {1, 7, 11,
                              12}; /* a layer of six does not fit and runs alone; 2 and 3 fit together */
  for (uint32_t i = 0; i < 4; i++) {
    assert_int_equal(feed_run_of(&f, 1).op_end, borders[i]);
    feed_done(&f, 1, 0, borders[i], HD_OK, 0);
  }
  assert_int_equal(feed_count(&f, HD_DE_COMPLETE), 1);
  feed_finish(&f);
}

static void somebody_more_urgent_makes_a_running_step_leave_once(void **state) {
  (void)state;
  feed f;
  start(&f, 1, 1000000);
  feed_step(&f, HD_CLASS_BACKGROUND + 1, 1, 0, 10);
  feed_step(&f, HD_CLASS_UTILITY + 1, 2, 0, 1);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 1);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1);
  feed_step(&f, HD_CLASS_INTERACTIVE + 1, 3, 0, 1);
  feed_time(&f);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 0); /* it is leaving already */
  feed_done(&f, 1, 0, 0, HD_OK, 1000);             /* before its first op was done: it was asked to */
  assert_int_equal(feed_run_of(&f, 2).op_end, 1);  /* fifo */
  assert_int_equal(feed_count(&f, HD_DE_STOP), 1); /* now number 2 makes room for number 3 */
  assert_int_equal(feed_stats(&f).stops, 2);
  feed_finish(&f);
}

/* Gives the device to the step that waits for a background request, whoever else waits. */
static uint32_t decide_for_the_background(void *state, const hd_view *view, hd_policy_decision *out,
                                          uint32_t cap) {
  (void)state;
  hd_ready_walk walk = hd_ready_begin(view);
  const hd_waiting *step;
  while (cap > 0 && (step = hd_ready_next(&walk, UINT32_MAX)) != NULL) {
    bool last = walk.lists == 0;
    if (step->class_id != HD_CLASS_BACKGROUND && !last) continue;
    if (view->devices[0].free_units == 0) return 0;
    out[0] = (hd_policy_decision){.step = step->step, .device = 0, .width = 1};
    return 1;
  }
  return 0;
}

static void a_policy_that_prefers_the_one_who_left_starts_no_storm_of_stops(void **state) {
  (void)state;
  static const hd_policy_ops stubborn = {.size = sizeof stubborn,
                                         .abi = HD_POLICY_ABI,
                                         .name = "stubborn",
                                         .description = "the background first",
                                         .decide = decide_for_the_background};
  feed f;
  start_with(&f, 1, 1000000, &stubborn);
  feed_step(&f, HD_CLASS_BACKGROUND + 1, 1, 0, 10);
  feed_step(&f, HD_CLASS_INTERACTIVE + 1, 2, 0, 1);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 1);
  for (int i = 0; i < 5; i++) {
    feed_done(&f, 1, 0, (uint16_t)i, HD_OK, 1000);
    assert_int_equal(feed_run_of(&f, 1).op_begin, i);
    assert_int_equal(feed_count(&f, HD_DE_STOP), 0); /* the one who waits has asked once */
  }
  feed_finish(&f);
}

static void equals_and_less_urgent_ones_stop_nobody(void **state) {
  (void)state;
  feed f;
  start(&f, 1, 1000000);
  feed_request(&f, 9, HD_CLASS_DEFAULT);
  feed_step(&f, HD_CLASS_DEFAULT + 1, 1, 0, 10);
  feed_step(&f, 9, 2, 0, 1);
  feed_step(&f, HD_CLASS_UTILITY + 1, 3, 0, 1);
  assert_int_equal(feed_stats(&f).stops, 0);
  feed_finish(&f);
}

static void a_device_with_room_stops_nobody(void **state) {
  (void)state;
  feed f;
  start(&f, 4, 1000000);
  feed_request(&f, 9, HD_CLASS_BACKGROUND);
  feed_step(&f, HD_CLASS_BACKGROUND + 1, 1, 0, 4); /* takes all four */
  feed_step(&f, 9, 2, 0, 10);
  feed_done(&f, 1, 0, 4, HD_OK, 0);
  assert_int_equal(feed_run_of(&f, 2).width, 2);
  feed_step(&f, HD_CLASS_INTERACTIVE + 1, 3, 0, 1); /* two are free */
  assert_int_equal(feed_count(&f, HD_DE_RUN), 1);
  assert_int_equal(feed_stats(&f).stops, 0);
  feed_finish(&f);
}

static void each_who_waits_stops_one_and_the_least_urgent_goes_first(void **state) {
  (void)state;
  feed f;
  start(&f, 3, 1000000);
  feed_param(&f, 0, HD_PARAM_CAPACITY, 1); /* grows with each, so that each gets one core */
  feed_step(&f, HD_CLASS_UTILITY + 1, 1, 0, 10);
  feed_param(&f, 0, HD_PARAM_CAPACITY, 2);
  feed_step(&f, HD_CLASS_BACKGROUND + 1, 2, 0, 10);
  feed_param(&f, 0, HD_PARAM_CAPACITY, 3);
  feed_step(&f, HD_CLASS_DEFAULT + 1, 3, 0, 10);
  assert_int_equal(feed_stats(&f).running, 3);
  feed_step(&f, HD_CLASS_INITIATED + 1, 4, 0, 10);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 2);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 1);
  feed_step(&f, HD_CLASS_INTERACTIVE + 1, 5, 0, 10);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 1);
  feed_finish(&f);
}

static void what_cannot_be_interrupted_is_not_asked_to(void **state) {
  (void)state;
  feed f;
  start(&f, 1, 1000000);
  feed_param(&f, 0, HD_PARAM_FLAGS, 0);
  feed_step(&f, HD_CLASS_BACKGROUND + 1, 1, 0, 10);
  feed_step(&f, HD_CLASS_INTERACTIVE + 1, 2, 0, 1);
  feed_cancel(&f, HD_CLASS_BACKGROUND + 1);
  assert_int_equal(feed_stats(&f).stops, 0);
  feed_finish(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_launch_ends_where_the_slice_of_its_class_does),
      cmocka_unit_test(a_wider_launch_gets_more_ops_into_the_slice),
      cmocka_unit_test(at_least_half_of_a_launch_is_work),
      cmocka_unit_test(the_launch_itself_counts),
      cmocka_unit_test(an_op_longer_than_the_slice_runs_alone),
      cmocka_unit_test(what_is_learned_moves_the_cut),
      cmocka_unit_test(devices_that_want_it_are_cut_between_layers),
      cmocka_unit_test(somebody_more_urgent_makes_a_running_step_leave_once),
      cmocka_unit_test(a_policy_that_prefers_the_one_who_left_starts_no_storm_of_stops),
      cmocka_unit_test(equals_and_less_urgent_ones_stop_nobody),
      cmocka_unit_test(a_device_with_room_stops_nobody),
      cmocka_unit_test(each_who_waits_stops_one_and_the_least_urgent_goes_first),
      cmocka_unit_test(what_cannot_be_interrupted_is_not_asked_to),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
