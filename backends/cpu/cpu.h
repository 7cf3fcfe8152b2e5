/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the cpu backend share. */
#ifndef HEDDLE_BACKENDS_CPU_CPU_H
#define HEDDLE_BACKENDS_CPU_CPU_H

#include <stdatomic.h>
#include "common/group.h"
#include "common/ops.h"
#include "cpu/tiers.h"
#include "heddle/implement/backend.h"

/* Launches in flight at once, whatever the core count: each takes at least one unit. */
#define HDI_CPU_SLOTS 64u

/* Quantised activations of one launch: a second cache's worth, where every panel of weights reads them again.
 * 2 MiB hold 820 rows of 2048 values, 150 of 11008. Only what is used is ever resident. */
#define HDI_CPU_SCRATCH ((size_t)2 * 1024 * 1024)

typedef struct hdi_cpu hdi_cpu;

enum { HDI_SLOT_FREE, HDI_SLOT_RUNNING, HDI_SLOT_DONE };

/* One launch in flight. The turn's holder moves it from free to running and from done to free, the worker
 * that runs the launch from running to done. */
typedef struct hdi_cpu_slot {
  atomic_uint state;
  atomic_uint cancelled;
  hdi_cpu *cpu;
  const hd_launch *launch;
  hd_completion completion;
} hdi_cpu_slot;

struct hdi_cpu {
  const hd_backend_host *lent;
  hdb_kernels kernels; /* of the tier in use */
  uint32_t capacity;   /* cores: the workers that are lent */
  uint32_t slot_count;
  atomic_uint in_worker; /* launches whose worker still touches this object; close waits for 0 */
  char description[HD_NAME_BYTES];
  uint8_t *scratch; /* HDI_CPU_SCRATCH for each slot */
  hdi_cpu_slot slots[HDI_CPU_SLOTS];
};

/* options.c: what stands after "cpu:" in a device list. */
typedef struct hdi_cpu_options {
  hdi_tier tier;
  bool floats_are_bf16; /* where the tier can */
} hdi_cpu_options;
/* `text` may be NULL. Without a tier in it the best one; what speaks against a better one is told to the
 * host's log. Errors: FORMAT, UNSUPPORTED (a tier that this CPU lacks or the system refuses). */
hd_status hdi_cpu_options_parse(const hd_host *host, const char *text, hdi_cpu_options *out_options,
                                hd_error *out_error);

/* device.c */
hd_status hdi_cpu_probe(void *backend, uint32_t index, hd_device_props *out_props);
hd_status hdi_cpu_sense(void *backend, uint32_t index, int32_t *out_mdegc);
/* Modelled energy of `elapsed_ns` at `width` busy cores. */
uint64_t hdi_cpu_energy_uj(uint64_t elapsed_ns, uint32_t width);
/* "AMD EPYC, AVX-512" into out_text. */
void hdi_cpu_describe(const hdb_kernels *kernels, char out_text[HD_NAME_BYTES]);

/* program.c */
hd_status hdi_cpu_test(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_index);
hd_status hdi_cpu_prepare(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_begin,
                          uint32_t op_end, void *const *values, hd_program **out_program);
/* The ops to be done as one from `op_index` on; one where the program (may be NULL) does not say. */
hdb_group hdi_cpu_group(const hd_program *program, uint32_t op_index, uint32_t op_end);
void hdi_cpu_release(void *backend, uint32_t index, hd_program *program);

/* launch.c */
hd_status hdi_cpu_submit(void *backend, uint32_t index, const hd_launch *launch);
void hdi_cpu_poll(void *backend, uint32_t index, uint64_t now_ns, hd_completion *out_completions,
                  uint32_t cap, uint32_t *out_count, uint64_t *out_next_ns);
void hdi_cpu_cancel(void *backend, uint32_t index, uint32_t launch_id);

#endif
