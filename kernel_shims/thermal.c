/* SPDX-License-Identifier: Apache-2.0 */
/* Zones of sys/class/thermal. */
#include "thermal.h"

#include "root_file.h"

#include <stdio.h>

#define ZONES_MAX  256u /* phones have about a hundred; numbers have no gaps unless a driver was unloaded */
#define PATH_BYTES 96
/* Outside of this a sensor is not telling a temperature: some report +-2^31 or -274000 while powered down. */
#define COLDEST_MDEGC INT64_C(-100000)
#define HOTTEST_MDEGC INT64_C(250000)

static hd_status read_zone(int root_fd, uint32_t number, hdk_thermal_zone *out_zone) {
  char path[PATH_BYTES];
  hdk_thermal_zone zone = {.zone = number};
  int64_t temp;
  (void)snprintf(path, sizeof path, "sys/class/thermal/thermal_zone%u/temp", number);
  hd_status status = hdk_read_i64(root_fd, path, &temp);
  if (status != HD_OK) return status;
  if (temp < COLDEST_MDEGC || temp > HOTTEST_MDEGC) return HD_E_FORMAT;
  (void)snprintf(path, sizeof path, "sys/class/thermal/thermal_zone%u/type", number);
  if (hdk_read_text(root_fd, path, zone.type, sizeof zone.type) != HD_OK) zone.type[0] = '\0';
  zone.temp_mdegc = (int32_t)temp;
  *out_zone = zone;
  return HD_OK;
}

hd_status hdk_thermal_read(int root_fd, hdk_thermal_zone *out_zones, uint32_t cap, uint32_t *out_count) {
  uint32_t count = 0;
  for (uint32_t number = 0; number < ZONES_MAX && count < cap; number++) {
    if (read_zone(root_fd, number, &out_zones[count]) == HD_OK) count++;
  }
  if (count == 0) return HD_E_UNSUPPORTED;
  *out_count = count;
  return HD_OK;
}
