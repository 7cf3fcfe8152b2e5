/* SPDX-License-Identifier: Apache-2.0 */
/* From an op to the family that runs it, and how finely an op is worth cutting. */
#include <assert.h>
#include "common/job.h"

static const hdb_op_family *const families[HD_OP_COUNT] = {
    [HD_OP_EMBED] = &hdb_family_embed,       [HD_OP_SELECT] = &hdb_family_select,
    [HD_OP_RMS_NORM] = &hdb_family_rms_norm, [HD_OP_MATMUL] = &hdb_family_matmul,
    [HD_OP_ADD] = &hdb_family_add,           [HD_OP_ROPE] = &hdb_family_rope,
    [HD_OP_KV_STORE] = &hdb_family_kv_store, [HD_OP_ATTENTION] = &hdb_family_attention,
    [HD_OP_SWIGLU] = &hdb_family_swiglu,
};

/* Least work of a part: about 5 us at 10 GB/s, several times what a fork-join costs. */
#define PART_WORK (48u * 1024)
/* Parts for each worker: a worker that starts late or runs on a little core then takes fewer. */
#define PARTS_PER_WORKER 4u

uint32_t hdb_items_out_rows(const hdb_job *job) {
  return hdb_job_rows(job, job->op->out);
}

uint64_t hdb_work_out_row(const hdb_job *job) {
  return (uint64_t)hdb_job_cols(job, job->op->out) * sizeof(float);
}

static hdb_job job_of(const hd_launch *launch, uint32_t op_index) {
  uint32_t count, value_count;
  const hd_op *ops = hd_graph_ops(launch->graph, &count);
  const hd_value_desc *values = hd_graph_values(launch->graph, &value_count);
  assert(op_index < count);
  return (hdb_job){.launch = launch, .op = &ops[op_index], .values = values, .parts = 1};
}

uint32_t hdb_op_parts(const hd_launch *launch, uint32_t op_index, uint32_t width) {
  hdb_job job = job_of(launch, op_index);
  const hdb_op_family *family = families[job.op->kind];
  uint64_t items = family->items(&job);
  uint64_t parts = items * family->item_work(&job) / PART_WORK;
  if (width <= 1) return 1;
  if (parts > (uint64_t)width * PARTS_PER_WORKER) parts = (uint64_t)width * PARTS_PER_WORKER;
  if (parts > items) parts = items;
  return parts > 1 ? (uint32_t)parts : 1;
}

void hdb_op_run(const hdb_kernels *kernels, const hd_launch *launch, uint32_t op_index, uint32_t part,
                uint32_t parts) {
  hdb_job job = job_of(launch, op_index);
  assert(part < parts);
  job.kernels = kernels;
  job.part = part;
  job.parts = parts;
  families[job.op->kind]->run(&job);
}

hd_status hdb_op_test(const hd_graph *graph, uint32_t op_index) {
  uint32_t count, value_count;
  const hd_op *ops = hd_graph_ops(graph, &count);
  const hd_value_desc *values = hd_graph_values(graph, &value_count);
  if (op_index >= count) return HD_E_INVALID;
  if ((uint32_t)ops[op_index].kind >= HD_OP_COUNT) return HD_E_UNSUPPORTED;
  return families[ops[op_index].kind]->test(&ops[op_index], values);
}

uint32_t hdb_ops_walk(const hdb_kernels *kernels, const hd_launch *launch) {
  uint32_t op_index = launch->op_begin;
  for (; op_index < launch->op_end; op_index++) {
    if (launch->stop && atomic_load_explicit(launch->stop, memory_order_relaxed) != 0) break;
    hdb_op_run(kernels, launch, op_index, 0, 1);
  }
  return op_index;
}
