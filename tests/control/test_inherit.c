/* SPDX-License-Identifier: Apache-2.0 */
/* Inheritance: what somebody urgent waits for is urgent, and no longer than that. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static hd_class seen[16]; /* class of each waiting request's step in the view, by request */

static void see_all(const hd_view *view) {
  hd_ready_walk walk = hd_ready_begin(view);
  const hd_waiting *step;
  while ((step = hd_ready_next(&walk, UINT32_MAX)) != NULL)
    seen[step->request] = step->class_id;
}

static uint32_t look(void *state, const hd_view *view, hd_policy_decision *out_decisions, uint32_t cap) {
  (void)state, (void)cap;
  see_all(view);
  out_decisions[0] =
      (hd_policy_decision){.step = view->waiting[view->devices[0].oldest].step, .device = 0, .width = 1};
  return 1;
}

static void see(void *state, const hd_view *view, const hd_record *event) {
  (void)state, (void)event;
  see_all(view);
}

static const hd_policy_ops watching = {
    .size = sizeof(hd_policy_ops), .abi = HD_POLICY_ABI, .name = "watching", .event = see, .decide = look};

/* One device of one unit that request 1 holds; requests 2 to 5 of these classes wait for it, as steps. */
static void start(feed *f, const hd_class classes[4]) {
  feed_init(f, &watching, NULL);
  feed_device(f, 0, HD_DEVICE_CPU, 1);
  feed_graph(f, 1, 4, 0, 0);
  feed_request(f, 1, HD_CLASS_INTERACTIVE);
  feed_step(f, 1, 1, 0, 4);
  for (uint32_t i = 0; i < 4; i++) {
    feed_request(f, i + 2, classes[i]);
    feed_step(f, i + 2, i + 2, 0, 4);
  }
}

static hd_status feed_wait(feed *f, uint32_t request, uint32_t target, uint64_t waits) {
  return feed_event(f, (hd_record){.kind = HD_EV_WAIT, .request = request, .step = target, .a = waits});
}

static void expect(hd_class second, hd_class third, hd_class fourth, hd_class fifth) {
  assert_int_equal(seen[2], second);
  assert_int_equal(seen[3], third);
  assert_int_equal(seen[4], fourth);
  assert_int_equal(seen[5], fifth);
}

static void what_is_waited_for_becomes_as_urgent_and_what_that_waits_for_too(void **state) {
  (void)state;
  feed f;
  start(&f,
        (const hd_class[]){HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED});
  assert_int_equal(feed_wait(&f, 3, 2, 1), HD_OK); /* equals: nothing changes */
  expect(HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  assert_int_equal(feed_wait(&f, 5, 3, 1), HD_OK);
  expect(HD_CLASS_INITIATED, HD_CLASS_INITIATED, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  assert_int_equal(feed_wait(&f, 4, 2, 1), HD_OK); /* somebody less urgent takes nothing away */
  expect(HD_CLASS_INITIATED, HD_CLASS_INITIATED, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  assert_int_equal(feed_wait(&f, 1, 4, 1), HD_OK);
  expect(HD_CLASS_INTERACTIVE, HD_CLASS_INITIATED, HD_CLASS_INTERACTIVE, HD_CLASS_INITIATED);
  assert_int_equal(feed_wait(&f, 5, 3, 0), HD_OK);
  expect(HD_CLASS_INTERACTIVE, HD_CLASS_BACKGROUND, HD_CLASS_INTERACTIVE, HD_CLASS_INITIATED);
  assert_int_equal(feed_wait(&f, 1, 4, 0), HD_OK);
  expect(HD_CLASS_DEFAULT, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  assert_int_equal(feed_wait(&f, 4, 2, 0), HD_OK);
  expect(HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  feed_finish(&f);
}

static void a_ring_of_waits_is_as_urgent_as_its_most_urgent_and_keeps_nothing(void **state) {
  (void)state;
  feed f;
  start(&f,
        (const hd_class[]){HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED});
  feed_wait(&f, 2, 3, 1);
  feed_wait(&f, 3, 4, 1);
  feed_wait(&f, 4, 2, 1);
  expect(HD_CLASS_DEFAULT, HD_CLASS_DEFAULT, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  feed_wait(&f, 5, 3, 1); /* from outside */
  expect(HD_CLASS_INITIATED, HD_CLASS_INITIATED, HD_CLASS_INITIATED, HD_CLASS_INITIATED);
  feed_wait(&f, 5, 3, 0);
  expect(HD_CLASS_DEFAULT, HD_CLASS_DEFAULT, HD_CLASS_DEFAULT,
         HD_CLASS_INITIATED); /* they do not keep each other urgent */
  feed_wait(&f, 4, 2, 0);
  expect(HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  feed_finish(&f);
}

static void an_urgent_waiter_makes_what_it_waits_for_push_others_aside(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  feed_graph(&f, 1, 4, 0, 0);
  feed_request(&f, 1, HD_CLASS_UTILITY);
  feed_request(&f, 2, HD_CLASS_BACKGROUND);
  feed_request(&f, 3, HD_CLASS_INTERACTIVE);
  feed_step(&f, 1, 1, 0, 4);
  feed_step(&f, 2, 2, 0, 4);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 0);
  feed_wait(&f, 3, 2, 1);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1); /* left at the next op */
  feed_finish(&f);
}

static void what_runs_is_not_stopped_for_less_than_who_waits_for_it(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  feed_graph(&f, 1, 4, 0, 0);
  feed_request(&f, 1, HD_CLASS_BACKGROUND);
  feed_request(&f, 2, HD_CLASS_INTERACTIVE);
  feed_request(&f, 3, HD_CLASS_DEFAULT);
  feed_step(&f, 1, 1, 0, 4);
  feed_wait(&f, 2, 1, 1);
  feed_step(&f, 3, 3, 0, 4);
  assert_int_equal(feed_count(&f, HD_DE_STOP), 0);
  feed_wait(&f, 2, 1, 0);
  assert_int_equal(feed_decision(&f, HD_DE_STOP, 0)->step, 1); /* on its own it is */
  feed_done(&f, 1, 0, 2, HD_OK, 1000);
  feed_finish(&f);
}

static void a_wait_ends_with_either_request(void **state) {
  (void)state;
  feed f;
  start(&f,
        (const hd_class[]){HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED});
  feed_request(&f, 6, HD_CLASS_INTERACTIVE);
  feed_request(&f, 7, HD_CLASS_UTILITY);
  feed_wait(&f, 6, 7, 1);
  feed_wait(&f, 7, 2, 1);
  expect(HD_CLASS_INTERACTIVE, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  assert_int_equal(feed_end(&f, 7), HD_OK); /* in the middle of the chain */
  expect(HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  assert_int_equal(feed_wait(&f, 6, 3, 1), HD_OK); /* it waits no more, so it may wait again */
  expect(HD_CLASS_BACKGROUND, HD_CLASS_INTERACTIVE, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  assert_int_equal(feed_end(&f, 6), HD_OK);
  expect(HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  feed_request(&f, 6, HD_CLASS_INTERACTIVE); /* the same slot waits for nobody */
  assert_int_equal(feed_wait(&f, 6, 3, 0), HD_E_INVALID);
  expect(HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  feed_finish(&f);
}

static void a_step_that_comes_later_is_as_urgent_too(void **state) {
  (void)state;
  feed f;
  start(&f,
        (const hd_class[]){HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED});
  feed_request(&f, 6, HD_CLASS_BACKGROUND);
  feed_wait(&f, 1, 6, 1);
  feed_step(&f, 6, 6, 0, 4);
  assert_int_equal(seen[6], HD_CLASS_INTERACTIVE);
  feed_finish(&f);
}

static void a_wait_that_cannot_be_changes_nothing(void **state) {
  (void)state;
  feed f;
  start(&f,
        (const hd_class[]){HD_CLASS_BACKGROUND, HD_CLASS_BACKGROUND, HD_CLASS_DEFAULT, HD_CLASS_INITIATED});
  assert_int_equal(feed_wait(&f, 5, 5, 1), HD_E_INVALID); /* itself */
  assert_int_equal(feed_wait(&f, 5, 9, 1), HD_E_INVALID); /* unknown */
  assert_int_equal(feed_wait(&f, 9, 5, 1), HD_E_INVALID);
  assert_int_equal(feed_wait(&f, 5, 2, 2), HD_E_INVALID);
  assert_int_equal(feed_wait(&f, 5, 2, 0), HD_E_INVALID); /* it does not wait */
  assert_int_equal(feed_wait(&f, 5, 3, 1), HD_OK);
  assert_int_equal(feed_wait(&f, 5, 2, 1), HD_E_INVALID); /* one at a time */
  assert_int_equal(feed_wait(&f, 5, 2, 0), HD_E_INVALID); /* not for that one */
  expect(HD_CLASS_BACKGROUND, HD_CLASS_INITIATED, HD_CLASS_DEFAULT, HD_CLASS_INITIATED);
  feed_finish(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_waited_for_becomes_as_urgent_and_what_that_waits_for_too),
      cmocka_unit_test(a_ring_of_waits_is_as_urgent_as_its_most_urgent_and_keeps_nothing),
      cmocka_unit_test(an_urgent_waiter_makes_what_it_waits_for_push_others_aside),
      cmocka_unit_test(what_runs_is_not_stopped_for_less_than_who_waits_for_it),
      cmocka_unit_test(a_wait_ends_with_either_request),
      cmocka_unit_test(a_step_that_comes_later_is_as_urgent_too),
      cmocka_unit_test(a_wait_that_cannot_be_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
