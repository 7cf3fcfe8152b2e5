/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that run to completion, and regions. */
#include "ours.h"

#include "bench/harness/region.h"

enum { TASKS = 1000, CROWD = 4 };

typedef struct crowd {
  hb_stage stage;
  uint32_t count; /* of tasks outstanding at once */
  hd_group group;
  hd_task tasks[TASKS];
} crowd;

static void runs(void *arg) {
  __asm__ volatile("" : : "r"(arg) : "memory");
}

static void spawns_and_joins(void *arg) {
  crowd *c = arg;
  hb_batches batches;
  uint32_t rounds = TASKS / c->count;
  hd_group_init(&c->group, c->stage.runtime);
  hb_batches_begin(&batches, c->stage.run, TASKS);
  while (hb_batches_next(&batches)) {
    for (uint32_t round = 0; round < rounds; round++) {
      for (uint32_t i = 0; i < c->count; i++) {
        c->tasks[i] = (hd_task){.fn = runs, .arg = c};
        (void)hd_group_post(&c->group, &c->tasks[i]);
      }
      (void)hd_await_group(&c->group);
    }
  }
  hb_batches_say(&batches, "heddle");
}

static void spawn_join(hb_run *run, uint32_t workers, uint32_t count) {
  static crowd c;
  c.count = count;
  hb_stage_play(&c.stage, run, workers, spawns_and_joins);
}

void hb_ours_spawn_join_1(hb_run *run) {
  spawn_join(run, 1, TASKS);
}

void hb_ours_spawn_join_2(hb_run *run) {
  spawn_join(run, 2, TASKS);
}

void hb_ours_submit_wait(hb_run *run) {
  spawn_join(run, 1, 1);
}

/* ---- regions ---- */

static void part_of_region(void *arg, uint32_t part) {
  (void)arg, (void)part;
  hb_chunk();
}

static void region(void *arg) {
  hb_stage *stage = arg;
  hd_runtime_parallel(stage->runtime, 2, 2, part_of_region, NULL);
}

static void repeats_regions(void *arg) {
  hb_stage *stage = arg;
  hb_region_measure(stage->run, "heddle", region, stage);
}

void hb_ours_region(hb_run *run) {
  hb_stage stage;
  hb_stage_play(&stage, run, 2, repeats_regions);
}

static void crowded_region(void *arg) {
  hb_stage *stage = arg;
  hd_runtime_parallel(stage->runtime, CROWD, CROWD, part_of_region, NULL);
}

static void repeats_crowded_regions(void *arg) {
  hb_stage *stage = arg;
  hb_region_crowded(stage->run, "heddle", CROWD, crowded_region, stage);
}

void hb_ours_region_crowded(hb_run *run) {
  hb_stage stage;
  hb_stage_play(&stage, run, CROWD, repeats_crowded_regions);
}
