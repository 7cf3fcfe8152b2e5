/* SPDX-License-Identifier: Apache-2.0 */
/* Programs: weights are used where they are, so a program is device memory for its launches. */
#include "sim/sim.h"

/* What is reserved when a program is made: a session's default of tokens and outputs a run (sched.h). The
 * first launch that is larger reserves more, once. */
#define RESERVE_TOKENS  128u
#define RESERVE_OUTPUTS 1u

hd_status hdb_sim_prepare(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_begin,
                          uint32_t op_end, void *const *values, hd_program **out_program) {
  sim_backend *sim = backend;
  (void)values;
  hd_program *program = hd_host_zalloc(sim->lent->host, 1, sizeof *program, alignof(hd_program));
  if (!program) return HD_E_NO_MEMORY;
  program->graph = graph;
  program->op_begin = op_begin;
  program->op_end = op_end;
  for (uint32_t i = 0; i < sim->options.max_in_flight; i++) {
    hd_status status =
        hdb_sim_memory_reserve(sim->lent->host, graph, &program->memory[i], RESERVE_TOKENS, RESERVE_OUTPUTS);
    if (status == HD_OK) continue;
    hdb_sim_release(backend, index, program);
    return status;
  }
  *out_program = program;
  return HD_OK;
}

void hdb_sim_release(void *backend, uint32_t index, hd_program *program) {
  sim_backend *sim = backend;
  (void)index;
  if (!program) return;
  for (uint32_t i = 0; i < SIM_IN_FLIGHT_MAX; i++)
    hdb_sim_memory_free(sim->lent->host, program->graph, &program->memory[i]);
  hd_host_free(sim->lent->host, program, 1, sizeof *program);
}

/* It has memory of its own: the core copies nothing, because launches carry host addresses. */
hd_status hdb_sim_import(void *backend, uint32_t index, hd_buffer *buffer, void **out_handle) {
  (void)backend;
  (void)index;
  (void)buffer;
  (void)out_handle;
  return HD_E_UNSUPPORTED;
}

void hdb_sim_unimport(void *backend, uint32_t index, void *handle) {
  (void)backend;
  (void)index;
  (void)handle;
}
