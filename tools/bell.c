/* SPDX-License-Identifier: Apache-2.0 */
/* The bell that wakes the command's own thread: workers ring it when there is text, SIGINT when the user has
 * had enough. */
#include "bell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* A signal handler has no argument, so the process has one bell. */
static volatile sig_atomic_t interrupted; /* the signal's number */
static int64_t interrupted_ns;
static int bell = -1;

/* Whoever ends a whole process group may send twice within a moment (timeout(1) does); a person needs longer.
 */
#define SECOND_NS 300000000

static void on_signal(int number) {
  int saved = errno;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now); /* async-signal-safe, as are signal and raise */
  int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  if (interrupted == 0) {
    interrupted = number;
    interrupted_ns = now_ns;
    hdt_bell_ring();
  } else if (now_ns - interrupted_ns > SECOND_NS) {
    signal(number, SIG_DFL);
    raise(number);
  }
  errno = saved;
}

static void set_handler(void (*handler)(int)) {
  struct sigaction action = {0};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaddset(&action.sa_mask, SIGINT); /* one at a time: the handler writes a number of 64 bits */
  sigaddset(&action.sa_mask, SIGTERM);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

bool hdt_bell_open(void) {
  bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (bell < 0) return false;
  set_handler(on_signal);
  return true;
}

void hdt_bell_close(void) {
  if (bell < 0) return;
  set_handler(SIG_DFL);
  close(bell);
  bell = -1;
}

void hdt_bell_ring(void) {
  uint64_t one = 1;
  ssize_t ignored = write(bell, &one, sizeof(one)); /* it can fail only when it rings already */
  (void)ignored;
}

void hdt_bell_wait(int timeout_ms) {
  struct pollfd wanted = {.fd = bell, .events = POLLIN};
  uint64_t count;
  if (poll(&wanted, 1, timeout_ms) <= 0) return;
  ssize_t ignored = read(bell, &count, sizeof(count));
  (void)ignored;
}

hdt_exit hdt_interrupted(void) {
  if (interrupted == 0) return HDT_DONE;
  return interrupted == SIGTERM ? HDT_TERMINATED : HDT_INTERRUPTED;
}
