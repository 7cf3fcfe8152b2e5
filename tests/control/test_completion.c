/* SPDX-License-Identifier: Apache-2.0 */
/* How launches end: done, in part, refused, failed, cancelled; and what becomes of the step and of the
 * device. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { CPU0, CPU1, GPU, NPU };

/* Two CPUs, a GPU and an NPU; request 1. A step of ten ops is one launch. */
static void start(feed *f) {
  static const hd_device_kind kinds[] = {HD_DEVICE_CPU, HD_DEVICE_CPU, HD_DEVICE_GPU, HD_DEVICE_NPU};
  feed_init(f, NULL, NULL);
  for (uint16_t d = 0; d < 4; d++)
    feed_device(f, d, kinds[d], 1);
  feed_graph(f, 1, 10, 0, 0);
  feed_request(f, 1, HD_CLASS_DEFAULT);
}

static void assert_completes(const feed *f, uint32_t step, hd_status status) {
  const hd_record *complete = feed_decision(f, HD_DE_COMPLETE, 0);
  assert_non_null(complete);
  assert_int_equal(complete->step, step);
  assert_int_equal(complete->a, (uint64_t)-status);
}

static void assert_moves(const feed *f, uint32_t step, uint16_t from, uint16_t to) {
  for (size_t i = 0;; i++) {
    const hd_record *move = feed_decision(f, HD_DE_MOVE, i);
    assert_non_null(move);
    if (move->step != step) continue;
    assert_int_equal(move->a, from);
    assert_int_equal(move->device, to);
    return;
  }
}

static void what_is_left_of_a_step_runs_again_behind_the_others(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_step(&f, 1, 1, CPU0, 10);
  feed_step(&f, 1, 2, CPU0, 10);
  feed_done(&f, 1, CPU0, 4, HD_OK, 100);
  assert_int_equal(feed_run_of(&f, 2).op_begin, 0);
  feed_done(&f, 2, CPU0, 10, HD_OK, 100);
  assert_completes(&f, 2, HD_OK);
  assert_int_equal(feed_run_of(&f, 1).op_begin, 4);
  assert_int_equal(feed_run_of(&f, 1).launch, 2);
  feed_done(&f, 1, CPU0, 10, HD_OK, 50);
  assert_completes(&f, 1, HD_OK);
  assert_int_equal(feed_decision(&f, HD_DE_COMPLETE, 0)->b, 150);
  feed_finish(&f);
}

static void a_failed_step_runs_on_a_cpu_from_where_it_was(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_step(&f, 1, 1, GPU, 10);
  feed_done(&f, 1, GPU, 3, HD_E_DEVICE, 100);
  assert_moves(&f, 1, GPU, CPU0);
  assert_int_equal(feed_run_of(&f, 1).op_begin, 3);
  assert_int_equal(feed_count(&f, HD_DE_FENCE), 0); /* once may be chance */
  feed_done(&f, 1, CPU0, 10, HD_OK, 100);
  assert_completes(&f, 1, HD_OK);
  feed_finish(&f);
}

static void without_a_cpu_it_runs_on_what_there_is(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_state(&f, CPU0, HD_DEVICE_FENCED);
  feed_state(&f, CPU1, HD_DEVICE_ABSENT);
  feed_step(&f, 1, 1, GPU, 10);
  feed_done(&f, 1, GPU, 0, HD_E_DEVICE, 100);
  assert_moves(&f, 1, GPU, NPU);
  feed_done(&f, 1, NPU, 0, HD_E_UNSUPPORTED, 0); /* it cannot, and the GPU has failed it: nobody is left */
  assert_completes(&f, 1, HD_E_DEVICE);
  assert_int_equal(feed_stats(&f).fences, 2);
  feed_finish(&f);
}

static void a_device_that_fails_three_times_in_a_row_is_fenced_and_its_steps_move(void **state) {
  (void)state;
  feed f;
  start(&f);
  for (uint32_t step = 1; step <= 5; step++)
    feed_step(&f, 1, step, GPU, 10);
  feed_done(&f, 1, GPU, 0, HD_E_DEVICE, 1);
  feed_done(&f, 2, GPU, 10, HD_OK, 1); /* in between it succeeds: the count begins anew */
  feed_done(&f, 3, GPU, 0, HD_E_IO, 1);
  feed_done(&f, 4, GPU, 0, HD_E_TIMEOUT, 1);
  assert_int_equal(feed_count(&f, HD_DE_FENCE), 0);
  feed_step(&f, 1, 6, GPU, 10);
  feed_step(&f, 1, 7, GPU, 10);
  feed_done(&f, 5, GPU, 0, HD_E_INTERNAL, 1);
  const hd_record *fence = feed_decision(&f, HD_DE_FENCE, 0);
  assert_non_null(fence);
  assert_int_equal(fence->device, GPU);
  assert_int_equal(fence->a, HD_FENCED_FAILURES);
  assert_int_equal(fence->b, 3);
  for (uint32_t step = 5; step <= 7; step++)
    assert_moves(&f, step, GPU, CPU0);
  feed_step(&f, 1, 8, GPU, 10); /* from an old split: it moves as it comes */
  assert_moves(&f, 8, GPU, CPU0);
  feed_finish(&f);
}

static void a_single_device_is_tried_again_until_it_is_fenced(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  feed_graph(&f, 1, 10, 0, 0);
  feed_request(&f, 1, HD_CLASS_DEFAULT);
  feed_step(&f, 1, 1, 0, 10);
  for (uint16_t i = 0; i < 2; i++) {
    feed_done(&f, 1, 0, 0, HD_E_DEVICE, 1);
    assert_int_equal(feed_run_of(&f, 1).launch, i + 2);
  }
  feed_done(&f, 1, 0, 0, HD_E_DEVICE, 1);
  assert_int_equal(feed_count(&f, HD_DE_FENCE), 1);
  assert_completes(&f, 1, HD_E_DEVICE);
  feed_step(&f, 1, 2, 0, 10); /* nobody is left */
  assert_completes(&f, 2, HD_E_DEVICE);
  feed_state(&f, 0, HD_DEVICE_READY);
  feed_step(&f, 1, 3, 0, 10);
  feed_run_of(&f, 3);
  feed_finish(&f);
}

static void what_runs_on_a_fenced_device_stays_until_it_is_done(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_step(&f, 1, 1, GPU, 10);
  feed_step(&f, 1, 2, GPU, 10);
  feed_state(&f, GPU, HD_DEVICE_FENCED);
  assert_int_equal(feed_decision(&f, HD_DE_FENCE, 0)->a, HD_FENCED_HUNG);
  assert_moves(&f, 2, GPU, CPU0);
  assert_int_equal(feed_count(&f, HD_DE_MOVE), 1);
  feed_done(&f, 1, GPU, 6, HD_OK, 100); /* late, and in part: the rest runs elsewhere */
  assert_moves(&f, 1, GPU, CPU0);
  assert_int_equal(feed_run_of(&f, 1).op_begin, 6); /* on the other CPU, which is free */
  assert_int_equal(feed_decision(&f, HD_DE_RUN, 0)->device, CPU1);
  feed_finish(&f);
}

static void a_device_that_is_gone_says_so_once(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_state(&f, GPU, HD_DEVICE_ABSENT);
  assert_int_equal(feed_decision(&f, HD_DE_FENCE, 0)->a, HD_FENCED_GONE);
  feed_state(&f, GPU, HD_DEVICE_ABSENT);
  assert_int_equal(feed_count(&f, HD_DE_FENCE), 0);
  feed_finish(&f);
}

static void a_device_that_cannot_is_not_to_blame(void **state) {
  (void)state;
  feed f;
  start(&f);
  for (uint32_t step = 1; step <= 5; step++) {
    feed_step(&f, 1, step, NPU, 10);
    feed_done(&f, step, NPU, 0, step % 2 == 0 ? HD_E_UNSUPPORTED : HD_E_NO_MEMORY, 0);
    assert_moves(&f, step, NPU, CPU0);
    feed_done(&f, step, CPU0, 10, HD_OK, 1);
    assert_completes(&f, step, HD_OK);
  }
  assert_int_equal(feed_stats(&f).fences, 0);
  feed_finish(&f);
}

static void a_lie_is_a_failure(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_step(&f, 1, 1, GPU, 5);
  feed_done(&f, 1, GPU, 6, HD_OK, 1); /* more ops than it was given */
  assert_moves(&f, 1, GPU, CPU0);
  assert_int_equal(feed_run_of(&f, 1).op_begin, 0);
  feed_step(&f, 1, 2, GPU, 5);
  feed_done(&f, 2, GPU, 0, HD_OK, 1); /* nothing, unasked */
  assert_moves(&f, 2, GPU, CPU0);
  feed_finish(&f);
}

static void a_wrong_step_completes_with_its_status(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_step(&f, 1, 1, GPU, 5);
  feed_done(&f, 1, GPU, 0, HD_E_INVALID, 1);
  assert_completes(&f, 1, HD_E_INVALID);
  feed_finish(&f);
}

static void a_full_device_is_left_alone_until_the_timer(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_step(&f, 1, 1, GPU, 10);
  feed_step(&f, 1, 2, GPU, 10);
  feed_done(&f, 1, GPU, 0, HD_E_AGAIN, 0);
  assert_int_equal(feed_count(&f, HD_DE_RUN), 0);
  const hd_record *timer = feed_decision(&f, HD_DE_TIMER, 0);
  assert_non_null(timer);
  assert_true(timer->b > f.now_ns);
  f.now_ns = timer->b - 1;
  feed_time(&f);
  assert_int_equal(feed_count(&f, HD_DE_RUN), 0);
  f.now_ns++;
  feed_time(&f);
  assert_int_equal(feed_run_of(&f, 1).launch, 2); /* it kept its place before number 2 */
  assert_int_equal(feed_count(&f, HD_DE_TIMER), 0);
  feed_finish(&f);
}

static void a_full_device_takes_more_as_soon_as_something_is_done_there(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_param(&f, GPU, HD_PARAM_CAPACITY, 2);
  feed_param(&f, GPU, HD_PARAM_MAX_IN_FLIGHT, 2);
  feed_request(&f, 2, HD_CLASS_DEFAULT);
  feed_step(&f, 2, 3, GPU, 1); /* both units */
  feed_step(&f, 1, 1, GPU, 10);
  feed_done(&f, 3, GPU, 1, HD_OK, 1); /* number 1 runs on one unit */
  feed_step(&f, 2, 2, GPU, 10);
  feed_run_of(&f, 2);
  feed_done(&f, 2, GPU, 0, HD_E_AGAIN, 0);
  assert_int_equal(feed_count(&f, HD_DE_RUN), 0);
  feed_done(&f, 1, GPU, 10, HD_OK, 1);
  feed_run_of(&f, 2);
  feed_finish(&f);
}

static void cancelling_completes_what_waits_and_stops_what_runs(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_step(&f, 1, 1, CPU0, 10);
  feed_step(&f, 1, 2, CPU0, 10);
  feed_cancel(&f, 1);
  assert_completes(&f, 2, HD_E_CANCELLED);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1);
  feed_done(&f, 1, CPU0, 2, HD_OK, 1);
  assert_completes(&f, 1, HD_E_CANCELLED);
  feed_step(&f, 1, 3, CPU0, 10); /* submitted before the word got round */
  assert_completes(&f, 3, HD_E_CANCELLED);
  assert_int_equal(feed_end(&f, 1), HD_OK);
  feed_finish(&f);
}

static void energy_is_measured_or_modelled_and_says_which(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_param(&f, CPU0, HD_PARAM_ACTIVE_POWER_UW, 3000000); /* 3 W */
  feed_step(&f, 1, 1, CPU0, 10);
  feed_done(&f, 1, CPU0, 10, HD_OK, 2000000); /* 2 ms: 6 mJ */
  assert_int_equal(feed_stats(&f).energy_uj[CPU0], 6000);
  assert_int_equal(feed_stats(&f).energy_source[CPU0], HD_ENERGY_MODELLED);
  feed_step(&f, 1, 2, GPU, 10);
  hd_record event = {.kind = HD_EV_DONE, .step = 2, .device = GPU, .a = 1000};
  hd_record_pack_done(&event, &(hd_done_fields){10, 0, HD_ENERGY_MEASURED, 77});
  feed_event(&f, event);
  assert_int_equal(feed_stats(&f).energy_uj[GPU], 77);
  assert_int_equal(feed_stats(&f).energy_source[GPU], HD_ENERGY_MEASURED);
  feed_step(&f, 1, 3, NPU, 10);
  feed_done(&f, 3, NPU, 10, HD_OK, 1000);
  assert_int_equal(feed_stats(&f).energy_source[NPU], HD_ENERGY_NONE);
  feed_finish(&f);
}

static void events_about_nobody_are_invalid_and_change_nothing(void **state) {
  (void)state;
  feed f;
  start(&f);
  feed_step(&f, 1, 1, CPU0, 10);
  feed_step(&f, 1, 2, CPU0, 10);
  hd_control_stats before = feed_stats(&f);
  assert_int_equal(feed_done(&f, 9, CPU0, 10, HD_OK, 1), HD_E_INVALID);
  assert_int_equal(feed_done(&f, 1 | 5 << 16, CPU0, 10, HD_OK, 1), HD_E_INVALID); /* an older generation */
  assert_int_equal(feed_done(&f, 1, CPU1, 10, HD_OK, 1), HD_E_INVALID);           /* not there */
  assert_int_equal(feed_done(&f, 2, CPU0, 10, HD_OK, 1), HD_E_INVALID);           /* it waits */
  assert_int_equal(feed_step(&f, 1, 1, CPU0, 10), HD_E_INVALID);                  /* alive */
  assert_int_equal(feed_step(&f, 8, 3, CPU0, 10), HD_E_INVALID);                  /* no such request */
  assert_int_equal(feed_step(&f, 1, 3, 9, 10), HD_E_INVALID);                     /* no such device */
  assert_int_equal(feed_step(&f, 1, 3, CPU0, 11), HD_E_INVALID);                  /* no such op */
  assert_int_equal(feed_step(&f, 1, 3, CPU0, 0), HD_E_INVALID);                   /* no op */
  assert_int_equal(feed_step(&f, 1, 0xffff, CPU0, 1), HD_E_INVALID);              /* beyond max_steps */
  assert_int_equal(feed_end(&f, 1), HD_E_INVALID);                                /* its steps are alive */
  assert_int_equal(feed_cancel(&f, 3), HD_E_INVALID);
  assert_int_equal(feed_event(&f, (hd_record){.kind = 63}), HD_E_INVALID);
  assert_int_equal(feed_event(&f, (hd_record){.kind = 0}), HD_E_INVALID);
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_DE_RUN}), HD_E_INVALID);
  hd_control_stats after = feed_stats(&f);
  assert_int_equal(after.invalid_events, before.invalid_events + 15);
  before.events = after.events;
  before.invalid_events = after.invalid_events;
  assert_memory_equal(&before, &after, sizeof before);
  feed_finish(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_left_of_a_step_runs_again_behind_the_others),
      cmocka_unit_test(a_failed_step_runs_on_a_cpu_from_where_it_was),
      cmocka_unit_test(without_a_cpu_it_runs_on_what_there_is),
      cmocka_unit_test(a_device_that_fails_three_times_in_a_row_is_fenced_and_its_steps_move),
      cmocka_unit_test(a_single_device_is_tried_again_until_it_is_fenced),
      cmocka_unit_test(what_runs_on_a_fenced_device_stays_until_it_is_done),
      cmocka_unit_test(a_device_that_is_gone_says_so_once),
      cmocka_unit_test(a_device_that_cannot_is_not_to_blame),
      cmocka_unit_test(a_lie_is_a_failure),
      cmocka_unit_test(a_wrong_step_completes_with_its_status),
      cmocka_unit_test(a_full_device_is_left_alone_until_the_timer),
      cmocka_unit_test(a_full_device_takes_more_as_soon_as_something_is_done_there),
      cmocka_unit_test(cancelling_completes_what_waits_and_stops_what_runs),
      cmocka_unit_test(energy_is_measured_or_modelled_and_says_which),
      cmocka_unit_test(events_about_nobody_are_invalid_and_change_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
