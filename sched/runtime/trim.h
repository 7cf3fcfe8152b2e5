/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that the runtime gives back to the kernel when it has nothing to do. */
#ifndef HDI_RUNTIME_TRIM_H
#define HDI_RUNTIME_TRIM_H

#include "state.h"

/* Gives back the memory of stacks that nobody has used for a second or two; stops when there is work. Returns
 * when to come again (host clock; UINT64_MAX: there is nothing to come for). For a worker that is about to
 * sleep; costs a load when there is nothing. Threads: the worker's. */
uint64_t hdi_trim_idle(hdi_worker *worker);

#endif
