/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a test's memory is counted: each block carries its size in front. */
#include "check_host.h"

#include <stdlib.h>
#include <time.h>

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
  if (number == check->fail_at) return NULL;
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
