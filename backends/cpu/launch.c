/* SPDX-License-Identifier: Apache-2.0 */
/* Running launches: submit hands a slot to a worker, the worker walks the groups of ops and forks each over
 * the others, poll collects. Slots are few and poll looks at all; no list needs a lock. */
#include <assert.h>
#include "cpu/cpu.h"

typedef struct step_work {
  hdb_run run;
  hdb_group group;
  uint32_t step, parts;
} step_work;

/* Parts are taken in order by whoever is free. They are handed out so that each of the workers, as long as
 * they keep step, goes on where it was: neighbouring parts are neighbouring weights, which a core streams
 * best. */
static uint32_t stream_of(uint32_t taken, uint32_t parts, uint32_t width) {
  uint32_t stream = taken % width, whole = parts / width, longer = parts % width;
  return stream * whole + (stream < longer ? stream : longer) + taken / width;
}

static void run_part(void *arg, uint32_t taken) {
  const step_work *work = arg;
  uint32_t part = stream_of(taken, work->parts, work->run.launch->width);
  hdb_group_run(&work->run, work->group, work->step, part, work->parts);
}

static bool must_leave(const hdi_cpu_slot *slot) {
  if (atomic_load_explicit(&slot->cancelled, memory_order_relaxed) != 0) return true;
  return slot->launch->stop && atomic_load_explicit(slot->launch->stop, memory_order_relaxed) != 0;
}

static void run_group(const hd_backend_host *lent, const hdb_run *run, hdb_group group) {
  step_work work = {.run = *run, .group = group};
  uint32_t width = run->launch->width, steps = hdb_group_steps(run, group);
  for (work.step = 0; work.step < steps; work.step++) {
    work.parts = hdb_group_begin(run, group, work.step, width);
    if (work.parts == 1)
      run_part(&work, 0);
    else if (work.parts > 1)
      lent->parallel(lent->ctx, width, work.parts, run_part, &work);
  }
}

/* Returns one past the last op done. A launch is left between groups alone: what waits for it waits for the
 * group at work, which is two or three matmuls where it was one. */
static uint32_t walk(hdi_cpu_slot *slot) {
  hdi_cpu *cpu = slot->cpu;
  hdb_scratch scratch = {.bytes = cpu->scratch + (size_t)(slot - cpu->slots) * HDI_CPU_SCRATCH,
                         .size = HDI_CPU_SCRATCH,
                         .value = HD_VALUE_NONE};
  hdb_run run = {&cpu->kernels, slot->launch, &scratch, slot->launch->op_begin};
  while (run.op_index < slot->launch->op_end && !must_leave(slot)) {
    hdb_group group = hdi_cpu_group(slot->launch->program, run.op_index, slot->launch->op_end);
    run_group(cpu->lent, &run, group);
    run.op_index += group.heads + group.tails;
  }
  return run.op_index;
}

static void run_slot(void *arg) {
  hdi_cpu_slot *slot = arg;
  hdi_cpu *cpu = slot->cpu;
  const hd_backend_host *lent = cpu->lent;
  const hd_host *host = lent->host;
  uint64_t begin_ns = host->now_ns(host->ctx);
  uint32_t reached = walk(slot);
  uint64_t elapsed_ns = host->now_ns(host->ctx) - begin_ns;
  bool cancelled = atomic_load_explicit(&slot->cancelled, memory_order_relaxed) != 0;
  slot->completion = (hd_completion){
      .launch_id = slot->launch->id,
      .status = cancelled && reached < slot->launch->op_end ? HD_E_CANCELLED : HD_OK,
      .op_reached = reached,
      .elapsed_ns = elapsed_ns,
      .energy_uj = hdi_cpu_energy_uj(elapsed_ns, slot->launch->width),
      .energy_source = HD_ENERGY_MODELLED,
  };
  /* From here on the turn's holder may take the slot, and the core may close the backend: it waits for
   * in_worker. */
  atomic_store_explicit(&slot->state, HDI_SLOT_DONE, memory_order_release);
  lent->wake(lent->ctx);
  atomic_fetch_sub_explicit(&cpu->in_worker, 1, memory_order_release);
}

static hdi_cpu_slot *find_free(hdi_cpu *cpu) {
  for (uint32_t i = 0; i < cpu->slot_count; i++)
    if (atomic_load_explicit(&cpu->slots[i].state, memory_order_relaxed) == HDI_SLOT_FREE)
      return &cpu->slots[i];
  return NULL;
}

hd_status hdi_cpu_submit(void *backend, uint32_t index, const hd_launch *launch) {
  hdi_cpu *cpu = backend;
  hdi_cpu_slot *slot = find_free(cpu);
  (void)index;
  assert(launch->width >= 1 && launch->width <= cpu->capacity);
  if (!slot) return HD_E_AGAIN;
  slot->cpu = cpu;
  slot->launch = launch;
  atomic_store_explicit(&slot->cancelled, 0, memory_order_relaxed);
  atomic_store_explicit(&slot->state, HDI_SLOT_RUNNING, memory_order_relaxed);
  atomic_fetch_add_explicit(&cpu->in_worker, 1, memory_order_relaxed);
  hd_status status = cpu->lent->execute(cpu->lent->ctx, run_slot, slot);
  if (status != HD_OK) {
    atomic_fetch_sub_explicit(&cpu->in_worker, 1, memory_order_relaxed);
    atomic_store_explicit(&slot->state, HDI_SLOT_FREE, memory_order_relaxed);
    return status == HD_E_AGAIN ? HD_E_AGAIN : HD_E_DEVICE;
  }
  return HD_OK;
}

void hdi_cpu_poll(void *backend, uint32_t index, uint64_t now_ns, hd_completion *out_completions,
                  uint32_t cap, uint32_t *out_count, uint64_t *out_next_ns) {
  hdi_cpu *cpu = backend;
  uint32_t count = 0;
  (void)index;
  (void)now_ns;
  for (uint32_t i = 0; i < cpu->slot_count && count < cap; i++) {
    hdi_cpu_slot *slot = &cpu->slots[i];
    if (atomic_load_explicit(&slot->state, memory_order_acquire) != HDI_SLOT_DONE) continue;
    out_completions[count++] = slot->completion;
    atomic_store_explicit(&slot->state, HDI_SLOT_FREE, memory_order_relaxed);
  }
  *out_count = count;
  *out_next_ns = HD_POLL_NEVER; /* a worker rings the bell */
}

void hdi_cpu_cancel(void *backend, uint32_t index, uint32_t launch_id) {
  hdi_cpu *cpu = backend;
  (void)index;
  for (uint32_t i = 0; i < cpu->slot_count; i++) {
    hdi_cpu_slot *slot = &cpu->slots[i];
    /* Only the turn's holder frees slots, and it is here: a slot that is not free keeps its launch meanwhile.
     */
    if (atomic_load_explicit(&slot->state, memory_order_relaxed) == HDI_SLOT_FREE) continue;
    if (slot->launch->id == launch_id) atomic_store_explicit(&slot->cancelled, 1, memory_order_relaxed);
  }
}
