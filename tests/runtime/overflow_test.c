/* SPDX-License-Identifier: Apache-2.0 */
/* What a host's handler of SIGSEGV learns of a coroutine that overflows its stack. */
#include "fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How the child ends. */
enum { FOUND = 10, NOT_FOUND = 11, WRONG = 12, NO_FAULT = 13, NO_START = 14 };

static size_t expected_bytes;
static size_t page_bytes;

static void on_fault(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)context;
  hd_overflow overflow;
  if (!hd_overflow_find(info->si_addr, &overflow)) _exit(NOT_FOUND);
  bool right = strcmp(overflow.coroutine, "deep one") == 0 && overflow.stack_bytes == expected_bytes;
  _exit(right ? FOUND : WRONG);
}

static void handle_faults(void) {
  static char stack[256 * 1024];
  stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  if (sigaltstack(&own, NULL) != 0 || sigaction(SIGSEGV, &action, NULL) != 0) _exit(NO_START);
}

/* ---- what goes wrong ---- */

static void descend(void *arg) {
  volatile char frame[512];
  frame[0] = 1;
  *(volatile unsigned *)arg += (unsigned)frame[0];
  if (*(volatile unsigned *)arg < 1u << 20) descend(arg); /* half a GiB of frames */
  frame[1] = 2;
}

static void yields(void *arg) {
  (void)arg;
  for (int i = 0; i < 10; i++) {
    hd_coro_yield();
  }
}

static void yields_and_descends(void *arg) {
  yields(NULL);
  descend(arg);
}

static void writes_at_no_address(void *arg) {
  (void)arg;
  char *volatile nowhere = (char *)(uintptr_t)64;
  *nowhere = 1;
}

/* A little outside of the guard, on both sides. */
static void asks_beside_the_guard(void *arg) {
  hd_overflow overflow;
  char *here = __builtin_frame_address(0);
  char *low = here - (uintptr_t)here % page_bytes;
  (void)arg;
  if (hd_overflow_find(here, &overflow)) _exit(WRONG);
  /* Down from this page, the guard's page is the only one that is found. */
  uint32_t found = 0;
  for (size_t i = 0; i <= expected_bytes / page_bytes + 1; i++) {
    if (hd_overflow_find(low - i * page_bytes, &overflow)) found++;
  }
  if (found != 1) _exit(WRONG);
  _exit(FOUND);
}

/* ---- in a child ---- */

static int end_of_child(uint32_t workers, uint32_t stack_bytes, void (*goes_wrong)(void *)) {
  pid_t child = fork();
  if (child == 0) {
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    expected_bytes = (stack_bytes + page_bytes - 1) / page_bytes * page_bytes;
    handle_faults();
    hd_host host = test_host();
    hd_runtime_config config;
    hd_runtime_config_default(&config);
    config.worker_count = workers;
    config.stack_bytes = stack_bytes;
    config.signal_stack_bytes = 1; /* raised to what is needed */
    hd_runtime *runtime = NULL;
    if (hd_runtime_create(&host, &config, &runtime) != HD_OK) _exit(NO_START);
    unsigned count = 0;
    for (int i = 0; i < 5; i++) {
      spawn(runtime, "before", yields, NULL);
    }
    spawn(runtime, "deep one", goes_wrong, &count);
    spawn(runtime, "after", yields, NULL);
    if (workers == 0) dispatch_all(runtime);
    hd_runtime_destroy(runtime);
    _exit(NO_FAULT);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void an_overflow_is_reported_by_the_coroutines_name(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers < 2; workers++) {
    assert_int_equal(end_of_child(workers, 64 * 1024, descend), FOUND);
    assert_int_equal(end_of_child(workers, 64 * 1024, yields_and_descends), FOUND);
    assert_int_equal(end_of_child(workers, 70 * 1000, yields_and_descends), FOUND);
  }
}

static void another_fault_in_a_coroutine_is_no_overflow(void **state) {
  (void)state;
  assert_int_equal(end_of_child(0, 64 * 1024, writes_at_no_address), NOT_FOUND);
  assert_int_equal(end_of_child(1, 64 * 1024, writes_at_no_address), NOT_FOUND);
}

static void the_guard_is_one_page_below_the_stack(void **state) {
  (void)state;
  assert_int_equal(end_of_child(0, 64 * 1024, asks_beside_the_guard), FOUND);
}

static void outside_of_a_runtime_nothing_is_found(void **state) {
  (void)state;
  hd_overflow overflow;
  assert_false(hd_overflow_find(__builtin_frame_address(0), &overflow));
  assert_false(hd_overflow_find(NULL, NULL));
}

static void absurd_signal_stacks_are_refused(void **state) {
  (void)state;
  hd_host host = test_host();
  hd_runtime_config config;
  hd_runtime_config_default(&config);
  assert_int_equal(config.signal_stack_bytes, 0);
  config.signal_stack_bytes = UINT32_MAX;
  hd_runtime *runtime = NULL;
  assert_int_equal(hd_runtime_create(&host, &config, &runtime), HD_E_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_overflow_is_reported_by_the_coroutines_name),
      cmocka_unit_test(another_fault_in_a_coroutine_is_no_overflow),
      cmocka_unit_test(the_guard_is_one_page_below_the_stack),
      cmocka_unit_test(outside_of_a_runtime_nothing_is_found),
      cmocka_unit_test(absurd_signal_stacks_are_refused),
  };
  return cmocka_run_group_tests_name("runtime/overflow", tests, NULL, NULL);
}
