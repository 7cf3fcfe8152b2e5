/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMP of the compiler's own run-time (libgomp, libomp): tasks, and a parallel region. */
#include <omp.h>
#include <stdlib.h>
#include "bench/harness/harness.h"
#include "bench/harness/region.h"

#if defined(__clang__)
#define WHO "libomp"
#else
#define WHO "gomp"
#endif

enum { TASKS = 1000 };

static void nothing(int i) {
  __asm__ volatile("" : : "r"(i) : "memory");
}

/* Makes the team, which stays for the regions that follow, and gives each of it a core. */
static void gather(hb_run *run, int threads) {
#pragma omp parallel num_threads(threads)
  nothing(0);
  hb_spread(run, 1);
}

static void spawn_join(hb_run *run, int threads, int count) {
  hb_batches batches;
  gather(run, threads);
  hb_batches_begin(&batches, run, TASKS);
#pragma omp parallel num_threads(threads)
#pragma omp single
  while (hb_batches_next(&batches)) {
    for (int round = 0; round < TASKS / count; round++) {
      for (int i = 0; i < count; i++) {
#pragma omp task firstprivate(i)
        nothing(i);
      }
#pragma omp taskwait
    }
  }
  hb_batches_say(&batches, WHO);
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

static void region(void *arg) {
  (void)arg;
#pragma omp parallel num_threads(2)
  hb_chunk();
}

static void measure_region(hb_run *run) {
  gather(run, 2);
  hb_region_measure(run, WHO, region, NULL);
}

static const hb_figure figures[] = {{"spawn_join_1", 1, spawn_join_1}, {"spawn_join_2", 2, spawn_join_2},
                                    {"submit_wait", 1, submit_wait},   {"region_p50", 2, measure_region},
                                    {"region_p99", 2, measure_region}, {NULL, 0, NULL}};

int main(int argc, char **argv) {
  static const hb_program program = {WHO, figures};
  return hb_program_main(&program, argc, argv);
}
