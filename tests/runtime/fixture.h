/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime's tests share: a host, runtimes of a given width, and waiting for a counter. */
#ifndef HDT_RUNTIME_FIXTURE_H
#define HDT_RUNTIME_FIXTURE_H

#include "heddle/limits.h"
#include "heddle/runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#endif
#if !defined(UNDER_SANITIZER)
#define UNDER_SANITIZER 0
#endif

#define MS UINT64_C(1000000)

static inline hd_host test_host(void) {
  hd_host host;
  hd_host_posix(&host);
  return host;
}

static inline uint64_t test_now(void) {
  hd_host host = test_host();
  return host.now_ns(host.ctx);
}

/* workers 0: driven by the test. */
static inline hd_runtime *make_runtime(uint32_t workers, uint32_t max_coroutines) {
  hd_host host = test_host();
  hd_runtime_config config;
  hd_runtime_config_default(&config);
  config.worker_count = workers;
  config.max_coroutines = max_coroutines;
  hd_runtime *runtime = NULL;
  assert_int_equal(hd_runtime_create(&host, &config, &runtime), HD_OK);
  return runtime;
}

static inline void spawn(hd_runtime *runtime, const char *name, void (*fn)(void *), void *arg) {
  assert_int_equal(hd_coro_spawn(runtime, name, fn, arg), HD_OK);
}

/* Lets the other threads go on until `counter` has reached `wanted`. */
static inline void wait_for(atomic_uint *counter, unsigned wanted) {
  while (atomic_load(counter) < wanted) {
    sched_yield();
  }
}

/* Dispatches a driven runtime until no coroutine is left. */
static inline void dispatch_all(hd_runtime *runtime) {
  hd_runtime_stats stats;
  do {
    (void)hd_runtime_dispatch(runtime, 0);
    hd_runtime_stats_get(runtime, &stats);
  } while (stats.coroutines > 0);
}

#endif
