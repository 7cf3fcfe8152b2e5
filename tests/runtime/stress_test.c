/* SPDX-License-Identifier: Apache-2.0 */
/* Everything at once, by seed: coroutines that yield, sleep, wait for each other and for pipes, spawn, post
 * and run regions, on several workers, ended at a random moment. Usage: stress_test [first seed] [count of
 * seeds]. */
#include "fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACTORS = 40, STEPS = 60, CELLS = 16, PIPES = 4 };

typedef struct stage {
  hd_runtime *runtime;
  hd_event cells[CELLS];
  atomic_uint owners[CELLS]; /* 1: somebody initialises or waits */
  int pipes[PIPES][2];
  atomic_uint alive, begun, parts;
} stage;

typedef struct actor {
  stage *stage;
  uint64_t random;
  hd_task task;
  hd_event posted;
} actor;

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void set_posted(void *arg) {
  hd_event_set(&((actor *)arg)->posted);
}

static void add_part(void *arg, uint32_t part) {
  (void)part;
  atomic_fetch_add(&((stage *)arg)->parts, 1);
}

static void live_short(void *arg) {
  stage *s = arg;
  hd_coro_yield();
  atomic_fetch_sub(&s->alive, 1);
}

/* Waits for a cell that others set at random; only one at a time may wait. */
static hd_status wait_for_cell(actor *a) {
  stage *s = a->stage;
  uint64_t which = next_random(&a->random) % CELLS;
  if (atomic_exchange(&s->owners[which], 1) != 0) return HD_OK;
  hd_status status = hd_await_event_until(&s->cells[which], test_now() + next_random(&a->random) % 50000);
  /* The cell lives as long as the stage, so a late set harms nobody; it only ends the next wait at once. */
  if (status == HD_OK) hd_event_init(&s->cells[which]);
  atomic_store(&s->owners[which], 0);
  return status == HD_E_TIMEOUT ? HD_OK : status;
}

static hd_status use_pipe(actor *a) {
  stage *s = a->stage;
  int *ends = s->pipes[next_random(&a->random) % PIPES];
  if (next_random(&a->random) % 2 == 0) {
    ssize_t wrote = write(ends[1], "x", 1);
    (void)wrote;
    return HD_OK;
  }
  short got = 0;
  hd_status status = hd_await_fd(ends[0], POLLIN, test_now() + next_random(&a->random) % 50000, &got);
  char byte;
  ssize_t length = status == HD_OK ? read(ends[0], &byte, 1) : 0;
  (void)length;
  return status == HD_E_TIMEOUT ? HD_OK : status;
}

static hd_status post_and_wait(actor *a) {
  hd_event_init(&a->posted);
  a->task = (hd_task){.fn = set_posted, .arg = a};
  hd_status status = hd_runtime_post(a->stage->runtime, &a->task);
  if (status != HD_OK) return status;
  /* The task writes to this actor, so even a runtime that closes is waited for: it runs what was posted. */
  while (!hd_event_is_set(&a->posted)) {
    if (hd_await_event(&a->posted) == HD_E_CLOSED) hd_coro_yield();
  }
  return HD_OK;
}

static hd_status step(actor *a) {
  stage *s = a->stage;
  switch (next_random(&a->random) % 8) {
  case 0:
    return hd_await_time(test_now() + next_random(&a->random) % 30000);
  case 1:
    return wait_for_cell(a);
  case 2:
    hd_event_set(&s->cells[next_random(&a->random) % CELLS]);
    return HD_OK;
  case 3:
    return use_pipe(a);
  case 4:
    return post_and_wait(a);
  case 5: {
    atomic_fetch_add(&s->alive, 1);
    hd_status status = hd_coro_spawn(s->runtime, "short", live_short, s);
    if (status != HD_OK) atomic_fetch_sub(&s->alive, 1);
    return status == HD_E_LIMIT ? HD_OK : status;
  }
  case 6:
    hd_runtime_parallel(s->runtime, (uint32_t)(next_random(&a->random) % 4) + 1,
                        (uint32_t)(next_random(&a->random) % 9), add_part, s);
    return HD_OK;
  default:
    hd_coro_yield();
    return HD_OK;
  }
}

static void act(void *arg) {
  actor *a = arg;
  atomic_fetch_add(&a->stage->begun, 1);
  for (int i = 0; i < STEPS; i++) {
    hd_status status = step(a);
    if (status == HD_E_CLOSED) break;
    assert_int_equal(status, HD_OK);
  }
  atomic_fetch_sub(&a->stage->alive, 1);
}

static void play(uint64_t seed) {
  static stage s;
  static actor actors[ACTORS];
  uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
  uint32_t workers = (uint32_t)(next_random(&random) % 5);
  s = (stage){.runtime = make_runtime(workers, ACTORS * STEPS)};
  for (int i = 0; i < CELLS; i++) {
    hd_event_init(&s.cells[i]);
  }
  for (int i = 0; i < PIPES; i++) {
    assert_int_equal(pipe2(s.pipes[i], O_NONBLOCK), 0);
  }
  for (int i = 0; i < ACTORS; i++) {
    actors[i] = (actor){.stage = &s, .random = next_random(&random) | 1};
    atomic_fetch_add(&s.alive, 1);
    spawn(s.runtime, "actor", act, &actors[i]);
  }
  bool to_the_end = next_random(&random) % 2 == 0;
  unsigned patience = (unsigned)(next_random(&random) % 200);
  for (unsigned i = 0; to_the_end ? atomic_load(&s.alive) > 0 : i < patience; i++) {
    if (hd_runtime_dispatch(s.runtime, 0) == 0) sched_yield();
  }
  hd_runtime_destroy(s.runtime);
  assert_int_equal(s.alive, 0);
  assert_int_equal(s.begun, ACTORS);
  for (int i = 0; i < PIPES; i++) {
    (void)close(s.pipes[i][0]);
    (void)close(s.pipes[i][1]);
  }
}

static uint64_t first_seed = 1, seed_count = UNDER_SANITIZER ? 30 : 200;

static void everything_at_once_ends_well(void **state) {
  (void)state;
  for (uint64_t seed = first_seed; seed < first_seed + seed_count; seed++) {
    play(seed);
  }
}

int main(int argc, char **argv) {
  if (argc > 1) first_seed = strtoull(argv[1], NULL, 10);
  if (argc > 2) seed_count = strtoull(argv[2], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(everything_at_once_ends_well)};
  return cmocka_run_group_tests_name("runtime/stress", tests, NULL, NULL);
}
