/* SPDX-License-Identifier: Apache-2.0 */
/* Word tables. They are part of the text form: a word once printed stays. */
#include <stddef.h>
#include "heddle/control.h"
#include "heddle/record.h"
#include "traces/words.h"

static const char *const record_kinds[] = {
    [HD_EV_DEVICE_PARAM] = "device_param",
    [HD_EV_DEVICE_STATE] = "device_state",
    [HD_EV_GRAPH] = "graph",
    [HD_EV_OP] = "op",
    [HD_EV_OP_CONTEXT] = "op_context",
    [HD_EV_PIN] = "pin",
    [HD_EV_PLAN] = "plan",
    [HD_EV_GRAPH_END] = "graph_end",
    [HD_EV_SENSOR] = "sensor",
    [HD_EV_TIME] = "time",
    [HD_EV_REQUEST] = "request",
    [HD_EV_REQUEST_END] = "request_end",
    [HD_EV_CANCEL] = "cancel",
    [HD_EV_STEP] = "step",
    [HD_EV_DONE] = "done",
    [HD_EV_LEASE] = "lease",
    [HD_EV_WAIT] = "wait",
    [HD_DE_ADMIT] = "admit",
    [HD_DE_REFUSE] = "refuse",
    [HD_DE_SPLIT] = "split",
    [HD_DE_RUN] = "run",
    [HD_DE_STOP] = "stop",
    [HD_DE_COMPLETE] = "complete",
    [HD_DE_GRANT] = "grant",
    [HD_DE_FENCE] = "fence",
    [HD_DE_TIMER] = "timer",
    [HD_DE_FALLBACK] = "fallback",
    [HD_DE_REPLACED] = "replaced",
    [HD_DE_MOVE] = "move",
    [HD_DE_RECLAIM] = "reclaim",
    [HD_IN_CONFIG] = "config",
    [HD_IN_NAME] = "name",
    [HD_IN_SUBMIT] = "submit",
    [HD_IN_MARK] = "mark",
    [HD_IN_DROPPED] = "dropped",
};

static const char *const device_kinds[] = {
    [HD_DEVICE_CPU] = "cpu", [HD_DEVICE_GPU] = "gpu", [HD_DEVICE_NPU] = "npu", [HD_DEVICE_CLOUD] = "cloud"};

static const char *const device_states[] = {
    [HD_DEVICE_ABSENT] = "absent", [HD_DEVICE_READY] = "ready", [HD_DEVICE_FENCED] = "fenced"};

static const char *const device_params[] = {
    [HD_PARAM_KIND] = "kind",
    [HD_PARAM_FLAGS] = "flags",
    [HD_PARAM_CAPACITY] = "capacity",
    [HD_PARAM_MAX_IN_FLIGHT] = "max_in_flight",
    [HD_PARAM_LAUNCH_NS] = "launch_ns",
    [HD_PARAM_NS_PER_MIB] = "ns_per_mib",
    [HD_PARAM_NS_PER_MFLOP] = "ns_per_mflop",
    [HD_PARAM_TRANSFER_NS_PER_MIB] = "transfer_ns_per_mib",
    [HD_PARAM_ACTIVE_POWER_UW] = "active_power_uw",
    [HD_PARAM_MEMORY_BYTES] = "memory_bytes",
};

static const char *const sensors[] = {
    [HD_SENSOR_TEMPERATURE_MDEGC] = "temperature_mdegc",
    [HD_SENSOR_BATTERY_PERMILLE] = "battery_permille",
    [HD_SENSOR_MEMORY_PRESSURE_PERMILLE] = "memory_pressure_permille",
};

static const char *const phases[] = {[HD_PHASE_PREFILL] = "prefill", [HD_PHASE_DECODE] = "decode"};

static const char *const refusals[] = {
    [HD_REFUSED_REQUESTS] = "requests",   [HD_REFUSED_MEMORY] = "memory",
    [HD_REFUSED_BACKLOG] = "backlog",     [HD_REFUSED_DEADLINE] = "deadline",
    [HD_REFUSED_NO_DEVICE] = "no_device",
};

static const char *const fences[] = {
    [HD_FENCED_FAILURES] = "failures", [HD_FENCED_HUNG] = "hung", [HD_FENCED_GONE] = "gone"};

static const char *const faults[] = {
    [HD_FAULT_INDEX] = "index",           [HD_FAULT_DUPLICATE] = "duplicate", [HD_FAULT_DEVICE] = "device",
    [HD_FAULT_WIDTH] = "width",           [HD_FAULT_FULL] = "full",           [HD_FAULT_STALL] = "stall",
    [HD_FAULT_COUNT_OVER] = "count_over",
};

static const char *const name_kinds[] = {
    [HD_NAME_DEVICE] = "device", [HD_NAME_GRAPH] = "graph", [HD_NAME_REQUEST] = "request",
    [HD_NAME_POLICY] = "policy", [HD_NAME_HOST] = "host",
};

static const char *const energies[] = {
    [HD_ENERGY_NONE] = "none", [HD_ENERGY_MODELLED] = "modelled", [HD_ENERGY_MEASURED] = "measured"};

static const char *const config_keys[] = {
    [HD_CONFIG_MAX_REQUESTS] = "max_requests",
    [HD_CONFIG_MAX_STEPS] = "max_steps",
    [HD_CONFIG_MAX_WAITING_PER_DEVICE] = "max_waiting_per_device",
    [HD_CONFIG_MAX_OPS] = "max_ops",
    [HD_CONFIG_MEMORY_BUDGET_BYTES] = "memory_budget_bytes",
    [HD_CONFIG_FENCE_AFTER_FAILURES] = "fence_after_failures",
    [HD_CONFIG_REPLACE_AFTER_FAULTS] = "replace_after_faults",
    [HD_CONFIG_CLASS_SLICE_NS] = "class_slice_ns",
    [HD_CONFIG_CLASS_WEIGHT] = "class_weight",
    [HD_CONFIG_LEASE_GRACE_NS] = "lease_grace_ns",
};

static const char *const statuses[] = {
    [HD_OK] = "ok",
    [-HD_E_AGAIN] = "again",
    [-HD_E_INVALID] = "invalid",
    [-HD_E_NO_MEMORY] = "no_memory",
    [-HD_E_UNSUPPORTED] = "unsupported",
    [-HD_E_DEVICE] = "device",
    [-HD_E_CANCELLED] = "cancelled",
    [-HD_E_TIMEOUT] = "timeout",
    [-HD_E_LIMIT] = "limit",
    [-HD_E_NOT_FOUND] = "not_found",
    [-HD_E_IO] = "io",
    [-HD_E_FORMAT] = "format",
    [-HD_E_REFUSED] = "refused",
    [-HD_E_CLOSED] = "closed",
    [-HD_E_INTERNAL] = "internal",
};
_Static_assert(sizeof statuses / sizeof statuses[0] == HD_STATUS_COUNT, "every status has its word");

#define TABLE(words)                                                                                         \
  { words, sizeof(words) / sizeof(words)[0] }
static const struct {
  const char *const *words;
  size_t count;
} tables[HDI_WORDS_COUNT] = {
    [HDI_WORDS_RECORD_KIND] = TABLE(record_kinds),
    [HDI_WORDS_DEVICE_KIND] = TABLE(device_kinds),
    [HDI_WORDS_DEVICE_STATE] = TABLE(device_states),
    [HDI_WORDS_DEVICE_PARAM] = TABLE(device_params),
    [HDI_WORDS_SENSOR] = TABLE(sensors),
    [HDI_WORDS_PHASE] = TABLE(phases),
    [HDI_WORDS_REFUSAL] = TABLE(refusals),
    [HDI_WORDS_FENCE] = TABLE(fences),
    [HDI_WORDS_FAULT] = TABLE(faults),
    [HDI_WORDS_NAME_KIND] = TABLE(name_kinds),
    [HDI_WORDS_ENERGY] = TABLE(energies),
    [HDI_WORDS_CONFIG_KEY] = TABLE(config_keys),
    [HDI_WORDS_STATUS] = TABLE(statuses),
};

const char *hdi_word(hdi_vocabulary vocabulary, uint64_t number) {
  if (number >= tables[vocabulary].count) return NULL;
  return tables[vocabulary].words[number];
}
