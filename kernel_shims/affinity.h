/* SPDX-License-Identifier: Apache-2.0 */
/* Which CPUs this process and its threads may use, where a thread runs and for how long it has, and moving
 * threads. Source: sched_setaffinity(2), getcpu(2), clock_getcpuclockid(3). */
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
void hdk_cpu_mask_drop(hdk_cpu_mask *mask, uint32_t cpu);
uint32_t hdk_cpu_mask_count(const hdk_cpu_mask *mask);
bool hdk_cpu_mask_equals(const hdk_cpu_mask *a, const hdk_cpu_mask *b);

/* CPUs that the calling thread may run on. Errors: IO (more CPUs than the mask holds). */
hd_status hdk_affinity_get(hdk_cpu_mask *out_mask);

/* Binds `thread` to one CPU. Errors: INVALID (no such CPU, or not lent to this process), REFUSED. Threads:
 * any. */
hd_status hdk_affinity_pin(pthread_t thread, uint32_t cpu);

/* The CPUs that a thread of this process may run on. Errors: IO. Threads: any. */
hd_status hdk_affinity_of(pthread_t thread, hdk_cpu_mask *out_mask);

/* Lets the thread run on these alone; it is moved at once when it is elsewhere, and who moves itself returns
 * when it runs there. Errors: INVALID (none of them is lent to this process), REFUSED. Threads: any. */
hd_status hdk_affinity_set(pthread_t thread, const hdk_cpu_mask *mask);

/* The CPU that runs the calling thread, which may be another one the next moment. Errors: IO. */
hd_status hdk_cpu_current(uint32_t *out_cpu);

/* Time that a thread of this process has run on any CPU, up to now. Errors: IO. Units: ns. Threads: any. */
hd_status hdk_thread_cpu_ns(pthread_t thread, uint64_t *out_ns);

#endif
