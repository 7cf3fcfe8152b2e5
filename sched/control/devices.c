/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: what they are, whether they are there, and whether they take work just now. */
#include "stations.h"
#include "arith.h"

/* How long a device that said AGAIN is left alone, unless something on it is done before: a quarter of a
 * slice, so that waiting it out never costs more than waiting for somebody's slice. */
#define BACKOFF_NS 1000000u

/* The greatest value of each parameter: cost arithmetic relies on these. Power: 8 kW, so that a second of it
 * in ns * uW stays in 64 bits. */
static const uint64_t param_max[HD_PARAM_COUNT] = {
    [HD_PARAM_KIND] = HD_DEVICE_CLOUD,
    [HD_PARAM_FLAGS] = HD_DEVICE_STOPS_AT_OP | HD_DEVICE_CUT_AT_LAYER | HD_DEVICE_LEASES_ONLY,
    [HD_PARAM_CAPACITY] = UINT16_MAX, /* a width has 16 bits */
    [HD_PARAM_MAX_IN_FLIGHT] = UINT16_MAX,
    [HD_PARAM_LAUNCH_NS] = HDI_NS_MAX,
    [HD_PARAM_NS_PER_MIB] = HDI_PARAM_MAX,
    [HD_PARAM_NS_PER_MFLOP] = HDI_PARAM_MAX,
    [HD_PARAM_TRANSFER_NS_PER_MIB] = HDI_PARAM_MAX,
    [HD_PARAM_ACTIVE_POWER_UW] = (uint64_t)1 << 33,
    [HD_PARAM_MEMORY_BYTES] = UINT64_MAX,
};

static void know(hd_control *c, uint32_t device) {
  hdi_device *d = &c->devices[device];
  if (d->known) return;
  d->known = true;
  d->params[HD_PARAM_CAPACITY] = d->params[HD_PARAM_MAX_IN_FLIGHT] = 1;
  d->running_head = HDI_NONE;
  for (uint32_t phase = 0; phase < HD_PHASE_COUNT; phase++)
    d->correction_q16[phase] = 65536;
  if (c->view.device_count <= device) c->view.device_count = device + 1;
}

bool hdi_device_ready(const hd_control *c, uint32_t device) {
  return device < HD_DEVICES_MAX && c->view_devices[device].state == HD_DEVICE_READY;
}

bool hdi_device_takes_steps(const hd_control *c, uint32_t device) {
  return hdi_device_ready(c, device) &&
         (c->devices[device].params[HD_PARAM_FLAGS] & HD_DEVICE_LEASES_ONLY) == 0;
}

void hdi_device_show(hd_control *c, uint32_t device) {
  const hdi_device *d = &c->devices[device];
  hd_view_device *v = &c->view_devices[device];
  v->kind = (hd_device_kind)d->params[HD_PARAM_KIND];
  v->capacity = (uint32_t)d->params[HD_PARAM_CAPACITY];
  bool takes = v->state == HD_DEVICE_READY && d->backoff_until_ns == 0;
  v->room = takes ? (uint32_t)hdi_sub(d->params[HD_PARAM_MAX_IN_FLIGHT], v->in_flight) : 0;
  v->free_units = v->room > 0 ? (uint32_t)hdi_sub(v->capacity, d->used_units) : 0;
}

hd_status hdi_on_device_param(hd_control *c, const hd_record *event) {
  if (event->device >= HD_DEVICES_MAX || event->step >= HD_PARAM_COUNT || event->a > param_max[event->step])
    return HD_E_INVALID;
  bool is_count = event->step == HD_PARAM_CAPACITY || event->step == HD_PARAM_MAX_IN_FLIGHT;
  if (is_count && event->a == 0) return HD_E_INVALID;
  know(c, event->device);
  hdi_device *d = &c->devices[event->device];
  if (d->params[event->step] == event->a) return HD_OK;
  d->params[event->step] = event->a;
  d->cost_version++;
  hdi_device_show(c, event->device);
  uint32_t slot = c->view_devices[event->device].oldest;
  for (; slot != HD_WAITING_END; slot = c->waiting[slot].next)
    hdi_step_show_cost(c, &c->steps[slot]);
  return HD_OK;
}

hd_status hdi_on_device_state(hd_control *c, const hd_record *event) {
  if (event->device >= HD_DEVICES_MAX || event->a > HD_DEVICE_FENCED) return HD_E_INVALID;
  know(c, event->device);
  hdi_device *d = &c->devices[event->device];
  hd_view_device *v = &c->view_devices[event->device];
  hd_device_state state = (hd_device_state)event->a;
  if (state == HD_DEVICE_READY && v->state != HD_DEVICE_READY) {
    d->failures = 0;
    v->state = HD_DEVICE_READY;
  } else if (state != HD_DEVICE_READY && v->state == HD_DEVICE_READY) {
    hdi_fence(c, event->device, state == HD_DEVICE_ABSENT ? HD_FENCED_GONE : HD_FENCED_HUNG);
  } else {
    v->state = state;
  }
  hdi_device_show(c, event->device);
  return HD_OK;
}

/* Sensors change nothing here yet: policies see them in their event hook. */
hd_status hdi_on_sensor(hd_control *c, const hd_record *event) {
  (void)c;
  bool known = event->device < HD_DEVICES_MAX || event->device == HD_RECORD_NO_DEVICE;
  return known && event->step < HD_SENSOR_COUNT ? HD_OK : HD_E_INVALID;
}

hd_status hdi_on_time(hd_control *c, const hd_record *event) {
  (void)c, (void)event; /* what is due is looked after at every event */
  return HD_OK;
}

void hdi_device_back_off(hd_control *c, uint32_t device) {
  hdi_device *d = &c->devices[device];
  if (d->backoff_until_ns == 0) c->backoffs++;
  d->backoff_until_ns = hdi_add(c->now_ns, BACKOFF_NS);
  hdi_device_show(c, device);
}

void hdi_device_end_backoff(hd_control *c, uint32_t device) {
  hdi_device *d = &c->devices[device];
  if (d->backoff_until_ns == 0) return;
  d->backoff_until_ns = 0;
  c->backoffs--;
  hdi_device_show(c, device);
}

void hdi_devices_end_backoffs(hd_control *c) {
  for (uint32_t d = 0; d < HD_DEVICES_MAX && c->backoffs > 0; d++)
    if (c->devices[d].backoff_until_ns <= c->now_ns) hdi_device_end_backoff(c, d);
}

void hdi_devices_set_timer(hd_control *c) {
  uint64_t earliest_ns = hdi_leases_due(c);
  if (c->timer_ns <= c->now_ns) c->timer_ns = 0;
  for (uint32_t d = 0; d < c->view.device_count && c->backoffs > 0; d++)
    if (c->devices[d].backoff_until_ns != 0)
      earliest_ns = hdi_min(earliest_ns, c->devices[d].backoff_until_ns);
  if (earliest_ns == UINT64_MAX || earliest_ns == c->timer_ns) return;
  c->timer_ns = earliest_ns;
  hdi_emit(c, HD_DE_TIMER)->b = earliest_ns;
}
