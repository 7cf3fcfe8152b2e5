/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel for tests that says no: calls for threads, memory and descriptors, refused one after the other.
 * The linker puts these in front of the C library's in a test that is linked with hd_refuses (tests/host). */
#ifndef TESTS_REFUSED_CALLS_H
#define TESTS_REFUSED_CALLS_H

#include "heddle/host.h"

typedef enum refused_kind {
  REFUSED_THREAD,     /* pthread_create */
  REFUSED_MAPPING,    /* mmap */
  REFUSED_GUARD,      /* mprotect, madvise */
  REFUSED_DESCRIPTOR, /* epoll_create1, epoll_ctl that adds, eventfd, timerfd_create, dup */
  REFUSED_KINDS
} refused_kind;

/* Calls `attempt` with the first call of `kind` refused, then with the second, and so on until none is left
 * to refuse. Each time it must answer HD_OK or `expected` and leave no descriptor and no thread behind, and
 * come through when it is repeated. Fails the test when not. Returns how many calls of the kind there are. */
unsigned refused_each(refused_kind kind, hd_status expected,
                      hd_status (*attempt)(const hd_host *host, void *arg), const hd_host *host, void *arg);

/* Leaves room for so many more descriptors than are open now; UINT32_MAX: for all again. */
void refused_leave_descriptors(uint32_t room);
unsigned refused_open_descriptors(void);

#endif
