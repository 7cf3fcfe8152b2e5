/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's epoll set: the descriptors that its coroutines await, the bell that wakes it from epoll_wait,
 * and, when a host drives, the timer that makes the set readable. */
#ifndef HDI_RUNTIME_FD_WAIT_H
#define HDI_RUNTIME_FD_WAIT_H

#include "heddle/runtime.h"

struct hdi_worker;
struct hd_coro;

/* Waits are found by their descriptor's number; a power of two. A worker has at most some hundred at once. */
#define HDI_FD_BUCKETS 128u

typedef struct hdi_poller {
  int epoll_fd;
  int bell_fd;      /* eventfd */
  int timer_fd;     /* timerfd; -1: not wanted */
  uint32_t waiting; /* coroutines that await a descriptor */
  uint32_t serial;  /* of the last wait; 0 stands for the set's own descriptors */
  struct hd_coro *waits[HDI_FD_BUCKETS];
  int known[HDI_FD_BUCKETS]; /* the last descriptor of each bucket that was put into the set; -1: none */
} hdi_poller;

/* What a coroutine awaits in the set. */
typedef struct hdi_fd_interest {
  int fd; /* as it is in the set: a duplicate when another coroutine awaits the same one */
  bool is_duplicate;
  short events;         /* poll(2): wanted, then what came */
  uint32_t serial;      /* tells this wait from earlier ones for a descriptor of the same number */
  struct hd_coro *next; /* in its bucket */
} hdi_fd_interest;

/* Errors: IO. */
hd_status hdi_poller_init(hdi_poller *poller, bool with_timer);
void hdi_poller_finish(hdi_poller *poller);

/* Ends the wait of `coro` before its descriptor has had anything. */
void hdi_fd_forget(hdi_poller *poller, struct hd_coro *coro);

/* Makes ready the coroutines whose descriptors have something; waits for it at most `timeout_ns` (0: not at
 * all, UINT64_MAX: for ever). One system call. Threads: the worker's. */
void hdi_poller_wait(struct hdi_worker *worker, uint64_t timeout_ns);

/* Makes the set readable `after_ns` from now (UINT64_MAX: not at all). */
void hdi_poller_set_timer(hdi_poller *poller, uint64_t after_ns);

/* Makes the set readable now. Threads: any. */
void hdi_poller_ring(hdi_poller *poller);

#endif
