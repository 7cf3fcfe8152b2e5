/* SPDX-License-Identifier: Apache-2.0 */
/* Masks of CPUs, sched_setaffinity, and the processor time of a thread. */
#include "affinity.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

bool hdk_cpu_mask_has(const hdk_cpu_mask *mask, uint32_t cpu) {
  return cpu < HDK_CPUS_MAX && (mask->words[cpu / 64] >> cpu % 64 & 1) != 0;
}

void hdk_cpu_mask_add(hdk_cpu_mask *mask, uint32_t cpu) {
  if (cpu < HDK_CPUS_MAX) mask->words[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

void hdk_cpu_mask_drop(hdk_cpu_mask *mask, uint32_t cpu) {
  if (cpu < HDK_CPUS_MAX) mask->words[cpu / 64] &= ~(UINT64_C(1) << cpu % 64);
}

bool hdk_cpu_mask_equals(const hdk_cpu_mask *a, const hdk_cpu_mask *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

uint32_t hdk_cpu_mask_count(const hdk_cpu_mask *mask) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < HDK_CPUS_MAX / 64; i++) {
    count += (uint32_t)__builtin_popcountll(mask->words[i]);
  }
  return count;
}

static void mask_of_set(const cpu_set_t *set, hdk_cpu_mask *out_mask) {
  memset(out_mask, 0, sizeof *out_mask);
  for (uint32_t cpu = 0; cpu < HDK_CPUS_MAX; cpu++) {
    if (CPU_ISSET(cpu, set)) hdk_cpu_mask_add(out_mask, cpu);
  }
}

static hd_status move(pthread_t thread, const cpu_set_t *set) {
  int failed = pthread_setaffinity_np(thread, sizeof *set, set);
  if (failed == 0) return HD_OK;
  return failed == EINVAL ? HD_E_INVALID : HD_E_REFUSED;
}

hd_status hdk_affinity_get(hdk_cpu_mask *out_mask) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return HD_E_IO;
  mask_of_set(&set, out_mask);
  return HD_OK;
}

hd_status hdk_affinity_pin(pthread_t thread, uint32_t cpu) {
  if (cpu >= HDK_CPUS_MAX) return HD_E_INVALID;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return move(thread, &set);
}

hd_status hdk_affinity_of(pthread_t thread, hdk_cpu_mask *out_mask) {
  cpu_set_t set;
  if (pthread_getaffinity_np(thread, sizeof set, &set) != 0) return HD_E_IO;
  mask_of_set(&set, out_mask);
  return HD_OK;
}

hd_status hdk_affinity_set(pthread_t thread, const hdk_cpu_mask *mask) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (uint32_t cpu = 0; cpu < HDK_CPUS_MAX; cpu++) {
    if (hdk_cpu_mask_has(mask, cpu)) CPU_SET(cpu, &set);
  }
  return move(thread, &set);
}

hd_status hdk_cpu_current(uint32_t *out_cpu) {
  int cpu = sched_getcpu();
  if (cpu < 0) return HD_E_IO;
  *out_cpu = (uint32_t)cpu;
  return HD_OK;
}

hd_status hdk_thread_cpu_ns(pthread_t thread, uint64_t *out_ns) {
  clockid_t clock;
  struct timespec time;
  if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &time) != 0) return HD_E_IO;
  *out_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
  return HD_OK;
}
