/* SPDX-License-Identifier: Apache-2.0 */
/* pthreadpool: loops split over a pool. It has no task objects: a thousand tasks are a loop of a thousand. */
#include <pthreadpool.h>
#include "bench/harness/harness.h"
#include "bench/harness/region.h"

#define WHO "pthreadpool"

enum { TASKS = 1000 };

static void nothing(void *arg, size_t i) {
  __asm__ volatile("" : : "r"(arg), "r"(i) : "memory");
}

static void spawn_join(hb_run *run, size_t threads, size_t count) {
  hb_batches batches;
  pthreadpool_t pool = pthreadpool_create(threads);
  if (pool == NULL) {
    hb_say_none(run, "the pool cannot be made");
    return;
  }
  hb_spread(run, 1);
  hb_batches_begin(&batches, run, TASKS);
  while (hb_batches_next(&batches)) {
    for (size_t round = 0; round < TASKS / count; round++)
      pthreadpool_parallelize_1d(pool, nothing, NULL, count, 0);
  }
  hb_batches_say(&batches, WHO);
  pthreadpool_destroy(pool);
}

static void spawn_join_1(hb_run *run) {
  spawn_join(run, 1, TASKS);
}

static void spawn_join_2(hb_run *run) {
  spawn_join(run, 2, TASKS);
}

static void submit_wait(hb_run *run) {
  spawn_join(run, 1, 1);
}

static void chunk(void *arg, size_t i) {
  (void)arg, (void)i;
  hb_chunk();
}

static void region(void *arg) {
  pthreadpool_parallelize_1d(arg, chunk, NULL, 2, 0);
}

static void measure_region(hb_run *run) {
  pthreadpool_t pool = pthreadpool_create(2);
  if (pool == NULL) {
    hb_say_none(run, "the pool cannot be made");
    return;
  }
  hb_spread(run, 1);
  hb_region_measure(run, WHO, region, pool);
  pthreadpool_destroy(pool);
}

static const hb_figure figures[] = {{"spawn_join_1", 1, spawn_join_1}, {"spawn_join_2", 2, spawn_join_2},
                                    {"submit_wait", 1, submit_wait},   {"region_p50", 2, measure_region},
                                    {"region_p99", 2, measure_region}, {NULL, 0, NULL}};

int main(int argc, char **argv) {
  static const hb_program program = {WHO, figures};
  return hb_program_main(&program, argc, argv);
}
