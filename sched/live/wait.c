/* SPDX-License-Identifier: Apache-2.0 */
/* How threads of the host's wait: they sleep, and where the host drives, one of them drives. */
#include "live.h"

#include <poll.h>
#include <sched.h>
#include <time.h>

hd_status hdl_wait_init(hd_sched *sched) {
  if (pthread_mutex_init(&sched->wait_lock, NULL) != 0) return HD_E_NO_MEMORY;
  pthread_condattr_t attr;
  bool made = pthread_condattr_init(&attr) == 0;
  made = made && pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
         pthread_cond_init(&sched->wait_cond, &attr) == 0;
  if (!made) {
    pthread_mutex_destroy(&sched->wait_lock);
    return HD_E_NO_MEMORY;
  }
  pthread_condattr_destroy(&attr);
  return HD_OK;
}

void hdl_wait_finish(hd_sched *sched) {
  pthread_cond_destroy(&sched->wait_cond);
  pthread_mutex_destroy(&sched->wait_lock);
}

void hdl_wait_wake(hd_sched *sched) {
  if (atomic_load(&sched->sleepers) > 0) { /* who comes later sees what has changed */
    pthread_mutex_lock(&sched->wait_lock);
    pthread_cond_broadcast(&sched->wait_cond);
    pthread_mutex_unlock(&sched->wait_lock);
  }
  if (atomic_load(&sched->polls)) hd_runtime_wake(sched->runtime);
}

/* ---- what is waited for ---- */

typedef struct wait {
  const atomic_int *flag;
  int value;
  const atomic_bool *cancelled;
  uint64_t deadline_ns;
} wait;

static bool goes_on(const wait *w) {
  return atomic_load(w->flag) == w->value && (w->cancelled == NULL || !atomic_load(w->cancelled));
}

static uint64_t left(hd_sched *sched, uint64_t until_ns) {
  uint64_t now = sched->host.now_ns(sched->host.ctx);
  return now >= until_ns ? 0 : until_ns - now;
}

/* HD_E_AGAIN: it goes on. */
static hd_status outcome(hd_sched *sched, const wait *w) {
  if (goes_on(w)) return left(sched, w->deadline_ns) == 0 ? HD_E_TIMEOUT : HD_E_AGAIN;
  return atomic_load(w->flag) == w->value ? HD_E_CANCELLED : HD_OK;
}

/* ---- sleeping ---- */

/* At most a second at a time: the host's clock need not be CLOCK_MONOTONIC, so its deadline is looked at
 * again. */
enum { NAP_NS = 1000 * 1000 * 1000 };

static void nap(hd_sched *sched, uint64_t most_ns) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  uint64_t ns = (uint64_t)until.tv_nsec + (most_ns < NAP_NS ? most_ns : NAP_NS);
  until.tv_sec += (time_t)(ns / 1000000000u);
  until.tv_nsec = (long)(ns % 1000000000u);
  pthread_cond_timedwait(&sched->wait_cond, &sched->wait_lock, &until);
}

/* Nobody dispatches who could: the sleeper has to look whether it may. */
static bool wants_driver(hd_sched *sched) {
  return sched->worker_count == 0 && !atomic_load(&sched->driven) && !atomic_load(&sched->waiter_drives);
}

static void sleep_once(hd_sched *sched, const wait *w) {
  uint64_t until_ns = w->deadline_ns;
  if (sched->worker_count == 0) { /* who drives may be busy elsewhere: the turn needs no particular thread */
    uint64_t due = hdl_turn_try(sched);
    if (due < until_ns) until_ns = due;
  }
  pthread_mutex_lock(&sched->wait_lock);
  uint64_t rest = left(sched, until_ns);
  atomic_fetch_add(&sched->sleepers, 1); /* before the look: who changes something looks at this after */
  if (goes_on(w) && !wants_driver(sched) && rest > 0) nap(sched, rest);
  atomic_fetch_sub(&sched->sleepers, 1);
  pthread_mutex_unlock(&sched->wait_lock);
}

/* ---- driving ----
 * Where the host drives, the thread that calls hd_sched_dispatch is the one that dispatches, in its waits
 * too. As long as the host never called it, one thread of those that wait does, for as long as it waits. */

static bool drives(hd_sched *sched, bool *claimed) {
  if (sched->worker_count > 0) return false;
  if (atomic_load(&sched->driven)) return hd_runtime_worker_index(sched->runtime) == 0;
  if (!*claimed) *claimed = !atomic_exchange(&sched->waiter_drives, true);
  return *claimed;
}

static uint32_t dispatch(hd_sched *sched, uint64_t max_ns) {
  if (atomic_exchange(&sched->dispatching, true)) return 0;
  uint32_t ran = hd_runtime_dispatch(sched->runtime, max_ns);
  atomic_store(&sched->dispatching, false);
  return ran;
}

uint32_t hd_sched_dispatch(hd_sched *sched, uint64_t max_ns) {
  atomic_store(&sched->driven, true);
  return dispatch(sched, max_ns);
}

void hdl_wait_take_over(hd_sched *sched) {
  while (sched->worker_count == 0 && hd_runtime_worker_index(sched->runtime) != 0) {
    (void)hd_sched_dispatch(sched, 0);
    sched_yield(); /* another thread is in there, for a millisecond at most unless what it runs is longer */
  }
}

static void drive_once(hd_sched *sched, const wait *w) {
  if (dispatch(sched, 1000000) > 0) return;
  atomic_store(&sched->polls, true); /* before the look at the flag: who changes it looks at this next */
  if (goes_on(w)) {
    uint64_t ms = left(sched, w->deadline_ns) / 1000000u + 1;
    struct pollfd fd = {.fd = hd_sched_fd(sched), .events = POLLIN};
    (void)poll(&fd, 1, ms < 1000 ? (int)ms : 1000); /* EINTR only means to look again */
  }
  atomic_store(&sched->polls, false);
}

hd_status hdl_wait_while(hd_sched *sched, const atomic_int *flag, int value, const atomic_bool *cancelled,
                         uint64_t deadline_ns) {
  const wait w = {.flag = flag, .value = value, .cancelled = cancelled, .deadline_ns = deadline_ns};
  bool claimed = false;
  hd_status status;
  while ((status = outcome(sched, &w)) == HD_E_AGAIN) {
    if (drives(sched, &claimed))
      drive_once(sched, &w);
    else
      sleep_once(sched, &w);
  }
  if (claimed) {
    atomic_store(&sched->waiter_drives, false);
    hdl_wait_wake(sched); /* the next one */
  }
  return status;
}
