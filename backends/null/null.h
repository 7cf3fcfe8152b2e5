/* SPDX-License-Identifier: Apache-2.0 */
/* The null backend: a device that accepts every op, runs nothing and is done at the next poll. It is here to
 * be copied: each file says what a real backend does in its place. The files are the same in every backend:
 * backend.c (open, close, the table), device.c (what there is and what it can do), program.c (weights made
 * ready), launch.c (the hot path). */
#ifndef BACKENDS_NULL_H
#define BACKENDS_NULL_H

#include "heddle/implement/backend.h"

#define NULL_IN_FLIGHT 8u /* launches at once; a real device: what its queue takes without blocking */

/* One opened backend. A real one holds the driver's handle here, and one such struct for each of its devices.
 */
typedef struct null_backend {
  const hd_backend_host *lent;
  uint32_t pending_count;
  hd_completion pending[NULL_IN_FLIGHT]; /* what the next poll tells */
} null_backend;

/* device.c */
hd_status hdb_null_probe(void *backend, uint32_t index, hd_device_props *out_props);
hd_status hdb_null_test(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_index);
hd_status hdb_null_sense(void *backend, uint32_t index, int32_t *out_mdegc);

/* program.c */
hd_status hdb_null_prepare(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_begin,
                           uint32_t op_end, void *const *values, hd_program **out_program);
void hdb_null_release(void *backend, uint32_t index, hd_program *program);
hd_status hdb_null_import(void *backend, uint32_t index, hd_buffer *buffer, void **out_handle);
void hdb_null_unimport(void *backend, uint32_t index, void *handle);

/* launch.c */
hd_status hdb_null_submit(void *backend, uint32_t index, const hd_launch *launch);
void hdb_null_poll(void *backend, uint32_t index, uint64_t now_ns, hd_completion *out_completions,
                   uint32_t cap, uint32_t *out_count, uint64_t *out_next_ns);
void hdb_null_cancel(void *backend, uint32_t index, uint32_t launch_id);

#endif
