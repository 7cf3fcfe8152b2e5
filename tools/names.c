/* SPDX-License-Identifier: Apache-2.0 */
/* The words for the library's enums, in tables and in JSON alike. */
#include "names.h"

#include <string.h>

const char *hdt_device_kind_name(hd_device_kind kind) {
  static const char *const names[] = {"cpu", "gpu", "npu", "cloud"};
  return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

const char *hdt_device_state_name(hd_device_state state) {
  static const char *const names[] = {"absent", "ready", "fenced"};
  return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *hdt_phase_name(hd_phase phase) {
  return phase == HD_PHASE_PREFILL ? "prefill" : "decode";
}

const char *hdt_energy_source_name(hd_energy_source source) {
  static const char *const names[] = {"unknown", "modelled", "measured"};
  return (size_t)source < sizeof(names) / sizeof(names[0]) ? names[source] : "unknown";
}

const char *hdt_refusal_reason(hd_refusal reason) {
  switch (reason) {
  case HD_REFUSED_REQUESTS:
    return "as many requests as are allowed are running";
  case HD_REFUSED_MEMORY:
    return "the memory budget is taken";
  case HD_REFUSED_BACKLOG:
    return "too many steps wait for a device";
  case HD_REFUSED_DEADLINE:
    return "the deadline cannot be met";
  case HD_REFUSED_NO_DEVICE:
    return "no device is ready";
  default:
    return "admission refused it";
  }
}

bool hdt_class_find(const char *name, hd_class *out_class) {
  for (int i = 0; i < (int)HD_CLASS_COUNT; i++) {
    if (strcmp(name, hd_class_name((hd_class)i)) != 0) continue;
    *out_class = (hd_class)i;
    return true;
  }
  return false;
}
