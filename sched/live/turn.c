/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's turn: inbox and completions in, the control plane once for each, decisions out. */
#include "live.h"

#include <assert.h>
#include <sched.h>

static bool turn_take(hd_sched *sched) {
  return atomic_load_explicit(&sched->turn, memory_order_relaxed) == 0 &&
         atomic_exchange(&sched->turn, 1) == 0;
}

/* Sequentially consistent on purpose, as are push and the look after it: either the one who pushed sees the
 * turn free, or the holder sees the note. */
static void turn_give(hd_sched *sched) {
  atomic_store(&sched->turn, 0);
}

void hdl_note_push(hd_sched *sched, hdl_note *note) {
  hdl_note *head = atomic_load(&sched->inbox);
  do {
    note->next = head;
  } while (!atomic_compare_exchange_weak(&sched->inbox, &head, note));
  atomic_store(&sched->bell, true);
  hd_runtime_ask_hook(sched->runtime);
}

static void advance_clock(hd_sched *sched) {
  uint64_t now = sched->host.now_ns(sched->host.ctx);
  if (now > sched->now_ns)
    sched->now_ns = now; /* other threads' clocks may lag by a little: time never goes back */
}

static void trace_decisions(hd_sched *sched, const hd_record *decisions, size_t count) {
  if (sched->trace == NULL) return;
  for (size_t i = 0; i < count; i++)
    hd_trace_emit(sched->trace, 0, &decisions[i]);
}

static hd_status feed_one(hd_sched *sched, hd_record *event) {
  event->t_ns = sched->now_ns;
  hd_status status = hd_control_event(sched->control, event);
  if (sched->trace != NULL) hd_trace_emit(sched->trace, 0, event);
  if (status != HD_OK) return status;
  size_t count = 0;
  const hd_record *decisions = hd_control_decisions(sched->control, &count);
  trace_decisions(sched, decisions, count);
  sched->acting = true;
  for (size_t i = 0; i < count; i++)
    hdl_act(sched, &decisions[i]);
  sched->acting = false;
  return HD_OK;
}

void hdl_feed_later(hd_sched *sched, const hd_record *event) {
  assert(sched->pending_count < sched->pending_cap); /* sized for every launch and every step at once */
  sched->pending[sched->pending_count++] = *event;
}

hd_status hdl_feed(hd_sched *sched, hd_record *event) {
  assert(!sched->acting);
  hd_status status = feed_one(sched, event);
  for (uint32_t i = 0; i < sched->pending_count; i++) {
    hd_record next = sched->pending[i];
    (void)feed_one(sched, &next); /* an event that the control plane refuses is counted there */
  }
  sched->pending_count = 0;
  return status;
}

static void take_notes(hd_sched *sched) {
  hdl_note *newest = atomic_exchange(&sched->inbox, NULL);
  hdl_note *oldest = NULL;
  while (newest != NULL) { /* the inbox is a stack: turn it over, first come first served */
    hdl_note *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != NULL) {
    hdl_note *next = oldest->next; /* taking a note may end the object it lives in */
    oldest->take(sched, oldest);
    oldest = next;
  }
}

static void take_time(hd_sched *sched) {
  if (sched->timer_ns > sched->now_ns) return;
  sched->timer_ns = HDL_NEVER;
  hd_record event = {.kind = HD_EV_TIME, .device = HD_RECORD_NO_DEVICE};
  (void)hdl_feed(sched, &event);
}

static uint64_t next_due(const hd_sched *sched) {
  uint64_t due = sched->timer_ns < sched->watch_ns ? sched->timer_ns : sched->watch_ns;
  for (uint32_t d = 0; d < sched->device_count; d++)
    if (sched->devices[d].in_flight > 0 && sched->devices[d].next_poll_ns < due)
      due = sched->devices[d].next_poll_ns;
  return due;
}

static void work(hd_sched *sched) {
  atomic_store(&sched->bell, false);
  advance_clock(sched);
  hdl_poll_devices(sched);
  take_notes(sched);
  take_time(sched);
  hdl_watch_devices(sched);
  if (sched->replan) hdl_models_replan(sched);
  atomic_store(&sched->due, next_due(sched));
}

/* The clock is read only when it matters. */
static bool is_due(hd_sched *sched) {
  uint64_t due = atomic_load(&sched->due);
  return due != HDL_NEVER && due <= sched->host.now_ns(sched->host.ctx);
}

static bool has_work(hd_sched *sched) {
  return atomic_load(&sched->bell) || atomic_load(&sched->inbox) != NULL || is_due(sched);
}

static void flush_trace(hd_sched *sched) {
  if (sched->trace != NULL && hd_trace_wants_flush(sched->trace)) (void)hd_trace_flush(sched->trace);
}

void hdl_turn_enter(hd_sched *sched) {
  while (!turn_take(sched))
    sched_yield(); /* a turn takes microseconds; nobody sleeps in one */
  advance_clock(sched);
}

/* Somebody has to be awake when the next thing is due; whoever calls this may be off to something long, or a
 * thread of the host's. Costs a wake only when what is due comes earlier than any sleeper expects. */
static void work_and_tell(hd_sched *sched) {
  uint64_t before = atomic_load(&sched->due);
  work(sched);
  bool earlier = atomic_load(&sched->due) < before;
  turn_give(sched);
  if (earlier) hd_runtime_wake(sched->runtime);
}

void hdl_turn_leave(hd_sched *sched) {
  work_and_tell(sched);
  (void)hdl_turn_try(sched);
}

uint64_t hdl_turn_try(void *arg) {
  hd_sched *sched = arg;
  while (has_work(sched)) {
    if (!turn_take(sched)) break; /* the holder looks again when it lets go */
    work_and_tell(sched);
  }
  flush_trace(sched);
  return atomic_load(&sched->due);
}
