/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does: its loop, piece by piece. Threads of all: the worker's. */
#ifndef HDI_RUNTIME_WORKER_H
#define HDI_RUNTIME_WORKER_H

#include "state.h"

/* Coroutines that follow each other directly before the loop looks at timers and tasks again: long
 * enough that the loop costs nothing, short enough that they wait for microseconds. */
#define HDI_BURST 64u

/* The same while the hook wants to be called at some time, which the loop looks at. A coroutine seldom runs
 * for more than some ten microseconds, so what the hook waits for is late by less than a tenth of a
 * millisecond. */
#define HDI_HOOKED_BURST 8u

/* Turns between two looks at the descriptors while there is other work; one look is a system call. */
#define HDI_TURNS_A_POLL 16u

/* Runs at most `ready_limit` switches into ready coroutines and `task_limit` tasks and new coroutines.
 * Returns how many it ran. */
uint32_t hdi_worker_run(hdi_worker *worker, uint32_t ready_limit, uint32_t task_limit);

/* Moves what has become ready elsewhere (inbox, due timers, descriptors when `poll_fds`) to the ready queue.
 */
void hdi_worker_gather(hdi_worker *worker, bool poll_fds);

/* Whether there is something to do, timers and descriptors aside. */
bool hdi_worker_has_work(hdi_worker *worker);

/* The same for who looks again soon. */
bool hdi_worker_is_tempted(hdi_worker *worker);

/* Wakes another searcher for tasks that this worker found and leaves, because it has work of its own. Who put
 * them saw a searcher and woke nobody. */
void hdi_worker_hand_on(hdi_worker *worker);

/* Calls the hook, if one is set. Returns when it wants to be called again. */
uint64_t hdi_worker_hook(hdi_worker *worker);

/* Whether a runtime that closes has nothing left for anybody. */
bool hdi_runtime_is_drained(hd_runtime *runtime);

/* The thread's function: runs until the runtime is drained. */
void *hdi_worker_main(void *worker);

/* Tells the processor that this is a wait. */
static inline void hdi_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile(
      "isb" ::
          : "memory"); /* yield is a no-op on most cores; isb waits about as long as x86's pause */
#endif
}

#endif
