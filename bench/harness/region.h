/* SPDX-License-Identifier: Apache-2.0 */
/* A fork-join of two chunks of about 10 us: what it takes beyond one chunk. */
#ifndef HB_REGION_H
#define HB_REGION_H

#include "bench/harness/harness.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One chunk of work, always the same. */
void hb_chunk(void);

/* Calls `region`, which is to run two chunks on two threads, again and again, and says the overhead: the
 * median for region_p50, the 99th of 100 for region_p99. */
void hb_region_measure(hb_run *run, const char *who, void (*region)(void *arg), void *arg);

/* The same for a region of `chunks` on more threads than cores: says what the whole of it takes, and as
 * "serial" what its chunks take one after the other. */
void hb_region_crowded(hb_run *run, const char *who, uint32_t chunks, void (*region)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif
#endif
