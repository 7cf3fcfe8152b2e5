/* SPDX-License-Identifier: Apache-2.0 */
/* Admission: who may begin, and when who may not should ask again. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void small_limits(hd_control_config *config) {
  config->limits.max_requests = 4;
  config->limits.max_steps = 16;
  config->limits.max_waiting_per_device = 2;
  config->limits.memory_budget_bytes = 1000;
}

/* A CPU of one core on which an op of graph 1 takes 1 ms. */
static void one_core(feed *f) {
  feed_init(f, NULL, small_limits);
  feed_device(f, 0, HD_DEVICE_CPU, 1);
  feed_param(f, 0, HD_PARAM_NS_PER_MIB, 1000000);
  feed_graph(f, 1, 8, 1 << 20, 0);
}

static hd_status ask(feed *f, uint32_t request, hd_class class_id, uint64_t memory, uint64_t deadline) {
  hd_record event = {
      .kind = HD_EV_REQUEST, .request = request, .device = (uint16_t)class_id, .a = memory, .b = deadline};
  return feed_event(f, event);
}

static void assert_refused(const feed *f, hd_refusal reason, uint64_t retry_ns) {
  const hd_record *refusal = feed_decision(f, HD_DE_REFUSE, 0);
  assert_non_null(refusal);
  assert_int_equal(feed_count(f, HD_DE_ADMIT), 0);
  assert_int_equal(refusal->b, reason);
  assert_int_equal(refusal->a, retry_ns);
}

static void without_a_ready_device_nobody_is_admitted(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  ask(&f, 1, HD_CLASS_DEFAULT, 0, 0);
  assert_refused(&f, HD_REFUSED_NO_DEVICE, 0);
  assert_int_equal(feed_stats(&f).refusals, 1);
  feed_finish(&f);
}

static void a_slot_beyond_the_limit_is_refused_until_the_backlog_has_drained(void **state) {
  (void)state;
  feed f;
  one_core(&f);
  ask(&f, 1, HD_CLASS_DEFAULT, 0, 0);
  feed_step(&f, 1, 1, 0, 8);
  feed_step(&f, 1, 2, 0, 8);
  ask(&f, 4, HD_CLASS_DEFAULT, 0, 0); /* slots are 0..3 */
  /* 4 ms are running (one slice), 8 ms wait */
  assert_refused(&f, HD_REFUSED_REQUESTS, 12000000);
  feed_finish(&f);
}

static void memory_is_counted_and_comes_back(void **state) {
  (void)state;
  feed f;
  one_core(&f);
  ask(&f, 1, HD_CLASS_DEFAULT, 600, 0);
  assert_int_equal(feed_count(&f, HD_DE_ADMIT), 1);
  ask(&f, 2, HD_CLASS_DEFAULT, 401, 0);
  assert_refused(&f, HD_REFUSED_MEMORY, 1000000); /* nothing is known to be running: the shortest time */
  ask(&f, 2, HD_CLASS_DEFAULT, 400, 0);
  assert_int_equal(feed_count(&f, HD_DE_ADMIT), 1);
  feed_end(&f, 1);
  ask(&f, 3, HD_CLASS_DEFAULT, 600, 0);
  assert_int_equal(feed_count(&f, HD_DE_ADMIT), 1);
  feed_finish(&f);
}

static void more_than_the_whole_budget_is_never_admitted(void **state) {
  (void)state;
  feed f;
  one_core(&f);
  ask(&f, 1, HD_CLASS_DEFAULT, 1001, 0);
  assert_refused(&f, HD_REFUSED_MEMORY, 0);
  feed_finish(&f);
}

static void without_a_budget_any_claim_is_admitted_and_cancels_out(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  for (uint32_t i = 1; i <= 3; i++) {
    ask(&f, i, HD_CLASS_DEFAULT, UINT64_MAX, 0);
    assert_int_equal(feed_count(&f, HD_DE_ADMIT), 1);
  }
  feed_finish(&f);
}

static void a_crowd_keeps_its_own_class_out_but_not_the_more_urgent(void **state) {
  (void)state;
  feed f;
  one_core(&f);
  ask(&f, 1, HD_CLASS_UTILITY, 0, 0);
  for (uint32_t step = 1; step <= 4; step++) /* one runs, three wait */
    feed_step(&f, 1, step, 0, 2);
  ask(&f, 2, HD_CLASS_UTILITY, 0, 0);
  assert_refused(&f, HD_REFUSED_BACKLOG, 8000000);
  ask(&f, 2, HD_CLASS_BACKGROUND, 0, 0);
  assert_refused(&f, HD_REFUSED_BACKLOG, 8000000);
  ask(&f, 2, HD_CLASS_DEFAULT, 0, 0);
  assert_int_equal(feed_count(&f, HD_DE_ADMIT), 1);
  feed_finish(&f);
}

static void after_the_retry_time_the_crowd_is_gone(void **state) {
  (void)state;
  feed f;
  one_core(&f);
  ask(&f, 1, HD_CLASS_DEFAULT, 0, 0);
  for (uint32_t step = 1; step <= 4; step++)
    feed_step(&f, 1, step, 0, 4);
  ask(&f, 2, HD_CLASS_DEFAULT, 0, 0);
  uint64_t retry_at_ns = f.now_ns + feed_decision(&f, HD_DE_REFUSE, 0)->a;
  for (uint32_t step = 1; step <= 4; step++) { /* the device keeps what it promised */
    f.now_ns += 4000000;
    feed_done(&f, step, 0, 4, HD_OK, 4000000);
  }
  assert_true(f.now_ns <= retry_at_ns);
  ask(&f, 2, HD_CLASS_DEFAULT, 0, 0);
  assert_int_equal(feed_count(&f, HD_DE_ADMIT), 1);
  feed_finish(&f);
}

static void a_deadline_that_cannot_be_met_is_refused_for_good(void **state) {
  (void)state;
  feed f;
  one_core(&f);
  ask(&f, 1, HD_CLASS_DEFAULT, 0, f.now_ns);
  assert_refused(&f, HD_REFUSED_DEADLINE, 0);
  ask(&f, 1, HD_CLASS_DEFAULT, 0, f.now_ns + 1);
  assert_int_equal(feed_count(&f, HD_DE_ADMIT), 1);
  feed_step(&f, 1, 1, 0, 4);
  ask(&f, 2, HD_CLASS_DEFAULT, 0, f.now_ns + 3000000); /* the device has 4 ms of work before it */
  assert_refused(&f, HD_REFUSED_DEADLINE, 0);
  ask(&f, 2, HD_CLASS_DEFAULT, 0, f.now_ns + 5000000);
  assert_int_equal(feed_count(&f, HD_DE_ADMIT), 1);
  feed_finish(&f);
}

static void what_is_less_urgent_delays_no_deadline(void **state) {
  (void)state;
  feed f;
  one_core(&f);
  ask(&f, 1, HD_CLASS_UTILITY, 0, 0);
  for (uint32_t step = 1; step <= 3; step++) /* 2 ms run, 16 ms wait */
    feed_step(&f, 1, step, 0, 8);
  ask(&f, 2, HD_CLASS_UTILITY, 0, f.now_ns + 5000000);
  assert_refused(&f, HD_REFUSED_DEADLINE, 0);
  ask(&f, 2, HD_CLASS_DEFAULT, 0, f.now_ns + 5000000);
  assert_int_equal(feed_count(&f, HD_DE_ADMIT), 1);
  feed_finish(&f);
}

static void ids_and_classes_that_do_not_exist_are_invalid(void **state) {
  (void)state;
  feed f;
  one_core(&f);
  assert_int_equal(ask(&f, HD_ID_NONE, HD_CLASS_DEFAULT, 0, 0), HD_E_INVALID);
  assert_int_equal(ask(&f, 1, (hd_class)HD_CLASS_COUNT, 0, 0), HD_E_INVALID);
  assert_int_equal(ask(&f, 1, HD_CLASS_DEFAULT, 0, 0), HD_OK);
  assert_int_equal(ask(&f, 1, HD_CLASS_DEFAULT, 0, 0), HD_E_INVALID);           /* it is alive */
  assert_int_equal(ask(&f, 1 | 7 << 16, HD_CLASS_DEFAULT, 0, 0), HD_E_INVALID); /* its slot is taken */
  assert_int_equal(feed_end(&f, 1 | 7 << 16), HD_E_INVALID);
  assert_int_equal(feed_end(&f, 1), HD_OK);
  assert_int_equal(feed_end(&f, 1), HD_E_INVALID);
  assert_int_equal(ask(&f, 1 | 7 << 16, HD_CLASS_DEFAULT, 0, 0), HD_OK);
  assert_int_equal(feed_stats(&f).invalid_events, 6);
  feed_finish(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_a_ready_device_nobody_is_admitted),
      cmocka_unit_test(a_slot_beyond_the_limit_is_refused_until_the_backlog_has_drained),
      cmocka_unit_test(memory_is_counted_and_comes_back),
      cmocka_unit_test(more_than_the_whole_budget_is_never_admitted),
      cmocka_unit_test(without_a_budget_any_claim_is_admitted_and_cancels_out),
      cmocka_unit_test(a_crowd_keeps_its_own_class_out_but_not_the_more_urgent),
      cmocka_unit_test(after_the_retry_time_the_crowd_is_gone),
      cmocka_unit_test(a_deadline_that_cannot_be_met_is_refused_for_good),
      cmocka_unit_test(what_is_less_urgent_delays_no_deadline),
      cmocka_unit_test(ids_and_classes_that_do_not_exist_are_invalid),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
