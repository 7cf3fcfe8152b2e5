/* SPDX-License-Identifier: Apache-2.0 */
/* Which band goes first, and that none starves. */
#include "band.h"

#include "park.h"

#include <assert.h>

/* Things that a worker runs between two of the background while there is other work, and then what is left of
 * a burst of coroutines and one of tasks at most. */
#define BACKGROUND_AFTER 192u

/* What runs on the worker ends its burst at the next switch. */
static void cut_burst(hdi_worker *worker) {
  worker->lost += worker->burst;
  worker->burst = 0;
  worker->follow = 0;
}

void hdi_band_put(hd_runtime *runtime, hd_task *task, hd_band band) {
  bool urgent = band == HD_BAND_URGENT;
  hdi_overflow_put(urgent ? &runtime->urgent : &runtime->background, task, task, 1);
  hdi_worker *worker = hdi_this_worker;
  if (urgent && worker != NULL && worker->runtime == runtime) cut_burst(worker);
  hdi_wake_searcher(runtime);
}

void hdi_band_push(hdi_worker *worker, hd_coro *coro) {
  if (hdi_band_of(coro) == HD_BAND_URGENT) {
    hdi_ready_push(&worker->urgent, coro);
    cut_burst(worker);
  } else {
    hdi_ready_push(&worker->background, coro);
  }
}

/* Only the background is left at once: the two others have their turn soon in any case. */
void hd_coro_set_band(hd_coro *coro, hd_band band) {
  assert(band == HD_BAND_NORMAL || band == HD_BAND_URGENT || band == HD_BAND_BACKGROUND);
  atomic_store_explicit(&coro->band, (uint8_t)band, memory_order_relaxed);
  if (band != HD_BAND_BACKGROUND) atomic_store_explicit(&coro->worker->moves, true, memory_order_release);
}

void hdi_band_sift(hdi_worker *worker) {
  if (!atomic_load_explicit(&worker->moves, memory_order_relaxed)) return;
  (void)atomic_exchange_explicit(&worker->moves, false, memory_order_acquire);
  hdi_ready waiting = worker->background;
  worker->background = (hdi_ready){0};
  hd_coro *coro;
  while ((coro = hdi_ready_pop(&waiting)) != NULL) {
    hdi_make_runnable(worker, coro);
  }
}

hd_coro *hdi_band_next_urgent(hdi_worker *worker) {
  bool urgent = worker->urgent_coros < HDI_URGENT_MOST || worker->ready.head == NULL;
  if (urgent) {
    worker->urgent_coros++;
    return hdi_ready_pop(&worker->urgent);
  }
  worker->urgent_coros = 0;
  return hdi_ready_pop(&worker->ready);
}

bool hdi_band_background(hdi_worker *worker, uint32_t ran) {
  worker->passed += ran;
  if (ran > 0 && worker->passed < BACKGROUND_AFTER) return false;
  worker->passed = 0;
  return true;
}
