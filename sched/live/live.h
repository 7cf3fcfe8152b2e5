/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the live wing share: the scheduler object and who may touch which part of it.
 *
 * The turn: control plane, device queues, slots, models and the runs in progress belong to whoever holds the
 * turn, a lock that is only ever tried on the hot path. Everybody else leaves a note in the inbox and rings
 * the bell; the holder looks again after letting go, so no note waits for a thread that is not there. */
#ifndef HDL_LIVE_H
#define HDL_LIVE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "heddle/implement/backend.h"
#include "heddle/implement/policy.h"
#include "heddle/lease.h"
#include "heddle/trace.h"

#define HDL_NEVER UINT64_MAX

enum {
  HDL_LAUNCHES_MAX = 512, /* launches out on all devices together: 16 devices of at most 32 */
  HDL_TASKS_MAX = 1024,   /* pieces of backend work queued on workers: two a launch */
  HDL_BACKENDS_MAX = HD_DEVICES_MAX,
  HDL_POLL_BATCH = 16 /* completions taken from a device at a time */
};

/* An event on its way to the turn. Lives inside the object that it speaks of. */
typedef struct hdl_note {
  struct hdl_note *next;
  void (*take)(hd_sched *sched, struct hdl_note *note); /* called in the turn */
} hdl_note;

/* Ids: a slot and a generation, so that a stale id finds nothing. */
typedef struct hdl_slots {
  uint32_t cap, free_head;
  struct hdl_slot_entry {
    uint32_t id; /* generation of the slot in the high half */
    uint32_t next_free;
    void *object; /* NULL: free */
  } * entries;
} hdl_slots;

/* One run of a graph for a request, driven part by part in the turn. */
typedef struct hdl_run {
  hdl_note note;
  hd_event over; /* set when the last part is complete */
  hd_request *request;
  hd_session *session;
  const hd_run *what;
  uint32_t kv_pos;
  uint32_t op_cursor; /* first op of the part in progress */
  uint32_t op_end;    /* one past its last */
  uint32_t step;      /* id; HD_ID_NONE between parts */
  hd_status status;
} hdl_run;

typedef enum hdl_lease_state {
  HDL_LEASE_ASKED = 1,
  HDL_LEASE_GRANTED,
  HDL_LEASE_OVER, /* status says why it was not granted; or it was released */
  HDL_LEASE_LOST  /* taken back; its holder does not know yet, and its release changes nothing */
} hdl_lease_state;

/* A request's one lease at a time. */
struct hd_lease {
  hd_request *request; /* NULL: never asked */
  hd_event granted;    /* for a coroutine that waits */
  hd_lease_desc desc;
  hd_grant grant;
  uint32_t id;
  uint64_t granted_ns;
  hd_status status;
  atomic_int state;  /* hdl_lease_state */
  atomic_int advice; /* hd_advice */
};

struct hd_request {
  hd_host host;    /* its handle may outlive the scheduler */
  hd_sched *sched; /* gone once it is over and the scheduler destroyed */
  hd_request_desc desc;
  char name[HD_NAME_BYTES];
  uint32_t id;
  atomic_uint refs; /* the handle, the coroutine, a queued cancel note */
  atomic_bool cancelled;
  atomic_bool ending; /* whoever sets it ends the request: its thread, or the scheduler that goes */
  atomic_int visits;
  atomic_int over; /* 1 when it is */
  hd_status status;
  hd_event over_event; /* for one coroutine that waits */
  hdl_note cancel_note;
  hdl_run run;
  hd_lease lease;
  hd_request_stats stats; /* the turn's */
  hd_coro *coro;          /* the turn's; NULL before it starts and once it is ending */
  hd_band band;           /* the turn's: that its class or an inherited one asks for */
  bool begun;             /* the turn's: its coroutine runs; a second one that was to begin sooner need not */
};

typedef struct hdl_launch {
  hd_launch launch;
  atomic_uint stop;
  uint32_t step;
  uint16_t device;
  uint16_t generation;
  bool in_use;
  bool abandoned;   /* its device hung: it may still read this, so it is given up with the scheduler only */
  uint64_t hung_ns; /* out longer than this means hung */
} hdl_launch;

/* A step or lease in the slot table: one of run and lease is set. */
typedef struct hdl_step {
  hdl_run *run;
  hd_lease *lease;
  hdl_launch *launch; /* while it is out on a device */
} hdl_step;

typedef struct hdl_backend {
  const hd_backend_ops *ops;
  void *handle;
  hd_backend_host lent;
} hdl_backend;

typedef struct hdl_device {
  hdl_backend *backend; /* NULL: added by the host, for leases only */
  uint32_t index_in_backend;
  hd_device_props props;
  hd_device_state state;
  uint32_t in_flight;
  uint64_t next_poll_ns;
} hdl_device;

struct hd_model {
  hd_sched *sched;
  const hd_graph *graph;
  uint32_t graph_id;
  uint32_t value_count;
  void **values; /* weights bound, the rest NULL */
  hd_program *programs[HD_DEVICES_MAX];
  hd_split splits[HD_PHASE_COUNT];
};

struct hd_session {
  hd_model *model;
  uint32_t max_context, max_tokens, max_outputs;
  uint32_t length;
  atomic_bool busy;
  size_t memory_bytes;
  void *memory;  /* KV, then the arena */
  void **values; /* every value's address; tokens and logits change with each run */
};

/* A piece of backend work on its way to a worker. */
typedef struct hdl_task {
  hd_task task;
  hd_sched *sched;
  uint32_t index;
  uint32_t next_free;
  void (*fn)(void *arg);
  void *arg;
} hdl_task;

struct hd_sched {
  hd_host host;
  hd_runtime *runtime;
  uint32_t worker_count; /* as configured: 0 when the host drives */
  hd_trace *trace;
  atomic_bool closing;
  atomic_int coroutines; /* requests whose coroutine has not ended */

  atomic_uint turn;          /* 1 while somebody holds it */
  atomic_bool bell;          /* something may have happened */
  _Atomic(hdl_note *) inbox; /* newest first */
  atomic_uint_least64_t due; /* when the hook must run again at the latest */

  /* from here on: the turn's */
  hd_control *control;
  uint64_t now_ns;
  uint64_t timer_ns;             /* when the control plane wants the time */
  uint64_t watch_ns;             /* when to look for hung launches again */
  bool replan;                   /* a device was fenced */
  uint32_t raised;               /* requests that are in another band than their own class asks for */
  bool acting;                   /* decisions are being carried out: events that follow wait in `pending` */
  _Atomic uint32_t device_count; /* anybody may read it, and what of a device does not change */
  hdl_device devices[HD_DEVICES_MAX];
  uint32_t backend_count;
  hdl_backend backends[HDL_BACKENDS_MAX];
  hd_model *models[HD_GRAPHS_MAX];
  hdl_slots requests, steps;
  uint32_t step_cap;
  hdl_step *step_table; /* by slot */
  uint32_t pending_count, pending_cap;
  hd_record *pending; /* events that carrying out decisions caused */
  hdl_launch launches[HDL_LAUNCHES_MAX];
  uint32_t launch_hint;

  /* executor.c */
  hdl_task tasks[HDL_TASKS_MAX];
  atomic_uint_least64_t meetings;
  atomic_uint_least64_t free_tasks; /* index of the first free one, and a tag against ABA in the high half */

  /* wait.c: threads of the host's that wait until something of theirs is over */
  bool can_wait;
  atomic_int visitors;       /* calls in progress on behalf of requests: see hdl_visit_begin */
  atomic_bool driven;        /* the host has called hd_sched_dispatch */
  atomic_bool dispatching;   /* a thread is in the runtime's dispatch */
  atomic_bool waiter_drives; /* a thread that waits dispatches */
  atomic_bool polls;         /* it sleeps on the descriptor */
  atomic_int sleepers;       /* threads that hold wait_lock or sleep under it */
  pthread_mutex_t wait_lock;
  pthread_cond_t wait_cond;
};

/* slots.c */
hd_status hdl_slots_init(const hd_host *host, hdl_slots *slots, uint32_t cap);
void hdl_slots_finish(const hd_host *host, hdl_slots *slots);
uint32_t hdl_slots_take(hdl_slots *slots, void *object); /* HD_ID_NONE when full */
void *hdl_slots_find(const hdl_slots *slots, uint32_t id);
void hdl_slots_give(hdl_slots *slots, uint32_t id);
/* In the turn: an id for a run's step or a lease; HD_ID_NONE when all are taken. */
uint32_t hdl_step_take(hd_sched *sched, hdl_run *run, hd_lease *lease);

/* turn.c */
void hdl_turn_enter(hd_sched *sched); /* waits for the turn in progress: set-up, admission and endings only */
void hdl_turn_leave(hd_sched *sched); /* and does what was left in the inbox meanwhile */
uint64_t hdl_turn_try(void *sched); /* the runtime's hook: takes the turn if it is free; when to come again */
void hdl_note_push(hd_sched *sched, hdl_note *note);
/* In the turn: gives the control plane one event and carries out what it decides. */
hd_status hdl_feed(hd_sched *sched, hd_record *event);
/* In the turn, while decisions are being carried out: feeds it after them. */
void hdl_feed_later(hd_sched *sched, const hd_record *event);

/* act.c */
void hdl_act(hd_sched *sched, const hd_record *decision);

/* dispatch.c: all in the turn */
void hdl_dispatch(hd_sched *sched, const hd_record *decision);
void hdl_poll_devices(hd_sched *sched);
/* Fences devices whose launches are out far too long. */
void hdl_watch_devices(hd_sched *sched);
/* Gives up what is out on a device that hangs; the control plane learns that it failed. */
void hdl_abandon_launches(hd_sched *sched, uint32_t device);

/* run.c: in the turn */
void hdl_run_next(hdl_run *run, hd_sched *sched);
void hdl_run_complete(hd_sched *sched, hdl_run *run, hd_status status);

/* lease.c: in the turn */
void hdl_lease_granted(hd_sched *sched, hd_lease *lease, const hd_record *decision);
void hdl_lease_complete(hd_sched *sched, hd_lease *lease, hd_status status);
void hdl_lease_lost(hd_lease *lease);
/* The holder's next checkpoint says this, or what it was told already when that is stronger. Threads: any. */
void hdl_lease_advise(hd_lease *lease, hd_advice advice);
/* The request ends while it holds a lease: gives it back. */
void hdl_lease_drop(hd_sched *sched, hd_request *request);

/* devices.c */
hd_status hdl_devices_open(hd_sched *sched, const hd_backend_ops *const *backends, const char *list,
                           hd_error *out_error);
void hdl_devices_close(hd_sched *sched);

/* executor.c */
void hdl_executor_init(hd_sched *sched);
void hdl_executor_lend(hd_sched *sched, hd_backend_host *out_lent);

/* model.c: in the turn */
void hdl_models_replan(hd_sched *sched);

/* request.c */
void hdl_request_unref(hd_request *request);
/* Takes it out of the control plane and tells who waits for it; its handle stays. */
void hdl_request_end(hd_request *request, hd_status status);
/* In the turn, when somebody began or ended to wait for another: what an urgent one waits for leaves the band
 * of the background for as long. */
void hdl_bands_refresh(hd_sched *sched);
/* hdl_request_end for all requests without a coroutine, when the scheduler goes. */
void hdl_guests_end(hd_sched *sched);
/* Around a call that needs the request's scheduler: false when the request is over, whose scheduler may be
 * gone. A scheduler that is destroyed waits for those inside: the count of the request keeps it until the
 * count of the scheduler does. */
bool hdl_visit_begin(hd_request *request);
void hdl_visit_end(hd_request *request);

/* wait.c: how a thread of the host's waits */
hd_status hdl_wait_init(hd_sched *sched);
void hdl_wait_finish(hd_sched *sched);
void hdl_wait_wake(hd_sched *sched);
/* Sleeps, or dispatches where the host drives, until *flag is `value` no more, `cancelled` (NULL is allowed)
 * is set and the waiters are woken (CANCELLED), or the host clock reads `deadline_ns` (TIMEOUT). */
hd_status hdl_wait_while(hd_sched *sched, const atomic_int *flag, int value, const atomic_bool *cancelled,
                         uint64_t deadline_ns);
/* Where the host drives, from now on this thread is the one that dispatches. */
void hdl_wait_take_over(hd_sched *sched);

#endif
