/* SPDX-License-Identifier: Apache-2.0 */
/* The coroutine runtime: stackful coroutines over a few workers, usable alone.
 *
 * Waiting costs no thread, switching no system call. A started coroutine stays on its worker. With
 * worker_count 0 there is no thread at all: the host's event loop watches hd_runtime_fd and calls
 * hd_runtime_dispatch. */
#ifndef HEDDLE_RUNTIME_H
#define HEDDLE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "heddle/host.h"

/* C++ before 23 has no stdatomic.h; its atomic words have the layout of C's. */
#ifdef __cplusplus
#include <atomic>
using std::atomic_uintptr_t;
#else
#include <stdatomic.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_runtime hd_runtime;
typedef struct hd_coro hd_coro;

typedef struct hd_runtime_config {
  uint32_t size;
  uint32_t worker_count;   /* threads to start; 0: the host drives through hd_runtime_dispatch */
  uint32_t max_coroutines; /* alive at once; default 1024, at most 2^20; see hd_runtime_max_coroutines */
  uint32_t stack_bytes;    /* of one coroutine; rounded up to pages; default 64 KiB; at least 16 KiB */
  bool place_workers;      /* pin worker i to the i-th best core that the process may use */
  /* Alternate signal stack (sigaltstack(2)) of each worker thread, raised to what the kernel asks for;
   * default 0: none. For a host that handles SIGSEGV, see hd_overflow_find. */
  uint32_t signal_stack_bytes;
} hd_runtime_config;

void hd_runtime_config_default(hd_runtime_config *out_config);

/* Starts the workers. Errors: INVALID, NO_MEMORY, IO (a thread or a descriptor cannot be had; none is left
 * behind). */
hd_status hd_runtime_create(const hd_host *host, const hd_runtime_config *config, hd_runtime **out_runtime);

/* Waits for tasks that run, stops the workers. Coroutines that still wait are resumed with HD_E_CLOSED from
 * their await and run to their end first. Takes NULL. Threads: not from a worker. */
void hd_runtime_destroy(hd_runtime *runtime);

uint32_t hd_runtime_worker_count(const hd_runtime *runtime); /* at least 1: the dispatching thread counts */

/* How many coroutines may be alive at once: what was configured. Only on kernels before Linux 6.13, where the
 * guard below each stack is a mapping of its own, it is fewer when vm.max_map_count allows no more: 28,600 or
 * so with the usual 65,530, an eighth of which is left to the host. */
uint32_t hd_runtime_max_coroutines(const hd_runtime *runtime);

/* Index of the calling worker, 0 .. worker_count-1; -1 on any other thread. The dispatching thread is worker
 * 0. */
int hd_runtime_worker_index(const hd_runtime *runtime);

/* For a host that drives: readable (poll(2) POLLIN) when dispatch has something to do, timers included. -1
 * when workers were started. Ownership: the runtime's; do not close or read. */
int hd_runtime_fd(const hd_runtime *runtime);

/* Runs what is ready for at most about `max_ns` (0: one pass) and returns the count of things run. Never
 * waits. Threads: one at a time, always the same one once a coroutine has started. Only with worker_count 0.
 */
uint32_t hd_runtime_dispatch(hd_runtime *runtime, uint64_t max_ns);

/* Gives the memory of the stacks that no coroutine is on back to the kernel at once, say because the host was
 * told of memory pressure; workers that idle do so by themselves with what nobody used for a second or two.
 * Up to eight stacks a worker stay warm. Returns how many stacks it was. Threads: any. */
uint32_t hd_runtime_trim(hd_runtime *runtime);

/* A one-shot completion word. One coroutine may wait for it; set and wait may race in any order. Initialise
 * with hd_event_init; may be used again after hd_event_init when the waiter has returned. Its memory stays
 * until then: a worker with nothing else to do looks at the word itself. */
typedef struct hd_event {
  atomic_uintptr_t state; /* 0: clear; 1: set; else the waiting coroutine */
} hd_event;

/* ---- run-to-completion tasks ---- */

typedef struct hd_task {
  struct hd_task *next; /* the runtime's, while queued */
  void (*fn)(void *arg);
  void *arg;
  struct hd_group *group; /* the runtime's */
} hd_task;

/* Runs task->fn(task->arg) on some worker. The task is the caller's memory until fn begins. Threads: any.
 * Errors: CLOSED. No allocation. Tasks of one worker begin in the order of posting. An idle worker takes what
 * another has not claimed; a worker claims up to 8 at once, and more than one only while there are at least
 * four for each worker: so many may wait behind one that is long. */
hd_status hd_runtime_post(hd_runtime *runtime, hd_task *task);

/* What goes first on a worker. Urgent coroutines and tasks run before normal ones, background ones when there
 * is nothing else. None starves: of 64 coroutines that a worker resumes (64 tasks that it takes) one is
 * normal when one waits, and of 400 things that it runs one is of the background. What becomes urgent runs
 * when the coroutine or task under way stops, or after 64 more switches when another thread posted it.
 * Coroutines that are all of one band, the normal one, pay nothing for there being others. */
typedef enum hd_band { HD_BAND_NORMAL, HD_BAND_URGENT, HD_BAND_BACKGROUND } hd_band;

/* hd_runtime_post into a band. */
hd_status hd_runtime_post_in(hd_runtime *runtime, hd_task *task, hd_band band);

/* ---- groups: tasks that are awaited together ---- */

/* Fork and join without a shared counter for each task. One coroutine initialises it, posts to it and awaits
 * it; its tasks may post to it as well. The coroutine that awaits runs tasks of the group itself: they have
 * the rest of its stack (stack_bytes of the runtime's configuration), so a task that needs more is posted
 * with hd_runtime_post. A task is in no coroutine, wherever it runs: it cannot await. */
typedef struct hd_group {
  hd_runtime *runtime;
  void *home;              /* the worker whose thread alone touches `own` */
  uintptr_t own;           /* twice the tasks that home posted, less those that it ran */
  bool waiting;            /* `own` has been added to `others` */
  atomic_uintptr_t others; /* the same of everybody else, and one while waiting */
  hd_event done;
} hd_group;

/* May be used again when hd_await_group has returned OK. */
void hd_group_init(hd_group *group, hd_runtime *runtime);

/* As hd_runtime_post. Threads: those of the coroutine and of the group's tasks. Errors: INVALID, CLOSED. */
hd_status hd_group_post(hd_group *group, hd_task *task);

/* Returns when all that was posted has run, also when the runtime closes meanwhile. Errors: INVALID (not in a
 * coroutine, or another one initialised it on another worker), CANCELLED: tasks may still run; the group and
 * they stay where they are until a later await, made while shielded, has returned OK. */
hd_status hd_await_group(hd_group *group);

/* Fork-join: fn(arg, part) for parts 0..parts-1 on up to `width` workers, the caller among them. Parts are
 * taken in order from one counter; the caller takes what the others have not started, so a late helper costs
 * nothing. Threads: a worker, or the dispatching thread; not nested. */
void hd_runtime_parallel(hd_runtime *runtime, uint32_t width, uint32_t parts,
                         void (*fn)(void *arg, uint32_t part), void *arg);

/* The scheduler's turn: at most one hook; set it before anything is posted. A worker calls it after each
 * task, before it sleeps, when it is asked for, and after some coroutines (64, or 8 while the hook wants to
 * be called at a certain time). Returns when it wants to be called again at the latest (host clock;
 * UINT64_MAX: never). */
void hd_runtime_set_hook(hd_runtime *runtime, uint64_t (*hook)(void *arg), void *arg);
/* Makes one worker call the hook soon; wakes one when all sleep. Threads: any. */
void hd_runtime_wake(hd_runtime *runtime);
/* The same for who is about to stop: in a coroutine or a task of this runtime, its own worker calls the hook
 * when it has stopped, and nobody is woken. Elsewhere: hd_runtime_wake. Threads: any. */
void hd_runtime_ask_hook(hd_runtime *runtime);

/* ---- coroutines ---- */

/* Starts fn(arg) as a coroutine named `name` (copied, cut to HD_NAME_BYTES; NULL is ""). It is freed when fn
 * returns. Threads: any. Errors: LIMIT (max_coroutines), NO_MEMORY, CLOSED. */
hd_status hd_coro_spawn(hd_runtime *runtime, const char *name, void (*fn)(void *arg), void *arg);

/* The end of a coroutine, for another one to await: memory of the caller, who keeps it until hd_coro_join has
 * returned OK. */
typedef struct hd_join {
  hd_event ended;
} hd_join;

typedef struct hd_coro_options {
  uint32_t size; /* of this structure */
  hd_join *join; /* is set when fn has returned; NULL: nobody joins */
  hd_band band;  /* of its start, and after it until hd_coro_set_band */
} hd_coro_options;

/* hd_coro_spawn with options; NULL: none. Errors: as there, INVALID. `options->join` is used when it
 * succeeds.
 */
hd_status hd_coro_spawn_with(hd_runtime *runtime, const char *name, void (*fn)(void *arg), void *arg,
                             const hd_coro_options *options);

/* The coroutine that runs on this thread; NULL when none does. */
hd_coro *hd_coro_self(void);
const char *hd_coro_name(const hd_coro *coro);

/* Whose stack overflowed. heddle installs no signal handler: a host that wants its crash report to say which
 * coroutine it was asks from its own, which needs a stack of its own to run on:
 *
 *   static void on_fault(int signal, siginfo_t *info, void *context) {
 *     hd_overflow overflow;
 *     if (hd_overflow_find(info->si_addr, &overflow)) report("stack overflow of ", overflow.coroutine);
 *     ... the default action, or the handler that was there before
 *   }
 *
 * installed by sigaction(2) for SIGSEGV with SA_SIGINFO | SA_ONSTACK, and config.signal_stack_bytes (for
 * example 64 KiB) for the workers' threads; a thread that dispatches calls sigaltstack(2) itself. The guard
 * is one page: code with larger frames is to be built with -fstack-clash-protection, which touches each page.
 */
typedef struct hd_overflow {
  const char *coroutine; /* its name; to be read in the handler only */
  size_t stack_bytes;    /* that it has */
} hd_overflow;

/* Whether `fault_address` lies in the guard of the coroutine that this thread runs. Threads: the one that
 * faulted. Async-signal-safe. */
bool hd_overflow_find(const void *fault_address, hd_overflow *out_overflow);

/* Lets others run. Only inside a coroutine. */
void hd_coro_yield(void);

/* Moves it to another band: at once when it is ready, else when it next becomes so. Threads: any, while
 * `coro` cannot end: whoever keeps the pointer sees to that. */
void hd_coro_set_band(hd_coro *coro, hd_band band);

/* Ends the await that `coro` is in, and each later one, with HD_E_CANCELLED, also one whose event is set
 * already. It goes on running until it awaits, and cannot be cancelled back. Threads: any, while `coro`
 * cannot end: whoever keeps the pointer sees to that. */
void hd_coro_cancel(hd_coro *coro);
bool hd_coro_is_cancelled(const hd_coro *coro);

/* While shielded, the awaits of the calling coroutine take no notice of cancellation: for what must come home
 * before its memory can go. Returns what was set before. Outside a coroutine: does nothing, false. */
bool hd_coro_shield(bool shielded);

/* ---- awaiting: only inside a coroutine ----
 * Errors of all: INVALID (not in a coroutine, or somebody waits already), CANCELLED (hd_coro_cancel), CLOSED
 * (the runtime is going away). */

void hd_event_init(hd_event *event);
/* Sets it and makes the waiter ready. Does not touch the event again once the waiter may have returned.
 * Threads: any. */
void hd_event_set(hd_event *event);
bool hd_event_is_set(const hd_event *event);
hd_status hd_await_event(hd_event *event);
/* Also returns TIMEOUT at `deadline_ns` (host clock); the event is then no longer waited for. */
hd_status hd_await_event_until(hd_event *event, uint64_t deadline_ns);

/* Sleeps until the host clock reads `until_ns`. */
hd_status hd_await_time(uint64_t until_ns);

/* Waits until `fd` has one of `events` (POLLIN, POLLOUT of poll(2)), or TIMEOUT at `deadline_ns` (UINT64_MAX:
 * never). `out_events` gets what is there; may be NULL. Errors also: IO (epoll refuses the descriptor).
 * Ownership: yours; it may be closed and its number used again at any time when nobody awaits it. Closed
 * under a wait, it leaves that wait to its deadline or to cancellation, as epoll(7) does. */
hd_status hd_await_fd(int fd, short events, uint64_t deadline_ns, short *out_events);

/* Waits until the coroutine that was spawned with `join` has returned from its function; at once when it has,
 * also a second time. Of two that wait at the same time the second gets INVALID, as does the coroutine
 * itself; two that join each other wait until somebody cancels one. When the runtime closes the other one
 * runs to its end as well: that is waited for, and OK. Errors: INVALID, CANCELLED: the other one goes on, and
 * `join` stays where it is until a later call, made while shielded, has returned OK. */
hd_status hd_coro_join(hd_join *join);

typedef struct hd_runtime_stats {
  uint64_t switches; /* into a coroutine */
  uint64_t tasks;
  uint64_t parks;      /* times a worker slept */
  uint64_t wakes;      /* system calls to wake one */
  uint32_t coroutines; /* alive */
} hd_runtime_stats;
void hd_runtime_stats_get(const hd_runtime *runtime, hd_runtime_stats *out_stats);

#ifdef __cplusplus
}
#endif
#endif
