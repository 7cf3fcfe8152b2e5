/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a core better than another, and which reader is asked. */
#include "topology.h"

#include "root_file.h"

#include <stdlib.h>
#include <unistd.h>

static int by_number(uint32_t a, uint32_t b) {
  return (a > b) - (a < b);
}

static int better_first(const void *left, const void *right) {
  const hdk_core *a = left, *b = right;
  int order = by_number(a->thread, b->thread);
  if (order == 0) order = by_number(b->capacity, a->capacity);
  if (order == 0) order = by_number(a->package, b->package);
  if (order == 0) order = by_number(a->cluster, b->cluster);
  if (order == 0) order = by_number(a->cpu, b->cpu);
  return order;
}

void hdk_topology_sort(hdk_core *cores, uint32_t count) {
  qsort(cores, count, sizeof *cores, better_first);
}

#if !defined(HDK_HWLOC)
hd_status hdk_topology_hwloc(const hdk_cpu_mask *usable, hdk_core *out_cores, uint32_t cap,
                             uint32_t *out_count) {
  (void)usable;
  (void)out_cores;
  (void)cap;
  (void)out_count;
  return HD_E_UNSUPPORTED;
}
#endif

hd_status hdk_topology_usable(hdk_core *out_cores, uint32_t cap, uint32_t *out_count) {
  hdk_cpu_mask mask;
  if (hdk_affinity_get(&mask) != HD_OK) return HD_E_IO;
  if (hdk_topology_hwloc(&mask, out_cores, cap, out_count) == HD_OK) return HD_OK;
  int root_fd;
  if (hdk_root_open("/", &root_fd) != HD_OK) return HD_E_IO;
  hd_status status = hdk_topology_sysfs(root_fd, &mask, out_cores, cap, out_count);
  (void)close(root_fd);
  return status == HD_OK ? HD_OK : HD_E_IO;
}
