/* SPDX-License-Identifier: Apache-2.0 */
/* Energy of a stretch of time: measured where the machine lets us, else what the scheduler's model says; and
 * which. */
#ifndef HEDDLE_TOOLS_ENERGY_H
#define HEDDLE_TOOLS_ENERGY_H

#include "heddle/heddle.h"
#include "json.h"
#include "kernel_shims/powercap.h"

typedef struct hdt_energy_meter {
  bool can_measure;
  int root_fd; /* -1: none */
  hdk_powercap counter;
} hdt_energy_meter;

typedef struct hdt_energy_reading {
  uint64_t uj;
  hd_energy_source source; /* NONE: nothing is known, uj is 0 */
} hdt_energy_reading;

/* Measured energy is that of the whole processor package: whatever else ran counts in. */
void hdt_energy_begin(hdt_energy_meter *meter);
/* Ends the stretch. `stats` are the scheduler's, which did nothing before it began. Every begin has one end.
 */
hdt_energy_reading hdt_energy_end(hdt_energy_meter *meter, const hd_control_stats *stats);

/* What this machine allows, for people: "measured (powercap)" or "modelled". */
const char *hdt_energy_meter_describe(void);

/* Adds "energy": {"uj", "source"}. */
void hdt_energy_json(cJSON *object, const hdt_energy_reading *reading);

#endif
