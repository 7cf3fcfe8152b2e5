/* SPDX-License-Identifier: Apache-2.0 */
/* Everything at once, by seed: coroutines of all bands that yield, sleep, wait for each other and for pipes,
 * spawn, join, post, await groups, run regions and graphs, shield themselves, cancel each other and move each
 * other to other bands, on several workers, beside foreign threads
 * that do what such may, ended at a random moment. */
#include "fixture.h"

#include "heddle/dag.h"
#include "seeds.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

enum { ACTORS = 40, STEPS = 60, CELLS = 16, PIPES = 4, STRANGERS = 2, NODES = 6, GROUP = 20 };

typedef struct actor actor;

typedef struct stage {
  hd_runtime *runtime;
  actor *actors;
  hd_event cells[CELLS];
  atomic_uint owners[CELLS]; /* 1: somebody initialises or waits */
  int pipes[PIPES][2];
  atomic_uint alive, begun, parts, wanted_parts, tasks, wanted_tasks;
  atomic_bool strangers_go;
} stage;

struct actor {
  stage *stage;
  uint64_t random;
  hd_task task;
  hd_event posted;
  hd_task crowd[GROUP];
  hd_dag *dag;
  atomic_uint nodes, wanted_nodes;
  atomic_flag lock; /* of `coro`: whoever cancels it holds this, so that it cannot end meanwhile */
  hd_coro *coro;
};

static uint32_t below(actor *a, uint32_t end) {
  return seeds_below(&a->random, end);
}

static void lock(actor *a) {
  while (atomic_flag_test_and_set(&a->lock)) {
    sched_yield();
  }
}

static void unlock(actor *a) {
  atomic_flag_clear(&a->lock);
}

/* What an await may answer; a deadline and a cancellation are no reason to stop. CLOSED is. */
static hd_status judged(hd_status status) {
  if (status == HD_E_CANCELLED) HOLDS(hd_coro_is_cancelled(hd_coro_self()));
  HOLDS(status == HD_OK || status == HD_E_TIMEOUT || status == HD_E_CANCELLED || status == HD_E_CLOSED);
  return status == HD_E_CLOSED ? status : HD_OK;
}

/* ---- what an actor does ---- */

static void finish_task(void *arg) {
  actor *a = arg;
  atomic_fetch_add(&a->stage->tasks, 1);
  hd_event_set(&a->posted);
}

static void add_part(void *arg, uint32_t part) {
  (void)part;
  atomic_fetch_add(&((stage *)arg)->parts, 1);
}

static void add_node(void *arg) {
  atomic_fetch_add(&((actor *)arg)->nodes, 1);
}

static void live_short(void *arg) {
  stage *s = arg;
  hd_coro_yield();
  atomic_fetch_sub(&s->alive, 1);
}

static hd_status spawn_short(stage *s) {
  atomic_fetch_add(&s->alive, 1);
  hd_status status = hd_coro_spawn(s->runtime, "short", live_short, s);
  if (status != HD_OK) atomic_fetch_sub(&s->alive, 1);
  HOLDS(status == HD_OK || status == HD_E_LIMIT || status == HD_E_CLOSED);
  return status == HD_E_LIMIT ? HD_OK : status;
}

static hd_band any_band(actor *a) {
  return (hd_band)below(a, HD_BAND_BACKGROUND + 1);
}

/* Others may cancel this one; what writes to its frame is waited for all the same. */
static void join_whatever(hd_join *join) {
  bool before = hd_coro_shield(true);
  HOLDS(hd_coro_join(join) == HD_OK);
  (void)hd_coro_shield(before);
}

static hd_status spawn_and_join(actor *a) {
  stage *s = a->stage;
  hd_join join;
  hd_coro_options options = {.size = sizeof options, .join = &join, .band = any_band(a)};
  atomic_fetch_add(&s->alive, 1);
  hd_status status = hd_coro_spawn_with(s->runtime, "joined", live_short, s, &options);
  if (status != HD_OK) {
    atomic_fetch_sub(&s->alive, 1);
    HOLDS(status == HD_E_LIMIT || status == HD_E_CLOSED);
    return status == HD_E_LIMIT ? HD_OK : status;
  }
  status = hd_coro_join(&join);
  HOLDS(status == HD_OK || status == HD_E_CANCELLED);
  if (status != HD_OK) join_whatever(&join);
  return judged(status);
}

static void count_task(void *arg) {
  atomic_fetch_add(&((stage *)arg)->tasks, 1);
}

static hd_status await_some(actor *a) {
  stage *s = a->stage;
  hd_group group;
  hd_group_init(&group, s->runtime);
  hd_status status = HD_OK;
  for (uint32_t i = 0, count = below(a, GROUP + 1); i < count && status == HD_OK; i++) {
    a->crowd[i] = (hd_task){.fn = count_task, .arg = s};
    status = hd_group_post(&group, &a->crowd[i]);
    if (status == HD_OK) atomic_fetch_add(&s->wanted_tasks, 1);
  }
  HOLDS(status == HD_OK || status == HD_E_CLOSED);
  hd_status awaited = hd_await_group(&group);
  HOLDS(awaited == HD_OK || awaited == HD_E_CANCELLED);
  if (awaited != HD_OK) {
    bool before = hd_coro_shield(true);
    HOLDS(hd_await_group(&group) == HD_OK);
    (void)hd_coro_shield(before);
  }
  return judged(status);
}

/* Waits for a cell that others set at random; only one at a time may wait. */
static hd_status wait_for_cell(actor *a) {
  stage *s = a->stage;
  uint32_t which = below(a, CELLS);
  if (atomic_exchange(&s->owners[which], 1) != 0) return HD_OK;
  hd_status status = hd_await_event_until(&s->cells[which], test_now() + below(a, 50000));
  /* The cell lives as long as the stage, so a late set harms nobody; it only ends the next wait at once. */
  if (status == HD_OK) hd_event_init(&s->cells[which]);
  atomic_store(&s->owners[which], 0);
  return judged(status);
}

static hd_status use_pipe(actor *a) {
  int *ends = a->stage->pipes[below(a, PIPES)];
  if (below(a, 2) == 0) {
    ssize_t wrote = write(ends[1], "x", 1);
    (void)wrote;
    return HD_OK;
  }
  short got = 0;
  hd_status status = hd_await_fd(ends[0], POLLIN, test_now() + below(a, 50000), &got);
  char byte;
  ssize_t length = status == HD_OK ? read(ends[0], &byte, 1) : 0;
  (void)length;
  return judged(status);
}

static hd_status post_and_wait(actor *a) {
  hd_event_init(&a->posted);
  a->task = (hd_task){.fn = finish_task, .arg = a};
  hd_status status = hd_runtime_post(a->stage->runtime, &a->task);
  if (status != HD_OK) return judged(status);
  atomic_fetch_add(&a->stage->wanted_tasks, 1);
  /* The task writes to this actor, so it is waited for whatever the await says: what was posted is run. */
  while (!hd_event_is_set(&a->posted)) {
    if (hd_await_event(&a->posted) != HD_OK) hd_coro_yield();
  }
  return HD_OK;
}

static hd_status run_region(actor *a) {
  uint32_t parts = below(a, 9);
  atomic_fetch_add(&a->stage->wanted_parts, parts);
  hd_runtime_parallel(a->stage->runtime, 1 + below(a, 4), parts, add_part, a->stage);
  return HD_OK;
}

static hd_status run_graph(actor *a) {
  hd_status status = hd_dag_run(a->dag, a->stage->runtime);
  if (status == HD_OK) atomic_fetch_add(&a->wanted_nodes, NODES);
  HOLDS(atomic_load(&a->nodes) == atomic_load(&a->wanted_nodes));
  return judged(status);
}

/* One of the actors, perhaps itself. */
static void cancel_any(stage *s, uint32_t which) {
  actor *other = &s->actors[which];
  lock(other);
  if (other->coro != NULL) hd_coro_cancel(other->coro);
  unlock(other);
}

static void move_any(actor *a) {
  actor *other = &a->stage->actors[below(a, ACTORS)];
  lock(other);
  if (other->coro != NULL) hd_coro_set_band(other->coro, any_band(a));
  unlock(other);
}

static hd_status step(actor *a) {
  stage *s = a->stage;
  switch (below(a, 20)) {
  case 0:
  case 1:
    return judged(hd_await_time(test_now() + below(a, 30000)));
  case 2:
  case 3:
    return wait_for_cell(a);
  case 4:
  case 5:
    hd_event_set(&s->cells[below(a, CELLS)]);
    return HD_OK;
  case 6:
  case 7:
    return use_pipe(a);
  case 8:
    return post_and_wait(a);
  case 9:
    return spawn_short(s);
  case 10:
    return run_region(a);
  case 11:
    return run_graph(a);
  case 12:
    if (below(a, 8) == 0) cancel_any(s, below(a, ACTORS));
    return HD_OK;
  case 13:
    (void)hd_coro_shield(below(a, 2) == 0);
    return HD_OK;
  case 14:
    return spawn_and_join(a);
  case 15:
    return await_some(a);
  case 16:
    move_any(a);
    return HD_OK;
  default:
    hd_coro_yield();
    return HD_OK;
  }
}

static void act(void *arg) {
  actor *a = arg;
  atomic_fetch_add(&a->stage->begun, 1);
  lock(a);
  a->coro = hd_coro_self();
  unlock(a);
  for (int i = 0; i < STEPS && step(a) == HD_OK; i++) {
  }
  lock(a);
  a->coro = NULL;
  unlock(a);
  atomic_fetch_sub(&a->stage->alive, 1);
}

/* ---- foreign threads ---- */

static void post_from_outside(actor *a) {
  hd_event_init(&a->posted);
  a->task = (hd_task){.fn = finish_task, .arg = a};
  HOLDS(hd_runtime_post_in(a->stage->runtime, &a->task, any_band(a)) == HD_OK);
  atomic_fetch_add(&a->stage->wanted_tasks, 1);
  while (!hd_event_is_set(&a->posted)) {
    sched_yield();
  }
}

static void *be_strange(void *arg) {
  actor *a = arg;
  stage *s = a->stage;
  hd_runtime_stats stats;
  while (atomic_load(&s->strangers_go)) {
    switch (below(a, 7)) {
    case 0:
      post_from_outside(a);
      break;
    case 1:
      (void)spawn_short(s);
      break;
    case 2:
      hd_event_set(&s->cells[below(a, CELLS)]);
      break;
    case 3:
      cancel_any(s, below(a, ACTORS));
      break;
    case 4:
      hd_runtime_wake(s->runtime);
      break;
    case 5:
      move_any(a);
      break;
    default:
      hd_runtime_stats_get(s->runtime, &stats);
      HOLDS(hd_await_time(0) == HD_E_INVALID); /* not in a coroutine */
      (void)usleep(below(a, 200));
    }
  }
  return NULL;
}

/* ---- one play ---- */

static void make_graph(actor *a) {
  hd_host host = test_host();
  HOLDS(hd_dag_create(&host, NODES, NODES * NODES, &a->dag) == HD_OK);
  for (uint32_t i = 0; i < NODES; i++) {
    HOLDS(hd_dag_add(a->dag, add_node, a, NULL) == HD_OK);
    for (uint32_t before = 0; before < i; before++) {
      if (below(a, 3) == 0) HOLDS(hd_dag_edge(a->dag, before, i) == HD_OK);
    }
  }
  HOLDS(hd_dag_seal(a->dag) == HD_OK);
}

static void set_up(stage *s, actor *actors, uint64_t *random) {
  hd_host host = test_host();
  hd_runtime_config config;
  hd_runtime_config_default(&config);
  config.worker_count = seeds_below(random, 5);
  config.max_coroutines = ACTORS + seeds_below(random, 2) * ACTORS * STEPS; /* sometimes there is no room */
  *s = (stage){.actors = actors, .strangers_go = true};
  HOLDS(hd_runtime_create(&host, &config, &s->runtime) == HD_OK);
  for (int i = 0; i < CELLS; i++) {
    hd_event_init(&s->cells[i]);
  }
  for (int i = 0; i < PIPES; i++) {
    HOLDS(pipe2(s->pipes[i], O_NONBLOCK) == 0);
  }
  for (int i = 0; i < ACTORS + STRANGERS; i++) {
    actors[i] = (actor){.stage = s, .random = seeds_next(random), .lock = ATOMIC_FLAG_INIT};
    make_graph(&actors[i]);
  }
}

static void tear_down(stage *s, actor *actors) {
  for (int i = 0; i < PIPES; i++) {
    (void)close(s->pipes[i][0]);
    (void)close(s->pipes[i][1]);
  }
  for (int i = 0; i < ACTORS + STRANGERS; i++) {
    hd_dag_destroy(actors[i].dag);
  }
}

static void play(uint64_t seed) {
  static stage s;
  static actor actors[ACTORS + STRANGERS];
  uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
  set_up(&s, actors, &random);
  for (int i = 0; i < ACTORS; i++) {
    atomic_fetch_add(&s.alive, 1);
    hd_status status;
    hd_coro_options options = {.size = sizeof options, .band = any_band(&actors[i])};
    while ((status = hd_coro_spawn_with(s.runtime, "actor", act, &actors[i], &options)) == HD_E_LIMIT) {
      if (hd_runtime_dispatch(s.runtime, 0) == 0) sched_yield(); /* until a short one ends */
    }
    HOLDS(status == HD_OK);
  }
  pthread_t strangers[STRANGERS];
  uint32_t stranger_count = seeds_below(&random, STRANGERS + 1);
  for (uint32_t i = 0; i < stranger_count; i++) {
    HOLDS(pthread_create(&strangers[i], NULL, be_strange, &actors[ACTORS + i]) == 0);
  }
  bool to_the_end = seeds_below(&random, 2) == 0;
  uint32_t patience = seeds_below(&random, 200);
  for (uint32_t i = 0; to_the_end ? atomic_load(&s.alive) > 0 : i < patience; i++) {
    if (to_the_end && i > patience) atomic_store(&s.strangers_go, false);
    if (hd_runtime_dispatch(s.runtime, 0) == 0) sched_yield();
  }
  atomic_store(&s.strangers_go, false);
  for (uint32_t i = 0; i < stranger_count; i++) {
    while (pthread_tryjoin_np(strangers[i], NULL) != 0) { /* it may wait for a task */
      if (hd_runtime_dispatch(s.runtime, 0) == 0) sched_yield();
    }
  }
  hd_runtime_destroy(s.runtime);
  HOLDS(s.alive == 0);
  HOLDS(s.begun == ACTORS);
  HOLDS(s.tasks == s.wanted_tasks);
  HOLDS(s.parts == s.wanted_parts);
  tear_down(&s, actors);
}

int main(int argc, char **argv) {
  return seeds_main(argc, argv, UNDER_SANITIZER ? 30 : 200, play);
}
