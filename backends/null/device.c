/* SPDX-License-Identifier: Apache-2.0 */
/* What devices there are and what they can do. */
#include <stdio.h>
#include "null/null.h"

/* A real backend asks its driver, and measures or looks up the costs: the planner believes them until
 * completions tell better. All costs are for one unit; 0 ns everywhere would draw every op here, so the null
 * device is slow. */
hd_status hdb_null_probe(void *backend, uint32_t index, hd_device_props *out_props) {
  (void)backend;
  if (index > 0) return HD_E_NOT_FOUND;
  *out_props = (hd_device_props){
      .size = sizeof(hd_device_props),
      .kind = HD_DEVICE_NPU,
      .name = "null",
      .description = "runs nothing",
      .capacity = 1,
      .max_in_flight = NULL_IN_FLIGHT,
      .launch_ns = 1000000,
      .ns_per_mib = 1000000,
      .ns_per_mflop = 1000000,
  };
  return HD_OK;
}

/* A real backend looks at the op's kind, at formats and shapes of its values (hd_graph_ops, hd_graph_values),
 * and says UNSUPPORTED for what it has no kernel for. What it accepts here it must be able to run. */
hd_status hdb_null_test(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_index) {
  (void)backend;
  (void)index;
  uint32_t count = 0;
  hd_graph_ops(graph, &count);
  return op_index < count ? HD_OK : HD_E_UNSUPPORTED;
}

/* A real backend reads its driver's thermometer. */
hd_status hdb_null_sense(void *backend, uint32_t index, int32_t *out_mdegc) {
  (void)backend;
  (void)index;
  (void)out_mdegc;
  return HD_E_UNSUPPORTED;
}
