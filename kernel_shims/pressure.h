/* SPDX-License-Identifier: Apache-2.0 */
/* How long somebody had to wait for a resource (PSI). */
#ifndef HDK_PRESSURE_H
#define HDK_PRESSURE_H

#include "heddle/status.h"

#include <stdint.h>

typedef enum hdk_resource { HDK_RESOURCE_CPU, HDK_RESOURCE_MEMORY, HDK_RESOURCE_IO } hdk_resource;

typedef struct hdk_pressure {
  uint32_t avg10_centipercent; /* of the last 10 s, in 1/100 % */
  uint64_t total_us;           /* since boot */
} hdk_pressure;

/* The "some" line of proc/pressure/...: some task waited. Errors: UNSUPPORTED (kernel without PSI, or
 * switched off), FORMAT. Source: Documentation/accounting/psi.rst. */
hd_status hdk_pressure_read(int root_fd, hdk_resource resource, hdk_pressure *out_pressure);

#endif
