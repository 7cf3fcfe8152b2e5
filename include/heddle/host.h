/* SPDX-License-Identifier: Apache-2.0 */
/* What the host lends: clock, allocator, log. heddle takes nothing else from the process behind its back. */
#ifndef HEDDLE_HOST_H
#define HEDDLE_HOST_H

#include <stddef.h>
#include <stdint.h>
#include "heddle/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hd_log_level { HD_LOG_ERROR, HD_LOG_WARNING, HD_LOG_INFO, HD_LOG_DEBUG } hd_log_level;

/* Table of what the host lends. Copied by whoever takes it; `ctx` must outlive every object made with it.
 * Threads: each function may be called from any thread that calls heddle, and from heddle's workers. */
typedef struct hd_host {
  uint32_t size; /* sizeof(hd_host) */
  void *ctx;
  /* Monotonic nanoseconds; never goes back. */
  uint64_t (*now_ns)(void *ctx);
  /* `align` is a power of two. NULL means no memory: the call that needed it answers HD_E_NO_MEMORY, has
   * given back all that it took, and may be made again. */
  void *(*alloc)(void *ctx, size_t bytes, size_t align);
  /* `bytes` is what alloc was given. `memory` is never NULL. */
  void (*free)(void *ctx, void *memory, size_t bytes);
  /* One line without newline. NULL is allowed: nothing is logged. */
  void (*log)(void *ctx, hd_log_level level, const char *line);
} hd_host;

/* The host of a plain POSIX process: CLOCK_MONOTONIC, posix_memalign, log lines dropped.
 * Threads: any. Errors: none. Source: clock_gettime(2), posix_memalign(3). */
void hd_host_posix(hd_host *out_host);

/* Zeroed memory from the host; NULL when there is none or when count * bytes overflows. Threads: as the
 * host's. */
void *hd_host_zalloc(const hd_host *host, size_t count, size_t bytes, size_t align);

/* Gives memory back; takes NULL. `count` and `bytes` as they were given to hd_host_zalloc. */
void hd_host_free(const hd_host *host, void *memory, size_t count, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
