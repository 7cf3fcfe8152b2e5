/* SPDX-License-Identifier: Apache-2.0 */
/* heddle's side of each figure, through its public headers alone. */
#ifndef HB_OURS_H
#define HB_OURS_H

#include <semaphore.h>
#include "bench/harness/harness.h"
#include "heddle/runtime.h"
#include "heddle/sched.h"

extern const hb_program hb_ours;

void hb_ours_yield(hb_run *run);
void hb_ours_yield_deep(hb_run *run);
void hb_ours_wake(hb_run *run);
void hb_ours_wake_live(hb_run *run);
void hb_ours_coroutine_life(hb_run *run);
void hb_ours_spawn_join_1(hb_run *run);
void hb_ours_spawn_join_2(hb_run *run);
void hb_ours_submit_wait(hb_run *run);
void hb_ours_graph_chain(hb_run *run);
void hb_ours_graph_wave(hb_run *run);
void hb_ours_region(hb_run *run);
void hb_ours_region_crowded(hb_run *run);
void hb_ours_wake_memory(hb_run *run);
void hb_ours_wake_fd(hb_run *run);
void hb_ours_wake_parked(hb_run *run);
void hb_ours_parked_bytes(hb_run *run);
void hb_ours_unstarted_bytes(hb_run *run);
void hb_ours_decide_1(hb_run *run);
void hb_ours_decide_64(hb_run *run);
void hb_ours_decide_1000(hb_run *run);
void hb_ours_decide_fair_1000(hb_run *run);
void hb_ours_lease(hb_run *run);
/* Ten seconds each, hence not of those that all run together. */
void hb_ours_idle(hb_run *run);
void hb_ours_idle_timers(hb_run *run);

/* A runtime of so many workers, each on a core of its own, runs `first` as a coroutine and ends when it and
 * all that it spawned have ended. Says "none" when there can be no such runtime. `first` gets the stage,
 * which is the first member of whatever more it needs. */
typedef struct hb_stage {
  hb_run *run;
  hd_runtime *runtime;
  void (*first)(void *arg);
  sem_t played;
} hb_stage;
void hb_stage_play(hb_stage *stage, hb_run *run, uint32_t workers, void (*first)(void *arg));
/* The same on the runtime of a scheduler. */
void hb_stage_play_live(hb_stage *stage, hb_run *run, uint32_t workers, void (*first)(void *arg));

/* A scheduler of the host's own, NULL after saying "none". The caller destroys it. */
hd_sched *hb_ours_sched(hb_run *run, uint32_t workers);

#endif
