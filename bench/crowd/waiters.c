/* SPDX-License-Identifier: Apache-2.0 */
/* A crowd of requests, each a coroutine, that wait in one way. */
#include "crowd.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "heddle/lease.h"

#define NS_PER_S UINT64_C(1000000000)

typedef struct waiter {
  struct hb_waiters *all;
  uint32_t index;
  int fd; /* -1: none */
  hd_event token;
  hd_request *request;
} waiter;

struct hb_waiters {
  hd_sched *sched;
  hb_crowd_kind kind;
  uint32_t count, device;
  hd_request *holder; /* of the device that the others wait for */
  hd_lease *held;
  atomic_uint waiting;
  atomic_uint_least64_t wakes;
  uint32_t next; /* reader; its decode's */
  waiter waiters[];
};

static uint64_t now_ns(const hb_waiters *all) {
  const hd_host *host = hd_sched_host(all->sched);
  return host->now_ns(host->ctx);
}

static void count_wake(hb_waiters *all) {
  atomic_fetch_add_explicit(&all->wakes, 1, memory_order_relaxed);
}

static hd_status wait_for_lease(hd_request *request, waiter *w) {
  const hd_lease_desc desc = {
      .size = sizeof desc, .device = w->all->device, .layer_end = 1, .n_tokens = 1, .expected_ns = 1000000};
  hd_lease *lease;
  hd_grant grant;
  hd_status status = hd_lease_acquire(request, &desc, UINT64_MAX, &lease, &grant);
  if (status == HD_OK) hd_lease_release(lease, NULL);
  return status;
}

/* Each at another time of the period. */
static hd_status wait_for_time(waiter *w) {
  const uint64_t period_ns = NS_PER_S / HB_CROWD_WAKES_PER_S;
  uint64_t next_ns = now_ns(w->all) + period_ns * w->index / w->all->count;
  hd_status status;
  while ((status = hd_await_time(next_ns)) == HD_OK) {
    count_wake(w->all);
    next_ns += period_ns;
  }
  return status;
}

static hd_status wait_for_tokens(waiter *w) {
  hd_status status;
  while ((status = hd_await_event(&w->token)) == HD_OK) {
    hd_event_init(&w->token);
    count_wake(w->all);
  }
  return status;
}

static hd_status wait(hd_request *request, void *arg) {
  waiter *w = arg;
  atomic_fetch_add(&w->all->waiting, 1);
  switch (w->all->kind) {
  case HB_CROWD_LEASES:
    return wait_for_lease(request, w);
  case HB_CROWD_DESCRIPTORS:
    return hd_await_fd(w->fd, POLLIN, UINT64_MAX, NULL);
  case HB_CROWD_TIMERS:
    return wait_for_time(w);
  default:
    return wait_for_tokens(w);
  }
}

static void allow_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* The device of HB_CROWD_LEASES, once a scheduler. */
static hd_status find_device(hb_waiters *all) {
  const hd_device_props props = {
      .size = sizeof props, .kind = HD_DEVICE_NPU, .name = "held", .capacity = 1, .max_in_flight = 1};
  for (uint32_t d = 0; d < hd_sched_device_count(all->sched); d++) {
    hd_device_props known;
    all->device = d;
    if (hd_sched_device(all->sched, d, &known, NULL) == HD_OK && known.kind == props.kind) return HD_OK;
  }
  return hd_sched_add_device(all->sched, &props, &all->device);
}

static hd_status hold_device(hb_waiters *all) {
  const hd_request_desc desc = {.size = sizeof desc, .name = "holder", .class_id = HD_CLASS_INTERACTIVE};
  const hd_lease_desc segment = {
      .size = sizeof segment, .layer_end = 1, .n_tokens = 1, .expected_ns = 1000000};
  hd_lease_desc wanted = segment;
  hd_grant grant;
  hd_status status = find_device(all);
  wanted.device = all->device;
  if (status == HD_OK) status = hd_request_begin(all->sched, &desc, &all->holder, NULL);
  if (status == HD_OK) status = hd_lease_acquire(all->holder, &wanted, NS_PER_S, &all->held, &grant);
  return status;
}

static hd_status start(waiter *w) {
  const hd_request_desc desc = {
      .size = sizeof desc, .name = "waiter", .class_id = HD_CLASS_BACKGROUND, .run = wait, .arg = w};
  if (w->all->kind == HB_CROWD_DESCRIPTORS && (w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
    return HD_E_IO;
  hd_event_init(&w->token);
  return hd_request_submit(w->all->sched, &desc, &w->request, NULL);
}

/* Until all of them have begun to wait; some ms later they do. */
static void settle(hb_waiters *all) {
  const struct timespec pause = {.tv_nsec = 5000000};
  while (atomic_load(&all->waiting) < all->count)
    nanosleep(&pause, NULL);
  nanosleep(&pause, NULL);
}

hd_status hb_waiters_gather(hd_sched *sched, hb_crowd_kind kind, uint32_t count, hb_waiters **out_waiters) {
  hb_waiters *all = calloc(1, sizeof *all + count * sizeof all->waiters[0]);
  if (all == NULL) return HD_E_NO_MEMORY;
  *all = (hb_waiters){.sched = sched, .kind = kind, .count = count};
  hd_status status = HD_OK;
  if (kind == HB_CROWD_LEASES) status = hold_device(all);
  if (kind == HB_CROWD_DESCRIPTORS) allow_descriptors();
  for (uint32_t i = 0; i < count; i++)
    all->waiters[i] = (waiter){.all = all, .index = i, .fd = -1};
  for (uint32_t i = 0; i < count && status == HD_OK; i++)
    status = start(&all->waiters[i]);
  if (status != HD_OK) {
    hb_waiters_send_home(all);
    return status;
  }
  settle(all);
  *out_waiters = all;
  return HD_OK;
}

void hb_waiters_token(hb_waiters *all) {
  if (all->kind != HB_CROWD_READERS) return;
  hd_event_set(&all->waiters[all->next].token);
  all->next = (all->next + 1) % all->count;
}

uint64_t hb_waiters_wakes(const hb_waiters *all) {
  return atomic_load(&all->wakes);
}

void hb_waiters_send_home(hb_waiters *all) {
  if (all == NULL) return;
  for (uint32_t i = 0; i < all->count; i++)
    hd_request_cancel(all->waiters[i].request);
  for (uint32_t i = 0; i < all->count; i++) {
    waiter *w = &all->waiters[i];
    if (w->request != NULL) (void)hd_request_wait(w->request);
    hd_request_release(w->request);
    if (w->fd >= 0) close(w->fd);
  }
  hd_lease_release(all->held, NULL);
  hd_request_end(all->holder, HD_OK);
  free(all);
}
