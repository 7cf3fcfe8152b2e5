/* SPDX-License-Identifier: Apache-2.0 */
/* What a coroutine costs in memory while it waits, and before it has started: page tables and all tables of
 * the runtime included. */
#include "ours.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PARKED = 100000 }; /* an old kernel may allow fewer: then those */

typedef struct hall {
  _Atomic uint32_t waiting, next;
  hd_event events[PARKED];
} hall;

static void waits(void *arg) {
  hall *h = arg;
  hd_event *event = &h->events[atomic_fetch_add(&h->next, 1)];
  atomic_fetch_add(&h->waiting, 1);
  (void)hd_await_event(event);
}

/* Until all of them wait, and the worker has found nothing more to do for some ms. */
static bool all_wait(hall *h, uint32_t count) {
  const struct timespec pause = {.tv_nsec = 5000000};
  for (int i = 0; i < 2000 && atomic_load(&h->waiting) < count; i++)
    nanosleep(&pause, NULL);
  nanosleep(&pause, NULL);
  return atomic_load(&h->waiting) == count;
}

static hall *make_hall(void) {
  hall *h = malloc(sizeof *h);
  if (h == NULL) return NULL;
  memset(h, 0xff, sizeof *h); /* the caller's own: touched before the first look */
  atomic_store(&h->next, 0);
  atomic_store(&h->waiting, 0);
  for (uint32_t i = 0; i < PARKED; i++)
    hd_event_init(&h->events[i]);
  return h;
}

/* Spawns as many as may be; with no worker they do not start. NULL: the runtime could not. */
static hd_runtime *fill(hall *h, uint32_t workers) {
  hd_host host;
  hd_runtime_config config;
  hd_runtime *runtime;
  hd_host_posix(&host);
  hd_runtime_config_default(&config);
  config.worker_count = workers;
  config.max_coroutines = PARKED;
  if (hd_runtime_create(&host, &config, &runtime) != HD_OK) return NULL;
  while (hd_coro_spawn(runtime, "parked", waits, h) == HD_OK) {
  }
  return runtime;
}

static void measure(hb_run *run, uint32_t workers) {
  hall *h = make_hall();
  if (h == NULL) return;
  uint64_t before = hb_memory_bytes();
  hd_runtime *runtime = fill(h, workers);
  uint32_t count = runtime == NULL ? 0 : hd_runtime_max_coroutines(runtime);
  hd_runtime_stats stats = {0};
  if (runtime != NULL) hd_runtime_stats_get(runtime, &stats);
  if (count > 0 && stats.coroutines == count && (workers == 0 || all_wait(h, count))) {
    hb_say(run, "heddle", (double)(hb_memory_bytes() - before) / count, "bytes", -1);
  } else {
    hb_say_none(run, "not all of them could start");
  }
  for (uint32_t i = 0; i < PARKED; i++)
    hd_event_set(&h->events[i]);
  hd_runtime_destroy(runtime);
  free(h);
}

void hb_ours_parked_bytes(hb_run *run) {
  measure(run, 1);
}

void hb_ours_unstarted_bytes(hb_run *run) {
  measure(run, 0);
}
