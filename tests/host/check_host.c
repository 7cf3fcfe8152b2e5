/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a test's memory is counted (each block carries its size in front) and how it is refused. */
#include "check_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#define FRONT 64u /* keeps every alignment up to a cache line */

static uint64_t now(void *ctx) {
  (void)ctx;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *take(void *ctx, size_t bytes, size_t align) {
  check_host *check = ctx;
  unsigned long long number = atomic_fetch_add(&check->allocations, 1) + 1;
  unsigned long long fail_at = atomic_load(&check->fail_at);
  if (fail_at != 0 && (number == fail_at || (number > fail_at && atomic_load(&check->fail_after)))) {
    atomic_fetch_add(&check->refused, 1);
    return NULL;
  }
  size_t front = align > FRONT ? align : FRONT;
  void *block = NULL;
  if (bytes > SIZE_MAX - front || posix_memalign(&block, front, front + bytes) != 0) return NULL;
  char *memory = (char *)block + front;
  ((size_t *)(void *)memory)[-1] = bytes;
  ((size_t *)(void *)memory)[-2] = front;
  atomic_fetch_add(&check->live_bytes, bytes);
  return memory;
}

static void give(void *ctx, void *memory, size_t bytes) {
  check_host *check = ctx;
  if (((size_t *)memory)[-1] != bytes) atomic_fetch_add(&check->wrong_frees, 1);
  atomic_fetch_sub(&check->live_bytes, ((size_t *)memory)[-1]);
  free((char *)memory - ((size_t *)memory)[-2]);
}

void check_host_init(check_host *check) {
  *check = (check_host){.host = {sizeof check->host, check, now, take, give, NULL}};
}

static void expect_all_back(const check_host *check, unsigned nth) {
  unsigned long long live = atomic_load(&check->live_bytes), wrong = atomic_load(&check->wrong_frees);
  if (live != 0) fail_msg("%llu bytes are kept when allocation %u is refused", live, nth);
  if (wrong != 0) fail_msg("%llu wrong sizes are given back when allocation %u is refused", wrong, nth);
}

/* False: nothing was left to refuse. */
static bool refuse(hd_status (*attempt)(const hd_host *, void *), void *arg, unsigned nth, bool and_later) {
  check_host check;
  check_host_init(&check);
  check.fail_at = nth;
  check.fail_after = and_later;
  hd_status status = attempt(&check.host, arg);
  bool refused = check.refused > 0;
  if (status != HD_OK && (!refused || status != HD_E_NO_MEMORY))
    fail_msg("%s (%d) when allocation %u is refused", hd_status_text(status), (int)status, nth);
  expect_all_back(&check, nth);
  if (!refused) return false;
  check.fail_at = 0;
  assert_int_equal(attempt(&check.host, arg), HD_OK);
  expect_all_back(&check, nth);
  return true;
}

unsigned check_every_allocation(hd_status (*attempt)(const hd_host *host, void *arg), void *arg) {
  unsigned needed = 0;
  for (int and_later = 0; and_later <= 1; and_later++) {
    needed = 0;
    while (refuse(attempt, arg, needed + 1, and_later != 0))
      needed++;
  }
  return needed;
}
