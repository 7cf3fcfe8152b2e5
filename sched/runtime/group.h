/* SPDX-License-Identifier: Apache-2.0 */
/* How the tasks of a group are counted when they have run. Threads of all: the worker's. */
#ifndef HDI_RUNTIME_GROUP_H
#define HDI_RUNTIME_GROUP_H

#include "state.h"

/* Adds what the worker has folded to its group's count. The group's waiter may be made ready, and the group
 * be gone. */
void hdi_group_fold(hdi_worker *worker);

/* Before anything but a task of the group being folded runs: what was folded must not wait for it. */
static inline void hdi_group_fold_end(hdi_worker *worker) {
  if (worker->folding != NULL) hdi_group_fold(worker);
}

void hdi_group_ran_first(hdi_worker *worker, hd_group *group);

/* Counts a task that has run. While tasks of the same group follow each other the group itself is left alone,
 * because its home writes it: the count waits no longer than the next task of the group, which the waiter
 * waits for anyway. */
static inline void hdi_group_ran(hdi_worker *worker, hd_group *group) {
  if (worker->folding == group) {
    worker->folded++;
  } else {
    hdi_group_ran_first(worker, group);
  }
}

#endif
