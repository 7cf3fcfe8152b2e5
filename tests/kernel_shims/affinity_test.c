/* SPDX-License-Identifier: Apache-2.0 */
/* Where a thread may run, where it does, and for how long it has. */
#include "kernel_shims/affinity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void a_mask_has_what_was_added_and_not_dropped(void **state) {
  (void)state;
  hdk_cpu_mask a = {{0}}, b = {{0}};
  hdk_cpu_mask_add(&a, 3);
  hdk_cpu_mask_add(&a, 700);
  hdk_cpu_mask_add(&b, 700);
  hdk_cpu_mask_drop(&a, HDK_CPUS_MAX); /* ignored */
  assert_false(hdk_cpu_mask_equals(&a, &b));
  hdk_cpu_mask_drop(&a, 3);
  assert_true(hdk_cpu_mask_equals(&a, &b));
  assert_int_equal(hdk_cpu_mask_count(&a), 1);
}

/* Each of the CPUs in turn; then the thread may run everywhere again. */
static void a_thread_runs_where_it_is_moved(void **state) {
  (void)state;
  hdk_cpu_mask home, seen;
  assert_int_equal(hdk_affinity_of(pthread_self(), &home), HD_OK);
  for (uint32_t cpu = 0; cpu < HDK_CPUS_MAX; cpu++) {
    if (!hdk_cpu_mask_has(&home, cpu)) continue;
    hdk_cpu_mask here = {{0}};
    uint32_t now;
    hdk_cpu_mask_add(&here, cpu);
    assert_int_equal(hdk_affinity_set(pthread_self(), &here), HD_OK);
    assert_int_equal(hdk_cpu_current(&now), HD_OK);
    assert_int_equal(now, cpu);
    assert_int_equal(hdk_affinity_of(pthread_self(), &seen), HD_OK);
    assert_true(hdk_cpu_mask_equals(&seen, &here));
  }
  assert_int_equal(hdk_affinity_set(pthread_self(), &home), HD_OK);
  assert_int_equal(hdk_affinity_of(pthread_self(), &seen), HD_OK);
  assert_true(hdk_cpu_mask_equals(&seen, &home));
}

static void a_thread_cannot_be_kept_from_all_cpus(void **state) {
  (void)state;
  hdk_cpu_mask none = {{0}};
  assert_int_equal(hdk_affinity_set(pthread_self(), &none), HD_E_INVALID);
}

static void the_processor_time_of_a_thread_that_runs_grows(void **state) {
  (void)state;
  uint64_t first_ns, now_ns;
  assert_int_equal(hdk_thread_cpu_ns(pthread_self(), &first_ns), HD_OK);
  do {
    assert_int_equal(hdk_thread_cpu_ns(pthread_self(), &now_ns), HD_OK);
    assert_true(now_ns >= first_ns);
  } while (now_ns == first_ns);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_mask_has_what_was_added_and_not_dropped),
      cmocka_unit_test(a_thread_runs_where_it_is_moved),
      cmocka_unit_test(a_thread_cannot_be_kept_from_all_cpus),
      cmocka_unit_test(the_processor_time_of_a_thread_that_runs_grows),
  };
  return cmocka_run_group_tests_name("kernel_shims/affinity", tests, NULL, NULL);
}
