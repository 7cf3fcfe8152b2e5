/* SPDX-License-Identifier: Apache-2.0 */
/* Which CPUs this process may use, and pinning a thread to one. Source: sched_setaffinity(2). */
#ifndef HDK_AFFINITY_H
#define HDK_AFFINITY_H

#include "heddle/status.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define HDK_CPUS_MAX 1024u /* glibc's CPU_SETSIZE */

typedef struct hdk_cpu_mask {
  uint64_t words[HDK_CPUS_MAX / 64];
} hdk_cpu_mask;

bool hdk_cpu_mask_has(const hdk_cpu_mask *mask, uint32_t cpu);
void hdk_cpu_mask_add(hdk_cpu_mask *mask, uint32_t cpu); /* ignores CPUs past the maximum */
uint32_t hdk_cpu_mask_count(const hdk_cpu_mask *mask);

/* CPUs that the calling thread may run on. Errors: IO (more CPUs than the mask holds). */
hd_status hdk_affinity_get(hdk_cpu_mask *out_mask);

/* Binds `thread` to one CPU. Errors: INVALID (no such CPU, or not lent to this process), REFUSED. Threads:
 * any. */
hd_status hdk_affinity_pin(pthread_t thread, uint32_t cpu);

#endif
