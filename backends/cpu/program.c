/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the cpu backend. Kernels read weights where they are mapped, so that a program is only its
 * range; what is repacked at load will live here. */
#include "cpu/cpu.h"

struct hd_program {
  uint32_t op_begin, op_end;
};

hd_status hdi_cpu_test(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_index) {
  (void)backend;
  (void)index;
  return hdb_op_test(graph, op_index) == HD_OK ? HD_OK : HD_E_UNSUPPORTED;
}

hd_status hdi_cpu_prepare(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_begin,
                          uint32_t op_end, void *const *values, hd_program **out_program) {
  const hdi_cpu *cpu = backend;
  (void)values;
  for (uint32_t i = op_begin; i < op_end; i++)
    if (hdi_cpu_test(backend, index, graph, i) != HD_OK) return HD_E_UNSUPPORTED;
  hd_program *program = hd_host_zalloc(cpu->lent->host, 1, sizeof *program, _Alignof(hd_program));
  if (!program) return HD_E_NO_MEMORY;
  program->op_begin = op_begin;
  program->op_end = op_end;
  *out_program = program;
  return HD_OK;
}

void hdi_cpu_release(void *backend, uint32_t index, hd_program *program) {
  const hdi_cpu *cpu = backend;
  (void)index;
  hd_host_free(cpu->lent->host, program, 1, sizeof *program);
}
