/* SPDX-License-Identifier: Apache-2.0 */
/* The bell that wakes the command's own thread: workers ring it when there is text, SIGINT when the user has
 * had enough. */
#ifndef HEDDLE_TOOLS_BELL_H
#define HEDDLE_TOOLS_BELL_H

#include <stdbool.h>
#include "exit_code.h"

/* Makes the bell and takes SIGINT and SIGTERM over, until hdt_bell_close; a second one ends the process at
 * once. Threads: workers inherit the handler, so it does not matter which one the signal meets. False: no
 * descriptor. */
bool hdt_bell_open(void);
void hdt_bell_close(void);

/* Threads: any. Async-signal-safe. */
void hdt_bell_ring(void);
/* Sleeps until somebody rang since the last wait, or `timeout_ms` is over. Threads: one. */
void hdt_bell_wait(int timeout_ms);
/* DONE, or INTERRUPTED or TERMINATED once that signal has come. */
hdt_exit hdt_interrupted(void);

#endif
