/* SPDX-License-Identifier: Apache-2.0 */
/* The floor between two cores: one cache line each way. */
#include "floor.h"

#include <pthread.h>
#include "bench/harness/latency.h"
#include "bench/harness/region.h"

/* ---- two chunks, two threads that spin ---- */

static struct {
  _Alignas(64) _Atomic uint32_t begun; /* regions; UINT32_MAX: over */
  _Alignas(64) _Atomic uint32_t done;
} barrier;

static void *works(void *arg) {
  uint32_t seen = 0, now;
  hb_pin(arg, 1);
  for (;;) {
    while ((now = atomic_load_explicit(&barrier.begun, memory_order_acquire)) == seen)
      hb_relax();
    if (now == UINT32_MAX) return NULL;
    seen = now;
    hb_chunk();
    atomic_store_explicit(&barrier.done, now, memory_order_release);
  }
}

static void region(void *arg) {
  uint32_t *count = arg;
  atomic_store_explicit(&barrier.begun, ++*count, memory_order_release);
  hb_chunk();
  while (atomic_load_explicit(&barrier.done, memory_order_acquire) != *count)
    hb_relax();
}

void hbf_region(hb_run *run) {
  pthread_t worker;
  uint32_t count = 0;
  if (pthread_create(&worker, NULL, works, run) != 0) {
    hb_say_none(run, "no thread");
    return;
  }
  hb_pin(run, 0);
  hb_region_measure(run, "floor", region, &count);
  atomic_store(&barrier.begun, UINT32_MAX);
  pthread_join(worker, NULL);
}

/* ---- a word that the other core looks at ---- */

static hb_latency latency;
static _Alignas(64) _Atomic bool word;

static void *signals(void *arg) {
  hb_pin(arg, 1);
  while (hb_latency_due(&latency))
    atomic_store_explicit(&word, true, memory_order_release);
  return NULL;
}

void hbf_wake_memory(hb_run *run) {
  pthread_t signaller;
  hb_latency_begin(&latency, run, HB_GAP_POLLED_NS);
  if (pthread_create(&signaller, NULL, signals, run) != 0) {
    hb_say_none(run, "no thread");
    return;
  }
  hb_pin(run, 0);
  while (hb_latency_arm(&latency)) {
    while (!atomic_load_explicit(&word, memory_order_acquire))
      hb_relax();
    hb_latency_woken(&latency);
    atomic_store_explicit(&word, false, memory_order_relaxed);
  }
  pthread_join(signaller, NULL);
  hb_latency_say(&latency, "floor");
}
