/* SPDX-License-Identifier: Apache-2.0 */
/* The cpu backend: its table, open and close. One device: the cores whose workers it is lent. */
#include <sched.h>
#include "cpu/backend.h"
#include "cpu/cpu.h"

static hd_status cpu_open(const hd_backend_host *lent, const char *options_text, void **out_backend,
                          hd_error *out_error) {
  hdi_cpu_options options;
  hd_status status = hdi_cpu_options_parse(lent->host, options_text, &options, out_error);
  if (status != HD_OK) return status;
  hdi_cpu *cpu = hd_host_zalloc(lent->host, 1, sizeof *cpu, _Alignof(hdi_cpu));
  if (!cpu) return hd_fail(out_error, HD_E_NO_MEMORY, "cpu: no memory for %zu bytes", sizeof *cpu);
  cpu->lent = lent;
  cpu->capacity = lent->worker_count;
  cpu->slot_count = cpu->capacity < HDI_CPU_SLOTS ? cpu->capacity : HDI_CPU_SLOTS;
  cpu->scratch = lent->host->alloc(lent->host->ctx, cpu->slot_count * HDI_CPU_SCRATCH, 64);
  if (!cpu->scratch) {
    hd_status failed =
        hd_fail(out_error, HD_E_NO_MEMORY, "cpu: no memory for %zu bytes", cpu->slot_count * HDI_CPU_SCRATCH);
    hd_host_free(lent->host, cpu, 1, sizeof *cpu);
    return failed;
  }
  hdi_tier_kernels(options.tier, &cpu->kernels);
  if (options.floats_are_bf16) hdi_tier_round_floats(options.tier, lent->host, &cpu->kernels);
  hdi_cpu_describe(&cpu->kernels, cpu->description);
  *out_backend = cpu;
  return HD_OK;
}

static void cpu_close(void *backend) {
  hdi_cpu *cpu = backend;
  /* Everything was polled; a worker may still be ringing the bell for the last of it. */
  while (atomic_load_explicit(&cpu->in_worker, memory_order_acquire) != 0)
    sched_yield();
  hd_host_free(cpu->lent->host, cpu->scratch, cpu->slot_count, HDI_CPU_SCRATCH);
  hd_host_free(cpu->lent->host, cpu, 1, sizeof *cpu);
}

static hd_status cpu_import(void *backend, uint32_t index, hd_buffer *buffer, void **out_handle) {
  (void)backend;
  (void)index;
  *out_handle = hd_buffer_data(buffer);
  return HD_OK;
}

static void cpu_unimport(void *backend, uint32_t index, void *handle) {
  (void)backend;
  (void)index;
  (void)handle;
}

const hd_backend_ops hdb_backend_cpu = {
    .size = sizeof(hd_backend_ops),
    .abi = HD_BACKEND_ABI,
    .name = "cpu",
    .description = "the cores of this machine, with the widest instructions they have",
    .open = cpu_open,
    .close = cpu_close,
    .probe = hdi_cpu_probe,
    .test = hdi_cpu_test,
    .prepare = hdi_cpu_prepare,
    .release = hdi_cpu_release,
    .submit = hdi_cpu_submit,
    .poll = hdi_cpu_poll,
    .cancel = hdi_cpu_cancel,
    .sense = hdi_cpu_sense,
    .import = cpu_import,
    .unimport = cpu_unimport,
};
