/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing, and the table that backends/builtin.c names. */
#include <sched.h>
#include "sim/sim.h"

static hd_status sim_open(const hd_backend_host *lent, const char *text, void **out_backend,
                          hd_error *out_error) {
  sim_options options;
  hd_status status = hdb_sim_options_parse(text, &options, out_error);
  if (status != HD_OK) return status;
  sim_backend *sim = hd_host_zalloc(lent->host, 1, sizeof *sim, alignof(sim_backend));
  if (!sim) return hd_fail(out_error, HD_E_NO_MEMORY, "sim: no memory");
  sim->lent = lent;
  sim->options = options;
  atomic_init(&sim->in_worker, 0);
  for (uint32_t i = 0; i < SIM_DEVICES_MAX; i++) {
    sim->devices[i].random = options.seed + i;
    for (uint32_t k = 0; k < SIM_IN_FLIGHT_MAX; k++) {
      atomic_init(&sim->devices[i].slots[k].state, SIM_FREE);
      atomic_init(&sim->devices[i].slots[k].stop, 0);
    }
  }
  *out_backend = sim;
  return HD_OK;
}

static void sim_close(void *backend) {
  sim_backend *sim = backend;
  if (!sim) return;
  /* Everything was polled; a worker may still be ringing the bell for the last of it. */
  while (atomic_load_explicit(&sim->in_worker, memory_order_acquire) != 0)
    sched_yield();
  hd_host_free(sim->lent->host, sim, 1, sizeof *sim);
}

extern const hd_backend_ops hdb_backend_sim;
const hd_backend_ops hdb_backend_sim = {
    .size = sizeof(hd_backend_ops),
    .abi = HD_BACKEND_ABI,
    .name = "sim",
    .description = "asynchronous devices made of numbers, with failures on command",
    .open = sim_open,
    .close = sim_close,
    .probe = hdb_sim_probe,
    .test = hdb_sim_test,
    .prepare = hdb_sim_prepare,
    .release = hdb_sim_release,
    .submit = hdb_sim_submit,
    .poll = hdb_sim_poll,
    .cancel = hdb_sim_cancel,
    .sense = hdb_sim_sense,
    .import = hdb_sim_import,
    .unimport = hdb_sim_unimport,
};
