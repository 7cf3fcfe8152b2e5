/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that err, each in its own way: the answer is dropped whole, the fallback decides, and the trace
 * says so. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* What the scripted policy answers; every test sets it. */
static hd_policy_decision script[4];
static uint32_t script_count;
static uint32_t asked;

static uint32_t scripted_decide(void *state, const hd_view *view, hd_policy_decision *out_decisions,
                                uint32_t cap) {
  (void)state, (void)view;
  asked++;
  for (uint32_t i = 0; i < script_count && i < cap; i++)
    out_decisions[i] = script[i];
  return script_count;
}

static const hd_policy_ops scripted = {
    .size = sizeof(hd_policy_ops), .abi = HD_POLICY_ABI, .name = "scripted", .decide = scripted_decide};

static void answer(uint32_t count, hd_policy_decision first, hd_policy_decision second) {
  script_count = count;
  script[0] = first;
  script[1] = second;
}

static const hd_policy_decision none;

/* Device 0: four cores, two launches. Device 1: READY. Device 2: fenced. Steps 1 and 2 wait on device 0. */
static void two_wait(feed *f) {
  feed_init(f, &scripted, NULL);
  asked = 0;
  for (uint16_t d = 0; d < 3; d++)
    feed_device(f, d, HD_DEVICE_CPU, 4);
  feed_param(f, 0, HD_PARAM_MAX_IN_FLIGHT, 2);
  feed_state(f, 2, HD_DEVICE_FENCED);
  feed_graph(f, 1, 4, 0, 0);
  feed_request(f, 1, HD_CLASS_DEFAULT);
  /* A third step occupies a core, so that an empty answer is no stall. */
  answer(1, (hd_policy_decision){.step = 3, .width = 1}, none);
  feed_step(f, 1, 3, 0, 4);
  assert_int_equal(feed_count(f, HD_DE_RUN), 1);
  answer(0, none, none);
  feed_step(f, 1, 1, 0, 4);
  feed_step(f, 1, 2, 0, 4);
  assert_int_equal(feed_count(f, HD_DE_FALLBACK), 0);
}

static void assert_dropped(hd_policy_fault fault, uint32_t count, hd_policy_decision first,
                           hd_policy_decision second) {
  feed f;
  two_wait(&f);
  answer(count, first, second);
  assert_int_equal(feed_time(&f), HD_OK);
  const hd_record *fallback = feed_decision(&f, HD_DE_FALLBACK, 0);
  assert_non_null(fallback);
  assert_int_equal(fallback->a, fault);
  assert_int_equal(fallback->b, 1);
  /* fifo had its way: there is room for one launch, and the first step gets its share of the cores */
  assert_int_equal(feed_count(&f, HD_DE_RUN), 1);
  assert_int_equal(feed_run_of(&f, 1).width, 1);
  assert_int_equal(feed_stats(&f).fallbacks, 1);
  feed_finish(&f);
}

static void a_right_answer_is_done_to_the_letter(void **state) {
  (void)state;
  feed f;
  two_wait(&f);
  answer(1, (hd_policy_decision){.step = 2, .width = 3}, none);
  feed_time(&f);
  assert_int_equal(feed_count(&f, HD_DE_FALLBACK), 0);
  assert_int_equal(feed_count(&f, HD_DE_RUN), 1);
  assert_int_equal(feed_run_of(&f, 2).width, 3);
  feed_finish(&f);
}

static void a_step_that_does_not_wait_is_a_fault(void **state) {
  (void)state;
  assert_dropped(HD_FAULT_INDEX, 1, (hd_policy_decision){.step = 3, .width = 1}, none); /* it runs */
  assert_dropped(HD_FAULT_INDEX, 1, (hd_policy_decision){.step = 4, .width = 1}, none);
  assert_dropped(HD_FAULT_INDEX, 1, (hd_policy_decision){.step = HD_ID_NONE, .width = 1}, none);
  assert_dropped(HD_FAULT_INDEX, 1, (hd_policy_decision){.step = UINT32_MAX, .width = 1}, none);
}

static void naming_a_step_twice_is_a_fault(void **state) {
  (void)state;
  hd_policy_decision one = {.step = 2, .width = 1};
  assert_dropped(HD_FAULT_DUPLICATE, 2, one, one);
}

static void a_device_outside_the_mask_is_a_fault(void **state) {
  (void)state;
  assert_dropped(HD_FAULT_DEVICE, 1, (hd_policy_decision){.step = 1, .device = 1, .width = 1}, none);
}

static void a_device_that_is_not_ready_or_not_there_is_a_fault(void **state) {
  (void)state;
  assert_dropped(HD_FAULT_DEVICE, 1, (hd_policy_decision){.step = 1, .device = 2, .width = 1}, none);
  assert_dropped(HD_FAULT_DEVICE, 1, (hd_policy_decision){.step = 1, .device = 65535, .width = 1}, none);
}

static void a_width_of_nothing_or_beyond_what_is_free_is_a_fault(void **state) {
  (void)state;
  assert_dropped(HD_FAULT_WIDTH, 1, (hd_policy_decision){.step = 1, .width = 0}, none);
  assert_dropped(HD_FAULT_WIDTH, 1, (hd_policy_decision){.step = 1, .width = 4}, none);
}

static void a_launch_beyond_the_room_is_a_fault(void **state) {
  (void)state;
  assert_dropped(HD_FAULT_FULL, 2, (hd_policy_decision){.step = 1, .width = 1},
                 (hd_policy_decision){.step = 2, .width = 1});
}

static void what_the_answer_has_given_away_is_not_free_for_its_next_decision(void **state) {
  (void)state;
  feed f;
  feed_init(&f, &scripted, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 4);
  feed_graph(&f, 1, 4, 0, 0);
  feed_request(&f, 1, HD_CLASS_DEFAULT);
  answer(1, (hd_policy_decision){.step = 3, .width = 4}, none);
  feed_step(&f, 1, 3, 0, 4);
  answer(0, none, none);
  feed_step(&f, 1, 1, 0, 4);
  feed_step(&f, 1, 2, 0, 4);
  answer(2, (hd_policy_decision){.step = 1, .width = 3}, (hd_policy_decision){.step = 2, .width = 2});
  feed_done(&f, 3, 0, 4, HD_OK, 1);
  assert_int_equal(feed_decision(&f, HD_DE_FALLBACK, 0)->a, HD_FAULT_WIDTH);
  feed_finish(&f);
}

static void more_decisions_than_were_asked_for_are_a_fault(void **state) {
  (void)state;
  assert_dropped(HD_FAULT_COUNT_OVER, 3, (hd_policy_decision){.step = 1, .width = 1}, none);
}

static void an_empty_answer_while_nothing_runs_is_a_stall(void **state) {
  (void)state;
  feed f;
  feed_init(&f, &scripted, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 4);
  feed_graph(&f, 1, 4, 0, 0);
  feed_request(&f, 1, HD_CLASS_DEFAULT);
  answer(0, none, none);
  feed_step(&f, 1, 1, 0, 4);
  assert_int_equal(feed_decision(&f, HD_DE_FALLBACK, 0)->a, HD_FAULT_STALL);
  assert_int_equal(feed_run_of(&f, 1).width, 4);
  feed_finish(&f);
}

static void three_faults(hd_control_config *config) {
  config->replace_after_faults = 3;
}

static void after_so_many_faults_the_policy_is_never_asked_again(void **state) {
  (void)state;
  feed f;
  feed_init(&f, &scripted, three_faults);
  feed_device(&f, 0, HD_DEVICE_CPU, 4);
  feed_graph(&f, 1, 4, 0, 0);
  feed_request(&f, 1, HD_CLASS_DEFAULT);
  asked = 0;
  answer(1, (hd_policy_decision){.step = 77}, none);
  for (uint32_t i = 1; i <= 5; i++) {
    feed_step(&f, 1, 1, 0, 4);
    assert_int_equal(feed_count(&f, HD_DE_RUN), 1);
    assert_int_equal(feed_count(&f, HD_DE_FALLBACK), i <= 3);
    assert_int_equal(feed_count(&f, HD_DE_REPLACED), i == 3);
    feed_done(&f, 1, 0, 4, HD_OK, 1);
  }
  assert_int_equal(asked, 3);
  feed_finish(&f);
}

static void when_the_fallback_errs_too_the_oldest_get_one_unit_each(void **state) {
  (void)state;
  feed f;
  hd_control_config config;
  f = (feed){.now_ns = 1};
  feed_host(&f.memory, &f.host);
  hd_control_config_default(&config);
  assert_int_equal(hd_control_create(&f.host, &config, &scripted, &scripted, &f.control), HD_OK);
  feed_device(&f, 0, HD_DEVICE_CPU, 4);
  feed_graph(&f, 1, 4, 0, 0);
  feed_request(&f, 1, HD_CLASS_DEFAULT);
  answer(1, (hd_policy_decision){.step = 77}, none);
  for (uint32_t i = 1; i <= 40; i++) { /* far more often than a policy may err */
    feed_step(&f, 1, 1, 0, 4);
    assert_int_equal(feed_run_of(&f, 1).width, 1);
    assert_int_equal(feed_count(&f, HD_DE_REPLACED), 0); /* there is nobody else */
    feed_done(&f, 1, 0, 4, HD_OK, 1);
  }
  feed_finish(&f);
}

static hd_record seen[16];
static uint32_t seen_count;
static uint32_t seen_waiting;

static void watch(void *state, const hd_view *view, const hd_record *event) {
  (void)state;
  seen[seen_count++ % 16] = *event;
  seen_waiting = view->waiting_count;
}

static void a_policy_sees_each_event_after_it_was_taken_but_no_invalid_one(void **state) {
  (void)state;
  feed f;
  hd_policy_ops watching = scripted;
  watching.event = watch;
  feed_init(&f, &watching, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  feed_graph(&f, 1, 1, 0, 0);
  feed_request(&f, 1, HD_CLASS_DEFAULT);
  seen_count = 0;
  answer(1, (hd_policy_decision){.step = 1, .width = 1}, none);
  feed_step(&f, 1, 1, 0, 1);
  assert_int_equal(seen_count, 1);
  assert_int_equal(seen[0].kind, HD_EV_STEP);
  assert_int_equal(seen_waiting, 1);
  assert_int_equal(feed_done(&f, 9, 0, 1, HD_OK, 1), HD_E_INVALID);
  assert_int_equal(seen_count, 1);
  feed_finish(&f);
}

static hd_view_device shown[2];
static hd_waiting shown_first;

static uint32_t showing_decide(void *state, const hd_view *view, hd_policy_decision *out_decisions,
                               uint32_t cap) {
  (void)state, (void)cap;
  shown[0] = view->devices[0];
  shown_first = view->waiting[view->devices[0].oldest];
  out_decisions[0] = (hd_policy_decision){.step = shown_first.step, .width = 2};
  return view->devices[0].free_units >= 2;
}

static void the_view_tells_what_is_so(void **state) {
  (void)state;
  feed f;
  hd_policy_ops showing = scripted;
  showing.decide = showing_decide;
  feed_init(&f, &showing, NULL);
  feed_device(&f, 0, HD_DEVICE_NPU, 5);
  feed_param(&f, 0, HD_PARAM_MAX_IN_FLIGHT, 3);
  feed_param(&f, 0, HD_PARAM_NS_PER_MIB, 1000);
  feed_graph(&f, 1, 4, 1 << 20, 0);
  feed_request(&f, 1, HD_CLASS_UTILITY);
  feed_step(&f, 1, 1, 0, 4);
  feed_done(&f, 1, 0, 4, HD_OK, 700);
  feed_step(&f, 1, 1, 0, 4);
  f.now_ns = 9000;
  feed_step(&f, 1, 2, 0, 3);
  assert_int_equal(shown[0].kind, HD_DEVICE_NPU);
  assert_int_equal(shown[0].state, HD_DEVICE_READY);
  assert_int_equal(shown[0].capacity, 5);
  assert_int_equal(shown[0].free_units, 3);
  assert_int_equal(shown[0].in_flight, 1);
  assert_int_equal(shown[0].room, 2);
  assert_int_equal(shown[0].waiting, 1);
  assert_int_equal(shown[0].active, 1);
  assert_int_equal(shown_first.step, 2);
  assert_int_equal(shown_first.request, 1);
  assert_int_equal(shown_first.class_id, HD_CLASS_UTILITY);
  assert_int_equal(shown_first.phase, HD_PHASE_DECODE);
  assert_int_equal(shown_first.device_mask, 1);
  assert_int_equal(shown_first.max_width, 5);
  assert_int_equal(shown_first.ready_ns, 9000);
  assert_in_range(shown_first.expected_ns, 2700,
                  3000);                       /* 3 MiB, less the little that the first launch taught */
  assert_int_equal(shown_first.used_ns, 1400); /* two units for 700 ns */
  feed_finish(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_right_answer_is_done_to_the_letter),
      cmocka_unit_test(a_step_that_does_not_wait_is_a_fault),
      cmocka_unit_test(naming_a_step_twice_is_a_fault),
      cmocka_unit_test(a_device_outside_the_mask_is_a_fault),
      cmocka_unit_test(a_device_that_is_not_ready_or_not_there_is_a_fault),
      cmocka_unit_test(a_width_of_nothing_or_beyond_what_is_free_is_a_fault),
      cmocka_unit_test(a_launch_beyond_the_room_is_a_fault),
      cmocka_unit_test(what_the_answer_has_given_away_is_not_free_for_its_next_decision),
      cmocka_unit_test(more_decisions_than_were_asked_for_are_a_fault),
      cmocka_unit_test(an_empty_answer_while_nothing_runs_is_a_stall),
      cmocka_unit_test(after_so_many_faults_the_policy_is_never_asked_again),
      cmocka_unit_test(when_the_fallback_errs_too_the_oldest_get_one_unit_each),
      cmocka_unit_test(a_policy_sees_each_event_after_it_was_taken_but_no_invalid_one),
      cmocka_unit_test(the_view_tells_what_is_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
