/* SPDX-License-Identifier: Apache-2.0 */
/* Energy of a stretch of time: measured where the machine lets us, else what the scheduler's model says; and
 * which. */
#include "energy.h"

#include <unistd.h>
#include "kernel_shims/root_file.h"
#include "names.h"

void hdt_energy_begin(hdt_energy_meter *meter) {
  meter->can_measure = false;
  if (hdk_root_open("/", &meter->root_fd) != HD_OK) {
    meter->root_fd = -1;
    return;
  }
  meter->can_measure = hdk_powercap_init(&meter->counter, meter->root_fd) == HD_OK;
}

hdt_energy_reading hdt_energy_end(hdt_energy_meter *meter, const hd_control_stats *stats) {
  hdt_energy_reading reading = {0, HD_ENERGY_NONE};
  bool measured = meter->can_measure && hdk_powercap_read(&meter->counter, &reading.uj) == HD_OK;
  if (meter->root_fd >= 0) close(meter->root_fd);
  meter->root_fd = -1;
  if (measured) {
    reading.source = HD_ENERGY_MEASURED;
    return reading;
  }
  for (uint32_t d = 0; d < HD_DEVICES_MAX; d++) {
    reading.uj += stats->energy_uj[d];
    /* A sum is as good as its worst part. */
    bool counts = stats->energy_source[d] != HD_ENERGY_NONE;
    if (counts && (reading.source == HD_ENERGY_NONE || stats->energy_source[d] < reading.source)) {
      reading.source = stats->energy_source[d];
    }
  }
  return reading;
}

const char *hdt_energy_meter_describe(void) {
  hdt_energy_meter meter;
  hdt_energy_begin(&meter);
  if (meter.root_fd >= 0) close(meter.root_fd);
  return meter.can_measure ? "measured (powercap)"
                           : "modelled (this machine has no energy counter that we may read)";
}

void hdt_energy_json(cJSON *object, const hdt_energy_reading *reading) {
  cJSON *energy = cJSON_AddObjectToObject(object, "energy");
  hdt_json_u64(energy, "uj", reading->uj);
  cJSON_AddStringToObject(energy, "source", hdt_energy_source_name(reading->source));
}
