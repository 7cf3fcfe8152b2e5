/* SPDX-License-Identifier: Apache-2.0 */
/* A host for tests: counts what is allocated, checks what is freed, and refuses allocations on request. */
#ifndef TESTS_CHECK_HOST_H
#define TESTS_CHECK_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include "heddle/host.h"

typedef struct check_host {
  hd_host host;
  atomic_ullong live_bytes;
  atomic_ullong allocations; /* asked for so far */
  atomic_ullong fail_at;     /* this one is refused, counted from 1; 0: none */
  atomic_bool fail_after;    /* and so is every later one */
  atomic_ullong refused;     /* so far */
  atomic_ullong wrong_frees; /* given back with another size than taken */
} check_host;

void check_host_init(check_host *check);

/* Calls `attempt` again and again, with its first allocation refused, then its second, and so on until none
 * is left to refuse; and once more over with every later one refused as well. Each time it must answer HD_OK
 * or HD_E_NO_MEMORY and have given back all that it took, and after a refusal it must come through at once on
 * the same host. Fails the test when something else happens. Returns how many allocations an attempt needs.
 */
unsigned check_every_allocation(hd_status (*attempt)(const hd_host *host, void *arg), void *arg);

#endif
