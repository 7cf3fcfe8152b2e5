/* SPDX-License-Identifier: Apache-2.0 */
/* What a runtime with nothing to do takes of a core, as time of the processor in each second: coroutines that
 * await descriptors and far deadlines, and the same with a hundred short timers a second. */
#include "ours.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

enum { READERS = 100, SLEEPERS = 900 };

#define NS_PER_S UINT64_C(1000000000)

/* Ten seconds with the usual budget of 20 ms. */
#define BUDGETS UINT64_C(500)
#define TICK_NS UINT64_C(10000000)

typedef struct desert {
  hb_stage stage;
  int pipe[2];
  uint64_t end_ns, tick_ns;
} desert;

static void awaits_descriptor(void *arg) {
  const desert *d = arg;
  (void)hd_await_fd(d->pipe[0], POLLIN, d->end_ns + TICK_NS, NULL);
}

static void sleeps_long(void *arg) {
  const desert *d = arg;
  (void)hd_await_time(d->end_ns + TICK_NS);
}

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void measures(void *arg) {
  desert *d = arg;
  d->end_ns = hb_now_ns() + TICK_NS + BUDGETS * d->stage.run->budget_ns;
  for (int i = 0; i < READERS; i++)
    (void)hd_coro_spawn(d->stage.runtime, "reader", awaits_descriptor, d);
  for (int i = 0; i < SLEEPERS; i++)
    (void)hd_coro_spawn(d->stage.runtime, "sleeper", sleeps_long, d);
  (void)hd_await_time(hb_now_ns() + TICK_NS); /* all wait by then */
  uint64_t begin_ns = hb_now_ns(), cpu_begin_ns = cpu_ns(), next_ns = begin_ns;
  while (next_ns < d->end_ns) {
    next_ns += d->tick_ns;
    (void)hd_await_time(next_ns);
  }
  double share = (double)(cpu_ns() - cpu_begin_ns) / (double)(hb_now_ns() - begin_ns);
  hb_say(d->stage.run, "heddle", (double)NS_PER_S * share, "ns", -1);
}

static void idle(hb_run *run, uint64_t tick_ns) {
  desert d = {.tick_ns = tick_ns};
  if (pipe(d.pipe) != 0) {
    hb_say_none(run, "no pipe");
    return;
  }
  hb_stage_play(&d.stage, run, 2, measures);
  close(d.pipe[0]);
  close(d.pipe[1]);
}

void hb_ours_idle(hb_run *run) {
  idle(run, BUDGETS * run->budget_ns);
}

void hb_ours_idle_timers(hb_run *run) {
  idle(run, TICK_NS);
}
