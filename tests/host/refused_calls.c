/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in front of the calls that may be refused, and counts what they leave behind. */
#include "refused_calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>
#include <cmocka.h>

/* Calls of each kind that still go through before one is refused; negative: all do. */
static atomic_long left[REFUSED_KINDS] = {-1, -1, -1, -1};
static atomic_uint refused;

static bool refuses(refused_kind kind) {
  if (atomic_load(&left[kind]) < 0) return false;
  if (atomic_fetch_sub(&left[kind], 1) != 0) return false;
  atomic_fetch_add(&refused, 1);
  return true;
}

static int refusal(int error) {
  errno = error;
  return -1;
}

/* ---- in front of the calls ---- */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg) {
  return refuses(REFUSED_THREAD) ? EAGAIN : __real_pthread_create(thread, attr, fn, arg);
}

void *__real_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset) {
  if (!refuses(REFUSED_MAPPING)) return __real_mmap(at, bytes, protection, flags, fd, offset);
  errno = ENOMEM;
  return (void *)-1; /* MAP_FAILED */
}

int __real_mprotect(void *at, size_t bytes, int protection);
int __wrap_mprotect(void *at, size_t bytes, int protection);
int __wrap_mprotect(void *at, size_t bytes, int protection) {
  return refuses(REFUSED_GUARD) ? refusal(ENOMEM) : __real_mprotect(at, bytes, protection);
}

int __real_madvise(void *at, size_t bytes, int advice);
int __wrap_madvise(void *at, size_t bytes, int advice);
int __wrap_madvise(void *at, size_t bytes, int advice) {
  return refuses(REFUSED_GUARD) ? refusal(ENOMEM) : __real_madvise(at, bytes, advice);
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags) {
  return refuses(REFUSED_DESCRIPTOR) ? refusal(EMFILE) : __real_epoll_create1(flags);
}

int __real_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event) {
  if (op == EPOLL_CTL_ADD && refuses(REFUSED_DESCRIPTOR)) return refusal(ENOSPC);
  return __real_epoll_ctl(epoll_fd, op, fd, event);
}

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags) {
  return refuses(REFUSED_DESCRIPTOR) ? refusal(EMFILE) : __real_eventfd(count, flags);
}

int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags) {
  return refuses(REFUSED_DESCRIPTOR) ? refusal(EMFILE) : __real_timerfd_create(clock, flags);
}

int __real_dup(int fd);
int __wrap_dup(int fd);
int __wrap_dup(int fd) {
  return refuses(REFUSED_DESCRIPTOR) ? refusal(EMFILE) : __real_dup(fd);
}

/* ---- what is left behind ---- */

static unsigned entries_of(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) return 0;
  unsigned count = 0;
  while (readdir(folder) != NULL) {
    count++;
  }
  (void)closedir(folder);
  return count;
}

unsigned refused_open_descriptors(void) {
  return entries_of("/proc/self/fd");
}

void refused_leave_descriptors(uint32_t room) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  if (room != UINT32_MAX) {
    int lowest_free = open("/dev/null", O_RDONLY | O_CLOEXEC); /* all below it are taken */
    assert_true(lowest_free >= 0);
    (void)close(lowest_free);
    limit.rlim_cur = (rlim_t)lowest_free + room;
  }
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* A thread that was joined may still be listed for a moment. */
static void expect_threads(unsigned count) {
  for (int i = 0; entries_of("/proc/self/task") > count; i++) {
    assert_true(i < 2000);
    (void)usleep(500);
  }
}

/* ---- one after the other ---- */

unsigned refused_each(refused_kind kind, hd_status expected,
                      hd_status (*attempt)(const hd_host *host, void *arg), const hd_host *host, void *arg) {
  unsigned descriptors = refused_open_descriptors(), threads = entries_of("/proc/self/task");
  for (unsigned nth = 0;; nth++) {
    atomic_store(&refused, 0);
    atomic_store(&left[kind], (long)nth);
    hd_status status = attempt(host, arg);
    atomic_store(&left[kind], -1);
    bool none_left = atomic_load(&refused) == 0;
    if (status != HD_OK && (none_left || status != expected))
      fail_msg("%s (%d) when call %u of kind %d is refused", hd_status_text(status), (int)status, nth + 1,
               (int)kind);
    assert_int_equal(refused_open_descriptors(), descriptors);
    expect_threads(threads);
    if (none_left) return nth;
    assert_int_equal(attempt(host, arg), HD_OK);
  }
}
