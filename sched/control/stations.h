/* SPDX-License-Identifier: Apache-2.0 */
/* The stations of the walk, and what they hand each other. All are called from hd_control_event alone.
 *
 * Handlers take an event as the control plane received it. They check everything before they change anything:
 * a status other than HD_OK means that nothing changed. Threads: as hd_control. Ownership: all memory is the
 * control plane's. Units: ns unless the name says otherwise. */
#ifndef HDI_STATIONS_H
#define HDI_STATIONS_H

#include "state.h"

/* control.c: one decision record, zeroed but for time, seq, kind and device (none). */
hd_record *hdi_emit(hd_control *c, hd_record_kind kind);
/* The same about a step. */
hd_record *hdi_emit_step(hd_control *c, hd_record_kind kind, const hdi_step *step);

/* Tells the policies what becomes of a waiting step. */
void hdi_tell_waiting(hd_control *c, const hd_waiting *item, hd_waiting_change change);

/* admission.c */
hd_status hdi_on_request(hd_control *c, const hd_record *event);
hd_status hdi_on_request_end(hd_control *c, const hd_record *event);
/* Time in which the device is expected to be done with what is as urgent as `class_id` or more. */
uint64_t hdi_drain_ns(const hd_control *c, uint32_t device, hd_class class_id);

/* graphs.c */
hd_status hdi_on_graph(hd_control *c, const hd_record *event);
hd_status hdi_on_op(hd_control *c, const hd_record *event);
hd_status hdi_on_op_context(hd_control *c, const hd_record *event);
hd_status hdi_on_pin(hd_control *c, const hd_record *event);
hd_status hdi_on_graph_end(hd_control *c, const hd_record *event);
/* Slot of a graph; HDI_NONE. */
uint32_t hdi_graph_find(const hd_control *c, uint64_t id);

/* split.c */
hd_status hdi_on_plan(hd_control *c, const hd_record *event);

/* cost.c */
/* One op on a device, one unit wide, uncorrected. */
uint64_t hdi_cost_op(const hdi_device *device, const hdi_op *op, const hdi_size *size);
/* Ops (a lease's layers) [begin, end) of a step on its device, one unit wide, uncorrected, without the
 * launch. */
uint64_t hdi_cost_range(hd_control *c, const hdi_step *step, uint32_t begin, uint32_t end);
/* Expected ns of `raw_ns` of work launched once at a width: what is learned, applied. */
uint64_t hdi_cost_expected(const hdi_device *device, hd_phase phase, uint64_t raw_ns, uint32_t width);
/* The other way round: the most raw_ns that fits into `ns`. */
uint64_t hdi_cost_fitting(const hdi_device *device, hd_phase phase, uint64_t ns, uint32_t width);
/* A launch of `step` on its device took elapsed_ns for `raw_ns` of work. */
void hdi_cost_learn(hd_control *c, const hdi_step *step, uint64_t raw_ns, uint64_t elapsed_ns);
/* The same for a lease that did `layers`. */
void hdi_cost_learn_lease(hd_control *c, const hdi_step *step, uint32_t layers, uint64_t elapsed_ns);

/* cost_sums.c */
/* The sums for a step (no lease) on its device, valid until the next call; NULL: it has to be computed op by
 * op. */
const hdi_cost_sums *hdi_cost_sums_for(hd_control *c, const hdi_step *step);
/* hdi_cost_range by them. */
uint64_t hdi_cost_summed(const hd_control *c, const hdi_cost_sums *sums, const hdi_step *step, uint32_t begin,
                         uint32_t end);
/* The greatest end so that the step's ops up to it cost at most `ns`; op_begin: not even one does. */
uint32_t hdi_cost_fitting_end(const hd_control *c, const hdi_cost_sums *sums, const hdi_step *step,
                              uint64_t ns);

/* devices.c */
hd_status hdi_on_device_param(hd_control *c, const hd_record *event);
hd_status hdi_on_device_state(hd_control *c, const hd_record *event);
hd_status hdi_on_sensor(hd_control *c, const hd_record *event);
hd_status hdi_on_time(hd_control *c, const hd_record *event);
bool hdi_device_ready(const hd_control *c, uint32_t device);
bool hdi_device_takes_steps(const hd_control *c, uint32_t device); /* ready, and not for leases alone */
/* Brings the view of a device up to date. */
void hdi_device_show(hd_control *c, uint32_t device);
/* It refused a launch for a reason of the moment: nothing goes there for a while, or until something there is
 * done. */
void hdi_device_back_off(hd_control *c, uint32_t device);
void hdi_device_end_backoff(hd_control *c, uint32_t device);
/* Ends what is over at now_ns. */
void hdi_devices_end_backoffs(hd_control *c);
/* Asks to be called at the earliest end of a backoff or a lease's time, unless that was asked last. */
void hdi_devices_set_timer(hd_control *c);

/* lease.c: holders that stay too long. */
/* Takes back what was asked to leave and did not, as long as somebody waits for it. */
void hdi_leases_reclaim(hd_control *c);
/* Asks those whose slice is over to leave for somebody who waits. */
void hdi_leases_yield(hd_control *c);
/* When the next of the two is due; UINT64_MAX: nothing is. */
uint64_t hdi_leases_due(const hd_control *c);

/* inherit.c: what is waited for is as urgent as who waits. */
hd_status hdi_on_wait(hd_control *c, const hd_record *event);
/* The request ends, and with it its wait and those for it. */
void hdi_waits_end(hd_control *c, hdi_request *request);

/* steps.c: the tables of requests and steps, and their lists. */
hdi_request *hdi_request_find(hd_control *c, uint32_t id);
hdi_step *hdi_step_find(hd_control *c, uint32_t id);
uint32_t hdi_step_slot(const hd_control *c, const hdi_step *step);
hd_status hdi_on_step(hd_control *c, const hd_record *event);
hd_status hdi_on_lease(hd_control *c, const hd_record *event);
hd_status hdi_on_cancel(hd_control *c, const hd_record *event);
typedef enum hdi_place { HDI_PLACE_KEPT, HDI_PLACE_LAST } hdi_place;
/* Waiting, with everything that counts it; KEPT: where its ready_seq puts it. */
void hdi_step_wait(hd_control *c, hdi_step *step, hdi_place place);
/* No longer waiting; its fields and its place in the request stay. */
void hdi_step_unwait(hd_control *c, hdi_step *step);
void hdi_step_start(hd_control *c, hdi_step *step);
void hdi_step_finish_launch(hd_control *c, hdi_step *step);
/* Gives the slot back; neither waiting nor running. */
void hdi_step_free(hd_control *c, hdi_step *step);
/* Its request was seen on its device: `active` of the view. */
void hdi_step_touch(hd_control *c, const hdi_step *step);
void hdi_epoch_advance(hd_control *c);
void hdi_request_untouch(hd_control *c, hdi_request *request);
/* The request and all its steps are of this class from now on. */
void hdi_request_set_class(hd_control *c, hdi_request *request, hd_class class_id);
/* The request's waiting steps show its used_ns. */
void hdi_request_show_used(hd_control *c, const hdi_request *request);
/* A waiting step shows what is left of it, on costs as they are now. */
void hdi_step_show_cost(hd_control *c, hdi_step *step);

/* queue.c: the waiting steps of each device in ready order, which are what policies see. */
/* Into its device's list, where its order puts it. */
void hdi_queue_insert(hd_control *c, const hd_waiting *item);
void hdi_queue_remove(hd_control *c, uint32_t slot);

/* decide.c */
void hdi_decide(hd_control *c);

/* validate.c: 0 and `c->choices` filled, or the first fault in the answer. */
hd_policy_fault hdi_validate(hd_control *c, uint32_t count);

/* dispatch.c */
void hdi_dispatch(hd_control *c, const hdi_choice *choice);
/* Asks launches to stop where something more urgent waits for a full device. */
void hdi_preempt(hd_control *c);
/* Asks one launch to stop, once, where that is possible. */
void hdi_stop(hd_control *c, hdi_step *step);

/* completion.c */
hd_status hdi_on_done(hd_control *c, const hd_record *event);
/* COMPLETE, and the slot is free. The step neither waits nor runs. */
void hdi_complete(hd_control *c, hdi_step *step, hd_status status);
/* A lease that is held ends without its holder; what it used is accounted, nothing is learned from it. */
void hdi_lease_take_back(hd_control *c, hdi_step *step);

/* fence.c */
void hdi_fence(hd_control *c, uint32_t device, hd_fence_reason reason);
/* A step that neither waits nor runs waits for its device, or moves to one that is READY and has not failed
 * it; when there is none it completes with HD_E_DEVICE. */
void hdi_settle(hd_control *c, hdi_step *step, hdi_place place);

#endif
