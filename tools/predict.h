/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of ops would cost on a device: a control plane of our own is asked, so the answer is the
 * planner's. */
#ifndef HEDDLE_TOOLS_PREDICT_H
#define HEDDLE_TOOLS_PREDICT_H

#include "heddle/heddle.h"

/* Predicted ns of ops [op_begin, op_end) in one launch on a device, one unit wide, at the phase's reference
 * size (see hd_split.predicted_ns); costs as the device claims them, nothing learned. Errors: as
 * hd_control_create and hd_control_event. */
hd_status hdt_predict_ops(const hd_host *host, const hd_device_props *device, const hd_graph *graph,
                          uint32_t op_begin, uint32_t op_end, hd_phase phase, uint64_t *out_ns);

#endif
