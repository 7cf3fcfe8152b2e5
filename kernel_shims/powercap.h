/* SPDX-License-Identifier: Apache-2.0 */
/* Energy that the processor counts itself (RAPL). */
#ifndef HDK_POWERCAP_H
#define HDK_POWERCAP_H

#include "heddle/status.h"

#include <stdint.h>

#define HDK_POWERCAP_PACKAGES_MAX 8u

/* The packages' counters as they were read last. */
typedef struct hdk_powercap {
  int root_fd; /* the caller's; outlives this */
  uint32_t count;
  struct {
    uint32_t zone;     /* N of intel-rapl:N */
    uint64_t range_uj; /* the counter goes from 0 to this and begins anew */
    uint64_t last_uj;
  } packages[HDK_POWERCAP_PACKAGES_MAX];
  uint64_t total_uj; /* since hdk_powercap_init */
} hdk_powercap;

/* Finds the package zones and takes their counters as zero. Errors: UNSUPPORTED (none, or not readable: since
 * Linux 5.10 by root alone), FORMAT. Threads: one at a time. Source:
 * Documentation/power/powercap/powercap.rst; CVE-2020-8694. */
hd_status hdk_powercap_init(hdk_powercap *powercap, int root_fd);

/* Energy of all packages since hdk_powercap_init. Must be called at least once per round of the counter (a
 * few minutes at full load on a desktop). Errors: as above; the sum is then unchanged. */
hd_status hdk_powercap_read(hdk_powercap *powercap, uint64_t *out_total_uj);

#endif
