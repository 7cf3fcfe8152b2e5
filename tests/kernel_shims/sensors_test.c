/* SPDX-License-Identifier: Apache-2.0 */
/* Power, heat, pressure, memory and the processor's name, of captured machines, broken ones and this one. */
#include "captured.h"

#include "heddle/host.h"
#include "kernel_shims/cpuname.h"
#include "kernel_shims/meminfo.h"
#include "kernel_shims/powercap.h"
#include "kernel_shims/pressure.h"
#include "kernel_shims/thermal.h"

/* ---- small files ---- */

static void numbers_are_read_whole_or_not_at_all(void **state) {
  (void)state;
  captured root = captured_open();
  static const struct {
    const char *text;
    hd_status as_unsigned, as_signed;
  } cases[] = {
      {"42\n", HD_OK, HD_OK},
      {" 42 \n", HD_OK, HD_OK},
      {"-42\n", HD_E_FORMAT, HD_OK},
      {"", HD_E_FORMAT, HD_E_FORMAT},
      {"\n", HD_E_FORMAT, HD_E_FORMAT},
      {"4x\n", HD_E_FORMAT, HD_E_FORMAT},
      {"4 2\n", HD_E_FORMAT, HD_E_FORMAT},
      {"0x10\n", HD_E_FORMAT, HD_E_FORMAT},
      {"18446744073709551615\n", HD_OK, HD_E_FORMAT},
      {"18446744073709551616\n", HD_E_FORMAT, HD_E_FORMAT},
      {"1111111111222222222233333333334444444444555555555566666666667777777777\n", HD_E_FORMAT, HD_E_FORMAT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint64_t u = 7;
    int64_t s = 7;
    captured_put(&root, "n", cases[i].text);
    assert_int_equal(hdk_read_u64(root.fd, "n", &u), cases[i].as_unsigned);
    assert_int_equal(hdk_read_i64(root.fd, "n", &s), cases[i].as_signed);
    if (cases[i].as_unsigned != HD_OK) assert_int_equal(u, 7);
    if (cases[i].as_signed != HD_OK) assert_int_equal(s, 7);
  }
  uint64_t u;
  captured_put_bytes(&root, "n", "4\0002", 3);
  assert_int_equal(hdk_read_u64(root.fd, "n", &u), HD_E_FORMAT);
  assert_int_equal(hdk_read_u64(root.fd, "absent", &u), HD_E_NOT_FOUND);
  assert_int_equal(hdk_read_u64(root.fd, "n/below", &u), HD_E_NOT_FOUND);
  captured_put(&root, "folder/n", "1");
  assert_int_equal(hdk_read_u64(root.fd, "folder", &u), HD_E_IO);
  int fd;
  assert_int_equal(hdk_root_open("/no/such/folder", &fd), HD_E_NOT_FOUND);
  captured_close(&root);
}

static void the_posix_host_lends_clock_and_memory(void **state) {
  (void)state;
  hd_host host;
  hd_host_posix(&host);
  assert_int_equal(host.size, sizeof host);
  uint64_t before = host.now_ns(host.ctx);
  for (size_t align = 1; align <= 4096; align *= 2) {
    void *memory = host.alloc(host.ctx, 100, align);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % align, 0);
    host.free(host.ctx, memory, 100);
  }
  assert_true(host.now_ns(host.ctx) >= before);
}

/* ---- power ---- */

static void put_package(const captured *root, unsigned zone, const char *name, const char *range,
                        const char *energy) {
  char path[96];
  (void)snprintf(path, sizeof path, "sys/class/powercap/intel-rapl:%u/name", zone);
  captured_put(root, path, name);
  (void)snprintf(path, sizeof path, "sys/class/powercap/intel-rapl:%u/max_energy_range_uj", zone);
  captured_put(root, path, range);
  (void)snprintf(path, sizeof path, "sys/class/powercap/intel-rapl:%u/energy_uj", zone);
  captured_put(root, path, energy);
}

static void energy_is_summed_over_packages_and_round_the_counter(void **state) {
  (void)state;
  captured root = captured_open();
  hdk_powercap power;
  assert_int_equal(hdk_powercap_init(&power, root.fd), HD_E_UNSUPPORTED);
  put_package(&root, 0, "package-0\n", "999\n", "100\n");
  put_package(&root, 1, "psys\n", "999\n", "0\n");
  put_package(&root, 3, "package-1\n", "9999\n", "5000\n");
  assert_int_equal(hdk_powercap_init(&power, root.fd), HD_OK);
  uint64_t total = 1;
  assert_int_equal(hdk_powercap_read(&power, &total), HD_OK);
  assert_int_equal(total, 0);
  put_package(&root, 0, "package-0\n", "999\n", "150\n");
  put_package(&root, 1, "psys\n", "999\n", "900\n");
  assert_int_equal(hdk_powercap_read(&power, &total), HD_OK);
  assert_int_equal(total, 50);
  put_package(&root, 0, "package-0\n", "999\n", "49\n"); /* 150 -> 999 is 849, one more to 0, 49 more */
  put_package(&root, 3, "package-1\n", "9999\n", "5001\n");
  assert_int_equal(hdk_powercap_read(&power, &total), HD_OK);
  assert_int_equal(total, 50 + 899 + 1);
  /* A broken reading changes nothing, and the next good one continues. */
  put_package(&root, 3, "package-1\n", "9999\n", "banana\n");
  put_package(&root, 0, "package-0\n", "999\n", "59\n");
  assert_int_equal(hdk_powercap_read(&power, &total), HD_E_FORMAT);
  put_package(&root, 3, "package-1\n", "9999\n", "10000\n");
  assert_int_equal(hdk_powercap_read(&power, &total), HD_E_FORMAT);
  assert_int_equal(total, 950);
  put_package(&root, 3, "package-1\n", "9999\n", "5002\n");
  assert_int_equal(hdk_powercap_read(&power, &total), HD_OK);
  assert_int_equal(total, 950 + 10 + 1);
  captured_close(&root);
}

/* ---- heat ---- */

static void zones_that_do_not_tell_a_temperature_are_left_out(void **state) {
  (void)state;
  captured root = captured_open();
  hdk_thermal_zone zones[8];
  uint32_t count = 77;
  assert_int_equal(hdk_thermal_read(root.fd, zones, 8, &count), HD_E_UNSUPPORTED);
  assert_int_equal(count, 77);
  captured_put(&root, "sys/class/thermal/thermal_zone0/temp", "45500\n");
  captured_put(&root, "sys/class/thermal/thermal_zone0/type", "cpu-0\n");
  captured_put(&root, "sys/class/thermal/thermal_zone1/temp", "-2147483648\n");
  captured_put(&root, "sys/class/thermal/thermal_zone2/temp", "hot\n");
  captured_put(&root, "sys/class/thermal/thermal_zone7/temp", "-5000\n");
  assert_int_equal(hdk_thermal_read(root.fd, zones, 8, &count), HD_OK);
  assert_int_equal(count, 2);
  assert_int_equal(zones[0].temp_mdegc, 45500);
  assert_string_equal(zones[0].type, "cpu-0");
  assert_int_equal(zones[1].zone, 7);
  assert_int_equal(zones[1].temp_mdegc, -5000);
  assert_string_equal(zones[1].type, "");
  assert_int_equal(hdk_thermal_read(root.fd, zones, 1, &count), HD_OK);
  assert_int_equal(count, 1);
  captured_close(&root);
}

/* ---- pressure and memory ---- */

static void pressure_is_read_or_its_absence_told(void **state) {
  (void)state;
  captured root = captured_open();
  hdk_pressure pressure;
  assert_int_equal(hdk_pressure_read(root.fd, HDK_RESOURCE_CPU, &pressure), HD_E_UNSUPPORTED);
  captured_put(&root, "proc/pressure/cpu",
               "some avg10=12.05 avg60=8.08 avg300=4.95 total=37066385\nfull avg10=0.00\n");
  assert_int_equal(hdk_pressure_read(root.fd, HDK_RESOURCE_CPU, &pressure), HD_OK);
  assert_int_equal(pressure.avg10_centipercent, 1205);
  assert_int_equal(pressure.total_us, 37066385);
  static const char *const broken[] = {"", "some", "some avg10=1 avg60=8.08 avg300=4.95 total=3",
                                       "some avg10=999.00 avg60=8.08 avg300=4.95 total=3",
                                       "full avg10=0.00 avg60=0.00 avg300=0.00 total=0"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    captured_put(&root, "proc/pressure/memory", broken[i]);
    assert_int_equal(hdk_pressure_read(root.fd, HDK_RESOURCE_MEMORY, &pressure), HD_E_FORMAT);
  }
  captured_close(&root);
}

static void memory_is_read_in_bytes(void **state) {
  (void)state;
  captured root = captured_open();
  hdk_meminfo info = {.total_bytes = 7};
  assert_int_equal(hdk_meminfo_read(root.fd, &info), HD_E_NOT_FOUND);
  captured_put(&root, "proc/meminfo", "MemTotal:       1000 kB\nMemFree:   5 kB\nMemAvailable:    600 kB\n");
  assert_int_equal(hdk_meminfo_read(root.fd, &info), HD_OK);
  assert_int_equal(info.total_bytes, 1024000);
  assert_int_equal(info.available_bytes, 614400);
  static const struct {
    const char *text;
    hd_status status;
  } broken[] = {
      {"MemTotal: 1 kB\n", HD_E_NOT_FOUND},
      {"MemTotal: 1 kB\nMemAvailable: -1 kB\n", HD_E_FORMAT},
      {"MemTotal: 1 kB\nMemAvailable:\n", HD_E_FORMAT},
      {"MemTotal: 1 kB\nMemAvailable: 1 MB\n", HD_E_FORMAT},
      {"MemTotal: 1 kB\nMemAvailable: 99999999999999999999 kB\n", HD_E_FORMAT},
      {"MemTotal: 1 kB\nMemAvailable: 18446744073709551615 kB\n", HD_E_FORMAT},
  };
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    captured_put(&root, "proc/meminfo", broken[i].text);
    assert_int_equal(hdk_meminfo_read(root.fd, &info), broken[i].status);
    assert_int_equal(info.total_bytes, 1024000);
  }
  captured_close(&root);
}

/* ---- the name ---- */

static void a_processor_has_a_name(void **state) {
  (void)state;
  captured root = captured_open();
  char name[24] = "before";
  assert_int_equal(hdk_cpu_name(root.fd, name, sizeof name), HD_E_NOT_FOUND);
  static const struct {
    const char *text, *name;
  } cases[] = {
      {"processor\t: 0\nmodel\t\t: 2\nmodel name\t: AMD EPYC\nstepping: 1\n", "AMD EPYC"},
      {"model name\t: A name that is much longer than the room\n", "A name that is much lon"},
      {"processor\t: 0\nHardware\t: Kirin 9000\n", "Kirin 9000"},
      {"processor\t: 0\nModel\t\t: Raspberry Pi 5\n", "Raspberry Pi 5"},
      {"processor: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd4b\n", "Arm 0x41 0xd4b"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    captured_put(&root, "proc/cpuinfo", cases[i].text);
    assert_int_equal(hdk_cpu_name(root.fd, name, sizeof name), HD_OK);
    assert_string_equal(name, cases[i].name);
  }
  static const char *const broken[] = {"", "model name", "model name\t:\n", "model name\nx: y\n",
                                       "CPU part: 0x1\n"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    captured_put(&root, "proc/cpuinfo", broken[i]);
    assert_int_equal(hdk_cpu_name(root.fd, name, sizeof name), HD_E_NOT_FOUND);
  }
  captured_close(&root);
}

/* ---- this machine ---- */

static void this_machine_answers_or_says_that_it_cannot(void **state) {
  (void)state;
  int fd = real_root();
  hdk_meminfo info;
  assert_int_equal(hdk_meminfo_read(fd, &info), HD_OK);
  assert_true(info.available_bytes > 0 && info.available_bytes <= info.total_bytes);
  char name[64];
  hd_status status = hdk_cpu_name(fd, name, sizeof name);
  assert_true(status == HD_OK || status == HD_E_NOT_FOUND);
  print_message("processor: %s\n", status == HD_OK ? name : "not named");
  hdk_powercap power;
  status = hdk_powercap_init(&power, fd);
  assert_true(status == HD_OK || status == HD_E_UNSUPPORTED);
  uint64_t total;
  if (status == HD_OK) assert_int_equal(hdk_powercap_read(&power, &total), HD_OK);
  hdk_thermal_zone zones[64];
  uint32_t count;
  status = hdk_thermal_read(fd, zones, 64, &count);
  assert_true(status == HD_OK || status == HD_E_UNSUPPORTED);
  hdk_pressure pressure;
  status = hdk_pressure_read(fd, HDK_RESOURCE_CPU, &pressure);
  assert_true(status == HD_OK || status == HD_E_UNSUPPORTED);
  (void)close(fd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
      cmocka_unit_test(the_posix_host_lends_clock_and_memory),
      cmocka_unit_test(energy_is_summed_over_packages_and_round_the_counter),
      cmocka_unit_test(zones_that_do_not_tell_a_temperature_are_left_out),
      cmocka_unit_test(pressure_is_read_or_its_absence_told),
      cmocka_unit_test(memory_is_read_in_bytes),
      cmocka_unit_test(a_processor_has_a_name),
      cmocka_unit_test(this_machine_answers_or_says_that_it_cannot),
  };
  return cmocka_run_group_tests_name("kernel_shims/sensors", tests, NULL, NULL);
}
