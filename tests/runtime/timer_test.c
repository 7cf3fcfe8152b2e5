/* SPDX-License-Identifier: Apache-2.0 */
/* The timer heap against a list that is searched. */
#include "runtime/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { TIMERS = 60, STEPS = 20000 };

static uint64_t next_random(uint64_t *state) {
  /* Marsaglia, "Xorshift RNGs", 2003 */
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* The earliest armed timer, the one armed first among equals. */
static hdi_timer *earliest(hdi_timer *timers) {
  hdi_timer *best = NULL;
  for (int i = 0; i < TIMERS; i++) {
    hdi_timer *t = &timers[i];
    if (!hdi_timer_is_armed(t)) continue;
    if (best == NULL || t->deadline_ns < best->deadline_ns ||
        (t->deadline_ns == best->deadline_ns && t->order < best->order)) {
      best = t;
    }
  }
  return best;
}

static void the_heap_agrees_with_a_search(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 5; seed++) {
    hdi_timer timers[TIMERS] = {0};
    hdi_timer_heap heap = {0};
    uint64_t random = seed;
    for (int step = 0; step < STEPS; step++) {
      hdi_timer *one = &timers[next_random(&random) % TIMERS];
      uint64_t now = next_random(&random) % 50;
      switch (next_random(&random) % 4) {
      case 0:
      case 1:
        if (!hdi_timer_is_armed(one)) hdi_timer_arm(&heap, one, next_random(&random) % 50);
        break;
      case 2:
        hdi_timer_disarm(&heap, one);
        assert_false(hdi_timer_is_armed(one));
        break;
      default: {
        hdi_timer *expected = earliest(timers);
        if (expected != NULL && expected->deadline_ns > now) expected = NULL;
        assert_ptr_equal(hdi_timer_due(&heap, now), expected);
      }
      }
      const hdi_timer *first = earliest(timers);
      assert_true(hdi_timer_next(&heap) == (first == NULL ? UINT64_MAX : first->deadline_ns));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_heap_agrees_with_a_search)};
  return cmocka_run_group_tests_name("runtime/timer", tests, NULL, NULL);
}
