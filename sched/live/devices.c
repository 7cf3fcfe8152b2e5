/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: read from a list, opened through backends or added by the host, introduced to the control plane.
 */
#include "live.h"

#include <stdio.h>
#include <string.h>

enum { LIST_ITEM_BYTES = 256 };

/* One item of "cpu,sim:latency_us=50;seed=1": a backend's name and its options. */
typedef struct list_item {
  char name[HD_NAME_BYTES];
  char text[LIST_ITEM_BYTES];
  const char *options; /* inside text; NULL: none */
} list_item;

static hd_status next_item(const char **cursor, list_item *out_item, hd_error *out_error) {
  size_t length = strcspn(*cursor, ",");
  if (length == 0 || length >= sizeof out_item->text)
    return hd_fail(out_error, HD_E_FORMAT, "device list: %s item before '%.40s'",
                   length == 0 ? "empty" : "too long", *cursor);
  memcpy(out_item->text, *cursor, length);
  out_item->text[length] = '\0';
  *cursor += length;
  char *colon = strchr(out_item->text, ':');
  size_t name_length = colon == NULL ? length : (size_t)(colon - out_item->text);
  if (name_length == 0 || name_length >= sizeof out_item->name)
    return hd_fail(out_error, HD_E_FORMAT, "device list: no device name in '%.80s'", out_item->text);
  memcpy(out_item->name, out_item->text, name_length);
  out_item->name[name_length] = '\0';
  out_item->options = colon == NULL ? NULL : colon + 1;
  return HD_OK;
}

static hd_status find_backend(const hd_backend_ops *const *backends, const char *name,
                              const hd_backend_ops **out_ops, hd_error *out_error) {
  char known[128] = "";
  size_t used = 0;
  for (size_t i = 0; backends != NULL && backends[i] != NULL; i++) {
    if (strcmp(backends[i]->name, name) == 0) {
      *out_ops = backends[i];
      return HD_OK;
    }
    if (used < sizeof known)
      used += (size_t)snprintf(known + used, sizeof known - used, " %s", backends[i]->name);
  }
  return hd_fail(out_error, HD_E_NOT_FOUND, "device list: no backend '%s' in this build; there is:%s", name,
                 known[0] == '\0' ? " none" : known);
}

static bool name_taken(const hd_sched *sched, const char *name) {
  for (uint32_t d = 0; d < sched->device_count; d++)
    if (strcmp(sched->devices[d].props.name, name) == 0) return true;
  return false;
}

/* "sim", then "sim1", "sim2". */
static void make_name_unique(const hd_sched *sched, hd_device_props *props) {
  char stem[HD_NAME_BYTES - 4];
  snprintf(stem, sizeof stem, "%.*s", (int)sizeof stem - 1, props->name);
  for (uint32_t i = 1; name_taken(sched, props->name) && i < 1000; i++)
    snprintf(props->name, sizeof props->name, "%s%u", stem, i);
}

static void feed_param(hd_sched *sched, uint32_t index, hd_device_param param, uint64_t value) {
  hd_record event = {.kind = HD_EV_DEVICE_PARAM, .device = (uint16_t)index, .step = param, .a = value};
  (void)hdl_feed(sched, &event);
}

/* In the turn: tells the control plane all it may know of a device, and that it is ready. */
static hd_status introduce(hd_sched *sched, uint32_t index) {
  const hd_device_props *p = &sched->devices[index].props;
  if (sched->trace != NULL) hd_trace_name(sched->trace, sched->now_ns, HD_NAME_DEVICE, index, p->name);
  feed_param(sched, index, HD_PARAM_KIND, p->kind);
  feed_param(sched, index, HD_PARAM_FLAGS, p->flags);
  feed_param(sched, index, HD_PARAM_CAPACITY, p->capacity);
  feed_param(sched, index, HD_PARAM_MAX_IN_FLIGHT, p->max_in_flight);
  feed_param(sched, index, HD_PARAM_LAUNCH_NS, p->launch_ns);
  feed_param(sched, index, HD_PARAM_NS_PER_MIB, p->ns_per_mib);
  feed_param(sched, index, HD_PARAM_NS_PER_MFLOP, p->ns_per_mflop);
  feed_param(sched, index, HD_PARAM_TRANSFER_NS_PER_MIB, p->transfer_ns_per_mib);
  feed_param(sched, index, HD_PARAM_ACTIVE_POWER_UW, p->active_power_uw);
  feed_param(sched, index, HD_PARAM_MEMORY_BYTES, p->memory_bytes);
  hd_record event = {.kind = HD_EV_DEVICE_STATE, .device = (uint16_t)index, .a = HD_DEVICE_READY};
  hd_status status = hdl_feed(sched, &event);
  if (status == HD_OK) sched->devices[index].state = HD_DEVICE_READY;
  return status;
}

static hd_status append_device(hd_sched *sched, const hdl_device *device) {
  if (sched->device_count >= HD_DEVICES_MAX) return HD_E_LIMIT;
  uint32_t index = sched->device_count;
  sched->devices[index] = *device;
  sched->devices[index].next_poll_ns = HDL_NEVER;
  sched->device_count++; /* last: from here on others see it */
  hd_status status = introduce(sched, index);
  if (status != HD_OK) sched->device_count--;
  return status;
}

static hd_status open_item(hd_sched *sched, const hd_backend_ops *const *backends, const list_item *item,
                           hd_error *out_error) {
  const hd_backend_ops *ops = NULL;
  hd_status status = find_backend(backends, item->name, &ops, out_error);
  if (status != HD_OK) return status;
  if (ops->abi != HD_BACKEND_ABI)
    return hd_fail(out_error, HD_E_UNSUPPORTED, "backend %s: made for ABI %u, this is %u", ops->name,
                   ops->abi, HD_BACKEND_ABI);
  if (sched->backend_count >= HDL_BACKENDS_MAX)
    return hd_fail(out_error, HD_E_LIMIT, "device list: more than %u items", (unsigned)HDL_BACKENDS_MAX);
  hdl_backend *backend = &sched->backends[sched->backend_count];
  hdl_executor_lend(sched, &backend->lent);
  status = ops->open(&backend->lent, item->options, &backend->handle, out_error);
  if (status != HD_OK) return status;
  backend->ops = ops;
  sched->backend_count++;
  for (uint32_t i = 0;; i++) {
    hdl_device device = {.backend = backend, .index_in_backend = i};
    status = ops->probe(backend->handle, i, &device.props);
    if (status == HD_E_NOT_FOUND && i > 0) return HD_OK;
    if (status != HD_OK) return hd_fail(out_error, status, "backend %s: no device", ops->name);
    make_name_unique(sched, &device.props);
    status = append_device(sched, &device);
    if (status != HD_OK)
      return hd_fail(out_error, status, "device %s: %s", device.props.name, hd_status_text(status));
  }
}

hd_status hdl_devices_open(hd_sched *sched, const hd_backend_ops *const *backends, const char *list,
                           hd_error *out_error) {
  const char *cursor = list;
  while (cursor != NULL && *cursor != '\0') {
    list_item item;
    hd_status status = next_item(&cursor, &item, out_error);
    if (status == HD_OK) status = open_item(sched, backends, &item, out_error);
    if (status != HD_OK) return status;
    if (*cursor == ',' && *++cursor == '\0')
      return hd_fail(out_error, HD_E_FORMAT, "device list: ends with a comma");
  }
  return HD_OK;
}

void hdl_devices_close(hd_sched *sched) {
  while (sched->backend_count > 0) {
    hdl_backend *backend = &sched->backends[--sched->backend_count];
    backend->ops->close(backend->handle);
  }
}

uint32_t hd_sched_device_count(const hd_sched *sched) {
  return sched->device_count;
}

hd_status hd_sched_device(const hd_sched *asked, uint32_t index, hd_device_props *out_props,
                          hd_device_state *out_state) {
  hd_sched *sched = (hd_sched *)(uintptr_t)asked; /* only its turn is taken */
  if (index >= sched->device_count) return HD_E_NOT_FOUND;
  hdl_turn_enter(sched);
  if (out_props != NULL) *out_props = sched->devices[index].props;
  if (out_state != NULL) *out_state = sched->devices[index].state;
  hdl_turn_leave(sched);
  return HD_OK;
}

hd_status hd_sched_add_device(hd_sched *sched, const hd_device_props *props, uint32_t *out_index) {
  if (sched == NULL || props == NULL || props->capacity == 0 || props->max_in_flight == 0)
    return HD_E_INVALID;
  hdl_device device = {.props = *props};
  device.props.flags |= HD_DEVICE_LEASES_ONLY;
  device.props.name[HD_NAME_BYTES - 1] = '\0';
  device.props.description[HD_NAME_BYTES - 1] = '\0';
  if (device.props.name[0] == '\0') return HD_E_INVALID;
  hdl_turn_enter(sched);
  hd_status status = name_taken(sched, device.props.name) ? HD_E_INVALID : append_device(sched, &device);
  uint32_t index = sched->device_count - 1;
  hdl_turn_leave(sched);
  if (status == HD_OK && out_index != NULL) *out_index = index;
  return status;
}
