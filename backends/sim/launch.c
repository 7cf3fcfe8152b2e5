/* SPDX-License-Identifier: Apache-2.0 */
/* Launches: computed on a worker, told when they are both computed and due. Which of them fail, hang or are
 * lied about is decided when they are submitted, by their number, so that a run repeats. */
#include <assert.h>
#include "common/ops.h"
#include "sim/sim.h"

/* On a worker. The device's own memory takes what crosses the borders; nothing is copied back from a launch
 * that was cancelled. After the slot is DONE it may belong to another launch, and the core may
 * close the backend, which waits for in_worker. */
static void compute(void *arg) {
  sim_slot *slot = arg;
  sim_backend *sim = slot->sim;
  const hd_backend_host *lent = sim->lent;
  hdb_sim_copy_in(slot->memory, slot->launch);
  uint32_t reached = hdb_ops_walk(hdb_kernels_c(), &slot->local);
  if (reached == slot->local.op_end) hdb_sim_copy_out(slot->memory, slot->launch);
  slot->done_ns = lent->host->now_ns(lent->host->ctx);
  atomic_store_explicit(&slot->state, SIM_DONE, memory_order_release);
  lent->wake(lent->ctx);
  atomic_fetch_sub_explicit(&sim->in_worker, 1, memory_order_release);
}

static bool at_layer_border(const hd_graph *graph, uint32_t op_index) {
  uint32_t count = 0;
  const hd_op *ops = hd_graph_ops(graph, &count);
  return op_index == 0 || op_index == count || ops[op_index - 1].layer != ops[op_index].layer;
}

static hd_status check(const sim_options *o, const hd_launch *launch) {
  const hd_program *program = launch->program;
  if (launch->op_begin >= launch->op_end || launch->op_begin < program->op_begin ||
      launch->op_end > program->op_end)
    return HD_E_INVALID;
  bool bordered =
      at_layer_border(launch->graph, launch->op_begin) && at_layer_border(launch->graph, launch->op_end);
  return o->cut == SIM_CUT_LAYER && !bordered ? HD_E_INVALID : HD_OK;
}

static sim_slot *free_slot(const sim_options *o, sim_device *device, uint32_t *out_index) {
  for (uint32_t i = 0; i < o->max_in_flight; i++) {
    if (atomic_load_explicit(&device->slots[i].state, memory_order_relaxed) != SIM_FREE) continue;
    *out_index = i;
    return &device->slots[i];
  }
  return NULL;
}

static bool fails(const sim_options *o, uint64_t number) {
  return (o->fail_after > 0 && number >= o->fail_after) ||
         (o->fail_every > 0 && number % o->fail_every == 0) || o->fail_once == number;
}

/* Starts the slot's launch: on a worker, or straight to its end when it fails or hangs. */
static hd_status start(sim_backend *sim, sim_slot *slot) {
  const sim_options *o = &sim->options;
  if (o->hang_after > 0 && slot->number >= o->hang_after) {
    atomic_store_explicit(&slot->state, SIM_HUNG, memory_order_relaxed);
    return HD_OK;
  }
  if (slot->fails) {
    atomic_store_explicit(&slot->state, SIM_DONE, memory_order_relaxed);
    sim->lent->wake(sim->lent->ctx);
    return HD_OK;
  }
  atomic_store_explicit(&slot->state, SIM_RUNNING, memory_order_relaxed);
  atomic_fetch_add_explicit(&sim->in_worker, 1, memory_order_relaxed);
  hd_status status = sim->lent->execute(sim->lent->ctx, compute, slot);
  if (status == HD_OK) return HD_OK;
  atomic_fetch_sub_explicit(&sim->in_worker, 1, memory_order_relaxed);
  atomic_store_explicit(&slot->state, SIM_FREE, memory_order_relaxed);
  return status == HD_E_AGAIN ? HD_E_AGAIN : HD_E_DEVICE;
}

static void fill_slot(sim_backend *sim, const hd_launch *launch, sim_memory *memory, sim_slot *slot) {
  slot->sim = sim;
  slot->launch = launch;
  slot->memory = memory;
  slot->done_ns = 0;
  slot->cancelled = slot->lied = false;
  atomic_store_explicit(&slot->stop, 0, memory_order_relaxed);
  slot->local = *launch;
  slot->local.values = memory->values;
  slot->local.stop = &slot->stop; /* the launch's own is for devices that stop at an op */
}

hd_status hdb_sim_submit(void *backend, uint32_t index, const hd_launch *launch) {
  sim_backend *sim = backend;
  const sim_options *o = &sim->options;
  assert(index < o->count);
  sim_device *device = &sim->devices[index];
  uint32_t slot_index = 0;
  hd_status status = check(o, launch);
  if (status != HD_OK) return status;
  sim_slot *slot = free_slot(o, device, &slot_index);
  if (!slot) return HD_E_AGAIN;
  if (o->busy_every > 0 && ++device->submits % o->busy_every == 0) return HD_E_AGAIN;
  sim_memory *memory = &launch->program->memory[slot_index];
  status =
      hdb_sim_memory_reserve(sim->lent->host, launch->graph, memory, launch->n_tokens, launch->n_outputs);
  if (status != HD_OK) return status;
  hdb_sim_memory_bind(memory, launch);
  fill_slot(sim, launch, memory, slot);
  slot->number = device->launches + 1;
  slot->fails = fails(o, slot->number);

  /* Before the worker may look: what is left to do here touches only what is the turn's. */
  uint64_t now = sim->lent->host->now_ns(sim->lent->host->ctx);
  uint64_t border_bytes = hdb_sim_border_bytes(memory, launch);
  status = start(sim, slot);
  if (status != HD_OK) return status;
  device->launches++;
  uint64_t duration = hdb_sim_launch_ns(o, device, launch, border_bytes);
  slot->start_ns = hdb_sim_occupy(o, device, launch->width, now, duration);
  slot->due_ns = slot->start_ns + duration;
  return HD_OK;
}

static uint32_t lied_reach(const sim_options *o, const sim_slot *slot) {
  uint32_t end = slot->launch->op_end;
  if (o->lie == SIM_LIE_NONE || slot->number < o->lie_after) return end;
  if (o->lie == SIM_LIE_SHORT) return end - 1;
  return o->lie == SIM_LIE_BEYOND ? end + 1 : end;
}

static hd_completion completion_of(const sim_options *o, const sim_slot *slot) {
  const hd_launch *launch = slot->launch;
  hd_completion c = {.launch_id = launch->id, .status = HD_OK, .op_reached = lied_reach(o, slot)};
  uint64_t end =
      slot->done_ns > slot->due_ns ? slot->done_ns : slot->due_ns; /* the computing may be the slower */
  if (slot->fails || slot->cancelled) {
    c.status = slot->cancelled ? HD_E_CANCELLED : HD_E_DEVICE;
    c.op_reached = launch->op_begin;
  }
  if (slot->cancelled) return c;
  c.elapsed_ns = end - slot->start_ns;
  c.energy_uj = hdb_sim_energy_uj(o, launch->width, slot->due_ns - slot->start_ns);
  c.energy_source = o->power_uw > 0 ? HD_ENERGY_MODELLED : HD_ENERGY_NONE;
  return c;
}

static bool ready(const sim_slot *slot, uint64_t now_ns, uint64_t *next_ns) {
  if (atomic_load_explicit(&slot->state, memory_order_acquire) != SIM_DONE)
    return false; /* the bell will ring */
  if (slot->cancelled || now_ns >= slot->due_ns) return true;
  if (slot->due_ns < *next_ns) *next_ns = slot->due_ns;
  return false;
}

/* Takes a finished launch's completion, or the lie that comes before it. */
static hd_completion take(const sim_options *o, sim_device *device, sim_slot *slot, bool *out_more) {
  hd_completion c = completion_of(o, slot);
  bool lies = slot->number >= o->lie_after && c.status == HD_OK;
  if (lies && o->lie == SIM_LIE_UNKNOWN && !slot->lied) {
    slot->lied = *out_more = true;
    c.launch_id ^= UINT32_C(0x40000000);
    return c;
  }
  if (lies && o->lie == SIM_LIE_TWICE) {
    device->again = c;
    *out_more = true;
  }
  atomic_store_explicit(&slot->state, SIM_FREE, memory_order_relaxed);
  return c;
}

void hdb_sim_poll(void *backend, uint32_t index, uint64_t now_ns, hd_completion *out_completions,
                  uint32_t cap, uint32_t *out_count, uint64_t *out_next_ns) {
  sim_backend *sim = backend;
  sim_device *device = &sim->devices[index];
  uint32_t count = 0;
  uint64_t next_ns = HD_POLL_NEVER;
  bool more = false;
  if (device->again.launch_id != 0 && count < cap) {
    out_completions[count++] = device->again;
    device->again.launch_id = 0;
  }
  for (uint32_t i = 0; i < sim->options.max_in_flight; i++) {
    if (!ready(&device->slots[i], now_ns, &next_ns)) continue;
    if (count < cap)
      out_completions[count++] = take(&sim->options, device, &device->slots[i], &more);
    else
      more = true;
  }
  *out_count = count;
  *out_next_ns = more ? now_ns : next_ns;
}

void hdb_sim_cancel(void *backend, uint32_t index, uint32_t launch_id) {
  sim_backend *sim = backend;
  for (uint32_t i = 0; i < sim->options.max_in_flight; i++) {
    sim_slot *slot = &sim->devices[index].slots[i];
    int state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    if (state == SIM_FREE || slot->launch->id != launch_id) continue;
    slot->cancelled = true;
    atomic_store_explicit(&slot->stop, 1, memory_order_relaxed);
    /* A hung launch comes back as from a driver that resets the device. */
    if (state == SIM_HUNG) atomic_store_explicit(&slot->state, SIM_DONE, memory_order_relaxed);
    sim->lent->wake(sim->lent->ctx);
  }
}
