/* SPDX-License-Identifier: Apache-2.0 */
/* How a thread of the host's waits: it sleeps, or, where the host drives, it drives. */
#include "live.h"

#include <errno.h>
#include <poll.h>
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
  pthread_mutex_lock(&sched->wait_lock);
  pthread_cond_broadcast(&sched->wait_cond);
  pthread_mutex_unlock(&sched->wait_lock);
}

static uint64_t left(hd_sched *sched, uint64_t deadline_ns) {
  uint64_t now = sched->host.now_ns(sched->host.ctx);
  return now >= deadline_ns ? 0 : deadline_ns - now;
}

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

static hd_status sleep_while(hd_sched *sched, const atomic_int *flag, int value, uint64_t deadline_ns) {
  hd_status status = HD_OK;
  pthread_mutex_lock(&sched->wait_lock);
  while (atomic_load(flag) == value && status == HD_OK) {
    uint64_t rest = left(sched, deadline_ns);
    if (rest == 0)
      status = HD_E_TIMEOUT;
    else
      nap(sched, rest);
  }
  pthread_mutex_unlock(&sched->wait_lock);
  return atomic_load(flag) == value ? status : HD_OK;
}

static hd_status drive_while(hd_sched *sched, const atomic_int *flag, int value, uint64_t deadline_ns) {
  while (atomic_load(flag) == value) {
    if (hd_sched_dispatch(sched, 1000000) > 0) continue;
    if (atomic_load(flag) != value) break;
    uint64_t rest = left(sched, deadline_ns);
    if (rest == 0) return HD_E_TIMEOUT;
    uint64_t ms = rest / 1000000u + 1;
    struct pollfd fd = {.fd = hd_sched_fd(sched), .events = POLLIN};
    (void)poll(&fd, 1, ms < 1000 ? (int)ms : 1000); /* EINTR only means to look again */
  }
  return HD_OK;
}

hd_status hdl_wait_while(hd_sched *sched, const atomic_int *flag, int value, uint64_t deadline_ns) {
  if (sched->worker_count == 0) return drive_while(sched, flag, value, deadline_ns);
  return sleep_while(sched, flag, value, deadline_ns);
}
