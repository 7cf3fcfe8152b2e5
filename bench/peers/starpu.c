/* SPDX-License-Identifier: Apache-2.0 */
/* StarPU with CPU workers alone and its default scheduler: tasks, and a region made of two. */
#include <starpu.h>
#include <stdlib.h>
#include "bench/harness/harness.h"
#include "bench/harness/region.h"

#define WHO "starpu"

enum { TASKS = 1000 };

static void nothing(void *buffers[], void *arg) {
  (void)buffers;
  __asm__ volatile("" : : "r"(arg) : "memory");
}

static void chunk(void *buffers[], void *arg) {
  (void)buffers, (void)arg;
  hb_chunk();
}

static struct starpu_codelet empty = {.cpu_funcs = {nothing}, .nbuffers = 0};
static struct starpu_codelet working = {.cpu_funcs = {chunk}, .nbuffers = 0};

/* The submitting thread comes beside the workers: StarPU's main thread does not work. */
static bool start(hb_run *run, int workers) {
  struct starpu_conf conf;
  setenv("STARPU_SILENT", "1", 1);
  setenv("STARPU_WORKERS_NOBIND", "1", 1);  /* the process is confined already */
  setenv("STARPU_HOME", "/nonexistent", 1); /* else it leaves a folder in the user's home */
  starpu_conf_init(&conf);
  conf.ncpus = workers;
  conf.ncuda = 0;
  conf.nopencl = 0;
  if (starpu_init(&conf) == 0) {
    hb_spread(run, 0);
    return true;
  }
  hb_say_none(run, "StarPU does not start");
  return false;
}

static void submit(struct starpu_codelet *codelet) {
  struct starpu_task *task = starpu_task_create();
  task->cl = codelet;
  if (starpu_task_submit(task) != 0) starpu_task_destroy(task);
}

static void spawn_join(hb_run *run, int workers, int count, int rounds) {
  hb_batches batches;
  if (!start(run, workers)) return;
  hb_batches_begin(&batches, run, (double)count * rounds);
  while (hb_batches_next(&batches)) {
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < count; i++)
        submit(&empty);
      starpu_task_wait_for_all();
    }
  }
  hb_batches_say(&batches, WHO);
  starpu_shutdown();
}

static void spawn_join_1(hb_run *run) {
  spawn_join(run, 1, TASKS, 1);
}

static void spawn_join_2(hb_run *run) {
  spawn_join(run, 2, TASKS, 1);
}

static void submit_wait(hb_run *run) {
  spawn_join(run, 1, 1, 10);
}

static void region(void *arg) {
  (void)arg;
  submit(&working);
  submit(&working);
  starpu_task_wait_for_all();
}

static void measure_region(hb_run *run) {
  if (!start(run, 2)) return;
  hb_region_measure(run, WHO, region, NULL);
  starpu_shutdown();
}

/* Deciding is what StarPU does with each task it is given: its whole way of a task, however many wait. */
static const hb_figure figures[] = {{"spawn_join_1", 1, spawn_join_1}, {"spawn_join_2", 2, spawn_join_2},
                                    {"submit_wait", 1, submit_wait},   {"region_p50", 2, measure_region},
                                    {"region_p99", 2, measure_region}, {"decide_1", 1, spawn_join_1},
                                    {"decide_64", 1, spawn_join_1},    {NULL, 0, NULL}};

int main(int argc, char **argv) {
  static const hb_program program = {WHO, figures};
  return hb_program_main(&program, argc, argv);
}
