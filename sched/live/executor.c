/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler lends backends: workers to run on, teams, and the bell. */
#include "live.h"

#define TASK_NONE UINT32_MAX

static uint32_t head_index(uint64_t head) {
  return (uint32_t)head;
}

static uint64_t head_with(uint64_t old, uint32_t index) {
  return ((old >> 32) + 1) << 32 | index;
}

static hdl_task *task_take(hd_sched *sched) {
  uint64_t head = atomic_load(&sched->free_tasks);
  do {
    if (head_index(head) == TASK_NONE) return NULL;
  } while (!atomic_compare_exchange_weak(&sched->free_tasks, &head,
                                         head_with(head, sched->tasks[head_index(head)].next_free)));
  return &sched->tasks[head_index(head)];
}

static void task_give(hdl_task *task) {
  hd_sched *sched = task->sched;
  uint64_t head = atomic_load(&sched->free_tasks);
  do {
    task->next_free = head_index(head);
  } while (!atomic_compare_exchange_weak(&sched->free_tasks, &head, head_with(head, task->index)));
}

static void task_run(void *arg) {
  hdl_task *task = arg;
  void (*fn)(void *) = task->fn;
  void *fn_arg = task->arg;
  task_give(task); /* before the work: what it starts may need one */
  fn(fn_arg);
}

static hd_status lent_execute(void *ctx, void (*fn)(void *arg), void *arg) {
  hd_sched *sched = ctx;
  hdl_task *task = task_take(sched);
  if (task == NULL) return HD_E_AGAIN;
  task->fn = fn;
  task->arg = arg;
  task->task.fn = task_run;
  task->task.arg = task;
  hd_status status = hd_runtime_post(sched->runtime, &task->task);
  if (status != HD_OK) task_give(task);
  return status;
}

static void lent_parallel(void *ctx, uint32_t width, uint32_t parts, void (*fn)(void *arg, uint32_t part),
                          void *arg) {
  hd_sched *sched = ctx;
  atomic_fetch_add_explicit(&sched->meetings, 1, memory_order_relaxed);
  hd_runtime_parallel(sched->runtime, width, parts, fn, arg);
}

uint64_t hd_sched_meetings(const hd_sched *sched) {
  return atomic_load_explicit(&sched->meetings, memory_order_relaxed);
}

static void lent_wake(void *ctx) {
  hd_sched *sched = ctx;
  atomic_store(&sched->bell, true);
  hd_runtime_ask_hook(sched->runtime);
}

void hdl_executor_init(hd_sched *sched) {
  for (uint32_t i = 0; i < HDL_TASKS_MAX; i++) {
    sched->tasks[i].sched = sched;
    sched->tasks[i].index = i;
    sched->tasks[i].next_free = i + 1 < HDL_TASKS_MAX ? i + 1 : TASK_NONE;
  }
  atomic_init(&sched->free_tasks, 0);
}

void hdl_executor_lend(hd_sched *sched, hd_backend_host *out_lent) {
  *out_lent = (hd_backend_host){
      .size = sizeof *out_lent,
      .host = &sched->host,
      .ctx = sched,
      .worker_count = hd_runtime_worker_count(sched->runtime),
      .execute = lent_execute,
      .parallel = lent_parallel,
      .wake = lent_wake,
  };
}
