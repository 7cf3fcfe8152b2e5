/* SPDX-License-Identifier: Apache-2.0 */
/* The words for the library's enums, in tables and in JSON alike. */
#ifndef HEDDLE_TOOLS_NAMES_H
#define HEDDLE_TOOLS_NAMES_H

#include <stdbool.h>
#include "heddle/heddle.h"

const char *hdt_device_kind_name(hd_device_kind kind);
const char *hdt_device_state_name(hd_device_state state);
const char *hdt_phase_name(hd_phase phase);
/* "measured", "modelled", "unknown". */
const char *hdt_energy_source_name(hd_energy_source source);
/* Why admission said no, as a clause: "as many requests as are allowed are running". */
const char *hdt_refusal_reason(hd_refusal reason);

/* False when no class has that name. */
bool hdt_class_find(const char *name, hd_class *out_class);

#endif
