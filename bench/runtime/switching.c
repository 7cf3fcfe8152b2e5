/* SPDX-License-Identifier: Apache-2.0 */
/* Coroutines of one worker: yielding, waking each other, and living. */
#include "ours.h"

#include <fenv.h>
#include "bench/harness/steps.h"

enum { YIELDS = 1000, WAKES = 500, LIVES = 100, DEPTH = 4 };

/* ---- two coroutines that yield to each other ---- */

typedef struct pair {
  hb_stage stage;
  bool deep;
  bool over;
  uint32_t steps_ops; /* to be stepped through, instead of timed */
  double steps;
  hd_event ping, pong;
} pair;

/* Yields from `depth` frames further down and returns through them. */
static __attribute__((noinline)) void yield_below(uint32_t depth) {
  if (depth == 0) {
    hd_coro_yield();
  } else {
    yield_below(depth - 1);
  }
  __asm__ volatile("" ::: "memory"); /* no tail call: each frame is there */
}

/* Leaves the sticky "inexact" flag behind, as any numeric code does. */
static void make_inexact(void) {
  volatile double third = 1.0;
  third = third / 3.0;
}

/* Both yield from here, as a thousand requests that run the same code do: a return from the other's call site
 * would be mispredicted. */
static __attribute__((noinline)) void yield_often(bool deep, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (deep) {
      yield_below(DEPTH - 1); /* its own frame is the first */
    } else {
      hd_coro_yield();
    }
  }
}

static void yields_till_over(void *arg) {
  pair *p = arg;
  feclearexcept(FE_ALL_EXCEPT);
  while (!p->over)
    yield_often(p->deep, YIELDS);
}

static void counts_yields(void *arg) {
  pair *p = arg;
  hb_batches batches;
  (void)hd_coro_spawn(p->stage.runtime, "other", yields_till_over, p);
  hd_coro_yield();
  hb_batches_begin(&batches, p->stage.run, 2.0 * YIELDS); /* of each, one is the other's */
  batches.steps = p->steps;
  while (hb_batches_next(&batches)) {
    make_inexact();
    yield_often(p->deep, YIELDS);
  }
  p->over = true;
  hb_batches_say(&batches, "heddle");
}

static void steps_through_yields(void *arg) {
  pair *p = arg;
  (void)hd_coro_spawn(p->stage.runtime, "other", yields_till_over, p);
  yield_often(false, YIELDS);
  hb_steps_mark();
  yield_often(false, p->steps_ops / 2);
  hb_steps_mark();
  p->over = true;
}

static void step_yields(uint32_t ops) {
  pair p = {.steps_ops = ops};
  hb_stage_play(&p.stage, NULL, 1, steps_through_yields);
}

void hb_ours_yield(hb_run *run) {
  pair p = {.steps = hb_counts_instructions() ? -1 : hb_steps_of(step_yields)};
  hb_stage_play(&p.stage, run, 1, counts_yields);
}

void hb_ours_yield_deep(hb_run *run) {
  pair p = {.deep = true, .steps = -1};
  hb_stage_play(&p.stage, run, 1, counts_yields);
}

/* ---- two coroutines that wake each other ---- */

static void answers(void *arg) {
  pair *p = arg;
  for (;;) {
    if (hd_await_event(&p->ping) != HD_OK || p->over) return;
    hd_event_init(&p->ping);
    hd_event_set(&p->pong);
  }
}

static void asks(void *arg) {
  pair *p = arg;
  hb_batches batches;
  hd_event_init(&p->ping);
  hd_event_init(&p->pong);
  (void)hd_coro_spawn(p->stage.runtime, "other", answers, p);
  hb_batches_begin(&batches, p->stage.run, 2.0 * WAKES);
  while (hb_batches_next(&batches)) {
    for (uint32_t i = 0; i < WAKES; i++) {
      hd_event_set(&p->ping);
      (void)hd_await_event(&p->pong);
      hd_event_init(&p->pong);
    }
  }
  p->over = true;
  hd_event_set(&p->ping);
  hb_batches_say(&batches, "heddle");
}

void hb_ours_wake(hb_run *run) {
  pair p = {.over = false};
  hb_stage_play(&p.stage, run, 1, asks);
}

/* The same in a live scheduler: its turn is the hook of the runtime. */
void hb_ours_wake_live(hb_run *run) {
  pair p = {.over = false};
  hb_stage_play_live(&p.stage, run, 1, asks);
}

/* ---- creating, running and finishing ---- */

typedef struct nursery {
  hb_stage stage;
  uint32_t left;
  hd_event empty;
} nursery;

static void lives(void *arg) {
  nursery *n = arg;
  if (--n->left == 0) hd_event_set(&n->empty);
}

static void raises(void *arg) {
  nursery *n = arg;
  hb_batches batches;
  hb_batches_begin(&batches, n->stage.run, LIVES);
  while (hb_batches_next(&batches)) {
    n->left = LIVES;
    hd_event_init(&n->empty);
    for (uint32_t i = 0; i < LIVES; i++)
      (void)hd_coro_spawn(n->stage.runtime, "child", lives, n);
    (void)hd_await_event(&n->empty);
  }
  hb_batches_say(&batches, "heddle");
}

void hb_ours_coroutine_life(hb_run *run) {
  nursery n = {.left = 0};
  hb_stage_play(&n.stage, run, 1, raises);
}
