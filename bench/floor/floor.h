/* SPDX-License-Identifier: Apache-2.0 */
/* What is physically reachable: the least code that does the work of a figure, with fixed capacity, no
 * errors, no priorities, no cancellation. Only for comparison; nothing of it is in the library. */
#ifndef HB_FLOOR_H
#define HB_FLOOR_H

#include "bench/harness/harness.h"

/* Its switch is written for these two, and the thread sanitizer, who is not told of it, loses track of
 * frames. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HBF_TSAN
#endif
#elif defined(__SANITIZE_THREAD__)
#define HBF_TSAN
#endif
#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(HBF_TSAN)
#define HBF_SWITCHES
#endif

extern const hb_program hb_floor;

void hbf_yield(hb_run *run);
void hbf_yield_deep(hb_run *run);
void hbf_wake(hb_run *run);
void hbf_coroutine_life(hb_run *run);
void hbf_spawn_join_1(hb_run *run);
void hbf_spawn_join_2(hb_run *run);
void hbf_submit_wait(hb_run *run);
void hbf_graph_chain(hb_run *run);
void hbf_graph_wave(hb_run *run);
void hbf_region(hb_run *run);
void hbf_wake_memory(hb_run *run);
void hbf_parked_bytes(hb_run *run);

#endif
