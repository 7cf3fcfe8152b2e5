/* SPDX-License-Identifier: Apache-2.0 */
/* The event word between the files of this room. */
#ifndef HDI_RUNTIME_EVENT_H
#define HDI_RUNTIME_EVENT_H

#include "heddle/runtime.h"

/* Ends the wait of `waiter` without setting the event; false when a setter was faster and will make it ready.
 * Threads: the waiter's worker, while it waits. */
bool hdi_event_take_back(hd_event *event, hd_coro *waiter);

/* Whether the worker that waits looks at the event itself, so that whoever sets it has nothing else to do.
 * Both: threads: the waiter's worker, while it waits. Begin is false when a setter was faster and will make
 * it ready; end is false when it is set: then the caller makes it ready. */
bool hdi_event_watch_begin(hd_coro *waiter);
bool hdi_event_watch_end(hd_coro *waiter);

#endif
