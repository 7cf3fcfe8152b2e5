/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: through the same table as steps, held by the engine. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void start(feed *f) {
  feed_init(f, NULL, NULL);
  feed_device(f, 0, HD_DEVICE_CPU, 2);
  feed_request(f, 1, HD_CLASS_DEFAULT);
  feed_request(f, 2, HD_CLASS_DEFAULT);
}

static void a_lease_is_granted_with_its_layers_its_width_and_its_slice(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_lease(&f, 1, 1, 0, 24);
  const hd_record *grant = feed_decision(&f, HD_DE_GRANT, 0);
  assert_non_null(grant);
  hd_run_fields run = feed_run_of(&f, 1);
  assert_int_equal(run.op_end, 24);
  assert_int_equal(run.width, 2);
  assert_int_equal(grant->b, 4000000);
  feed_done(&f, 1, 0, 24, HD_OK, 1000);
  assert_int_equal(feed_count(&f, HD_DE_COMPLETE), 0); /* its holder knows */
  assert_int_equal(feed_stats(&f).running, 0);
  assert_int_equal(feed_stats(&f).busy_ns[0], 2000);
  assert_int_equal(feed_end(&f, 1), HD_OK);
  feed_finish(&f);
}

static void two_leases_on_two_cores_are_held_at_once(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_lease(&f, 1, 1, 0, 24);
  feed_lease(&f, 2, 2, 0, 24);
  feed_done(&f, 1, 0, 24, HD_OK, 1000);
  assert_int_equal(feed_run_of(&f, 2).width, 1);
  feed_lease(&f, 1, 1, 0, 24);
  assert_int_equal(feed_run_of(&f, 1).width, 1);
  assert_int_equal(feed_stats(&f).running, 2);
  feed_finish(&f);
}

static void a_lease_that_waits_can_be_withdrawn(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_lease(&f, 1, 1, 0, 24);
  feed_lease(&f, 2, 2, 0, 24);
  assert_int_equal(feed_done(&f, 2, 0, 0, HD_OK, 0), HD_OK);
  assert_int_equal(feed_stats(&f).waiting, 0);
  feed_done(&f, 1, 0, 24, HD_OK, 1);
  assert_int_equal(feed_count(&f, HD_DE_GRANT), 0);
  assert_int_equal(feed_end(&f, 2), HD_OK);
  feed_finish(&f);
}

static void a_holder_is_asked_to_leave_for_somebody_more_urgent_whatever_the_device(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_param(&f, 0, HD_PARAM_FLAGS, 0);
  feed_request(&f, 3, HD_CLASS_INTERACTIVE);
  feed_lease(&f, 1, 1, 0, 24);
  feed_lease(&f, 3, 3, 0, 24);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1);
  feed_done(&f, 1, 0, 5, HD_OK, 1);
  feed_run_of(&f, 3);
  feed_finish(&f);
}

static void a_fenced_device_turns_waiting_leases_away(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_device(&f, 1, HD_DEVICE_CPU, 2);
  feed_lease(&f, 1, 1, 0, 24);
  feed_lease(&f, 2, 2, 0, 24);
  feed_state(&f, 0, HD_DEVICE_FENCED);
  const hd_record *complete = feed_decision(&f, HD_DE_COMPLETE, 0);
  assert_non_null(complete);
  assert_int_equal(complete->step, 2);
  assert_int_equal(complete->a, (uint64_t)-HD_E_DEVICE);
  assert_int_equal(feed_count(&f, HD_DE_MOVE), 0); /* the engine's kernels may not be there */
  feed_done(&f, 1, 0, 24, HD_OK, 1);
  feed_lease(&f, 1, 1, 0, 24);
  assert_int_equal(feed_count(&f, HD_DE_COMPLETE), 1);
  feed_finish(&f);
}

static void holders_that_report_failures_fence_the_device(void **state) {
  (void)state;
  feed f;
  start(&f);
  for (uint32_t i = 0; i < 3; i++) {
    feed_lease(&f, 1, 1, 0, 24);
    feed_done(&f, 1, 0, 0, HD_E_DEVICE, 1);
  }
  assert_int_equal(feed_count(&f, HD_DE_FENCE), 1);
  feed_finish(&f);
}

static void cancelling_turns_a_waiting_lease_away_and_asks_the_holder_to_stop(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_lease(&f, 1, 1, 0, 24);
  feed_lease(&f, 1, 2, 0, 24);
  feed_cancel(&f, 1);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1);
  assert_int_equal(feed_decision(&f, HD_DE_COMPLETE, 0)->a, (uint64_t)-HD_E_CANCELLED);
  feed_finish(&f);
}

/* ---- holders that stay ---- */

enum { SLICE_NS = 4000000, GRACE_NS = 100000000 }; /* of the default class, of the default configuration */

static void at(feed *f, uint64_t now_ns) {
  f->now_ns = now_ns;
  feed_time(f);
}

static void a_holder_whose_slice_is_over_is_left_alone_while_nobody_waits(void **state) {
  (void)state;
  feed f;
  start(&f);
  f.now_ns = 1000;
  feed_lease(&f, 1, 1, 0, 24);
  assert_int_equal(feed_count(&f, HD_DE_TIMER), 0);
  at(&f, 60000000000);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 0);
  /* Who comes then does not find it guilty: it is asked first, and has its grace from there. */
  feed_lease(&f, 2, 2, 0, 24);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1);
  assert_int_equal(feed_count(&f, HD_DE_RECLAIM), 0);
  assert_int_equal(feed_decision(&f, HD_DE_TIMER, 0)->b, 60000000000 + GRACE_NS);
  feed_finish(&f);
}

static void at_the_end_of_its_slice_a_holder_is_asked_to_leave_for_an_equal(void **state) {
  (void)state;
  feed f;
  start(&f);
  f.now_ns = 1000;
  feed_lease(&f, 1, 1, 0, 24);
  feed_lease(&f, 2, 2, 0, 24);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 0);
  assert_int_equal(feed_decision(&f, HD_DE_TIMER, 0)->b, 1000 + SLICE_NS);
  at(&f, 1000 + SLICE_NS - 1);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 0);
  at(&f, 1000 + SLICE_NS);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1);
  at(&f, 1000 + SLICE_NS + 1);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 0); /* once */
  feed_done(&f, 1, 0, 3, HD_OK, SLICE_NS);
  feed_run_of(&f, 2);
  feed_finish(&f);
}

static void a_lease_that_is_never_released_is_taken_back_after_its_grace(void **state) {
  (void)state;
  feed f;
  start(&f);
  f.now_ns = 1000;
  feed_lease(&f, 1, 1, 0, 24);
  feed_lease(&f, 2, 2, 0, 24);
  at(&f, 1000 + SLICE_NS);
  assert_int_equal(feed_decision(&f, HD_DE_TIMER, 0)->b, 1000 + SLICE_NS + GRACE_NS);
  at(&f, 1000 + SLICE_NS + GRACE_NS - 1);
  assert_int_equal(feed_count(&f, HD_DE_RECLAIM), 0);
  at(&f, 1000 + SLICE_NS + GRACE_NS);
  const hd_record *reclaim = feed_decision(&f, HD_DE_RECLAIM, 0);
  assert_non_null(reclaim);
  assert_int_equal(reclaim->request, 1);
  assert_int_equal(reclaim->step, 1);
  assert_int_equal(reclaim->device, 0);
  assert_int_equal(reclaim->a, SLICE_NS + GRACE_NS);
  assert_int_equal(reclaim->b, GRACE_NS);
  feed_run_of(&f, 2); /* in the same event */
  hd_control_stats stats = feed_stats(&f);
  assert_int_equal(stats.reclaims, 1);
  assert_int_equal(stats.running, 1);
  assert_int_equal(stats.busy_ns[0], 2 * (SLICE_NS + GRACE_NS));     /* it had both cores all the time */
  assert_int_equal(feed_done(&f, 1, 0, 24, HD_OK, 1), HD_E_INVALID); /* the id is nobody's any more */
  assert_int_equal(feed_end(&f, 1), HD_OK);
  feed_finish(&f);
}

static void somebody_more_urgent_waits_for_the_slice_and_the_grace_at_most(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_request(&f, 3, HD_CLASS_INTERACTIVE);
  f.now_ns = 1000;
  feed_lease(&f, 1, 1, 0, 24);
  feed_lease(&f, 3, 3, 0, 24);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1);
  at(&f, 1000 + SLICE_NS + GRACE_NS - 1);
  assert_int_equal(feed_count(&f, HD_DE_RECLAIM), 0);
  at(&f, 1000 + SLICE_NS + GRACE_NS);
  assert_int_equal(feed_count(&f, HD_DE_RECLAIM), 1);
  feed_run_of(&f, 3);
  feed_finish(&f);
}

static void as_many_holders_are_asked_to_leave_as_there_are_who_wait(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 3);
  for (uint32_t i = 1; i <= 4; i++)
    feed_request(&f, i, HD_CLASS_DEFAULT);
  for (uint32_t round = 0; round < 2; round++) /* once round, and the policy knows of three */
    for (uint32_t i = 1; i <= 3; i++) {
      feed_lease(&f, i, i, 0, 24);
      if (round == 0) feed_done(&f, i, 0, 24, HD_OK, 1);
    }
  assert_int_equal(feed_stats(&f).running, 3);
  feed_lease(&f, 4, 4, 0, 24);
  at(&f, f.now_ns + SLICE_NS);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 1);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1); /* the oldest */
  at(&f, f.now_ns + GRACE_NS);
  assert_int_equal(feed_count(&f, HD_DE_RECLAIM), 1);
  feed_run_of(&f, 4);
  assert_int_equal(feed_stats(&f).running, 3);
  feed_finish(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_lease_is_granted_with_its_layers_its_width_and_its_slice),
      cmocka_unit_test(two_leases_on_two_cores_are_held_at_once),
      cmocka_unit_test(a_lease_that_waits_can_be_withdrawn),
      cmocka_unit_test(a_holder_is_asked_to_leave_for_somebody_more_urgent_whatever_the_device),
      cmocka_unit_test(a_fenced_device_turns_waiting_leases_away),
      cmocka_unit_test(holders_that_report_failures_fence_the_device),
      cmocka_unit_test(a_holder_whose_slice_is_over_is_left_alone_while_nobody_waits),
      cmocka_unit_test(at_the_end_of_its_slice_a_holder_is_asked_to_leave_for_an_equal),
      cmocka_unit_test(a_lease_that_is_never_released_is_taken_back_after_its_grace),
      cmocka_unit_test(somebody_more_urgent_waits_for_the_slice_and_the_grace_at_most),
      cmocka_unit_test(as_many_holders_are_asked_to_leave_as_there_are_who_wait),
      cmocka_unit_test(cancelling_turns_a_waiting_lease_away_and_asks_the_holder_to_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
