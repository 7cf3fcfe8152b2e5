/* SPDX-License-Identifier: Apache-2.0 */
/* Devices made of numbers: what the files of this backend share. A device has memory of its own, takes the
 * time that its numbers say, and fails on command; what it computes is real, with the portable ops. */
#ifndef BACKENDS_SIM_H
#define BACKENDS_SIM_H

#include <stdalign.h>
#include "heddle/implement/backend.h"
#include "sim/options.h"

/* Device memory for one launch at a time: an arena laid out as the graph says, and where each value lies for
 * it. */
typedef struct sim_memory {
  uint32_t max_tokens, max_outputs; /* what it has room for; 0: nothing is reserved */
  uint8_t *arena;
  size_t arena_bytes;
  void **values;      /* by hd_value: activations here, everything else where the launch has it */
  hd_value *in, *out; /* the borders of the launch */
  uint32_t in_count, out_count;
} sim_memory;

/* One memory for each launch that can be in flight, so that nothing is shared between launches or programs.
 */
struct hd_program {
  const hd_graph *graph;
  uint32_t op_begin, op_end;
  sim_memory memory[SIM_IN_FLIGHT_MAX];
};

typedef enum sim_state {
  SIM_FREE,
  SIM_RUNNING, /* a worker computes it */
  SIM_HUNG,    /* ends only when cancelled */
  SIM_DONE     /* computed, failed or cancelled: its completion comes when it is due */
} sim_state;

/* A launch in flight. Fields belong to the holder of the turn, but for the marked ones. */
typedef struct sim_slot {
  atomic_int state; /* RUNNING -> DONE by the worker (release), all else by the turn */
  atomic_uint stop; /* the worker looks at it between ops */
  uint64_t done_ns; /* the worker's: when it had computed */
  sim_memory *memory;
  hd_launch local; /* the launch with the device's addresses */
  struct sim_backend *sim;
  const hd_launch *launch;
  uint64_t start_ns; /* when a unit was free for it */
  uint64_t due_ns;
  uint64_t number; /* which launch of the device it is, from 1 */
  bool fails, cancelled, lied;
} sim_slot;

typedef struct sim_device {
  uint64_t launches, submits; /* counted since open */
  uint64_t random;
  uint64_t unit_free_ns[SIM_UNITS_MAX]; /* when each unit is done with what it has */
  sim_slot slots[SIM_IN_FLIGHT_MAX];
  hd_completion again; /* a completion to tell twice; launch_id 0: none */
} sim_device;

typedef struct sim_backend {
  const hd_backend_host *lent;
  sim_options options;
  atomic_uint in_worker; /* launches that a worker still touches: close waits for it to be done ringing */
  sim_device devices[SIM_DEVICES_MAX];
} sim_backend;

/* device.c */
hd_status hdb_sim_probe(void *backend, uint32_t index, hd_device_props *out_props);
hd_status hdb_sim_test(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_index);
hd_status hdb_sim_sense(void *backend, uint32_t index, int32_t *out_mdegc);

/* program.c */
hd_status hdb_sim_prepare(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_begin,
                          uint32_t op_end, void *const *values, hd_program **out_program);
void hdb_sim_release(void *backend, uint32_t index, hd_program *program);
hd_status hdb_sim_import(void *backend, uint32_t index, hd_buffer *buffer, void **out_handle);
void hdb_sim_unimport(void *backend, uint32_t index, void *handle);

/* launch.c */
hd_status hdb_sim_submit(void *backend, uint32_t index, const hd_launch *launch);
void hdb_sim_poll(void *backend, uint32_t index, uint64_t now_ns, hd_completion *out_completions,
                  uint32_t cap, uint32_t *out_count, uint64_t *out_next_ns);
void hdb_sim_cancel(void *backend, uint32_t index, uint32_t launch_id);

/* memory.c: room for a launch. Errors: NO_MEMORY; the room that was there is then gone. */
hd_status hdb_sim_memory_reserve(const hd_host *host, const hd_graph *graph, sim_memory *memory,
                                 uint32_t tokens, uint32_t outputs);
void hdb_sim_memory_free(const hd_host *host, const hd_graph *graph, sim_memory *memory);
/* Finds the borders and addresses of a launch that there is room for. */
void hdb_sim_memory_bind(sim_memory *memory, const hd_launch *launch);
void hdb_sim_copy_in(const sim_memory *memory, const hd_launch *launch);
void hdb_sim_copy_out(const sim_memory *memory, const hd_launch *launch);
uint64_t hdb_sim_border_bytes(const sim_memory *memory, const hd_launch *launch);

/* cost.c: the time that the numbers say for a launch, from its start on one of the device's units. */
uint64_t hdb_sim_launch_ns(const sim_options *options, sim_device *device, const hd_launch *launch,
                           uint64_t border_bytes);
/* Takes the launch's units for so long from when they are free; returns the start. */
uint64_t hdb_sim_occupy(const sim_options *options, sim_device *device, uint32_t width, uint64_t now_ns,
                        uint64_t duration_ns);
/* Modelled energy of so long on so many units. */
uint64_t hdb_sim_energy_uj(const sim_options *options, uint32_t width, uint64_t duration_ns);

#endif
