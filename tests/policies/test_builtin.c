/* SPDX-License-Identifier: Apache-2.0 */
/* The table of policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "heddle/implement/policy.h"

static void the_first_policy_is_the_stateless_fallback(void **state) {
  (void)state;
  const hd_policy_ops *first = hd_policies_builtin()[0];
  assert_string_equal(first->name, "fifo");
  assert_null(first->state_bytes);
}

static void every_policy_is_complete_and_found_by_its_name(void **state) {
  (void)state;
  const hd_policy_ops *const *policies = hd_policies_builtin();
  for (uint32_t i = 0; policies[i] != NULL; i++) {
    assert_int_equal(policies[i]->size, sizeof(hd_policy_ops));
    assert_int_equal(policies[i]->abi, HD_POLICY_ABI);
    assert_non_null(policies[i]->decide);
    assert_true(strlen(policies[i]->description) > 0);
    assert_ptr_equal(hd_policy_find(policies, policies[i]->name),
                     policies[i]); /* also: no name stands twice */
  }
  assert_null(hd_policy_find(policies, "fif"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_policy_is_the_stateless_fallback),
      cmocka_unit_test(every_policy_is_complete_and_found_by_its_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
