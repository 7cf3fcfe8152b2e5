/* SPDX-License-Identifier: Apache-2.0 */
/* Time from an event on one core to the waiter running on the other.
 *
 * The waiter says that it is about to wait; the signaller, on a core of its own, lets `gap_ns` pass, stamps
 * the clock and signals; the waiter reads the clock as soon as it runs. Both loops are the caller's:
 *
 *     while (hb_latency_arm(&latency)) { ...wait...; hb_latency_woken(&latency); }      the waiter
 *     while (hb_latency_due(&latency)) { ...signal... }                                the signaller */
#ifndef HB_LATENCY_H
#define HB_LATENCY_H

#include <stdatomic.h>
#include "bench/harness/harness.h"

typedef struct hb_latency {
  hb_run *run;
  uint64_t gap_ns, stop_ns;
  _Alignas(64) _Atomic uint32_t armed; /* rounds that the waiter began */
  _Alignas(64) _Atomic bool over;
  _Alignas(64) _Atomic uint64_t stamp_ns;
  uint32_t signalled; /* the signaller's */
  hb_samples samples; /* the waiter's */
} hb_latency;

void hb_latency_begin(hb_latency *latency, hb_run *run, uint64_t gap_ns);
bool hb_latency_arm(hb_latency *latency);
void hb_latency_woken(hb_latency *latency);
bool hb_latency_due(hb_latency *latency);
void hb_latency_say(hb_latency *latency, const char *who);

/* Gaps: while the waiter still polls, and long after it went to sleep. */
#define HB_GAP_POLLED_NS UINT64_C(10000)
#define HB_GAP_PARKED_NS UINT64_C(200000)

#endif
