/* SPDX-License-Identifier: Apache-2.0 */
/* Cores from hwloc, which also knows hybrid processors that sysfs does not rank (by CPUID) and repairs
 * firmware's mistakes. Source: hwloc's documentation, "Kinds of CPU cores". */
#include "topology.h"

#include <hwloc.h>
#include <string.h>

#define CAPACITY_SCALE 1024u

static uint32_t index_of_ancestor(hwloc_topology_t topology, hwloc_obj_t object, hwloc_obj_type_t type) {
  hwloc_obj_t above = hwloc_get_ancestor_obj_by_type(topology, type, object);
  return above == NULL ? 0 : above->logical_index;
}

/* hwloc ranks kinds of cores by efficiency, 0 the slowest; it gives no ratio, so steps of equal size stand
 * for it. */
static uint32_t capacity_of(hwloc_topology_t topology, hwloc_obj_t pu) {
  int kinds = hwloc_cpukinds_get_nr(topology, 0);
  int kind = hwloc_cpukinds_get_by_cpuset(topology, pu->cpuset, 0);
  int efficiency = -1;
  if (kinds <= 1 || kind < 0) return CAPACITY_SCALE;
  if (hwloc_cpukinds_get_info(topology, (unsigned)kind, NULL, &efficiency, NULL, NULL, 0) != 0 ||
      efficiency < 0) {
    return CAPACITY_SCALE;
  }
  return (uint32_t)(efficiency + 1) * CAPACITY_SCALE / (uint32_t)kinds;
}

/* Position of the processing unit in its core. */
static uint32_t thread_of(hwloc_topology_t topology, hwloc_obj_t pu) {
  hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);
  if (core == NULL) return 0;
  uint32_t position = 0;
  hwloc_obj_t sibling = NULL;
  while ((sibling = hwloc_get_next_obj_inside_cpuset_by_type(topology, core->cpuset, HWLOC_OBJ_PU,
                                                             sibling)) != NULL) {
    if (sibling == pu) return position;
    position++;
  }
  return 0;
}

static uint32_t list_cores(hwloc_topology_t topology, const hdk_cpu_mask *usable, hdk_core *out_cores) {
  uint32_t count = 0;
  hwloc_obj_t pu = NULL;
  while (count < HDK_CPUS_MAX && (pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu)) != NULL) {
    if (!hdk_cpu_mask_has(usable, pu->os_index)) continue;
    out_cores[count++] = (hdk_core){
        .cpu = pu->os_index,
        .package = index_of_ancestor(topology, pu, HWLOC_OBJ_PACKAGE),
        .cluster = index_of_ancestor(topology, pu, HWLOC_OBJ_L3CACHE),
        .thread = thread_of(topology, pu),
        .capacity = capacity_of(topology, pu),
    };
  }
  return count;
}

hd_status hdk_topology_hwloc(const hdk_cpu_mask *usable, hdk_core *out_cores, uint32_t cap,
                             uint32_t *out_count) {
  hwloc_topology_t topology;
  if (hwloc_topology_init(&topology) != 0) return HD_E_IO;
  hdk_core found[HDK_CPUS_MAX];
  uint32_t count = hwloc_topology_load(topology) == 0 ? list_cores(topology, usable, found) : 0;
  hwloc_topology_destroy(topology);
  if (count == 0) return HD_E_NOT_FOUND;
  hdk_topology_sort(found, count);
  if (count > cap) count = cap;
  memcpy(out_cores, found, count * sizeof *found);
  *out_count = count;
  return HD_OK;
}
