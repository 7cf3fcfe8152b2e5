/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of a runtime, its workers and its coroutines, and who may touch which field. */
#ifndef HDI_RUNTIME_STATE_H
#define HDI_RUNTIME_STATE_H

#include "heddle/limits.h"
#include "heddle/runtime.h"
#include "fd_wait.h"
#include "parallel.h"
#include "queue.h"
#include "rescue.h"
#include "sanitizer.h"
#include "stack_pool.h"
#include "tasks.h"
#include "timer.h"

#include <pthread.h>

/* Regions in flight and parked workers are bits of one word. */
#define HDI_WORKERS_MAX 64u

#define HDI_CACHE_LINE 64

/* Stacks that a worker keeps for itself, so that a coroutine that ends warms the stack of the next. */
#define HDI_SPARE_STACKS 8u

/* Seeds that a worker keeps for itself, so that spawning takes the lock once for many. */
#define HDI_KEPT_SEEDS 64u

/* What a suspended coroutine waits for: says how to end the wait early. */
typedef enum hdi_wait { HDI_WAIT_NONE, HDI_WAIT_EVENT, HDI_WAIT_TIME, HDI_WAIT_FD } hdi_wait;

/* Lies at the top of the coroutine's own stack, beside its first frames, so that a parked coroutine costs one
 * page. Only its worker's thread touches it, except `next` while it travels through the worker's inbox, and
 * what threads that cancel it or give it another band write (cancel.c, band.c). */
struct hd_coro {
  hdi_flow flow;
  hd_coro *next;
  struct hdi_worker *worker;
  void (*fn)(void *arg);
  void *arg;
  hd_coro *older, *newer; /* list of the worker's living coroutines */
  hdi_stack stack;
  hdi_timer timer;
  hd_event *event;
  hdi_fd_interest fd;
  hd_status result;     /* of the await that it is in */
  uint8_t waits;        /* hdi_wait */
  _Atomic uint8_t band; /* hd_band */
  bool shielded;        /* its awaits ignore `cancelled` */
  atomic_bool cancelled;
  hd_join *join;        /* told when it has returned; NULL: nobody */
  hd_coro *cancel_next; /* in the worker's list of cancelled ones */
  char name[HD_NAME_BYTES];
};

/* A coroutine that has not started: a task whose function is the runtime's marker. */
typedef struct hdi_seed {
  hd_task task;
  void (*fn)(void *arg);
  void *arg;
  hd_join *join;
  hd_band band;
  char name[HD_NAME_BYTES];
} hdi_seed;

/* Whether a worker sleeps, and what wakes it. A searcher was woken to look for work, and counts as searching.
 */
enum { HDI_AWAKE, HDI_PARKED_FUTEX, HDI_PARKED_POLL, HDI_SEARCHER };

typedef struct hdi_worker {
  /* Its own thread's. */
  _Alignas(HDI_CACHE_LINE) struct hd_runtime *runtime;
  hd_coro *current; /* NULL: its loop, a task or the hook runs */
  hdi_ready ready;  /* of the normal band */
  uint32_t index;
  uint32_t burst; /* coroutines that may still follow each other directly, without the loop in between */
  uint32_t follow, followed; /* the same where there is a hook, and how many did: `burst` is 0 then */
  hdi_flow flow;             /* the loop */
  hdi_timer_heap timers;
  hdi_poller poller;
  hd_coro *newest;                     /* living coroutines */
  hd_coro *awaiting;                   /* the last that began to await an event, while it does */
  hd_task *held_task;                  /* taken already; the next to run */
  hdi_ready urgent, background;        /* ready as well: see band.h */
  uint32_t urgent_coros, urgent_tasks; /* urgent ones in a row */
  uint32_t passed;                     /* things run since the last one of the background */
  uint32_t background_turns;           /* a task's and a coroutine's alternate */
  uint32_t lost;                       /* of the burst, to something urgent */
  uint32_t claim, claim_end;           /* places of its ring that it has claimed and not run yet */
  uint32_t room_end;                   /* its ring has room up to here, as far as it knows */
  uint32_t helped;                     /* tasks run by a waiter since it was resumed: see group.c */
  hd_group *folding; /* of the task that ran last, and how many of it were not yet counted: group.c */
  uintptr_t folded;
  hdi_steal_habit steal;
  hdi_seed *free_seeds;
  uint32_t free_seed_count;
  uint32_t spare_count;
  uint32_t turns;
  uint32_t picks;    /* of tasks */
  bool closed;       /* its waits have been ended */
  bool warm;         /* took part in a region since it last slept */
  uint8_t spin_cut;  /* halvings of the next spin */
  bool wants_hook;   /* what ran here asked for it */
  bool hook_sleeps;  /* at its last call here it wanted no other at any time */
  uint64_t armed_ns; /* of the timer of a driven runtime */
  hdi_stack spare[HDI_SPARE_STACKS];
  pthread_t thread;
  void *signal_stack; /* NULL: none */
  hdi_rescue rescue;
  /* Written by its thread alone, read by hd_runtime_stats_get. */
  _Atomic uint64_t switches, tasks, parks;
  /* Everybody's. */
  _Alignas(HDI_CACHE_LINE) hdi_inbox inbox;
  _Atomic(hd_coro *) cancels; /* cancelled and not looked at yet, newest first */
  _Atomic uint32_t state;     /* HDI_AWAKE ... */
  atomic_bool moves;          /* some of its coroutines have got another band: band.c */
  _Atomic uint64_t woken_ns;  /* when it was last woken, if wake-ups are measured */
  _Alignas(HDI_CACHE_LINE) hdi_region region;
  hdi_task_ring tasks_ring;
} hdi_worker;

struct hd_runtime {
  /* Written when it is made. */
  hd_host host;
  hd_runtime_config config;
  uint32_t worker_count; /* at least 1 */
  uint32_t started;      /* threads to join */
  bool driven;           /* no thread of its own: worker 0 is whoever dispatches */
  bool quiet_puts;       /* who puts a task needs no fence, because who goes to sleep fences for both */
  bool spins;            /* its threads may look for work before they sleep */
  uint32_t core_count;   /* that the process may use */
  hdi_seed *seeds;
  uint32_t seed_count;
  const hdi_rescue_kernel *_Atomic rescues; /* NULL: threads stay where the kernel puts them */
  /* The hook: `hook` is written last. */
  void *_Atomic hook_arg;
  uint64_t (*_Atomic hook)(void *arg);
  /* Guarded by spawn_lock. */
  pthread_mutex_t spawn_lock;
  hdi_seed *free_seeds;
  uint32_t fresh_seeds; /* seeds never used so far begin here */
  hdi_stack_pool stacks;

  /* Tasks and coroutines that have not started, beside those in the workers' rings. */
  _Alignas(HDI_CACHE_LINE) _Atomic(hd_task *) foreign; /* put by foreign threads, newest first */
  _Alignas(HDI_CACHE_LINE) hdi_task_overflow overflow;
  _Alignas(HDI_CACHE_LINE) hdi_task_overflow urgent;
  _Alignas(HDI_CACHE_LINE) hdi_task_overflow background;
  /* Read all the time by those who look for work, seldom written. */
  _Alignas(HDI_CACHE_LINE) _Atomic uint64_t parked; /* workers that sleep, by bit */
  _Atomic uint64_t regions;                         /* workers that may have a region in flight, by bit */
  _Atomic uint32_t wake_requests;                   /* calls of hd_runtime_wake */
  _Atomic uint32_t wake_answers; /* wake_requests as the last call of the hook found it: then none is due */
  _Atomic uint64_t wake_ns;      /* what waking a worker takes, as learned */
  /* Written often. */
  _Alignas(HDI_CACHE_LINE) _Atomic uint32_t searching; /* 1: a worker spins for work or was woken to */
  _Atomic uint32_t lingering;                          /* workers that spin for the next region */
  _Atomic uint32_t alive;                              /* coroutines, started or not */
  _Atomic uint32_t visitors; /* foreign threads between asking whether it closes and having woken */
  _Atomic bool closing;      /* new things are refused */
  _Atomic bool sealed;       /* and nobody is left who asked before that */
  _Atomic uint64_t wakes;
  _Atomic uint64_t trim_ns;     /* when free stacks are looked at again (trim.c) */
  _Atomic uintptr_t dispatcher; /* identity of the last dispatching thread */
  hdi_worker workers[];
};

/* The worker whose thread this is, NULL elsewhere. The address of the variable may be kept across a switch,
 * because a started coroutine never changes its thread. initial-exec: one load instead of a call, also in a
 * shared library. */
#define HDI_WORKER_TLS __attribute__((tls_model("initial-exec"), visibility("hidden")))
extern _Thread_local hdi_worker *hdi_this_worker HDI_WORKER_TLS;

/* Whether hd_runtime_wake was called since the hook was. */
static inline bool hdi_hook_is_asked_for(hd_runtime *runtime) {
  return atomic_load_explicit(&runtime->wake_requests, memory_order_seq_cst) !=
         atomic_load_explicit(&runtime->wake_answers, memory_order_relaxed);
}

static inline uint64_t hdi_now(const hd_runtime *runtime) {
  return runtime->host.now_ns(runtime->host.ctx);
}

/* Adds to a counter that only this thread writes. */
static inline void hdi_count(_Atomic uint64_t *counter, uint64_t more) {
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                        memory_order_relaxed);
}

/* ---- the ready queue of queue.h ---- */

static inline void hdi_ready_push(hdi_ready *ready, hd_coro *coro) {
  coro->next = NULL;
  if (ready->head == NULL) {
    ready->head = coro;
  } else {
    ready->tail->next = coro;
  }
  ready->tail = coro;
}

/* NULL: empty. */
static inline hd_coro *hdi_ready_pop(hdi_ready *ready) {
  hd_coro *coro = ready->head;
  if (coro == NULL) return NULL;
  ready->head = coro->next;
  return coro;
}

#endif
