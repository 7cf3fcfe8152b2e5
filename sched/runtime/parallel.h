/* SPDX-License-Identifier: Apache-2.0 */
/* Regions: one fork-join in flight. Each worker has one, used when it is the caller. */
#ifndef HDI_RUNTIME_PARALLEL_H
#define HDI_RUNTIME_PARALLEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct hdi_worker;

typedef struct hdi_region {
  /* generation (32 bits) | helpers that joined (8) | next part (24). One compare-and-swap takes a part, and
   * fails when the region is another one by now: so a late helper can neither run a part of a finished region
   * nor delay it. */
  _Atomic uint64_t ticket;
  _Atomic uint32_t parts, helpers; /* how many parts; how many helpers may join */
  _Atomic uint32_t first;          /* what to add to a part's number */
  void (*_Atomic fn)(void *arg, uint32_t part);
  void *_Atomic arg;
  _Atomic uint32_t done;     /* parts that helpers have finished */
  _Atomic uint32_t sleeping; /* the caller sleeps on `done` */
  /* The caller's own. */
  bool is_listed;    /* in the runtime's `regions` */
  uint8_t fruitless; /* times in a row that sleepers were woken and none came */
  uint8_t to_go;     /* regions before sleepers are woken at once again */
} hdi_region;

/* Nobody can join a region before its first use. */
void hdi_region_init(hdi_region *region);

/* Takes the worker out of the list of those with a region, where it stays from one region to the next.
 * Threads: the worker's, in its loop. */
void hdi_region_withdraw(struct hdi_worker *worker);

/* Whether some region has a part for this worker. Threads: the worker's. */
bool hdi_region_wants(struct hdi_worker *worker);

/* Whether helpers have finished `wanted` parts of the worker's region. Threads: the worker's. */
bool hdi_region_is_done(struct hdi_worker *worker, uint32_t wanted);

/* Runs parts of regions in flight. Returns whether it ran one. Threads: the worker's. */
bool hdi_region_help(struct hdi_worker *worker);

#endif
