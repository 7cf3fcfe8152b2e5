/* SPDX-License-Identifier: Apache-2.0 */
/* Single-stepping a child between two marks. */
#include "steps.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A step takes some microseconds. The difference of the two counts is free of what the marks cost; both are
 * whole numbers of what runtimes do in bursts. */
enum { FEW_OPS = 128, MANY_OPS = 256 };

/* A signal that no thread blocks and that nothing else sends; the tracer swallows it. */
#define MARK SIGSYS

void hb_steps_mark(void) {
  (void)syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), MARK);
}

static void be_traced(void (*work)(uint32_t ops), uint32_t ops) {
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(1);
  raise(SIGSTOP);
  work(ops);
  _exit(0);
}

static void go_on(int request, pid_t thread, int signal_number) {
  (void)ptrace((enum __ptrace_request)request, thread, NULL, (void *)(intptr_t)signal_number);
}

/* Steps of the thread that set the first mark, up to its second; 0: there was none. */
static uint64_t count_steps(pid_t child) {
  uint64_t steps = 0;
  pid_t counted = 0, thread;
  int status;
  while ((thread = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
    if (thread <= 0) continue;
    if (!WIFSTOPPED(status)) {
      if (thread == child) return 0; /* it ended before its second mark */
      continue;
    }
    int number = WSTOPSIG(status);
    if (number == MARK) {
      if (thread == counted) return steps;
      counted = thread;
      go_on(PTRACE_SINGLESTEP, thread, 0);
    } else if (thread == counted) {
      steps += number == SIGTRAP;
      go_on(PTRACE_SINGLESTEP, thread, number == SIGTRAP ? 0 : number);
    } else { /* a new thread reports with SIGSTOP, its making with SIGTRAP */
      go_on(PTRACE_CONT, thread, number == SIGSTOP || number == SIGTRAP ? 0 : number);
    }
  }
  return 0;
}

static uint64_t steps_of_run(void (*work)(uint32_t ops), uint32_t ops) {
  int status;
  uint64_t steps = 0;
  pid_t child = fork();
  if (child < 0) return 0;
  if (child == 0) be_traced(work, ops);
  bool stopped = waitpid(child, &status, 0) == child && WIFSTOPPED(status);
  void *options = (void *)(intptr_t)(PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
  if (stopped && ptrace(PTRACE_SETOPTIONS, child, NULL, options) == 0) {
    go_on(PTRACE_CONT, child, 0);
    steps = count_steps(child);
  }
  kill(child, SIGKILL);
  while (waitpid(-1, &status, __WALL) > 0 || errno == EINTR) {
  }
  return steps;
}

double hb_steps_of(void (*work)(uint32_t ops)) {
  uint64_t few = steps_of_run(work, FEW_OPS);
  uint64_t many = few == 0 ? 0 : steps_of_run(work, MANY_OPS);
  return many <= few ? -1 : (double)(many - few) / (MANY_OPS - FEW_OPS);
}
