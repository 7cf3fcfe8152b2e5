/* SPDX-License-Identifier: Apache-2.0 */
/* A model's decode, alone and beside a thousand others that wait: as requests of the same scheduler, and as
 * one kernel thread each. */
#ifndef HB_CROWD_H
#define HB_CROWD_H

#include <stdbool.h>
#include <stdint.h>
#include "engine/engine.h"

/* Who else is there. */
typedef enum hb_crowd_kind {
  HB_CROWD_ALONE,
  HB_CROWD_LEASES,         /* requests that wait for a device which somebody holds: ready, never decided */
  HB_CROWD_DESCRIPTORS,    /* requests that wait for descriptors which stay silent */
  HB_CROWD_TIMERS,         /* requests that sleep and look up HB_CROWD_WAKES_PER_S times a second each */
  HB_CROWD_READERS,        /* requests of which the next one is woken by each token */
  HB_CROWD_THREAD_TIMERS,  /* as TIMERS, each a kernel thread on a condition variable */
  HB_CROWD_THREAD_READERS, /* as READERS, the same way */
  HB_CROWD_KINDS
} hb_crowd_kind;

/* What a request does that looks whether its app is still there: a tenth of a second is what a user notices.
 */
enum { HB_CROWD_WAKES_PER_S = 10 };

const char *hb_crowd_name(hb_crowd_kind kind); /* "leases" */

typedef struct hb_crowd_setup {
  he_model *model;    /* outlives the crowd */
  const char *policy; /* NULL: the first */
  uint32_t workers;   /* at least 1 */
  uint32_t size;      /* how many wait */
} hb_crowd_setup;

/* One measurement of some tenths of a second. */
typedef struct hb_crowd_sample {
  uint64_t tokens, ns;
  uint64_t voluntary,
      involuntary; /* switches that the kernel counted for the process meanwhile: getrusage(2) */
  uint64_t wakes;  /* of those who wait, meanwhile */
} hb_crowd_sample;

typedef struct hb_crowd hb_crowd;

/* Errors: of the scheduler and the instance. Ownership: the caller's. */
hd_status hb_crowd_open(const hb_crowd_setup *setup, hb_crowd **out_crowd, hd_error *out_error);
void hb_crowd_close(hb_crowd *crowd);
/* Gathers the crowd, waits until all of it waits, decodes for about `budget_ns`, and sends it home. Errors:
 * of jobs and requests; IO: not as many descriptors or threads can be had. */
hd_status hb_crowd_measure(hb_crowd *crowd, hb_crowd_kind kind, uint64_t budget_ns,
                           hb_crowd_sample *out_sample, hd_error *out_error);

/* ---- waiters.c, threads.c: the two ways to wait ---- */

/* `waiting` counts those that have begun to wait, `wakes` how often they were woken. */
typedef struct hb_waiters hb_waiters;

hd_status hb_waiters_gather(hd_sched *sched, hb_crowd_kind kind, uint32_t count, hb_waiters **out_waiters);
/* A token is there: wakes the next reader. From any thread. */
void hb_waiters_token(hb_waiters *waiters);
uint64_t hb_waiters_wakes(const hb_waiters *waiters);
void hb_waiters_send_home(hb_waiters *waiters);

typedef struct hb_threads hb_threads;

hd_status hb_threads_gather(hb_crowd_kind kind, uint32_t count, hb_threads **out_threads);
void hb_threads_token(hb_threads *threads);
uint64_t hb_threads_wakes(const hb_threads *threads);
void hb_threads_send_home(hb_threads *threads);

#endif
