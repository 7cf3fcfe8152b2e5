/* SPDX-License-Identifier: Apache-2.0 */
/* The processor's name for people. */
#ifndef HDK_CPUNAME_H
#define HDK_CPUNAME_H

#include "heddle/status.h"

#include <stddef.h>

/* From proc/cpuinfo: "model name" (x86), else "Hardware" or "Model" (Arm boards), else the Arm part number
 * ("Arm 0x41 0xd4b"). Cut to `cap`. Errors: NOT_FOUND (no such file, or none of these in it), IO.
 * Source: proc(5); arch/arm64/kernel/cpuinfo.c of Linux. */
hd_status hdk_cpu_name(int root_fd, char *out_name, size_t cap);

#endif
