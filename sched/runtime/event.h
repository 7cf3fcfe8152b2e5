/* SPDX-License-Identifier: Apache-2.0 */
/* The event word between the files of this room. */
#ifndef HDI_RUNTIME_EVENT_H
#define HDI_RUNTIME_EVENT_H

#include "heddle/runtime.h"

/* Ends the wait of `waiter` without setting the event; false when a setter was faster and will make it ready.
 * Threads: the waiter's worker, while it waits. */
bool hdi_event_take_back(hd_event *event, hd_coro *waiter);

#endif
