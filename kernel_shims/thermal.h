/* SPDX-License-Identifier: Apache-2.0 */
/* Temperatures of the machine's thermal zones. */
#ifndef HDK_THERMAL_H
#define HDK_THERMAL_H

#include "heddle/status.h"

#include <stdint.h>

typedef struct hdk_thermal_zone {
  uint32_t zone; /* N of thermal_zoneN */
  char type[64]; /* "x86_pkg_temp", "cpu-1-0-thermal" */
  int32_t temp_mdegc;
} hdk_thermal_zone;

/* Reads all zones, at most `cap`, by number. A zone that cannot be read now (a sensor that is powered down)
 * is left out. Errors: UNSUPPORTED (there is none). Source: Documentation/ABI/testing/sysfs-class-thermal. */
hd_status hdk_thermal_read(int root_fd, hdk_thermal_zone *out_zones, uint32_t cap, uint32_t *out_count);

#endif
