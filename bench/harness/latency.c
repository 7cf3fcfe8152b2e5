/* SPDX-License-Identifier: Apache-2.0 */
/* The two sides of a measured wake-up. */
#include "latency.h"

#include <string.h>

#define WARM_ROUNDS  3u
#define LEAST_ROUNDS 40u

void hb_latency_begin(hb_latency *latency, hb_run *run, uint64_t gap_ns) {
  memset(latency, 0, sizeof *latency);
  latency->run = run;
  latency->gap_ns = gap_ns;
  latency->stop_ns = hb_now_ns() + run->budget_ns;
  hb_samples_init(&latency->samples);
}

bool hb_latency_arm(hb_latency *latency) {
  uint32_t rounds = atomic_load_explicit(&latency->armed, memory_order_relaxed);
  if (rounds >= WARM_ROUNDS + LEAST_ROUNDS && hb_now_ns() >= latency->stop_ns) {
    atomic_store_explicit(&latency->over, true, memory_order_release);
    return false;
  }
  atomic_store_explicit(&latency->armed, rounds + 1, memory_order_release);
  return true;
}

void hb_latency_woken(hb_latency *latency) {
  uint64_t now_ns = hb_now_ns();
  uint64_t stamp_ns = atomic_load_explicit(&latency->stamp_ns, memory_order_acquire);
  if (atomic_load_explicit(&latency->armed, memory_order_relaxed) <= WARM_ROUNDS) return;
  hb_samples_add(&latency->samples, now_ns > stamp_ns ? (double)(now_ns - stamp_ns) : 0);
}

bool hb_latency_due(hb_latency *latency) {
  while (atomic_load_explicit(&latency->armed, memory_order_acquire) == latency->signalled) {
    if (atomic_load_explicit(&latency->over, memory_order_acquire)) return false;
    hb_relax();
  }
  latency->signalled++;
  uint64_t until_ns = hb_now_ns() + latency->gap_ns;
  uint64_t now_ns;
  do {
    hb_relax();
    now_ns = hb_now_ns();
  } while (now_ns < until_ns);
  atomic_store_explicit(&latency->stamp_ns, now_ns, memory_order_release);
  return true;
}

void hb_latency_say(hb_latency *latency, const char *who) {
  hb_say(latency->run, who, hb_samples_at(&latency->samples, 0.5), "ns", -1);
  hb_samples_finish(&latency->samples);
}
