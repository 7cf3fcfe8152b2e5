/* SPDX-License-Identifier: Apache-2.0 */
/* What a started coroutine that waits costs in memory, page tables and all tables of the runtime included. */
#include "ours.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PARKED = 20000 };

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

void hb_ours_parked_bytes(hb_run *run) {
  hd_host host;
  hd_runtime_config config;
  hd_runtime *runtime;
  hall *h = malloc(sizeof *h);
  if (h == NULL) return;
  memset(h, 0xff, sizeof *h); /* the caller's own: touched before the first look */
  atomic_store(&h->next, 0);
  atomic_store(&h->waiting, 0);
  for (uint32_t i = 0; i < PARKED; i++)
    hd_event_init(&h->events[i]);
  uint64_t before = hb_memory_bytes();
  hd_host_posix(&host);
  hd_runtime_config_default(&config);
  config.worker_count = 1;
  config.max_coroutines = PARKED;
  if (hd_runtime_create(&host, &config, &runtime) != HD_OK) {
    hb_say_none(run, "the runtime cannot start");
    free(h);
    return;
  }
  uint32_t spawned = 0;
  while (spawned < PARKED && hd_coro_spawn(runtime, "parked", waits, h) == HD_OK)
    spawned++;
  if (spawned == PARKED && all_wait(h, spawned)) {
    hb_say(run, "heddle", (double)(hb_memory_bytes() - before) / PARKED, "bytes", -1);
  } else {
    hb_say_none(run, "not all of them could start");
  }
  for (uint32_t i = 0; i < PARKED; i++)
    hd_event_set(&h->events[i]);
  hd_runtime_destroy(runtime);
  free(h);
}
