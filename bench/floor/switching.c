/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of coroutines: a switch, a linked run queue, a pool of stacks. One thread, so plain variables. */
#include "floor.h"

#if defined(HBF_SWITCHES)

#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { YIELDS = 1000, WAKES = 500, LIVES = 100, DEPTH = 4, STACK_BYTES = 65536, PARKED = 20000 };

void hbf_switch(void **save, void *load);

typedef struct coro {
  void *sp;
  struct coro *next;
  void (*fn)(void);
} coro;

/* The process runs one figure and ends. */
static coro scheduler, *current, *ready_head, *ready_tail;

static void ready_push(coro *c) {
  c->next = NULL;
  if (ready_head == NULL) {
    ready_head = c;
  } else {
    ready_tail->next = c;
  }
  ready_tail = c;
}

static coro *ready_pop(void) {
  coro *c = ready_head;
  if (c == NULL) return &scheduler;
  ready_head = c->next;
  return c;
}

static __attribute__((noinline)) void leave_for(coro *to) {
  coro *from = current;
  current = to;
  hbf_switch(&from->sp, to->sp);
}

static __attribute__((noinline)) void yield(void) {
  coro *from = current;
  ready_push(from);
  coro *to = ready_pop();
  current = to;
  hbf_switch(&from->sp, to->sp);
}

/* Ends in the scheduler, or in the next that is ready. */
static void first_frame(void) {
  current->fn();
  leave_for(ready_pop());
  abort();
}

/* What hbf_switch finds on a fresh stack: room for the registers, then where to return to. */
static void prepare(coro *c, char *top, void (*fn)(void)) {
#if defined(__x86_64__)
  void **sp = (void **)(void *)(top - 16);
  *sp = (void *)(uintptr_t)first_frame; /* `ret` leaves the stack as a call would: 8 below a multiple of 16 */
  c->sp = sp - 6;
#else
  void **sp = (void **)(void *)(top - 160);
  sp[11] = (void *)(uintptr_t)first_frame; /* x30 */
  c->sp = sp;
#endif
  c->fn = fn;
}

static char *stacks(uint32_t count) {
  char *slab = mmap(NULL, (size_t)count * STACK_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return slab == MAP_FAILED ? NULL : slab;
}

/* Tops in different cache sets: 64 KiB apart they would share one. */
static char *top_of(char *slab, uint32_t index) {
  return slab + (size_t)(index + 1) * STACK_BYTES - (size_t)(index * 5 % 32) * 64;
}

/* ---- yield ---- */

static hb_run *the_run;
static bool over;
static uint32_t depth;

static __attribute__((noinline)) void yield_below(uint32_t frames) {
  if (frames == 0) {
    yield();
  } else {
    yield_below(frames - 1);
  }
  __asm__ volatile("" ::: "memory");
}

/* Both yield from here: see the same figure of heddle's. */
static __attribute__((noinline)) void yield_often(void) {
  for (uint32_t i = 0; i < YIELDS; i++) {
    if (depth == 0) {
      yield();
    } else {
      yield_below(depth - 1); /* its own frame is the first */
    }
  }
}

static void other(void) {
  while (!over)
    yield_often();
}

static void counter(void) {
  hb_batches batches;
  volatile double third = 1.0;
  hb_batches_begin(&batches, the_run, 2.0 * YIELDS);
  while (hb_batches_next(&batches)) {
    third = third / 3.0;
    yield_often();
  }
  over = true;
  hb_batches_say(&batches, "floor");
}

/* Runs two coroutines until both have ended. */
static void play(hb_run *run, void (*first)(void), void (*second)(void)) {
  coro a, b;
  char *slab = stacks(2);
  the_run = run;
  if (slab == NULL) {
    hb_say_none(run, "no memory");
    return;
  }
  prepare(&a, top_of(slab, 0), first);
  prepare(&b, top_of(slab, 1), second);
  ready_push(&a);
  ready_push(&b);
  current = &scheduler;
  while (ready_head != NULL)
    leave_for(ready_pop());
  munmap(slab, 2 * STACK_BYTES);
}

void hbf_yield(hb_run *run) {
  play(run, counter, other);
}

void hbf_yield_deep(hb_run *run) {
  depth = DEPTH;
  play(run, counter, other);
}

/* ---- wake ---- */

typedef struct event {
  bool set;
  coro *waiter;
} event;

static event ping, pong;

static void event_set(event *e) {
  e->set = true;
  if (e->waiter != NULL) ready_push(e->waiter);
  e->waiter = NULL;
}

static void event_wait(event *e) {
  if (!e->set) {
    e->waiter = current;
    leave_for(ready_pop());
  }
  e->set = false;
}

static void answers(void) {
  for (;;) {
    event_wait(&ping);
    if (over) return;
    event_set(&pong);
  }
}

static void asks(void) {
  hb_batches batches;
  hb_batches_begin(&batches, the_run, 2.0 * WAKES);
  while (hb_batches_next(&batches)) {
    for (uint32_t i = 0; i < WAKES; i++) {
      event_set(&ping);
      event_wait(&pong);
    }
  }
  over = true;
  event_set(&ping);
  hb_batches_say(&batches, "floor");
}

void hbf_wake(hb_run *run) {
  play(run, asks, answers);
}

/* ---- create, run, finish ---- */

static uint32_t lived;

static void lives(void) {
  lived++;
}

void hbf_coroutine_life(hb_run *run) {
  hb_batches batches;
  char *free_tops[LIVES];
  coro born[LIVES];
  char *slab = stacks(LIVES);
  if (slab == NULL) {
    hb_say_none(run, "no memory");
    return;
  }
  uint32_t free_count = LIVES;
  for (uint32_t i = 0; i < LIVES; i++)
    free_tops[i] = top_of(slab, i);
  current = &scheduler;
  hb_batches_begin(&batches, run, LIVES);
  while (hb_batches_next(&batches)) {
    for (uint32_t i = 0; i < LIVES; i++) { /* each gets the stack that the one before left warm */
      char *top = free_tops[--free_count];
      prepare(&born[i], top, lives);
      leave_for(&born[i]);
      free_tops[free_count++] = top;
    }
  }
  hb_batches_say(&batches, "floor");
}

/* ---- memory ---- */

static void parks(void) {
  leave_for(&scheduler);
}

void hbf_parked_bytes(hb_run *run) {
  char *slab = stacks(PARKED);
  if (slab == NULL) {
    hb_say_none(run, "no memory");
    return;
  }
  uint64_t before = hb_memory_bytes();
  current = &scheduler;
  for (uint32_t i = 0; i < PARKED; i++) {
    char *top = slab + (size_t)(i + 1) * STACK_BYTES - 64;
    coro *c = (coro *)(void *)top; /* beside the first frames: one page */
    prepare(c, top, parks);
    leave_for(c);
  }
  hb_say(run, "floor", (double)(hb_memory_bytes() - before) / PARKED, "bytes", -1);
}

#endif
