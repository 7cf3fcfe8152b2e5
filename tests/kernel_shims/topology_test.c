/* SPDX-License-Identifier: Apache-2.0 */
/* Cores of captured machines, of broken ones, and of this one. */
#include "captured.h"

#include "kernel_shims/topology.h"

static void put_cpu(const captured *root, unsigned cpu, const char *file, const char *text) {
  char path[128];
  (void)snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/%s", cpu, file);
  captured_put(root, path, text);
}

static hdk_cpu_mask all_cpus(void) {
  hdk_cpu_mask mask;
  memset(&mask, 0xff, sizeof mask);
  return mask;
}

static void a_phone_lists_its_big_cores_first(void **state) {
  (void)state;
  captured root = captured_open();
  static const char *const capacities[] = {"250\n", "250\n", "250\n", "250\n",
                                           "700\n", "700\n", "700\n", "1024\n"};
  for (unsigned cpu = 0; cpu < 8; cpu++) {
    char id[16];
    (void)snprintf(id, sizeof id, "%u\n", cpu);
    put_cpu(&root, cpu, "topology/core_id", id);
    put_cpu(&root, cpu, "topology/thread_siblings_list", id);
    put_cpu(&root, cpu, "topology/physical_package_id", "0\n");
    put_cpu(&root, cpu, "topology/cluster_id", cpu < 4 ? "0\n" : cpu < 7 ? "1\n" : "2\n");
    put_cpu(&root, cpu, "cpu_capacity", capacities[cpu]);
  }
  put_cpu(&root, 5, "online", "0\n");
  hdk_cpu_mask mask = all_cpus();
  hdk_core cores[16];
  uint32_t count = 0;
  assert_int_equal(hdk_topology_sysfs(root.fd, &mask, cores, 16, &count), HD_OK);
  static const uint32_t expected[] = {7, 4, 6, 0, 1, 2, 3};
  assert_int_equal(count, 7);
  for (uint32_t i = 0; i < count; i++) {
    assert_int_equal(cores[i].cpu, expected[i]);
  }
  assert_int_equal(cores[0].capacity, 1024);
  assert_int_equal(cores[0].cluster, 2);
  assert_int_equal(cores[1].capacity, 700);
  assert_int_equal(cores[6].capacity, 250);
  /* The best ones only, and only those that the process may use. */
  assert_int_equal(hdk_topology_sysfs(root.fd, &mask, cores, 2, &count), HD_OK);
  assert_int_equal(count, 2);
  assert_int_equal(cores[1].cpu, 4);
  hdk_cpu_mask some = {0};
  hdk_cpu_mask_add(&some, 1);
  hdk_cpu_mask_add(&some, 6);
  assert_int_equal(hdk_topology_sysfs(root.fd, &some, cores, 16, &count), HD_OK);
  assert_int_equal(count, 2);
  assert_int_equal(cores[0].cpu, 6);
  captured_close(&root);
}

static void a_hybrid_pc_uses_each_core_before_second_threads(void **state) {
  (void)state;
  captured root = captured_open();
  /* Two fast cores of two threads each (0,1 and 2,3), two slow cores (4, 5); speeds from the clock. */
  static const char *const siblings[] = {"0-1\n", "0-1\n", "2,3\n", "2,3\n", "4\n", "5\n"};
  for (unsigned cpu = 0; cpu < 6; cpu++) {
    put_cpu(&root, cpu, "topology/core_id", "0\n");
    put_cpu(&root, cpu, "topology/thread_siblings_list", siblings[cpu]);
    put_cpu(&root, cpu, "cpufreq/cpuinfo_max_freq", cpu < 4 ? "5000000\n" : "2500000\n");
  }
  hdk_cpu_mask mask = all_cpus();
  hdk_core cores[16];
  uint32_t count = 0;
  assert_int_equal(hdk_topology_sysfs(root.fd, &mask, cores, 16, &count), HD_OK);
  static const uint32_t expected[] = {0, 2, 4, 5, 1, 3};
  assert_int_equal(count, 6);
  for (uint32_t i = 0; i < count; i++) {
    assert_int_equal(cores[i].cpu, expected[i]);
  }
  assert_int_equal(cores[0].capacity, 1024);
  assert_int_equal(cores[2].capacity, 512);
  assert_int_equal(cores[4].thread, 1);
  captured_close(&root);
}

static void broken_files_mean_neutral_values(void **state) {
  (void)state;
  captured root = captured_open();
  static const char *const lists[] = {"", "x", "1-", "3-1", "0,,1", "0-99999999999999999999", "0 1"};
  for (unsigned cpu = 0; cpu < 7; cpu++) {
    put_cpu(&root, cpu, "topology/core_id", "");
    put_cpu(&root, cpu, "topology/thread_siblings_list", lists[cpu]);
    put_cpu(&root, cpu, "topology/cluster_id", "-1\n");
    put_cpu(&root, cpu, "topology/physical_package_id", "99999999999999999999\n");
    put_cpu(&root, cpu, "cpu_capacity", cpu == 2 ? "12z\n" : "100\n");
  }
  hdk_cpu_mask mask = all_cpus();
  hdk_core cores[16];
  uint32_t count = 0;
  assert_int_equal(hdk_topology_sysfs(root.fd, &mask, cores, 16, &count), HD_OK);
  assert_int_equal(count, 7);
  for (uint32_t i = 0; i < count; i++) {
    assert_int_equal(cores[i].cpu, i);
    assert_int_equal(cores[i].cluster, 0);
    assert_int_equal(cores[i].package, 0);
    assert_int_equal(cores[i].thread, 0);
    assert_int_equal(cores[i].capacity, 1024); /* one unknown: none can be compared */
  }
  captured_close(&root);
}

static void an_empty_root_has_no_cores(void **state) {
  (void)state;
  captured root = captured_open();
  hdk_cpu_mask mask = all_cpus();
  hdk_core cores[4];
  uint32_t count = 77;
  assert_int_equal(hdk_topology_sysfs(root.fd, &mask, cores, 4, &count), HD_E_NOT_FOUND);
  assert_int_equal(count, 77);
  captured_close(&root);
}

static void this_machine_has_the_cores_that_it_lends(void **state) {
  (void)state;
  hdk_cpu_mask mask;
  assert_int_equal(hdk_affinity_get(&mask), HD_OK);
  static hdk_core cores[HDK_CPUS_MAX];
  uint32_t count = 0;
  assert_int_equal(hdk_topology_usable(cores, HDK_CPUS_MAX, &count), HD_OK);
  assert_int_equal(count, hdk_cpu_mask_count(&mask));
  for (uint32_t i = 0; i < count; i++) {
    assert_true(hdk_cpu_mask_has(&mask, cores[i].cpu));
    assert_true(cores[i].capacity > 0 && cores[i].capacity <= 1024);
    if (i > 0) assert_true(cores[i].thread >= cores[i - 1].thread);
  }
  assert_int_equal(hdk_affinity_pin(pthread_self(), cores[0].cpu), HD_OK);
  hdk_cpu_mask pinned;
  assert_int_equal(hdk_affinity_get(&pinned), HD_OK);
  assert_int_equal(hdk_cpu_mask_count(&pinned), 1);
  assert_true(hdk_cpu_mask_has(&pinned, cores[0].cpu));
  assert_int_equal(hdk_affinity_pin(pthread_self(), HDK_CPUS_MAX), HD_E_INVALID);
  assert_int_equal(hdk_affinity_pin(pthread_self(), HDK_CPUS_MAX - 1), HD_E_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_phone_lists_its_big_cores_first),
      cmocka_unit_test(a_hybrid_pc_uses_each_core_before_second_threads),
      cmocka_unit_test(broken_files_mean_neutral_values),
      cmocka_unit_test(an_empty_root_has_no_cores),
      cmocka_unit_test(this_machine_has_the_cores_that_it_lends),
  };
  return cmocka_run_group_tests_name("kernel_shims/topology", tests, NULL, NULL);
}
