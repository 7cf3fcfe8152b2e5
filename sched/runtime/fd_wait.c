/* SPDX-License-Identifier: Apache-2.0 */
/* Awaiting descriptors with epoll(7). A worker's set is its thread's alone; only the bell is shared.
 *
 * A descriptor stays in the set after its wait, disarmed (EPOLLONESHOT), so that the next wait for it is one
 * system call before sleeping and none after waking. It holds nothing open: when the host closes it, the
 * kernel takes it out; a number that is used again is then not in the set, which the kernel tells, and is put
 * in anew. What the set reports is a number and a serial, never an address, and is looked up among the waits
 * of that moment: so a report for a descriptor that lives on as a duplicate elsewhere finds nobody. */
#include "fd_wait.h"

#include "cancel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* ---- the set ---- */

static uint64_t tag_of(int fd, uint32_t serial) {
  return (uint64_t)serial << 32 | (uint32_t)fd;
}

/* Watches one of the set's own descriptors, for good. */
static int watch(const hdi_poller *poller, int own_fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag_of(own_fd, 0)};
  return epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, own_fd, &event);
}

hd_status hdi_poller_init(hdi_poller *poller, bool with_timer) {
  *poller = (hdi_poller){.epoll_fd = -1, .bell_fd = -1, .timer_fd = -1};
  for (uint32_t i = 0; i < HDI_FD_BUCKETS; i++) {
    poller->known[i] = -1;
  }
  poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  poller->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (with_timer) poller->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  bool made = poller->epoll_fd >= 0 && poller->bell_fd >= 0 && (poller->timer_fd >= 0 || !with_timer);
  if (made) made = watch(poller, poller->bell_fd) == 0;
  if (made && with_timer) made = watch(poller, poller->timer_fd) == 0;
  if (made) return HD_OK;
  hdi_poller_finish(poller);
  return HD_E_IO;
}

void hdi_poller_finish(hdi_poller *poller) {
  if (poller->epoll_fd >= 0) (void)close(poller->epoll_fd);
  if (poller->bell_fd >= 0) (void)close(poller->bell_fd);
  if (poller->timer_fd >= 0) (void)close(poller->timer_fd);
  *poller = (hdi_poller){.epoll_fd = -1, .bell_fd = -1, .timer_fd = -1};
}

void hdi_poller_ring(hdi_poller *poller) {
  const uint64_t one = 1;
  /* Fails only when the count is full, and then it is readable anyway. */
  ssize_t written = write(poller->bell_fd, &one, sizeof one);
  (void)written;
}

static void drain(int fd) {
  uint64_t count;
  ssize_t got = read(fd, &count, sizeof count);
  (void)got;
}

void hdi_poller_set_timer(hdi_poller *poller, uint64_t after_ns) {
  struct itimerspec spec = {0};
  if (after_ns != UINT64_MAX) {
    uint64_t ns = after_ns == 0 ? 1 : after_ns; /* 0 would disarm */
    spec.it_value.tv_sec = (time_t)(ns / NS_PER_S);
    spec.it_value.tv_nsec = (long)(ns % NS_PER_S);
  }
  (void)timerfd_settime(poller->timer_fd, 0, &spec, NULL);
}

/* ---- waiting for the set ---- */

/* epoll_pwait2 (Linux 5.11) counts in nanoseconds; elsewhere milliseconds, rounded up, must do. */
static int wait_for_events(int epoll_fd, struct epoll_event *events, uint64_t timeout_ns) {
#if defined(SYS_epoll_pwait2)
  if (timeout_ns != 0 && timeout_ns != UINT64_MAX) {
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
                               .tv_nsec = (long)(timeout_ns % NS_PER_S)};
    long count = syscall(SYS_epoll_pwait2, epoll_fd, events, EVENTS_AT_ONCE, &timeout, NULL, (size_t)0);
    if (count >= 0 || errno != ENOSYS) return (int)count;
  }
#endif
  int timeout_ms = -1;
  if (timeout_ns != UINT64_MAX) {
    uint64_t ms = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS != 0);
    timeout_ms = ms > INT32_MAX ? INT32_MAX : (int)ms;
  }
  return epoll_wait(epoll_fd, events, EVENTS_AT_ONCE, timeout_ms);
}

static short poll_events(uint32_t epoll_events) {
  short events = 0;
  if (epoll_events & EPOLLIN) events |= POLLIN;
  if (epoll_events & EPOLLOUT) events |= POLLOUT;
  if (epoll_events & EPOLLPRI) events |= POLLPRI;
  if (epoll_events & EPOLLERR) events |= POLLERR;
  if (epoll_events & EPOLLHUP) events |= POLLHUP;
  return events;
}

static uint32_t epoll_events(short events) {
  uint32_t wanted = 0;
  if (events & POLLIN) wanted |= EPOLLIN;
  if (events & POLLOUT) wanted |= EPOLLOUT;
  if (events & POLLPRI) wanted |= EPOLLPRI;
  return wanted;
}

/* Takes the wait out of its bucket. */
static void unlink_wait(hdi_poller *poller, hd_coro *coro) {
  hd_coro **at = &poller->waits[(uint32_t)coro->fd.fd % HDI_FD_BUCKETS];
  while (*at != coro) {
    at = &(*at)->fd.next;
  }
  *at = coro->fd.next;
  poller->waiting--;
}

static void link_wait(hdi_poller *poller, hd_coro *coro) {
  hd_coro **bucket = &poller->waits[(uint32_t)coro->fd.fd % HDI_FD_BUCKETS];
  coro->fd.next = *bucket;
  *bucket = coro;
  poller->waiting++;
}

static hd_coro *wait_for(const hdi_poller *poller, int fd) {
  hd_coro *coro = poller->waits[(uint32_t)fd % HDI_FD_BUCKETS];
  while (coro != NULL && coro->fd.fd != fd) {
    coro = coro->fd.next;
  }
  return coro;
}

static void take_out(hdi_poller *poller, int fd) {
  (void)epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* A duplicate serves one wait. Closing alone would leave it in the set: the original keeps the file open. */
static void drop_duplicate(hdi_poller *poller, const hdi_fd_interest *interest) {
  if (!interest->is_duplicate) return;
  take_out(poller, interest->fd);
  (void)close(interest->fd);
}

static void deliver(hdi_poller *poller, const struct epoll_event *event) {
  int fd = (int)(uint32_t)event->data.u64;
  uint32_t serial = (uint32_t)(event->data.u64 >> 32);
  if (serial == 0) {
    drain(fd);
    return;
  }
  hd_coro *coro = wait_for(poller, fd);
  if (coro == NULL || coro->fd.serial != serial) return;
  coro->fd.events = poll_events(event->events);
  unlink_wait(poller, coro);
  drop_duplicate(poller, &coro->fd);
  coro->waits = HDI_WAIT_TIME; /* nothing of the set's is left to be ended */
  (void)hdi_coro_end_wait(coro, HD_OK);
}

void hdi_poller_wait(hdi_worker *worker, uint64_t timeout_ns) {
  struct epoll_event events[EVENTS_AT_ONCE];
  int count = wait_for_events(worker->poller.epoll_fd, events, timeout_ns);
  for (int i = 0; i < count; i++) {
    deliver(&worker->poller, &events[i]);
  }
}

/* ---- one descriptor ---- */

void hdi_fd_forget(hdi_poller *poller, hd_coro *coro) {
  unlink_wait(poller, coro);
  if (coro->fd.is_duplicate) {
    drop_duplicate(poller, &coro->fd);
  } else {
    take_out(poller, coro->fd.fd);
  }
}

/* Arms the descriptor, which may be in the set already; which of the two calls goes first is a guess. */
static int arm(hdi_poller *poller, int fd, struct epoll_event *event) {
  int *known = &poller->known[(uint32_t)fd % HDI_FD_BUCKETS];
  if (*known == fd) {
    if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_MOD, fd, event) == 0) return 0;
    if (errno != ENOENT) return -1;
  }
  *known = fd;
  if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, event) == 0) return 0;
  return errno == EEXIST ? epoll_ctl(poller->epoll_fd, EPOLL_CTL_MOD, fd, event) : -1;
}

/* Puts the coroutine's interest into the set. A descriptor can be in it once; a second coroutine that awaits
 * the same one (a reader beside a writer) goes in with a duplicate. */
static hd_status add_interest(hdi_poller *poller, hd_coro *coro) {
  hdi_fd_interest *interest = &coro->fd;
  if (wait_for(poller, interest->fd) != NULL) {
    interest->fd = fcntl(interest->fd, F_DUPFD_CLOEXEC, 0);
    if (interest->fd < 0) return HD_E_IO;
    interest->is_duplicate = true;
  }
  if (++poller->serial == 0) poller->serial = 1;
  interest->serial = poller->serial;
  struct epoll_event event = {.events = epoll_events(interest->events) | EPOLLONESHOT,
                              .data.u64 = tag_of(interest->fd, interest->serial)};
  if (arm(poller, interest->fd, &event) != 0) {
    if (interest->is_duplicate) (void)close(interest->fd);
    return HD_E_IO;
  }
  link_wait(poller, coro);
  return HD_OK;
}

hd_status hd_await_fd(int fd, short events, uint64_t deadline_ns, short *out_events) {
  hd_coro *self = hdi_current();
  if (self == NULL) return HD_E_INVALID;
  if (hdi_is_cancelled(self)) return HD_E_CANCELLED;
  hdi_worker *worker = self->worker;
  if (worker->closed) return HD_E_CLOSED;
  /* What is there already needs one system call instead of two, but others still get their turn. */
  struct pollfd now = {.fd = fd, .events = events};
  int count = poll(&now, 1, 0);
  if (count < 0 || (now.revents & POLLNVAL)) return HD_E_IO;
  if (count > 0) {
    hd_coro_yield();
    if (out_events != NULL) *out_events = now.revents;
    return HD_OK;
  }
  self->fd = (hdi_fd_interest){.fd = fd, .events = events};
  hd_status status = add_interest(&worker->poller, self);
  if (status != HD_OK) return status;
  self->result = HD_OK;
  self->waits = HDI_WAIT_FD;
  if (deadline_ns != UINT64_MAX) hdi_timer_arm(&worker->timers, &self->timer, deadline_ns);
  hdi_coro_suspend(self, NULL);
  if (self->result == HD_OK && out_events != NULL) *out_events = self->fd.events;
  return self->result;
}
