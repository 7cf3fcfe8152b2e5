/* SPDX-License-Identifier: Apache-2.0 */
/* The cores that this process may use, best first: faster ones before slower ones, and each physical core
 * once before any second hardware thread. */
#ifndef HDK_TOPOLOGY_H
#define HDK_TOPOLOGY_H

#include "affinity.h"
#include "heddle/status.h"

#include <stdint.h>

typedef struct hdk_core {
  uint32_t cpu; /* the operating system's number */
  uint32_t package;
  uint32_t cluster;  /* cores of equal number and package share a cluster */
  uint32_t thread;   /* 0: the first hardware thread of its core */
  uint32_t capacity; /* relative speed; the machine's fastest core has 1024 */
} hdk_core;

/* The calling thread's CPUs of this machine: from hwloc where it was built in and works, else from sysfs. At
 * most `cap`, the best ones. Errors: IO (nothing is known). Threads: any. */
hd_status hdk_topology_usable(hdk_core *out_cores, uint32_t cap, uint32_t *out_count);

/* The same from sysfs below `root_fd`, for the CPUs in `usable`. A field that the kernel does not give has a
 * neutral value (package and cluster 0, thread 0, capacity 1024). Errors: NOT_FOUND (none of them is there).
 * Source: Documentation/ABI/stable/sysfs-devices-system-cpu; cpu_capacity: Documentation/arch/arm64 and
 * devicetree cpu-capacity; cpuinfo_max_freq: Documentation/admin-guide/pm/cpufreq.rst. */
hd_status hdk_topology_sysfs(int root_fd, const hdk_cpu_mask *usable, hdk_core *out_cores, uint32_t cap,
                             uint32_t *out_count);

/* The same from hwloc, of this machine only. Errors: UNSUPPORTED (not built in), IO, NOT_FOUND. */
hd_status hdk_topology_hwloc(const hdk_cpu_mask *usable, hdk_core *out_cores, uint32_t cap,
                             uint32_t *out_count);

/* Sorts cores best first; for the files that read them. */
void hdk_topology_sort(hdk_core *cores, uint32_t count);

#endif
