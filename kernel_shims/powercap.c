/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of sys/class/powercap. Only whole packages ("package-N") are summed: their parts (core, uncore,
 * dram) would count twice, "psys" too. AMD's processors show up under the same names. */
#include "powercap.h"

#include "root_file.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES 96
#define NAME_BYTES 64

static void zone_path(char *path, uint32_t zone, const char *file) {
  (void)snprintf(path, PATH_BYTES, "sys/class/powercap/intel-rapl:%u/%s", zone, file);
}

static hd_status read_counter(int root_fd, uint32_t zone, const char *file, uint64_t *out_uj) {
  char path[PATH_BYTES];
  zone_path(path, zone, file);
  hd_status status = hdk_read_u64(root_fd, path, out_uj);
  return status == HD_E_NOT_FOUND || status == HD_E_IO ? HD_E_UNSUPPORTED : status;
}

hd_status hdk_powercap_init(hdk_powercap *powercap, int root_fd) {
  hdk_powercap found = {.root_fd = root_fd};
  for (uint32_t zone = 0; zone < HDK_POWERCAP_PACKAGES_MAX; zone++) {
    char path[PATH_BYTES];
    char name[NAME_BYTES];
    zone_path(path, zone, "name");
    if (hdk_read_text(root_fd, path, name, sizeof name) != HD_OK || strncmp(name, "package-", 8) != 0)
      continue;
    uint64_t range_uj, last_uj;
    hd_status status = read_counter(root_fd, zone, "max_energy_range_uj", &range_uj);
    if (status == HD_OK) status = read_counter(root_fd, zone, "energy_uj", &last_uj);
    if (status != HD_OK) return status;
    if (last_uj > range_uj) return HD_E_FORMAT;
    found.packages[found.count].zone = zone;
    found.packages[found.count].range_uj = range_uj;
    found.packages[found.count].last_uj = last_uj;
    found.count++;
  }
  if (found.count == 0) return HD_E_UNSUPPORTED;
  *powercap = found;
  return HD_OK;
}

hd_status hdk_powercap_read(hdk_powercap *powercap, uint64_t *out_total_uj) {
  hdk_powercap next = *powercap;
  for (uint32_t i = 0; i < next.count; i++) {
    uint64_t now_uj;
    hd_status status = read_counter(next.root_fd, next.packages[i].zone, "energy_uj", &now_uj);
    if (status != HD_OK) return status;
    uint64_t range_uj = next.packages[i].range_uj, last_uj = next.packages[i].last_uj;
    if (now_uj > range_uj) return HD_E_FORMAT;
    /* It holds 0 .. range, so a round is range + 1 long. */
    next.total_uj += now_uj >= last_uj ? now_uj - last_uj : range_uj - last_uj + 1 + now_uj;
    next.packages[i].last_uj = now_uj;
  }
  *powercap = next;
  *out_total_uj = next.total_uj;
  return HD_OK;
}
