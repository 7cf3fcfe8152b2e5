/* SPDX-License-Identifier: Apache-2.0 */
/* Masks of CPUs, and sched_setaffinity. */
#include "affinity.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

bool hdk_cpu_mask_has(const hdk_cpu_mask *mask, uint32_t cpu) {
  return cpu < HDK_CPUS_MAX && (mask->words[cpu / 64] >> cpu % 64 & 1) != 0;
}

void hdk_cpu_mask_add(hdk_cpu_mask *mask, uint32_t cpu) {
  if (cpu < HDK_CPUS_MAX) mask->words[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

uint32_t hdk_cpu_mask_count(const hdk_cpu_mask *mask) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < HDK_CPUS_MAX / 64; i++) {
    count += (uint32_t)__builtin_popcountll(mask->words[i]);
  }
  return count;
}

hd_status hdk_affinity_get(hdk_cpu_mask *out_mask) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return HD_E_IO;
  memset(out_mask, 0, sizeof *out_mask);
  for (uint32_t cpu = 0; cpu < HDK_CPUS_MAX; cpu++) {
    if (CPU_ISSET(cpu, &set)) hdk_cpu_mask_add(out_mask, cpu);
  }
  return HD_OK;
}

hd_status hdk_affinity_pin(pthread_t thread, uint32_t cpu) {
  if (cpu >= HDK_CPUS_MAX) return HD_E_INVALID;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  int failed = pthread_setaffinity_np(thread, sizeof set, &set);
  if (failed == 0) return HD_OK;
  return failed == EINVAL ? HD_E_INVALID : HD_E_REFUSED;
}
