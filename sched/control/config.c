/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: defaults with their reasons, and its form in a trace. */
#include "heddle/control.h"

#include <stdbool.h>
#include <stddef.h>

const char *hd_class_name(hd_class class_id) {
  static const char *const names[HD_CLASS_COUNT] = {"interactive", "initiated", "default", "utility",
                                                    "background"};
  return (unsigned)class_id < HD_CLASS_COUNT ? names[class_id] : NULL;
}

void hd_control_config_default(hd_control_config *out_config) {
  *out_config = (hd_control_config){
      .size = sizeof *out_config,
      /* Slices. A launch costs some 5 us on a CPU and 20 to 100 us on a GPU or NPU, so 4 ms keeps the
       * overhead under 3 % everywhere. Nothing is more urgent than interactive work, whose slice only bounds
       * its equals: one frame at 120 Hz. What is last in line is what others wait for most: half as long. The
       * slice applies also when nobody else is there: who comes next is not known when a launch begins, and
       * the overhead is bounded anyway; where a launch costs more than half a slice it becomes longer
       * (dispatch.c). */
      .classes =
          {
              /* Weights: each class counts twice the next, about three nice levels of Linux's CFS (1.25
                 each). */
              [HD_CLASS_INTERACTIVE] = {.slice_ns = 8000000, .weight = 16},
              [HD_CLASS_INITIATED] = {.slice_ns = 4000000, .weight = 8},
              [HD_CLASS_DEFAULT] = {.slice_ns = 4000000, .weight = 4},
              [HD_CLASS_UTILITY] = {.slice_ns = 2000000, .weight = 2},
              [HD_CLASS_BACKGROUND] = {.slice_ns = 2000000, .weight = 1},
          },
      /* One failure may be chance, two a coincidence; what fails three times in a row fails. */
      .fence_after_failures = 3,
      /* A wrong answer costs one fallback decision, so a policy may err some times before it is judged; a
       * policy that stalls does so again at every event, and should be gone within one frame's worth of them.
       */
      .replace_after_faults = 16,
      /* A chunk is cut to fit a slice, so a holder that looks at its checkpoint is gone within one. Twelve of
       * the longest slices forgive a guess that was ten times off; and 0.1 s is what a user still takes for
       * at once (Nielsen, Usability Engineering, 1993). */
      .lease_grace_ns = 100000000,
  };
  hd_limits_default(&out_config->limits);
}

typedef struct field {
  hd_config_key key;
  uint32_t index;
  uint64_t value;
} field;

static uint32_t append(hd_record *out_records, uint32_t cap, uint32_t count, field f) {
  if (count >= cap) return count;
  out_records[count] = (hd_record){
      .kind = HD_IN_CONFIG, .device = HD_RECORD_NO_DEVICE, .step = f.key, .request = f.index, .a = f.value};
  return count + 1;
}

uint32_t hd_control_config_write(const hd_control_config *config, hd_record *out_records, uint32_t cap) {
  const hd_limits *limits = &config->limits;
  const field fields[] = {
      {HD_CONFIG_MAX_REQUESTS, 0, limits->max_requests},
      {HD_CONFIG_MAX_STEPS, 0, limits->max_steps},
      {HD_CONFIG_MAX_WAITING_PER_DEVICE, 0, limits->max_waiting_per_device},
      {HD_CONFIG_MAX_OPS, 0, limits->max_ops},
      {HD_CONFIG_MEMORY_BUDGET_BYTES, 0, limits->memory_budget_bytes},
      {HD_CONFIG_FENCE_AFTER_FAILURES, 0, config->fence_after_failures},
      {HD_CONFIG_REPLACE_AFTER_FAULTS, 0, config->replace_after_faults},
      {HD_CONFIG_LEASE_GRACE_NS, 0, config->lease_grace_ns},
  };
  uint32_t count = 0;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    count = append(out_records, cap, count, fields[i]);
  for (uint32_t i = 0; i < HD_CLASS_COUNT; i++) {
    const hd_class_params *params = &config->classes[i];
    count = append(out_records, cap, count, (field){HD_CONFIG_CLASS_SLICE_NS, i, params->slice_ns});
    count = append(out_records, cap, count, (field){HD_CONFIG_CLASS_WEIGHT, i, params->weight});
  }
  return count;
}

void hd_control_config_read(hd_control_config *config, const hd_record *record) {
  uint32_t value = record->a > UINT32_MAX ? UINT32_MAX : (uint32_t)record->a;
  bool has_class = record->request < HD_CLASS_COUNT;
  if (record->kind != HD_IN_CONFIG) return;
  switch (record->step) {
  case HD_CONFIG_MAX_REQUESTS:
    config->limits.max_requests = value;
    break;
  case HD_CONFIG_MAX_STEPS:
    config->limits.max_steps = value;
    break;
  case HD_CONFIG_MAX_WAITING_PER_DEVICE:
    config->limits.max_waiting_per_device = value;
    break;
  case HD_CONFIG_MAX_OPS:
    config->limits.max_ops = value;
    break;
  case HD_CONFIG_MEMORY_BUDGET_BYTES:
    config->limits.memory_budget_bytes = record->a;
    break;
  case HD_CONFIG_FENCE_AFTER_FAILURES:
    config->fence_after_failures = value;
    break;
  case HD_CONFIG_REPLACE_AFTER_FAULTS:
    config->replace_after_faults = value;
    break;
  case HD_CONFIG_CLASS_SLICE_NS:
    if (has_class) config->classes[record->request].slice_ns = record->a;
    break;
  case HD_CONFIG_CLASS_WEIGHT:
    if (has_class) config->classes[record->request].weight = value;
    break;
  case HD_CONFIG_LEASE_GRACE_NS:
    config->lease_grace_ns = record->a;
    break;
  default:
    break;
  }
}
