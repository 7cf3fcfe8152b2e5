/* SPDX-License-Identifier: Apache-2.0 */
/* What the trace tests share: a folder of their own, a host that counts log lines and can refuse memory, and
 * traces built in memory. */
#ifndef TESTS_TRACES_SCRATCH_H
#define TESTS_TRACES_SCRATCH_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "heddle/trace.h"
#include "traces/bytes.h"

typedef struct scratch {
  char folder[64];
  char path[96]; /* a file in it that is not there yet */
  hd_host host;
  unsigned log_lines;
  char last_line[256];
  hd_trace *flush_in_log; /* flushed by the log function; the answer is kept */
  hd_status flush_status;
  long allocations_left; /* before the host says no; negative: never */
} scratch;

int scratch_setup(void **state);
int scratch_teardown(void **state); /* fails when a test left a file behind besides `path` */

/* A file's bytes; free() them. */
uint8_t *scratch_load(const char *path, size_t *out_size);
size_t scratch_size(const char *path);

/* A trace under construction, in memory. */
typedef struct builder {
  uint8_t bytes[65536];
  size_t size;
} builder;
void builder_begin(builder *b);
void builder_chunk(builder *b, uint32_t ring, const hd_record *records, uint32_t count);

/* splitmix64: the same numbers on every machine. */
uint64_t next_random(uint64_t *state);

#endif
