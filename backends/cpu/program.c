/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the cpu backend. Kernels read weights where they are mapped, so that a program is only its
 * range and which ops of it are done as one. */
#include "cpu/cpu.h"

/* Groups: for each op the one that begins with it, because a launch may begin anywhere. */
struct hd_program {
  uint32_t op_begin, op_end;
  hdb_group groups[];
};

static size_t program_bytes(uint32_t op_count) {
  return sizeof(hd_program) + op_count * sizeof(hdb_group);
}

hdb_group hdi_cpu_group(const hd_program *program, uint32_t op_index, uint32_t op_end) {
  if (program == NULL || op_index < program->op_begin || op_index >= program->op_end)
    return (hdb_group){1, 0};
  return hdb_group_cut(program->groups[op_index - program->op_begin], op_index, op_end);
}

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
  hd_program *program =
      hd_host_zalloc(cpu->lent->host, 1, program_bytes(op_end - op_begin), _Alignof(hd_program));
  if (!program) return HD_E_NO_MEMORY;
  program->op_begin = op_begin;
  program->op_end = op_end;
  for (uint32_t i = op_begin; i < op_end; i++)
    program->groups[i - op_begin] = hdb_group_at(&cpu->kernels, graph, i, op_end);
  *out_program = program;
  return HD_OK;
}

void hdi_cpu_release(void *backend, uint32_t index, hd_program *program) {
  const hdi_cpu *cpu = backend;
  (void)index;
  if (program == NULL) return;
  hd_host_free(cpu->lent->host, program, 1, program_bytes(program->op_end - program->op_begin));
}
