/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: its way through a trace, and what is refused at creation. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void a_configuration_survives_its_records(void **state) {
  (void)state;
  hd_control_config config, copy;
  hd_record records[HD_CONFIG_RECORDS_MAX];
  hd_control_config_default(&config);
  hd_control_config_default(&copy);
  config.limits.max_requests = 11;
  config.limits.max_steps = 12;
  config.limits.max_waiting_per_device = 13;
  config.limits.max_ops = 14;
  config.limits.memory_budget_bytes = (uint64_t)15 << 40;
  config.fence_after_failures = 16;
  config.replace_after_faults = 17;
  for (uint32_t i = 0; i < HD_CLASS_COUNT; i++)
    config.classes[i] = (hd_class_params){.slice_ns = ((uint64_t)i + 1) << 33, .weight = 100 + i};
  uint32_t count = hd_control_config_write(&config, records, HD_CONFIG_RECORDS_MAX);
  assert_in_range(count, HD_CONFIG_KEY_COUNT, HD_CONFIG_RECORDS_MAX - 1);
  for (uint32_t i = 0; i < count; i++)
    hd_control_config_read(&copy, &records[i]);
  assert_memory_equal(&config, &copy, sizeof config);
}

static void writing_stops_at_the_room_given(void **state) {
  (void)state;
  hd_control_config config;
  hd_record records[4];
  memset(records, 0x5a, sizeof records);
  hd_control_config_default(&config);
  assert_int_equal(hd_control_config_write(&config, records, 3), 3);
  assert_int_equal(records[3].step, 0x5a5a5a5a);
}

static void unknown_keys_and_classes_are_ignored(void **state) {
  (void)state;
  hd_control_config config, before;
  hd_control_config_default(&config);
  hd_control_config_default(&before);
  hd_control_config_read(&config, &(hd_record){.kind = HD_IN_CONFIG, .step = 999, .a = 1});
  hd_control_config_read(
      &config,
      &(hd_record){.kind = HD_IN_CONFIG, .step = HD_CONFIG_CLASS_WEIGHT, .request = HD_CLASS_COUNT, .a = 1});
  hd_control_config_read(&config, &(hd_record){.kind = HD_IN_MARK, .step = HD_CONFIG_MAX_STEPS, .a = 1});
  assert_memory_equal(&config, &before, sizeof config);
}

static void class_names_are_known_inside_the_enum_only(void **state) {
  (void)state;
  assert_string_equal(hd_class_name(HD_CLASS_INTERACTIVE), "interactive");
  assert_string_equal(hd_class_name(HD_CLASS_BACKGROUND), "background");
  assert_null(hd_class_name((hd_class)HD_CLASS_COUNT));
  assert_null(hd_class_name((hd_class)-1));
}

static hd_status create(const hd_control_config *config, const hd_policy_ops *policy,
                        const hd_policy_ops *fallback) {
  feed_memory memory = {0};
  hd_host host;
  hd_control *control = NULL;
  feed_host(&memory, &host);
  hd_status status = hd_control_create(&host, config, policy, fallback, &control);
  assert_int_equal(status == HD_OK, control != NULL);
  hd_control_destroy(control);
  assert_int_equal(memory.alive, 0);
  return status;
}

static void what_cannot_work_is_refused(void **state) {
  (void)state;
  const hd_policy_ops *fifo = hd_policies_builtin()[0];
  hd_control_config good, config;
  hd_policy_ops policy = *fifo;
  hd_control_config_default(&good);
  assert_int_equal(create(&good, fifo, fifo), HD_OK);
  config = good;
  config.size--;
  assert_int_equal(create(&config, fifo, fifo), HD_E_INVALID);
  config = good;
  config.limits.max_steps = 65536;
  assert_int_equal(create(&config, fifo, fifo), HD_E_LIMIT);
  config = good;
  config.classes[2].weight = 0;
  assert_int_equal(create(&config, fifo, fifo), HD_E_INVALID);
  policy.abi++;
  assert_int_equal(create(&good, &policy, fifo), HD_E_INVALID);
  assert_int_equal(create(&good, fifo, NULL), HD_E_INVALID);
  policy = *fifo;
  policy.decide = NULL;
  assert_int_equal(create(&good, fifo, &policy), HD_E_INVALID);
}

static void limits_of_zero_are_the_defaults(void **state) {
  (void)state;
  const hd_policy_ops *fifo = hd_policies_builtin()[0];
  hd_control_config config;
  hd_control_config_default(&config);
  config.limits = (hd_limits){.size = sizeof config.limits};
  assert_int_equal(create(&config, fifo, fifo), HD_OK);
}

static void each_allocation_may_fail_and_nothing_leaks(void **state) {
  (void)state;
  const hd_policy_ops *fair = hd_policy_find(hd_policies_builtin(), "fair");
  hd_control_config config;
  hd_control_config_default(&config);
  hd_status status = HD_E_NO_MEMORY;
  uint32_t at = 1;
  for (; status != HD_OK; at++) {
    feed_memory memory = {.fail_at = at};
    hd_host host;
    hd_control *control = NULL;
    feed_host(&memory, &host);
    status = hd_control_create(&host, &config, fair, hd_policies_builtin()[0], &control);
    assert_true(status == HD_OK || (status == HD_E_NO_MEMORY && control == NULL));
    hd_control_destroy(control);
    assert_int_equal(memory.alive, 0);
  }
  assert_in_range(at, 10, 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_configuration_survives_its_records),
      cmocka_unit_test(writing_stops_at_the_room_given),
      cmocka_unit_test(unknown_keys_and_classes_are_ignored),
      cmocka_unit_test(class_names_are_known_inside_the_enum_only),
      cmocka_unit_test(what_cannot_work_is_refused),
      cmocka_unit_test(limits_of_zero_are_the_defaults),
      cmocka_unit_test(each_allocation_may_fail_and_nothing_leaks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
