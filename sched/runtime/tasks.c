/* SPDX-License-Identifier: Apache-2.0 */
/* How tasks travel from who posts them to the worker that runs them. */
#include "tasks.h"

#include "band.h"
#include "park.h"
#include "state.h"

/* Tasks that are claimed or stolen at once. A claim is at most a quarter of its worker's fair share of what
 * is there, so that nobody idles beside it at the end (the reason of C. Polychronopoulos, D. Kuck, "Guided
 * Self-Scheduling", 1987), and small, because nobody else can take it back; it divides the cost of a
 * compare-and-swap. A theft is up to half, because it divides the cost of some cache lines that travel. */
#define CLAIM_MOST 8u
#define CLAIM_PART 4u
#define STEAL_MOST 64u

/* A theft is worth while when each task of it took longer than this, about what bringing a task's cache lines
 * from one core to another and back costs its owner and the thief. */
#define WORTH_NS 250u

/* Looks at others' rings that are left out after thefts that were not worth while, doubled with each: a task
 * that is worth it then waits two microseconds at most (a look while spinning is about 250 ns), which is less
 * than the shortest spin. */
#define PAUSE_LEAST 1u
#define PAUSE_MOST  8u

/* Tasks that come back from the overflow under one lock. */
#define RETURN_MOST 64u

/* A worker looks at the other queues first once in so many tasks, so that tasks which post each other on one
 * worker keep nobody else waiting for ever. */
#define PICKS_A_ROUND 64u

/* ---- the overflow ---- */

void hdi_overflow_init(hdi_task_overflow *overflow) {
  pthread_mutex_init(&overflow->lock, NULL);
  overflow->head = overflow->tail = NULL;
  atomic_init(&overflow->count, 0);
}

void hdi_overflow_finish(hdi_task_overflow *overflow) {
  pthread_mutex_destroy(&overflow->lock);
}

void hdi_overflow_put(hdi_task_overflow *overflow, hd_task *first, hd_task *last, uint32_t count) {
  last->next = NULL;
  pthread_mutex_lock(&overflow->lock);
  if (overflow->tail == NULL) {
    overflow->head = first;
  } else {
    overflow->tail->next = first;
  }
  overflow->tail = last;
  atomic_fetch_add_explicit(&overflow->count, count, memory_order_seq_cst);
  pthread_mutex_unlock(&overflow->lock);
}

hd_task *hdi_overflow_take(hdi_task_overflow *overflow, uint32_t most) {
  if (atomic_load_explicit(&overflow->count, memory_order_relaxed) == 0) return NULL;
  pthread_mutex_lock(&overflow->lock);
  hd_task *first = overflow->head, *last = NULL;
  uint32_t count = 0;
  for (hd_task *task = first; task != NULL && count < most; task = task->next) {
    last = task;
    count++;
  }
  if (last != NULL) {
    overflow->head = last->next;
    if (overflow->head == NULL) overflow->tail = NULL;
    last->next = NULL;
    atomic_fetch_sub_explicit(&overflow->count, count, memory_order_relaxed);
  }
  pthread_mutex_unlock(&overflow->lock);
  return first;
}

/* ---- a ring ---- */

static hd_task *slot_get(hdi_task_ring *ring, uint32_t at) {
  return atomic_load_explicit(&ring->slots[at % HDI_RING_TASKS], memory_order_relaxed);
}

static void slot_set(hdi_task_ring *ring, uint32_t at, hd_task *task) {
  atomic_store_explicit(&ring->slots[at % HDI_RING_TASKS], task, memory_order_relaxed);
}

static uint32_t ring_count(hdi_task_ring *ring) {
  uint32_t head = atomic_load_explicit(&ring->head, memory_order_seq_cst);
  uint32_t count = atomic_load_explicit(&ring->tail, memory_order_seq_cst) - head;
  return count <= HDI_RING_TASKS ? count : 0; /* the two were read apart */
}

static bool is_alone(const hdi_worker *worker) {
  return worker->runtime->worker_count == 1;
}

/* Takes the oldest `count` tasks beginning at `head`, if nobody was faster. */
static bool ring_advance(hdi_task_ring *ring, uint32_t *head, uint32_t count) {
  return atomic_compare_exchange_strong_explicit(&ring->head, head, *head + count, memory_order_acq_rel,
                                                 memory_order_acquire);
}

static inline uint32_t claimed(const hdi_worker *worker) {
  return worker->claim_end - worker->claim;
}

/* Claims the oldest tasks of the worker's own ring, of whose claim nothing is left. False: the ring is empty.
 */
static bool ring_claim(hdi_worker *worker) {
  hdi_task_ring *ring = &worker->tasks_ring;
  uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
  uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
  uint32_t count;
  do {
    count = tail - head;
    if (count == 0) return false;
    if (is_alone(worker)) { /* nobody steals */
      atomic_store_explicit(&ring->head, tail, memory_order_relaxed);
      break;
    }
    uint32_t part = count / (CLAIM_PART * worker->runtime->worker_count);
    count = part < CLAIM_MOST ? part : CLAIM_MOST;
    if (count == 0) count = 1;
  } while (!ring_advance(ring, &head, count));
  worker->claim = head;
  worker->claim_end = head + count;
  return true;
}

/* The owner's. */
static inline hd_task *ring_take(hdi_worker *worker) {
  if (claimed(worker) == 0 && !ring_claim(worker)) return NULL;
  return slot_get(&worker->tasks_ring, worker->claim++);
}

/* Looks how much room there is by now; false: none. */
static bool ring_grow_room(hdi_worker *worker, uint32_t tail) {
  hdi_task_ring *ring = &worker->tasks_ring;
  uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
  /* In this order: whoever has moved `head` as it was seen counts as a thief until it has read. */
  if (atomic_load_explicit(&ring->thieves, memory_order_acquire) != 0) return false;
  worker->room_end = (claimed(worker) > 0 ? worker->claim : head) + HDI_RING_TASKS;
  return tail != worker->room_end;
}

/* Puts the task; false: the ring is full. The owner's. */
static inline bool ring_put(hdi_worker *worker, hd_task *task) {
  hdi_task_ring *ring = &worker->tasks_ring;
  uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
  if (tail == worker->room_end && !ring_grow_room(worker, tail)) return false;
  slot_set(ring, tail, task);
  /* Where the caller looks for a sleeper next one of the two needs a fence: see park.h. */
  if (worker->runtime->quiet_puts) {
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
  } else {
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_seq_cst);
  }
  return true;
}

/* Moves the older half of a full ring, and `task`, to the overflow. */
static void ring_spill(hdi_worker *worker, hd_task *task) {
  hdi_task_ring *ring = &worker->tasks_ring;
  hdi_task_overflow *overflow = &worker->runtime->overflow;
  uint32_t half = HDI_RING_TASKS / 2;
  uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
  uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
  if (tail - head < half || !ring_advance(ring, &head, half)) {
    hdi_overflow_put(overflow, task, task, 1); /* much of it is claimed, or thieves make room */
    return;
  }
  /* The slots are this thread's: it alone writes them. */
  hd_task *first = slot_get(ring, head), *last = first;
  for (uint32_t i = 1; i < half; i++) {
    last->next = slot_get(ring, head + i);
    last = last->next;
  }
  last->next = task;
  hdi_overflow_put(overflow, first, task, half + 1);
}

void hdi_tasks_put(hdi_worker *worker, hd_task *task) {
  hd_runtime *runtime = worker->runtime;
  if (!ring_put(worker, task)) ring_spill(worker, task);
  if (runtime->quiet_puts) {
    atomic_signal_fence(memory_order_seq_cst); /* the processor's is with the sleeper */
    if (atomic_load_explicit(&runtime->parked, memory_order_relaxed) == 0) return;
  }
  hdi_wake_searcher(runtime);
}

/* ---- the other sources ---- */

void hdi_tasks_put_foreign(hd_runtime *runtime, hd_task *task) {
  hd_task *newest = atomic_load_explicit(&runtime->foreign, memory_order_relaxed);
  do {
    task->next = newest;
    /* seq_cst: who sleeps is looked at next. */
  } while (!atomic_compare_exchange_weak_explicit(&runtime->foreign, &newest, task, memory_order_seq_cst,
                                                  memory_order_relaxed));
}

/* Puts a list into the ring, oldest first, and what has no room into the overflow. */
static void put_list(hdi_worker *worker, hd_task *first) {
  while (first != NULL) {
    hd_task *next = first->next; /* once it is in the ring the task may be gone */
    if (!ring_put(worker, first)) break;
    first = next;
  }
  if (first == NULL) return;
  hd_task *last = first;
  uint32_t count = 1;
  for (; last->next != NULL; last = last->next) {
    count++;
  }
  hdi_overflow_put(&worker->runtime->overflow, first, last, count);
}

static void take_foreign(hdi_worker *worker) {
  hd_runtime *runtime = worker->runtime;
  if (atomic_load_explicit(&runtime->foreign, memory_order_relaxed) == NULL) return;
  hd_task *newest = atomic_exchange_explicit(&runtime->foreign, NULL, memory_order_acquire);
  hd_task *oldest = NULL;
  while (newest != NULL) {
    hd_task *before = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = before;
  }
  put_list(worker, oldest);
}

static void take_overflow(hdi_worker *worker) {
  if (atomic_load_explicit(&worker->runtime->overflow.count, memory_order_relaxed) == 0) return;
  put_list(worker, hdi_overflow_take(&worker->runtime->overflow, RETURN_MOST));
}

/* Moves some tasks of `victim` to the worker's ring and returns how many. Threads: the worker's, whose ring
 * is empty. */
static uint32_t steal_from(hdi_worker *worker, hdi_worker *victim) {
  hdi_task_ring *ring = &victim->tasks_ring;
  if (ring_count(ring) == 0) return 0;
  atomic_fetch_add_explicit(&ring->thieves, 1, memory_order_relaxed);
  uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire), count;
  do {
    uint32_t there = atomic_load_explicit(&ring->tail, memory_order_acquire) - head;
    if (there > HDI_RING_TASKS) there = 0; /* the two were read apart */
    count = (there + 1) / 2 < STEAL_MOST ? (there + 1) / 2 : STEAL_MOST;
  } while (count > 0 && !ring_advance(ring, &head, count));
  for (uint32_t i = 0; i < count; i++) {
    hd_task *task = slot_get(ring, head + i);
    if (!ring_put(worker, task)) hdi_overflow_put(&worker->runtime->overflow, task, task, 1);
  }
  atomic_fetch_sub_explicit(&ring->thieves, 1, memory_order_release);
  return count;
}

/* Judges the last theft, of which nothing is left. */
static void weigh_theft(hdi_worker *worker) {
  hdi_steal_habit *habit = &worker->steal;
  if (habit->count == 0) return;
  uint64_t took_ns = hdi_now(worker->runtime) - habit->since_ns;
  if (took_ns > (uint64_t)habit->count * WORTH_NS) {
    habit->pause = 0;
  } else if (habit->pause < PAUSE_MOST) {
    habit->pause = habit->pause == 0 ? PAUSE_LEAST : 2 * habit->pause;
  }
  habit->skip = habit->pause;
  habit->count = 0;
}

static bool may_steal(hdi_worker *worker) {
  weigh_theft(worker);
  if (worker->steal.skip == 0) return true;
  worker->steal.skip--;
  return false;
}

static void steal(hdi_worker *worker) {
  hd_runtime *runtime = worker->runtime;
  if (!may_steal(worker)) return;
  for (uint32_t i = 1; i < runtime->worker_count; i++) {
    uint32_t which = (worker->index + i) % runtime->worker_count;
    uint32_t count = steal_from(worker, &runtime->workers[which]);
    if (count == 0) continue;
    worker->steal.count = count;
    worker->steal.since_ns = hdi_now(runtime);
    return;
  }
}

/* Fills the ring from elsewhere. What came without waking anybody, because somebody was searching, may have
 * been for more workers than this one: it wakes the next. */
static hd_task *take_from_elsewhere(hdi_worker *worker) {
  take_foreign(worker);
  hd_task *task = ring_take(worker);
  if (task == NULL) {
    take_overflow(worker);
    task = ring_take(worker);
  }
  if (is_alone(worker)) return task;
  if (task == NULL) {
    steal(worker);
    task = ring_take(worker);
  }
  if (task != NULL && hdi_tasks_any(worker->runtime)) hdi_wake_searcher(worker->runtime);
  return task;
}

static inline hd_task *next_normal(hdi_worker *worker) {
  if (worker->picks++ % PICKS_A_ROUND == 0) {
    take_foreign(worker);
    if (ring_count(&worker->tasks_ring) <= HDI_RING_TASKS - RETURN_MOST) take_overflow(worker);
    /* Between two queues a task is in none: a searcher that looked just then may sleep again by now. */
    if (!is_alone(worker) && ring_count(&worker->tasks_ring) > 1) hdi_wake_searcher(worker->runtime);
  }
  hd_task *task = ring_take(worker);
  return task != NULL ? task : take_from_elsewhere(worker);
}

/* NULL: a normal one has its turn. */
static hd_task *next_urgent(hdi_worker *worker) {
  if (worker->urgent_tasks++ < HDI_URGENT_MOST) return hdi_overflow_take(&worker->runtime->urgent, 1);
  worker->urgent_tasks = 0;
  return NULL;
}

static __attribute__((noinline)) hd_task *next_slowly(hdi_worker *worker) {
  bool urgent = hdi_any_urgent_task(worker);
  hd_task *task = urgent ? next_urgent(worker) : NULL;
  if (task == NULL) task = next_normal(worker);
  return task != NULL || !urgent ? task : next_urgent(worker);
}

hd_task *hdi_tasks_next(hdi_worker *worker) {
  if (claimed(worker) == 0 || worker->picks % PICKS_A_ROUND == 0 || hdi_any_urgent_task(worker))
    return next_slowly(worker);
  worker->picks++;
  return slot_get(&worker->tasks_ring, worker->claim++);
}

hd_task *hdi_tasks_next_of(hdi_worker *worker, const hd_group *group) {
  if (worker->held_task != NULL || hdi_any_urgent_task(worker)) return NULL;
  if (claimed(worker) == 0 && !ring_claim(worker)) return NULL;
  hd_task *task = slot_get(&worker->tasks_ring, worker->claim);
  if (task->group != group) return NULL;
  worker->claim++;
  return task;
}

uint32_t hdi_tasks_gather(hdi_worker *worker) {
  take_foreign(worker);
  return claimed(worker) + ring_count(&worker->tasks_ring) +
         atomic_load_explicit(&worker->runtime->overflow.count, memory_order_relaxed) +
         atomic_load_explicit(&worker->runtime->urgent.count, memory_order_relaxed);
}

bool hdi_tasks_held(const hdi_worker *worker) {
  return worker->held_task != NULL || claimed(worker) > 0;
}

static bool any_in_common(hd_runtime *runtime) {
  return atomic_load_explicit(&runtime->foreign, memory_order_seq_cst) != NULL ||
         atomic_load_explicit(&runtime->overflow.count, memory_order_seq_cst) > 0 ||
         atomic_load_explicit(&runtime->urgent.count, memory_order_seq_cst) > 0 ||
         atomic_load_explicit(&runtime->background.count, memory_order_seq_cst) > 0;
}

bool hdi_tasks_tempt(hdi_worker *worker) {
  if (hdi_tasks_held(worker) || any_in_common(worker->runtime)) return true;
  if (ring_count(&worker->tasks_ring) > 0) return true;
  return may_steal(worker) && hdi_tasks_any(worker->runtime);
}

bool hdi_tasks_any(hd_runtime *runtime) {
  if (any_in_common(runtime)) return true;
  for (uint32_t i = 0; i < runtime->worker_count; i++) {
    if (ring_count(&runtime->workers[i].tasks_ring) > 0) return true;
  }
  return false;
}
