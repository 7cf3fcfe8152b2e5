/* SPDX-License-Identifier: Apache-2.0 */
/* The walk of a request through the stations, by hand. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void a_request_is_admitted_run_and_completed(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 2);
  feed_graph(&f, 1, 4, 1 << 20, 1000);
  const hd_split *split = hd_control_split(f.control, 1, HD_PHASE_DECODE);
  assert_non_null(split);
  assert_int_equal(split->count, 1);
  assert_int_equal(split->parts[0].op_end, 4);
  assert_int_equal(feed_request(&f, 1, HD_CLASS_DEFAULT), HD_OK);
  assert_int_equal(feed_count(&f, HD_DE_ADMIT), 1);
  assert_int_equal(feed_step(&f, 1, 7, 0, 4), HD_OK);
  hd_run_fields run = feed_run_of(&f, 7);
  assert_int_equal(run.op_begin, 0);
  assert_int_equal(run.op_end, 4);
  assert_int_equal(run.width, 2); /* it is alone */
  assert_int_equal(run.launch, 1);
  f.now_ns += 500;
  assert_int_equal(feed_done(&f, 7, 0, 4, HD_OK, 500), HD_OK);
  const hd_record *complete = feed_decision(&f, HD_DE_COMPLETE, 0);
  assert_non_null(complete);
  assert_int_equal(complete->request, 1);
  assert_int_equal(complete->step, 7);
  assert_int_equal(complete->a, 0);
  assert_int_equal(complete->b, 500);
  assert_int_equal(feed_end(&f, 1), HD_OK);
  hd_control_stats stats = feed_stats(&f);
  assert_int_equal(stats.busy_ns[0], 1000);
  assert_int_equal(stats.requests + stats.waiting + stats.running, 0);
  assert_int_equal(stats.invalid_events, 0);
  feed_finish(&f);
}

static void decisions_carry_the_event_s_time_and_the_numbers_after_it(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  f.now_ns = 5555;
  hd_record event = {.t_ns = 5555, .kind = HD_EV_REQUEST, .request = 3, .device = HD_CLASS_DEFAULT};
  assert_int_equal(hd_control_event(f.control, &event), HD_OK);
  const hd_record *admit = feed_decision(&f, HD_DE_ADMIT, 0);
  assert_int_equal(admit->t_ns, 5555);
  assert_int_equal(admit->seq, event.seq + 1);
  feed_finish(&f);
}

static void two_steps_on_two_cores_run_side_by_side(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 2);
  feed_graph(&f, 1, 4, 0, 0);
  feed_request(&f, 1, HD_CLASS_DEFAULT);
  feed_request(&f, 2, HD_CLASS_DEFAULT);
  feed_step(&f, 1, 1, 0, 4);
  assert_int_equal(feed_run_of(&f, 1).width, 2);
  feed_step(&f, 2, 2, 0, 4);
  assert_int_equal(feed_count(&f, HD_DE_RUN), 0); /* the first took both before the second came */
  for (int i = 0; i < 20; i++) {                  /* from then on each has one, whenever they ask */
    f.now_ns += 100000;
    feed_done(&f, 1, 0, 4, HD_OK, 1000);
    if (i == 0) assert_int_equal(feed_run_of(&f, 2).width, 1);
    feed_step(&f, 1, 1, 0, 4);
    assert_int_equal(feed_run_of(&f, 1).width, 1);
    f.now_ns += 100000;
    feed_done(&f, 2, 0, 4, HD_OK, 1000);
    feed_step(&f, 2, 2, 0, 4);
    assert_int_equal(feed_run_of(&f, 2).width, 1);
  }
  feed_done(&f, 2, 0, 4, HD_OK, 1000);
  feed_done(&f, 1, 0, 4, HD_OK, 1000);
  f.now_ns += 40000000; /* the other one is long gone */
  feed_step(&f, 1, 1, 0, 4);
  assert_int_equal(feed_run_of(&f, 1).width, 2);
  feed_finish(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_is_admitted_run_and_completed),
      cmocka_unit_test(decisions_carry_the_event_s_time_and_the_numbers_after_it),
      cmocka_unit_test(two_steps_on_two_cores_run_side_by_side),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
