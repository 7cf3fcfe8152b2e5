/* SPDX-License-Identifier: Apache-2.0 */
/* Admission: may this app ask for this now? The answer comes at once, and a refusal says when to ask again:
 * when what stands in the way is expected to be gone. */
#include "stations.h"
#include "arith.h"

/* The shortest retry time: asking more often than every millisecond costs more than it can gain. */
#define RETRY_FLOOR_NS 1000000u

uint64_t hdi_drain_ns(const hd_control *c, uint32_t device, hd_class class_id) {
  const hdi_device *d = &c->devices[device];
  uint64_t ns = d->running_ns;
  for (uint32_t i = 0; i <= (uint32_t)class_id; i++)
    ns = hdi_add(ns, d->backlog_ns[i]);
  return ns / d->params[HD_PARAM_CAPACITY];
}

static uint32_t waiting_until(const hdi_device *device, hd_class class_id) {
  uint32_t count = 0;
  for (uint32_t i = 0; i <= (uint32_t)class_id; i++)
    count += device->waiting_of[i];
  return count;
}

/* What READY devices look like to a newcomer of a class. */
typedef struct outlook {
  bool any;
  bool crowded; /* somewhere more wait than the limit says. Less urgent ones do not count: they would step
                   back */
  uint64_t least_ns; /* until the first device is done with what is as urgent */
  uint64_t crowd_ns; /* until the last crowded device is */
  uint64_t all_ns;   /* until everything that is known now is done */
} outlook;

static outlook look(const hd_control *c, hd_class class_id) {
  outlook o = {.least_ns = UINT64_MAX};
  for (uint32_t d = 0; d < c->view.device_count; d++) {
    if (!hdi_device_ready(c, d)) continue;
    uint64_t drain = hdi_drain_ns(c, d, class_id);
    o.any = true;
    o.least_ns = hdi_min(o.least_ns, drain);
    o.all_ns = hdi_max(o.all_ns, hdi_drain_ns(c, d, HD_CLASS_BACKGROUND));
    if (waiting_until(&c->devices[d], class_id) > c->config.limits.max_waiting_per_device) {
      o.crowded = true;
      o.crowd_ns = hdi_max(o.crowd_ns, drain);
    }
  }
  return o;
}

uint64_t hd_control_retry_ns(const hd_control *control, uint16_t device, hd_class class_id) {
  if (device >= control->view.device_count)
    return hdi_max(look(control, HD_CLASS_BACKGROUND).all_ns, RETRY_FLOOR_NS);
  return hdi_max(hdi_drain_ns(control, device, class_id), RETRY_FLOOR_NS);
}

static hd_status refuse(hd_control *c, const hd_record *event, hd_refusal reason, uint64_t retry_ns) {
  hd_record *out = hdi_emit(c, HD_DE_REFUSE);
  out->request = event->request;
  out->a = retry_ns;
  out->b = reason;
  c->stats.refusals++;
  return HD_OK;
}

hd_status hdi_on_request(hd_control *c, const hd_record *event) {
  const hd_limits *limits = &c->config.limits;
  uint32_t slot = event->request & HD_ID_SLOT_MASK;
  if (event->request == HD_ID_NONE || event->device >= HD_CLASS_COUNT) return HD_E_INVALID;
  if (slot < limits->max_requests && c->requests[slot].id != HD_ID_NONE) return HD_E_INVALID;
  hd_class class_id = (hd_class)event->device;
  outlook o = look(c, class_id);
  uint64_t budget = limits->memory_budget_bytes, retry_ns = hdi_max(o.all_ns, RETRY_FLOOR_NS);
  if (!o.any) return refuse(c, event, HD_REFUSED_NO_DEVICE, 0);
  if (slot >= limits->max_requests) return refuse(c, event, HD_REFUSED_REQUESTS, retry_ns);
  if (budget != 0 && event->a > budget) return refuse(c, event, HD_REFUSED_MEMORY, 0);
  if (budget != 0 && event->a > budget - c->memory_claimed)
    return refuse(c, event, HD_REFUSED_MEMORY, retry_ns);
  /* A deadline is a point in time: it comes no closer by asking again. */
  if (event->b != 0 && event->b <= hdi_add(c->now_ns, o.least_ns))
    return refuse(c, event, HD_REFUSED_DEADLINE, 0);
  if (o.crowded) return refuse(c, event, HD_REFUSED_BACKLOG, hdi_max(o.crowd_ns, RETRY_FLOOR_NS));
  c->requests[slot] = (hdi_request){
      .id = event->request,
      .own_class = class_id,
      .class_id = class_id,
      .steps_head = HDI_NONE,
      .waits_for = HDI_NONE,
      .memory_bytes = event->a,
      .deadline_ns = event->b,
      .epoch = c->epoch,
  };
  c->memory_claimed += event->a;
  c->stats.requests++;
  hdi_emit(c, HD_DE_ADMIT)->request = event->request;
  return HD_OK;
}

hd_status hdi_on_request_end(hd_control *c, const hd_record *event) {
  hdi_request *request = hdi_request_find(c, event->request);
  if (request == NULL || request->steps_head != HDI_NONE) return HD_E_INVALID;
  hdi_waits_end(c, request);
  hdi_request_untouch(c, request);
  c->memory_claimed -= request->memory_bytes;
  c->stats.requests--;
  request->id = HD_ID_NONE;
  return HD_OK;
}
