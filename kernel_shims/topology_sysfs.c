/* SPDX-License-Identifier: Apache-2.0 */
/* Cores from sys/devices/system/cpu below a root. */
#include "topology.h"

#include "root_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES     128
#define LIST_BYTES     512
#define CAPACITY_SCALE 1024u

static hd_status read_of_cpu(int root_fd, uint32_t cpu, const char *file, int64_t *out_value) {
  char path[PATH_BYTES];
  (void)snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/%s", cpu, file);
  return hdk_read_i64(root_fd, path, out_value);
}

/* A number that may be absent, negative ("unknown") or too large for its field. */
static uint32_t read_id(int root_fd, uint32_t cpu, const char *file) {
  int64_t value;
  if (read_of_cpu(root_fd, cpu, file, &value) != HD_OK || value < 0 || value > INT32_MAX) return 0;
  return (uint32_t)value;
}

/* A CPU that was switched off says 0; one that cannot be says nothing. */
static bool is_online(int root_fd, uint32_t cpu) {
  int64_t online;
  if (read_of_cpu(root_fd, cpu, "online", &online) == HD_OK) return online != 0;
  char path[PATH_BYTES];
  char ignored[LIST_BYTES];
  (void)snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/core_id", cpu);
  return hdk_read_text(root_fd, path, ignored, sizeof ignored) == HD_OK;
}

/* Position of `cpu` in a list such as "0,4" or "0-1"; 0 when the list is not one. */
static uint32_t position_in(const char *list, uint32_t cpu) {
  uint32_t position = 0;
  const char *at = list;
  while (*at != '\0') {
    char *end;
    unsigned long first = strtoul(at, &end, 10);
    if (end == at) return 0;
    unsigned long last = first;
    if (*end == '-') {
      at = end + 1;
      last = strtoul(at, &end, 10);
      if (end == at) return 0;
    }
    if (last < first || last >= HDK_CPUS_MAX) return 0;
    if (cpu >= first && cpu <= last) return position + (uint32_t)(cpu - first);
    position += (uint32_t)(last - first) + 1;
    at = *end == ',' ? end + 1 : end;
    if (*end != ',' && *end != '\0') return 0;
  }
  return 0;
}

static uint32_t read_thread(int root_fd, uint32_t cpu) {
  char path[PATH_BYTES];
  char list[LIST_BYTES];
  (void)snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu);
  return hdk_read_text(root_fd, path, list, sizeof list) == HD_OK ? position_in(list, cpu) : 0;
}

/* cpu_capacity where the kernel has it (it knows more than the clock), else the highest clock in kHz; 0:
 * unknown. */
static uint32_t read_speed(int root_fd, uint32_t cpu, bool *out_is_capacity) {
  uint32_t capacity = read_id(root_fd, cpu, "cpu_capacity");
  *out_is_capacity = capacity != 0;
  return capacity != 0 ? capacity : read_id(root_fd, cpu, "cpufreq/cpuinfo_max_freq");
}

/* Makes speeds relative to the fastest; without any, or with a mixture of kinds, all cores count alike. */
static void scale_speeds(hdk_core *cores, uint32_t count, bool comparable) {
  uint32_t fastest = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (cores[i].capacity == 0) comparable = false;
    if (cores[i].capacity > fastest) fastest = cores[i].capacity;
  }
  for (uint32_t i = 0; i < count; i++) {
    uint64_t scaled = comparable ? (uint64_t)cores[i].capacity * CAPACITY_SCALE / fastest : CAPACITY_SCALE;
    cores[i].capacity = (uint32_t)scaled;
  }
}

hd_status hdk_topology_sysfs(int root_fd, const hdk_cpu_mask *usable, hdk_core *out_cores, uint32_t cap,
                             uint32_t *out_count) {
  hdk_core found[HDK_CPUS_MAX];
  uint32_t count = 0, capacities = 0;
  for (uint32_t cpu = 0; cpu < HDK_CPUS_MAX; cpu++) {
    if (!hdk_cpu_mask_has(usable, cpu) || !is_online(root_fd, cpu)) continue;
    bool is_capacity;
    found[count] = (hdk_core){
        .cpu = cpu,
        .package = read_id(root_fd, cpu, "topology/physical_package_id"),
        .cluster = read_id(root_fd, cpu, "topology/cluster_id"),
        .thread = read_thread(root_fd, cpu),
        .capacity = read_speed(root_fd, cpu, &is_capacity),
    };
    if (is_capacity) capacities++;
    count++;
  }
  if (count == 0) return HD_E_NOT_FOUND;
  scale_speeds(found, count, capacities == 0 || capacities == count);
  hdk_topology_sort(found, count);
  if (count > cap) count = cap;
  memcpy(out_cores, found, count * sizeof *found);
  *out_count = count;
  return HD_OK;
}
