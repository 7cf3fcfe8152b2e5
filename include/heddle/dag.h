/* SPDX-License-Identifier: Apache-2.0 */
/* Static graphs of tasks: built once, sealed, and run again and again without allocation. */
#ifndef HEDDLE_DAG_H
#define HEDDLE_DAG_H

#include <stdint.h>
#include "heddle/host.h"
#include "heddle/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_dag hd_dag;

/* Room for `max_nodes` nodes and `max_edges` edges, all memory of the graph. Errors: INVALID, NO_MEMORY. */
hd_status hd_dag_create(const hd_host *host, uint32_t max_nodes, uint32_t max_edges, hd_dag **out_dag);

/* The graph does not run. Takes NULL. */
void hd_dag_destroy(hd_dag *dag);

/* Adds a node that runs fn(arg) to its end; nodes are numbered from 0. `out_node` may be NULL. Threads: one
 * at a time, as for edge and seal. Errors: INVALID (sealed), LIMIT. */
hd_status hd_dag_add(hd_dag *dag, void (*fn)(void *arg), void *arg, uint32_t *out_node);

/* Node `after` begins when `before` has returned. The same edge twice does no harm. Errors: INVALID (no such
 * node, a node after itself, sealed), LIMIT. */
hd_status hd_dag_edge(hd_dag *dag, uint32_t before, uint32_t after);

/* Ends building. Errors: INVALID (a cycle; the graph cannot be mended, or sealed already). */
hd_status hd_dag_seal(hd_dag *dag);

/* Runs every node once and sets `done`; then the graph may run again, or be destroyed by who sees it set.
 * Threads: any. Errors: INVALID (not sealed, or it runs), CLOSED (no node has run). No allocation. */
hd_status hd_dag_start(hd_dag *dag, hd_runtime *runtime, hd_event *done);

/* Runs every node once and returns when all have returned. A cancellation is left to the next await, and a
 * runtime that closes runs the nodes to the end. Threads: a coroutine of `runtime`. Errors: as hd_dag_start;
 * INVALID also outside a coroutine. */
hd_status hd_dag_run(hd_dag *dag, hd_runtime *runtime);

#ifdef __cplusplus
}
#endif
#endif
