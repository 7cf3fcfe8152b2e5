/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel threads: yielding, handing over and waking on one core and across two, being created, and their
 * memory. */
#include "threads.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "bench/harness/latency.h"

enum { YIELDS = 100, HANDOVERS = 50, LIVES = 10, PARKED = 1000 };

/* The process measures one figure and ends. */
static hb_run *the_run;
static _Atomic bool over;

static void futex_wait(_Atomic uint32_t *word, uint32_t expected) {
  (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
  (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static bool start(pthread_t *thread, void *(*fn)(void *)) {
  if (pthread_create(thread, NULL, fn, NULL) == 0) return true;
  hb_say_none(the_run, "no thread");
  return false;
}

/* ---- sched_yield between two threads of one core ---- */

static void *yields(void *arg) {
  while (!atomic_load_explicit(&over, memory_order_relaxed))
    sched_yield();
  return arg;
}

static void measure_yield(hb_run *run) {
  pthread_t other;
  hb_batches batches;
  the_run = run;
  if (!start(&other, yields)) return;
  hb_batches_begin(&batches, run, 2.0 * YIELDS);
  while (hb_batches_next(&batches)) {
    for (int i = 0; i < YIELDS; i++)
      sched_yield();
  }
  atomic_store(&over, true);
  pthread_join(other, NULL);
  hb_batches_say(&batches, "sched_yield");
}

/* ---- futex: whose turn it is ---- */

static _Atomic uint32_t turn;

static void pass_turn(uint32_t from) {
  atomic_store(&turn, 1 - from);
  futex_wake(&turn, 1);
}

static void await_turn(uint32_t mine) {
  while (atomic_load(&turn) != mine)
    futex_wait(&turn, 1 - mine);
}

static void *answers(void *arg) {
  for (;;) {
    await_turn(1);
    if (atomic_load(&over)) return arg;
    pass_turn(1);
  }
}

/* `legs`: 2 for one way, 1 for there and back. */
static void measure_futex(hb_run *run, const char *who, double legs) {
  pthread_t other;
  hb_batches batches;
  the_run = run;
  atomic_store(&over, false);
  if (!start(&other, answers)) return;
  hb_batches_begin(&batches, run, legs * HANDOVERS);
  while (hb_batches_next(&batches)) {
    for (int i = 0; i < HANDOVERS; i++) {
      pass_turn(0);
      await_turn(0);
    }
  }
  atomic_store(&over, true);
  pass_turn(0);
  pthread_join(other, NULL);
  hb_batches_say(&batches, who);
}

static void measure_yield_all(hb_run *run) {
  measure_yield(run);
  measure_futex(run, "futex", 2);
}

static void measure_lease(hb_run *run) {
  measure_futex(run, "futex_round_trip", 1);
}

/* ---- condition variables ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed[2] = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER};
static uint32_t holder;

static void condvar_pass(uint32_t from) {
  pthread_mutex_lock(&lock);
  holder = 1 - from;
  pthread_cond_signal(&changed[1 - from]);
  pthread_mutex_unlock(&lock);
}

static void condvar_await(uint32_t mine) {
  pthread_mutex_lock(&lock);
  while (holder != mine)
    pthread_cond_wait(&changed[mine], &lock);
  pthread_mutex_unlock(&lock);
}

static void *condvar_answers(void *arg) {
  for (;;) {
    condvar_await(1);
    if (atomic_load(&over)) return arg;
    condvar_pass(1);
  }
}

static void measure_wake(hb_run *run) {
  pthread_t other;
  hb_batches batches;
  the_run = run;
  if (!start(&other, condvar_answers)) return;
  hb_batches_begin(&batches, run, 2.0 * HANDOVERS);
  while (hb_batches_next(&batches)) {
    for (int i = 0; i < HANDOVERS; i++) {
      condvar_pass(0);
      condvar_await(0);
    }
  }
  atomic_store(&over, true);
  condvar_pass(0);
  pthread_join(other, NULL);
  hb_batches_say(&batches, "condvar");
}

/* ---- pthread_create and pthread_join ---- */

static void *nothing(void *arg) {
  return arg;
}

static void measure_life(hb_run *run) {
  hb_batches batches;
  hb_batches_begin(&batches, run, LIVES);
  while (hb_batches_next(&batches)) {
    for (int i = 0; i < LIVES; i++) {
      pthread_t thread;
      if (pthread_create(&thread, NULL, nothing, NULL) == 0) pthread_join(thread, NULL);
    }
  }
  hb_batches_say(&batches, "pthread_create");
}

/* ---- woken from the other core ---- */

static hb_latency latency;
static _Alignas(64) _Atomic uint32_t word;
static int fd = -1;

static void *sets_word(void *arg) {
  hb_pin(the_run, 1);
  while (hb_latency_due(&latency)) {
    atomic_store_explicit(&word, 1, memory_order_release);
    if (arg != NULL) futex_wake(&word, 1);
  }
  return NULL;
}

static void *writes_fd(void *arg) {
  hb_pin(the_run, 1);
  while (hb_latency_due(&latency))
    (void)eventfd_write(fd, 1);
  return arg;
}

static void measure_word(hb_run *run, uint64_t gap_ns, const char *who, bool sleeps) {
  pthread_t signaller;
  the_run = run;
  hb_latency_begin(&latency, run, gap_ns);
  if (pthread_create(&signaller, NULL, sets_word, sleeps ? run : NULL) != 0) {
    hb_say_none(run, "no thread");
    return;
  }
  hb_pin(run, 0);
  while (hb_latency_arm(&latency)) {
    while (atomic_load_explicit(&word, memory_order_acquire) == 0) {
      if (sleeps) {
        futex_wait(&word, 0);
      } else {
        hb_relax();
      }
    }
    hb_latency_woken(&latency);
    atomic_store_explicit(&word, 0, memory_order_relaxed);
  }
  pthread_join(signaller, NULL);
  hb_latency_say(&latency, who);
}

static void measure_memory(hb_run *run) {
  measure_word(run, HB_GAP_POLLED_NS, "spin_thread", false);
}

static void measure_parked(hb_run *run) {
  measure_word(run, HB_GAP_PARKED_NS, "futex", true);
}

static void measure_fd(hb_run *run) {
  pthread_t signaller;
  struct epoll_event event = {.events = EPOLLIN};
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  the_run = run;
  if (epoll < 0 || fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    hb_say_none(run, "no descriptor");
    return;
  }
  hb_latency_begin(&latency, run, HB_GAP_POLLED_NS);
  if (!start(&signaller, writes_fd)) return;
  hb_pin(run, 0);
  while (hb_latency_arm(&latency)) {
    eventfd_t value;
    while (epoll_wait(epoll, &event, 1, 0) != 1) {
    }
    hb_latency_woken(&latency);
    (void)eventfd_read(fd, &value);
  }
  pthread_join(signaller, NULL);
  hb_latency_say(&latency, "epoll_spin");
}

/* ---- memory of threads that wait ---- */

static _Atomic uint32_t waiting, gate;

static void *waits(void *arg) {
  atomic_fetch_add(&waiting, 1);
  while (atomic_load(&gate) == 0)
    futex_wait(&gate, 0);
  return arg;
}

/* Of the whole machine, in lumps of a stack each. Source: proc(5), KernelStack. */
static uint64_t kernel_stack_bytes(void) {
  FILE *file = fopen("/proc/meminfo", "re");
  char line[256];
  uint64_t bytes = 0;
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, "KernelStack:", 12) == 0) bytes = strtoull(line + 12, NULL, 10) * 1024;
  }
  fclose(file);
  return bytes;
}

static void measure_memory_of_threads(hb_run *run) {
  static pthread_t threads[PARKED];
  const struct timespec pause = {.tv_nsec = 5000000};
  uint32_t count = 0;
  uint64_t before = hb_memory_bytes(), kernel_before = kernel_stack_bytes();
  while (count < PARKED && pthread_create(&threads[count], NULL, waits, NULL) == 0)
    count++;
  while (atomic_load(&waiting) < count)
    nanosleep(&pause, NULL);
  uint64_t bytes = hb_memory_bytes() - before + kernel_stack_bytes() - kernel_before;
  atomic_store(&gate, 1);
  futex_wake(&gate, PARKED);
  for (uint32_t i = 0; i < count; i++)
    pthread_join(threads[i], NULL);
  if (count == 0) {
    hb_say_none(run, "no thread");
  } else {
    hb_say(run, "thread", (double)bytes / count, "bytes", -1);
  }
}

static const hb_figure figures[] = {{"yield", 1, measure_yield_all},
                                    {"wake", 1, measure_wake},
                                    {"coroutine_life", 1, measure_life},
                                    {"submit_wait", 1, measure_life},
                                    {"wake_polled_memory", 2, measure_memory},
                                    {"wake_polled_fd", 2, measure_fd},
                                    {"wake_parked", 2, measure_parked},
                                    {"parked_bytes", 1, measure_memory_of_threads},
                                    {"lease", 1, measure_lease},
                                    {NULL, 0, NULL}};

const hb_program hb_threads = {"threads", figures};
