/* SPDX-License-Identifier: Apache-2.0 */
/* The host of a plain POSIX process. */
#include "heddle/host.h"

#include <stdlib.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

static uint64_t now_ns(void *ctx) {
  (void)ctx;
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: the clock exists and `now` is ours */
  return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void *take(void *ctx, size_t bytes, size_t align) {
  (void)ctx;
  void *memory = NULL;
  /* posix_memalign takes multiples of a pointer's size only. */
  size_t at_least = align < sizeof(void *) ? sizeof(void *) : align;
  return posix_memalign(&memory, at_least, bytes) == 0 ? memory : NULL;
}

static void give(void *ctx, void *memory, size_t bytes) {
  (void)ctx;
  (void)bytes;
  free(memory);
}

void hd_host_posix(hd_host *out_host) {
  *out_host = (hd_host){.size = sizeof *out_host, .now_ns = now_ns, .alloc = take, .free = give};
}
