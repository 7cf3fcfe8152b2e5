/* SPDX-License-Identifier: Apache-2.0 */
/* Registers so large that the kernel saves them only for a process that asked: it would otherwise have to
 * keep room for them in every signal frame. After the permission a frame is larger by the state's size
 * (tiles: 8 KiB; AT_MINSIGSTKSZ tells the sum), and sigaltstack(2) with less than that fails; for the same
 * reason the kernel refuses the permission while some thread has a smaller alternate stack. Source:
 * Linux 5.16, Documentation/arch/x86/xstate.rst. */
#ifndef HDK_XSTATE_H
#define HDK_XSTATE_H

#include <stdbool.h>

/* Tile data, a component of the extended state. Source: Intel SDM volume 1, 13.1. */
#define HDK_XSTATE_TILE_DATA 18u

/* Asks that all threads of this process may use the component; false: refused, or not a kernel or a machine
 * that has it. Holds until the process ends, and for its children; again does no harm. Threads: any. */
bool hdk_xstate_request(unsigned component);

#endif
