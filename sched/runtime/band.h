/* SPDX-License-Identifier: Apache-2.0 */
/* Bands: which of the things that a worker could run goes first. The normal band has the worker's `ready`
 * queue and its ring, and the short ways of coro.c know these alone. Coroutines of the other two bands are
 * always resumed by the loop, which looks at all; when one becomes urgent, what runs loses the rest of its
 * burst, so that the loop has its turn at the next switch. Threads of all but hdi_band_put: the worker's. */
#ifndef HDI_RUNTIME_BAND_H
#define HDI_RUNTIME_BAND_H

#include "state.h"

/* Urgent coroutines (urgent tasks) in a row while a normal one waits. One less than a burst: each burst has
 * one that is normal. */
#define HDI_URGENT_MOST 63u

/* Puts a task or a seed into the urgent or the background band and wakes a searcher. Threads: any. */
void hdi_band_put(hd_runtime *runtime, hd_task *task, hd_band band);

/* A coroutine that is not of the normal band has become ready. */
void hdi_band_push(hdi_worker *worker, hd_coro *coro);

/* The next ready coroutine, when one is urgent. */
hd_coro *hdi_band_next_urgent(hdi_worker *worker);

/* The next ready coroutine, save those of the background; NULL: none. */
static inline hd_coro *hdi_band_next(hdi_worker *worker) {
  return worker->urgent.head == NULL ? hdi_ready_pop(&worker->ready) : hdi_band_next_urgent(worker);
}

static inline bool hdi_any_background(const hdi_worker *worker) {
  return worker->background.head != NULL ||
         atomic_load_explicit(&worker->runtime->background.count, memory_order_relaxed) != 0;
}

/* Takes what is of the background no more out of it. */
void hdi_band_sift(hdi_worker *worker);

/* Whether it is the turn of the background, which has something, when `ran` things have run since the last
 * call. */
bool hdi_band_background(hdi_worker *worker, uint32_t ran);

static inline hd_band hdi_band_of(const hd_coro *coro) {
  return (hd_band)atomic_load_explicit(&coro->band, memory_order_relaxed);
}

static inline void hdi_make_runnable(hdi_worker *worker, hd_coro *coro) {
  if (hdi_band_of(coro) == HD_BAND_NORMAL) {
    hdi_ready_push(&worker->ready, coro);
  } else {
    hdi_band_push(worker, coro);
  }
}

/* Of any band. */
static inline bool hdi_any_ready(const hdi_worker *worker) {
  return worker->ready.head != NULL || worker->urgent.head != NULL || worker->background.head != NULL;
}

static inline bool hdi_any_urgent_task(const hdi_worker *worker) {
  return atomic_load_explicit(&worker->runtime->urgent.count, memory_order_relaxed) != 0;
}

#endif
