/* SPDX-License-Identifier: Apache-2.0 */
/* From an op to the family that runs it, and how finely an op is worth cutting. */
#include <assert.h>
#include <stdalign.h>
#include "common/job.h"

const hdb_op_family *const hdb_op_families[HD_OP_COUNT] = {
    [HD_OP_EMBED] = &hdb_family_embed,       [HD_OP_SELECT] = &hdb_family_select,
    [HD_OP_RMS_NORM] = &hdb_family_rms_norm, [HD_OP_MATMUL] = &hdb_family_matmul,
    [HD_OP_ADD] = &hdb_family_add,           [HD_OP_ROPE] = &hdb_family_rope,
    [HD_OP_KV_STORE] = &hdb_family_kv_store, [HD_OP_ATTENTION] = &hdb_family_attention,
    [HD_OP_SWIGLU] = &hdb_family_swiglu,
};

/* Least work of a part: about 5 us at 10 GB/s, several times what a fork-join costs. */
#define PART_WORK (48u * 1024)

uint32_t hdb_items_out_rows(const hdb_job *job) {
  return hdb_job_rows(job, job->op->out);
}

uint64_t hdb_work_out_row(const hdb_job *job) {
  return (uint64_t)hdb_job_cols(job, job->op->out) * sizeof(float);
}

hdb_job hdb_run_job(const hdb_run *run) {
  uint32_t count, value_count;
  const hd_op *ops = hd_graph_ops(run->launch->graph, &count);
  const hd_value_desc *values = hd_graph_values(run->launch->graph, &value_count);
  assert(run->op_index < count);
  return (hdb_job){.kernels = run->kernels,
                   .launch = run->launch,
                   .op = &ops[run->op_index],
                   .values = values,
                   .scratch = run->scratch,
                   .parts = 1};
}

uint32_t hdb_op_steps(const hdb_run *run) {
  hdb_job job = hdb_run_job(run);
  const hdb_op_family *family = hdb_op_families[job.op->kind];
  return family->steps ? family->steps(&job) : 1;
}

uint32_t hdb_step_begin(const hdb_run *run, uint32_t step, uint32_t width) {
  hdb_job job = hdb_run_job(run);
  const hdb_op_family *family = hdb_op_families[job.op->kind];
  job.step = step;
  uint64_t items = family->items(&job);
  uint64_t parts = items * family->item_work(&job) / PART_WORK;
  if (family->begin) family->begin(&job);
  if (job.op->out == job.scratch->value) job.scratch->value = HD_VALUE_NONE;
  if (items == 0) return 0;
  if (width <= 1) return 1;
  if (parts > (uint64_t)width * HDB_PARTS_PER_WORKER) parts = (uint64_t)width * HDB_PARTS_PER_WORKER;
  if (parts > items) parts = items;
  return parts > 1 ? (uint32_t)parts : 1;
}

void hdb_step_run(const hdb_run *run, uint32_t step, uint32_t part, uint32_t parts) {
  hdb_job job = hdb_run_job(run);
  assert(part < parts);
  job.step = step;
  job.part = part;
  job.parts = parts;
  hdb_op_families[job.op->kind]->run(&job);
}

hd_status hdb_op_test(const hd_graph *graph, uint32_t op_index) {
  uint32_t count, value_count;
  const hd_op *ops = hd_graph_ops(graph, &count);
  const hd_value_desc *values = hd_graph_values(graph, &value_count);
  if (op_index >= count) return HD_E_INVALID;
  if ((uint32_t)ops[op_index].kind >= HD_OP_COUNT) return HD_E_UNSUPPORTED;
  return hdb_op_families[ops[op_index].kind]->test(&ops[op_index], values);
}

uint32_t hdb_ops_walk(const hdb_kernels *kernels, const hd_launch *launch) {
  alignas(64) uint8_t bytes[HDB_SCRATCH_MIN];
  hdb_scratch scratch = {.bytes = bytes, .size = sizeof bytes, .value = HD_VALUE_NONE};
  hdb_run run = {kernels, launch, &scratch, launch->op_begin};
  for (; run.op_index < launch->op_end; run.op_index++) {
    if (launch->stop && atomic_load_explicit(launch->stop, memory_order_relaxed) != 0) break;
    uint32_t steps = hdb_op_steps(&run);
    for (uint32_t step = 0; step < steps; step++)
      if (hdb_step_begin(&run, step, 1) != 0) hdb_step_run(&run, step, 0, 1);
  }
  return run.op_index;
}
