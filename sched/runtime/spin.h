/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for work before going to sleep: who may, at what, and for how long. */
#ifndef HDI_RUNTIME_SPIN_H
#define HDI_RUNTIME_SPIN_H

#include "state.h"

/* What a wake-up is taken to last before one was measured, and the bounds of what is believed. Measured: 22
 * to 41 us across the cores of a virtual machine, a few us on a phone's awake clusters. Below 4 us a sleep is
 * no saving (the two system calls alone take 1 us or more); above 100 us a disturbed measurement would burn
 * more than the sleep it avoids costs. */
#define HDI_WAKE_FIRST_NS UINT64_C(30000)
#define HDI_WAKE_LEAST_NS UINT64_C(4000)
#define HDI_WAKE_MOST_NS  UINT64_C(100000)

/* Looks for work for about as long as being woken takes; true: there is some. False at once where a thread
 * that spins takes the core of one that works, or somebody is searching already. `until_ns`: not beyond. */
bool hdi_spin(hdi_worker *worker, uint64_t until_ns);

/* Learns from a sleep that began at `begin_ns` (host clock). `was_woken`: by another thread, not by a
 * descriptor or the time. */
void hdi_spin_slept(hdi_worker *worker, uint64_t begin_ns, bool was_woken);

/* Threads that sleep and could be woken to a core of their own; what is awake may be asleep the next moment.
 */
uint32_t hdi_spare_cores(const hd_runtime *runtime);

/* How long a thread may spin for another that runs already; 0: not at all. */
static inline uint64_t hdi_spin_ns(const hd_runtime *runtime) {
  return runtime->spins ? atomic_load_explicit(&runtime->wake_ns, memory_order_relaxed) : 0;
}

#endif
