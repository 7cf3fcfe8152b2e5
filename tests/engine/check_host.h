/* SPDX-License-Identifier: Apache-2.0 */
/* A host for tests: counts what is allocated, checks what is freed, and refuses the n-th allocation on
 * request. */
#ifndef TESTS_CHECK_HOST_H
#define TESTS_CHECK_HOST_H

#include <stdatomic.h>
#include "heddle/host.h"

typedef struct check_host {
  hd_host host;
  atomic_ullong live_bytes;
  atomic_ullong allocations;  /* asked for so far */
  unsigned long long fail_at; /* this one is refused, counted from 1; 0: none */
  atomic_ullong wrong_frees;  /* given back with another size than taken */
} check_host;

void check_host_init(check_host *check);

#endif
