/* SPDX-License-Identifier: Apache-2.0 */
/* The hot path: called with the scheduler's turn held, so nothing here waits, allocates or takes long. */
#include <string.h>
#include "null/null.h"

/* A real backend queues the work and returns: a driver's command buffer, or lent->execute for work on the
 * CPU. It keeps the pointer: the launch stays valid until its completion is polled. DEVICE when the driver
 * says no. */
hd_status hdb_null_submit(void *backend, uint32_t index, const hd_launch *launch) {
  null_backend *null = backend;
  (void)index;
  if (null->pending_count == NULL_IN_FLIGHT) return HD_E_AGAIN;
  null->pending[null->pending_count++] = (hd_completion){
      .launch_id = launch->id,
      .status = HD_OK,
      .op_reached = launch->op_end, /* less when a launch is left early, at launch->stop or cancel */
      .energy_source = HD_ENERGY_NONE,
  };
  /* A real backend rings when the work is done: from the driver's callback, or at the end of execute()d work.
   * Results are in place at host addresses (launch->values) before the bell rings. */
  null->lent->wake(null->lent->ctx);
  return HD_OK;
}

/* A real backend looks at a word that its worker or driver has written (an acquire load), never asks the
 * driver to wait. `now_ns` serves devices that end by the clock; they say in out_next_ns when. */
void hdb_null_poll(void *backend, uint32_t index, uint64_t now_ns, hd_completion *out_completions,
                   uint32_t cap, uint32_t *out_count, uint64_t *out_next_ns) {
  null_backend *null = backend;
  (void)index;
  uint32_t count = null->pending_count < cap ? null->pending_count : cap;
  memcpy(out_completions, null->pending, count * sizeof *out_completions);
  null->pending_count -= count;
  memmove(null->pending, null->pending + count, null->pending_count * sizeof *out_completions);
  *out_count = count;
  *out_next_ns = null->pending_count > 0 ? now_ns : HD_POLL_NEVER;
}

/* A real backend marks the launch, and its completion then comes with CANCELLED as soon as the device lets
 * go. Here all is done already. */
void hdb_null_cancel(void *backend, uint32_t index, uint32_t launch_id) {
  (void)backend;
  (void)index;
  (void)launch_id;
}
