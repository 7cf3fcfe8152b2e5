/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that could be had without swapping. */
#ifndef HDK_MEMINFO_H
#define HDK_MEMINFO_H

#include "heddle/status.h"

#include <stdint.h>

typedef struct hdk_meminfo {
  uint64_t total_bytes;
  uint64_t available_bytes;
} hdk_meminfo;

/* From proc/meminfo: MemTotal and MemAvailable (Linux 3.14). Errors: NOT_FOUND (no such file or line), IO,
 * FORMAT. Source: proc(5). */
hd_status hdk_meminfo_read(int root_fd, hdk_meminfo *out_info);

#endif
