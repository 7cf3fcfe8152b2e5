/* SPDX-License-Identifier: Apache-2.0 */
/* What work costs on a device: a roofline of two numbers a device, corrected by what completions say.
 *
 * An op takes the longer of streaming its bytes and doing its operations (the roofline of Williams, Waterman
 * and Patterson, 2009), its width divides that, and a launch adds its fixed cost. Devices are never quite
 * what they claim, so the ratio of real to expected is learned for each device and phase and multiplied in.
 */
#include "stations.h"
#include "arith.h"

#include <assert.h>

/* A new ratio counts one eighth: a few launches correct a wrong claim, one launch that was disturbed does
 * not. */
enum { LEARN_SHIFT = 3 };
/* Devices that are 64 times off are described wrongly; to follow further would only follow outliers. */
#define CORRECTION_MIN ((uint64_t)1 << 10)
#define CORRECTION_MAX ((uint64_t)1 << 22)

uint64_t hdi_cost_op(const hdi_device *device, const hdi_op *op, const hdi_size *size) {
  uint64_t rows = op->per_output ? size->n_outputs : size->n_tokens;
  if (rows == 0) return 0; /* no output is wanted: the op is skipped */
  uint64_t context = size->kv_pos + size->n_tokens;
  uint64_t bytes = hdi_add(op->weight_bytes, hdi_mul(op->context_bytes_per_row, context));
  uint64_t flops = hdi_mul(op->flops_per_row, rows);
  if (op->context_flops_per_row != 0) {
    /* Causal: row t sees kv_pos + t + 1 positions. Rows and positions have 32 bits: the sum fits. */
    uint64_t seen = hdi_add(hdi_mul(rows, size->kv_pos), rows * (rows + 1) / 2);
    flops = hdi_add(flops, hdi_mul(op->context_flops_per_row, seen));
  }
  return hdi_max(hdi_ns_of_bytes(bytes, device->params[HD_PARAM_NS_PER_MIB]),
                 hdi_ns_of_flops(flops, device->params[HD_PARAM_NS_PER_MFLOP]));
}

uint64_t hdi_cost_range(hd_control *c, const hdi_step *step, uint32_t begin, uint32_t end) {
  const hdi_device *d = &c->devices[step->device];
  if (step->is_lease) {
    uint64_t work = hdi_mul(end - begin, step->size.n_tokens);
    return hdi_min(hdi_mul(d->lease_rate_q8[step->phase], work) >> 8, HDI_NS_MAX);
  }
  const hdi_cost_sums *sums = hdi_cost_sums_for(c, step);
  if (sums != NULL) return hdi_cost_summed(c, sums, step, begin, end);
  const hdi_op *ops = c->ops + c->graphs[step->graph].op_base;
  uint64_t ns = 0;
  for (uint32_t i = begin; i < end; i++)
    ns = hdi_add(ns, hdi_cost_op(d, &ops[i], &step->size));
  return hdi_min(ns, HDI_NS_MAX);
}

uint64_t hdi_cost_expected(const hdi_device *device, hd_phase phase, uint64_t raw_ns, uint32_t width) {
  assert(width > 0);
  uint64_t work = hdi_scale_q16(raw_ns, device->correction_q16[phase]) / width;
  return hdi_min(hdi_add(device->params[HD_PARAM_LAUNCH_NS], work), HDI_NS_MAX);
}

uint64_t hdi_cost_fitting(const hdi_device *device, hd_phase phase, uint64_t ns, uint32_t width) {
  uint64_t work = hdi_min(hdi_sub(ns, device->params[HD_PARAM_LAUNCH_NS]), HDI_NS_MAX);
  uint64_t units = hdi_mul(work, width); /* below 2^60 */
  uint32_t correction = device->correction_q16[phase];
  uint64_t whole = units / correction, rest = units % correction;
  return hdi_add(hdi_mul(whole, 65536u), (rest << 16) / correction);
}

void hdi_cost_learn_lease(hd_control *c, const hdi_step *step, uint32_t layers, uint64_t elapsed_ns) {
  uint64_t work = hdi_mul(layers, step->size.n_tokens);
  elapsed_ns = hdi_min(elapsed_ns, HDI_NS_MAX);
  if (work == 0 || elapsed_ns == 0) return; /* nothing was measured */
  uint64_t *known = &c->devices[step->device].lease_rate_q8[step->phase];
  uint64_t rate = hdi_min(hdi_mul(elapsed_ns * step->launch.width, 256u) / work, HDI_NS_MAX);
  *known = *known == 0 ? rate : *known - (*known >> LEARN_SHIFT) + (rate >> LEARN_SHIFT);
}

void hdi_cost_learn(hd_control *c, const hdi_step *step, uint64_t raw_ns, uint64_t elapsed_ns) {
  hdi_device *device = &c->devices[step->device];
  elapsed_ns = hdi_min(elapsed_ns, HDI_NS_MAX);
  uint64_t expected = raw_ns / step->launch.width;
  if (expected == 0 || elapsed_ns == 0) return; /* a device without costs, or nothing was measured */
  uint64_t measured = hdi_sub(elapsed_ns, device->params[HD_PARAM_LAUNCH_NS]);
  uint64_t ratio = (measured << 16) / expected; /* 2^44 << 16 fits */
  ratio = ratio < CORRECTION_MIN ? CORRECTION_MIN : hdi_min(ratio, CORRECTION_MAX);
  uint32_t known = device->correction_q16[step->phase];
  device->correction_q16[step->phase] = (uint32_t)(ratio >= known ? known + ((ratio - known) >> LEARN_SHIFT)
                                                                  : known - ((known - ratio) >> LEARN_SHIFT));
}
