/* SPDX-License-Identifier: Apache-2.0 */
/* A fence paid by one side alone. Of two threads that each write a word and then read the other's, both need
 * a full fence; when one of them does so seldom, it can make the kernel run a fence on every core that runs
 * this process, and the other needs none. Source: membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED
 * (Linux 4.14). */
#ifndef HDK_MEMBARRIER_H
#define HDK_MEMBARRIER_H

#include <stdbool.h>

/* Tells the kernel that this process will ask for such fences; false: it has none. Once is enough, more do no
 * harm. Threads: any. */
bool hdk_membarrier_register(void);

/* All threads of this process that run have passed a full fence when this returns. A system call, and an
 * interrupt to each other core that runs one. Only after a successful hdk_membarrier_register. Threads: any.
 */
void hdk_membarrier(void);

#endif
