/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping and waking. The rule that loses no wake-up: whoever hands over work first makes it visible, then
 * looks at who sleeps; whoever wants to sleep first says so, then looks for work once more. All four are
 * sequentially consistent, but for a worker that puts a task into its own ring, which is frequent: there the
 * sleeper, which is not, makes the kernel fence for both (membarrier.h), where the kernel can. */
#ifndef HDI_RUNTIME_PARK_H
#define HDI_RUNTIME_PARK_H

#include "state.h"

/* Sleeps until somebody wakes this worker or the host clock reads `until_ns` (UINT64_MAX: for ever). Does not
 * when there is work. Threads: the worker's. */
void hdi_park(hdi_worker *worker, uint64_t until_ns);

/* Says that the worker sleeps in poll(2) on its poller; false (and awake again) when there is work. */
bool hdi_park_in_host(hdi_worker *worker);
void hdi_unpark_from_host(hdi_worker *worker);

/* Wakes this worker if it sleeps: at most one system call a sleep, however many wake it. Threads: any. */
void hdi_wake(hdi_worker *worker);

/* A task was put, or the hook is asked for: wakes one worker, best core first,
 * unless one is looking for work already or on its way. Threads: any. */
void hdi_wake_searcher(hd_runtime *runtime);

/* Wakes up to `count` workers for a region, fewer when some are looking for work already, and none that would
 * have no core to run on. Returns how many. Threads: any. */
uint32_t hdi_wake_helpers(hd_runtime *runtime, uint32_t count);

void hdi_wake_all(hd_runtime *runtime);

/* futex(2) on a word of this process. `timeout_ns` UINT64_MAX: for ever. Returns for no reason at times. */
void hdi_futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void hdi_futex_wake(_Atomic uint32_t *word, uint32_t count);

#endif
