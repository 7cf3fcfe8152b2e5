/* SPDX-License-Identifier: Apache-2.0 */
/* Which figures heddle has, and the runtime that they run on. */
#include "ours.h"

#include "heddle/implement/policy.h"
#include "heddle/sched.h"

static const hb_figure figures[] = {{"yield", 1, hb_ours_yield},
                                    {"yield_deep", 1, hb_ours_yield_deep},
                                    {"wake", 1, hb_ours_wake},
                                    {"wake_live", 1, hb_ours_wake_live},
                                    {"coroutine_life", 1, hb_ours_coroutine_life},
                                    {"spawn_join_1", 1, hb_ours_spawn_join_1},
                                    {"spawn_join_2", 2, hb_ours_spawn_join_2},
                                    {"submit_wait", 1, hb_ours_submit_wait},
                                    {"graph_chain", 1, hb_ours_graph_chain},
                                    {"graph_wave", 1, hb_ours_graph_wave},
                                    {"region_p50", 2, hb_ours_region},
                                    {"region_p99", 2, hb_ours_region},
                                    {"region_crowded", 2, hb_ours_region_crowded},
                                    {"wake_polled_memory", 2, hb_ours_wake_memory},
                                    {"wake_polled_fd", 2, hb_ours_wake_fd},
                                    {"wake_parked", 2, hb_ours_wake_parked},
                                    {"parked_bytes", 1, hb_ours_parked_bytes},
                                    {"unstarted_bytes", 1, hb_ours_unstarted_bytes},
                                    {"decide_1", 1, hb_ours_decide_1},
                                    {"decide_64", 1, hb_ours_decide_64},
                                    {"decide_1000", 1, hb_ours_decide_1000},
                                    {"decide_fair_1000", 1, hb_ours_decide_fair_1000},
                                    {"lease", 1, hb_ours_lease},
                                    {"idle", 2, hb_ours_idle},
                                    {"idle_timers", 2, hb_ours_idle_timers},
                                    {NULL, 0, NULL}};

const hb_program hb_ours = {"heddle", figures};

static void play(void *arg) {
  hb_stage *stage = arg;
  stage->first(stage);
  sem_post(&stage->played);
}

static void play_on(hb_stage *stage, hb_run *run, void (*first)(void *arg)) {
  stage->run = run;
  stage->first = first;
  sem_init(&stage->played, 0, 0);
  if (hd_coro_spawn(stage->runtime, "bench", play, stage) == HD_OK) {
    /* A runtime that is being destroyed takes nothing new. */
    while (sem_wait(&stage->played) != 0) {
    }
  } else {
    hb_say_none(run, "the coroutine cannot start");
  }
}

void hb_stage_play(hb_stage *stage, hb_run *run, uint32_t workers, void (*first)(void *arg)) {
  hd_host host;
  hd_runtime_config config;
  hd_host_posix(&host);
  hd_runtime_config_default(&config);
  config.worker_count = workers;
  config.place_workers = true;
  if (hd_runtime_create(&host, &config, &stage->runtime) != HD_OK) {
    hb_say_none(run, "the runtime cannot start");
    return;
  }
  play_on(stage, run, first);
  hd_runtime_destroy(stage->runtime);
  sem_destroy(&stage->played);
}

hd_sched *hb_ours_sched(hb_run *run, uint32_t workers) {
  hd_host host;
  hd_sched_config config;
  hd_sched *sched;
  hd_error error;
  hd_host_posix(&host);
  hd_sched_config_default(&config);
  config.runtime.worker_count = workers;
  config.runtime.place_workers = true;
  config.policies = hd_policies_builtin();
  if (hd_sched_create(&host, &config, &sched, &error) == HD_OK) return sched;
  hb_say_none(run, "the scheduler cannot start");
  return NULL;
}

void hb_stage_play_live(hb_stage *stage, hb_run *run, uint32_t workers, void (*first)(void *arg)) {
  hd_sched *sched = hb_ours_sched(run, workers);
  if (sched == NULL) return;
  stage->runtime = hd_sched_runtime(sched);
  play_on(stage, run, first);
  hd_sched_destroy(sched);
  sem_destroy(&stage->played);
}
