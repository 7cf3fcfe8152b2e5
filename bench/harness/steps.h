/* SPDX-License-Identifier: Apache-2.0 */
/* Counting instructions where the processor's own counter is not to be had, as in most virtual machines: a
 * copy of the process is stepped through them one by one. */
#ifndef HB_STEPS_H
#define HB_STEPS_H

#include <stdint.h>

/* User-space instructions of one operation, from two runs of `work` in a child process: `work(ops)` does
 * something first, calls hb_steps_mark, does `ops` operations on that thread, and calls it again. Below 0: it
 * cannot be counted. Source: ptrace(2), PTRACE_SINGLESTEP. Threads: the only one of the process. */
double hb_steps_of(void (*work)(uint32_t ops));
void hb_steps_mark(void);

#endif
