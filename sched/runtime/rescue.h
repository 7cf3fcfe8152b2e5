/* SPDX-License-Identifier: Apache-2.0 */
/* What is done for a worker that has lost its core to a stranger in the midst of a region. Whoever shares a
 * core with another process has it for some milliseconds in turn, and all who wait for its part wait as long:
 * far longer than the part takes, and longer than what helping gained. But those who wait have a core that
 * they do not need. So:
 *  - a caller that waits for a helper which does not run moves that helper to its own core and sleeps; the
 *    helper goes back when it has done its part;
 *  - a helper that has nothing to do, because the caller does not run, changes places with it;
 *  - a helper that was woken on the core of its caller goes to another one, where it takes no time from it.
 * Nothing is remembered: when the neighbour is gone, nobody is lost and nobody is moved. Where the kernel
 * refuses to move threads all this does nothing. */
#ifndef HDI_RUNTIME_RESCUE_H
#define HDI_RUNTIME_RESCUE_H

#include "kernel_shims/affinity.h"

#include <stdatomic.h>

struct hdi_worker;
struct hdi_region;
struct hd_runtime;

/* How long a thread is watched before it is called lost: of that time one that runs has used nearly all,
 * one that does not none, and reading its processor time takes less than 1 us. */
#define HDI_RESCUE_WATCH_NS UINT64_C(10000)

/* A wait for parts looks again for those that were lost later, after this time and after twice as long each
 * time that follows. A stranger's turn is 3 ms or more, usually. */
#define HDI_RESCUE_AGAIN_NS UINT64_C(1000000)

/* The kernel's calls, which the tests replace. */
typedef struct hdi_rescue_kernel {
  hd_status (*cpu_ns)(pthread_t thread, uint64_t *out_ns);
  hd_status (*current)(uint32_t *out_cpu);
  hd_status (*get)(pthread_t thread, hdk_cpu_mask *out_mask);
  hd_status (*set)(pthread_t thread, const hdk_cpu_mask *mask);
} hdi_rescue_kernel;

typedef struct hdi_rescue {
  hdk_cpu_mask home; /* where it may run; written before the runtime's `rescues` */
  /* Written by its thread alone. */
  atomic_bool in_region; /* is the caller of one */
  const struct hdi_region *_Atomic helps;
  /* Everybody's. 0: it was not moved; else 2 x (the CPU + 1), and 1 as long as it is being moved. */
  _Atomic uint32_t moved;
  _Atomic uint32_t called_from; /* the CPU + 1 of the caller that woke it, 0: nobody */
} hdi_rescue;

/* Lets workers be moved from now on, within what the process and `place_workers` allow them. Threads: the one
 * that makes the runtime, after all of them have started. */
void hdi_rescue_enable(struct hd_runtime *runtime, const hdi_rescue_kernel *kernel);
extern const hdi_rescue_kernel hdi_rescue_posix;

/* Moves those helpers of the worker's region that do not run to its own core. Returns early when `wanted`
 * parts are done. Threads: the worker's, before it sleeps. */
void hdi_rescue_helpers(struct hdi_worker *worker, uint32_t wanted);

/* Changes places with a caller that does not run. Returns whether it did. Threads: the worker's, before it
 * sleeps. */
bool hdi_rescue_caller(struct hdi_worker *worker);

/* For hdi_rescue_back: whether somebody has moved this worker. */
static inline bool hdi_rescue_is_moved(const hdi_rescue *rescue) {
  return atomic_load_explicit(&rescue->moved, memory_order_relaxed) != 0;
}

/* After it was moved: may run everywhere again, and leaves the core of who moved it unless it `stays`.
 * Threads: the worker's. */
void hdi_rescue_back(struct hdi_worker *worker, bool stays);

/* The sleeper is about to be woken to help. Threads: any. */
void hdi_rescue_call(struct hdi_worker *sleeper);

/* After a sleep. Threads: the worker's. */
void hdi_rescue_woken(struct hdi_worker *worker);

#endif
