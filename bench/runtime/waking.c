/* SPDX-License-Identifier: Apache-2.0 */
/* A coroutine on one core is woken from the other: by memory or a descriptor while its worker polls, and when
 * its worker sleeps. */
#include "ours.h"

#include "bench/harness/latency.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct bedroom {
  hb_stage stage;
  hb_latency latency;
  uint64_t gap_ns;
  hd_event event;
  hd_task signaller;
  _Atomic bool started;
  int fd; /* -1: the event */
} bedroom;

static void signals(void *arg) {
  bedroom *b = arg;
  int fd = b->fd; /* read now: it lies beside the event, which the waiter writes to in each round */
  atomic_store_explicit(&b->started, true, memory_order_release);
  while (hb_latency_due(&b->latency)) {
    if (fd >= 0) {
      (void)eventfd_write(fd, 1);
    } else {
      hd_event_set(&b->event);
    }
  }
}

static void sleeps(void *arg) {
  bedroom *b = arg;
  hb_latency_begin(&b->latency, b->stage.run, b->gap_ns);
  b->signaller = (hd_task){.fn = signals, .arg = b};
  (void)hd_runtime_post(b->stage.runtime, &b->signaller);
  /* Keeps this worker, so that the signaller is the other's. */
  while (!atomic_load_explicit(&b->started, memory_order_acquire))
    hb_relax();
  for (;;) {
    hd_event_init(&b->event);
    if (!hb_latency_arm(&b->latency)) break;
    if (b->fd >= 0) {
      eventfd_t value;
      (void)hd_await_fd(b->fd, POLLIN, UINT64_MAX, NULL);
      hb_latency_woken(&b->latency);
      (void)eventfd_read(b->fd, &value);
    } else {
      (void)hd_await_event(&b->event);
      hb_latency_woken(&b->latency);
    }
  }
  hb_latency_say(&b->latency, "heddle");
}

static void wake(hb_run *run, uint64_t gap_ns, int fd) {
  bedroom b = {.gap_ns = gap_ns, .fd = fd};
  hb_stage_play(&b.stage, run, 2, sleeps);
}

void hb_ours_wake_memory(hb_run *run) {
  wake(run, HB_GAP_POLLED_NS, -1);
}

void hb_ours_wake_fd(hb_run *run) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) {
    hb_say_none(run, "no eventfd");
    return;
  }
  wake(run, HB_GAP_POLLED_NS, fd);
  close(fd);
}

void hb_ours_wake_parked(hb_run *run) {
  wake(run, HB_GAP_PARKED_NS, -1);
}
