/* SPDX-License-Identifier: Apache-2.0 */
/* How a static graph runs: flat arrays, in-degrees set back in place by whoever makes a node ready, the first
 * ready successor run directly and the others put into the worker's ring. */
#include "heddle/dag.h"

#include "coro.h"
#include "tasks.h"

#include <assert.h>

/* Nodes that follow each other directly before the worker's loop has its turn: as long as a burst of
 * coroutines. */
#define DIRECT_MOST 64u

typedef struct dag_node {
  _Alignas(HDI_CACHE_LINE) hd_task task;
  void (*fn)(void *arg);
  void *arg;
  hd_dag *dag;
  uint32_t first_edge, edges; /* to successors */
  uint32_t before;            /* edges from predecessors */
  _Atomic uint32_t missing;   /* of these, not come yet in this run */
} dag_node;

struct hd_dag {
  hd_host host;
  uint32_t max_nodes, max_edges, nodes_count, edges_count;
  uint32_t roots, ends; /* nodes without predecessors, without successors */
  bool sealed;
  bool alone; /* the run is on one worker: no atomic read-modify-write is needed */
  atomic_bool running;
  _Atomic uint32_t ends_missing;
  hd_event *done;
  hd_task start;
  dag_node *nodes;
  uint32_t *from, *to; /* edges as added */
  uint32_t *successors;
  uint32_t *order; /* a topological one: the roots come first */
};

static void run_nodes(void *node);
static void run_roots(void *dag);

/* ---- building ---- */

void hd_dag_destroy(hd_dag *dag) {
  if (dag == NULL) return;
  assert(!atomic_load_explicit(&dag->running, memory_order_relaxed));
  hd_host host = dag->host;
  hd_host_free(&host, dag->nodes, dag->max_nodes, sizeof *dag->nodes);
  hd_host_free(&host, dag->order, dag->max_nodes, sizeof *dag->order);
  hd_host_free(&host, dag->from, dag->max_edges, sizeof *dag->from);
  hd_host_free(&host, dag->to, dag->max_edges, sizeof *dag->to);
  hd_host_free(&host, dag->successors, dag->max_edges, sizeof *dag->successors);
  hd_host_free(&host, dag, 1, sizeof *dag);
}

/* False: no memory. No numbers need none. */
static bool make_numbers(const hd_host *host, uint32_t count, uint32_t **out_numbers) {
  if (count == 0) return true;
  *out_numbers = hd_host_zalloc(host, count, sizeof **out_numbers, _Alignof(uint32_t));
  return *out_numbers != NULL;
}

hd_status hd_dag_create(const hd_host *host, uint32_t max_nodes, uint32_t max_edges, hd_dag **out_dag) {
  if (host == NULL || out_dag == NULL || max_nodes == 0) return HD_E_INVALID;
  hd_dag *dag = hd_host_zalloc(host, 1, sizeof *dag, _Alignof(hd_dag));
  if (dag == NULL) return HD_E_NO_MEMORY;
  dag->host = *host;
  dag->max_nodes = max_nodes;
  dag->max_edges = max_edges;
  dag->start = (hd_task){.fn = run_roots, .arg = dag};
  dag->nodes = hd_host_zalloc(host, max_nodes, sizeof *dag->nodes, _Alignof(dag_node));
  if (dag->nodes == NULL || !make_numbers(host, max_nodes, &dag->order) ||
      !make_numbers(host, max_edges, &dag->from) || !make_numbers(host, max_edges, &dag->to) ||
      !make_numbers(host, max_edges, &dag->successors)) {
    hd_dag_destroy(dag);
    return HD_E_NO_MEMORY;
  }
  *out_dag = dag;
  return HD_OK;
}

hd_status hd_dag_add(hd_dag *dag, void (*fn)(void *arg), void *arg, uint32_t *out_node) {
  if (dag == NULL || fn == NULL || dag->sealed) return HD_E_INVALID;
  if (dag->nodes_count == dag->max_nodes) return HD_E_LIMIT;
  dag_node *node = &dag->nodes[dag->nodes_count];
  *node = (dag_node){.task = {.fn = run_nodes, .arg = node}, .fn = fn, .arg = arg, .dag = dag};
  if (out_node != NULL) *out_node = dag->nodes_count;
  dag->nodes_count++;
  return HD_OK;
}

hd_status hd_dag_edge(hd_dag *dag, uint32_t before, uint32_t after) {
  if (dag == NULL || dag->sealed || before == after) return HD_E_INVALID;
  if (before >= dag->nodes_count || after >= dag->nodes_count) return HD_E_INVALID;
  if (dag->edges_count == dag->max_edges) return HD_E_LIMIT;
  dag->from[dag->edges_count] = before;
  dag->to[dag->edges_count] = after;
  dag->edges_count++;
  dag->nodes[before].edges++;
  dag->nodes[after].before++;
  return HD_OK;
}

/* Gives each node its successors as one stretch of the flat array. */
static void flatten(hd_dag *dag) {
  uint32_t first = 0;
  for (uint32_t i = 0; i < dag->nodes_count; i++) {
    dag_node *node = &dag->nodes[i];
    node->first_edge = first;
    first += node->edges;
    if (node->edges == 0) dag->ends++;
    node->edges = 0;
  }
  for (uint32_t i = 0; i < dag->edges_count; i++) {
    dag_node *node = &dag->nodes[dag->from[i]];
    dag->successors[node->first_edge + node->edges++] = dag->to[i];
  }
}

/* Orders the nodes; false: there is a cycle. Source: A. B. Kahn, "Topological sorting of large networks",
 * 1962. */
static bool put_in_order(hd_dag *dag) {
  uint32_t known = 0;
  for (uint32_t i = 0; i < dag->nodes_count; i++) {
    dag_node *node = &dag->nodes[i];
    atomic_store_explicit(&node->missing, node->before, memory_order_relaxed);
    if (node->before == 0) dag->order[known++] = i;
  }
  dag->roots = known;
  for (uint32_t i = 0; i < known; i++) {
    const dag_node *node = &dag->nodes[dag->order[i]];
    for (uint32_t e = 0; e < node->edges; e++) {
      uint32_t next = dag->successors[node->first_edge + e];
      if (atomic_fetch_sub_explicit(&dag->nodes[next].missing, 1, memory_order_relaxed) == 1)
        dag->order[known++] = next;
    }
  }
  for (uint32_t i = 0; i < dag->nodes_count; i++) {
    atomic_store_explicit(&dag->nodes[i].missing, dag->nodes[i].before, memory_order_relaxed);
  }
  return known == dag->nodes_count;
}

hd_status hd_dag_seal(hd_dag *dag) {
  if (dag == NULL || dag->sealed) return HD_E_INVALID;
  flatten(dag);
  bool ordered = put_in_order(dag);
  dag->sealed = true;
  if (!ordered) dag->roots = 0; /* hd_dag_start refuses it */
  return ordered ? HD_OK : HD_E_INVALID;
}

/* ---- running ---- */

/* One less of `counter`, which others may count down too unless `alone`. Whether it was the last. */
static inline bool count_down(_Atomic uint32_t *counter, bool alone) {
  if (!alone) return atomic_fetch_sub_explicit(counter, 1, memory_order_acq_rel) == 1;
  uint32_t left = atomic_load_explicit(counter, memory_order_relaxed) - 1;
  atomic_store_explicit(counter, left, memory_order_relaxed);
  return left == 0;
}

/* Whether `node` may run now that one more predecessor has returned. Its count is set back for the next run,
 * which cannot begin before this node has returned. */
static inline bool comes_ready(dag_node *node, bool alone) {
  if (node->before == 1) return true;
  if (!count_down(&node->missing, alone)) return false;
  atomic_store_explicit(&node->missing, node->before, memory_order_relaxed);
  return true;
}

/* Readies the successors of `node`, which has returned. Returns the first that is ready; the others go into
 * the ring. */
static inline dag_node *next_node(hdi_worker *worker, dag_node *node) {
  hd_dag *dag = node->dag;
  const uint32_t *successors = &dag->successors[node->first_edge];
  /* Once the last successor is counted down, and another worker has readied it, the graph may be gone. */
  const uint32_t edges = node->edges;
  dag_node *first = NULL;
  for (uint32_t i = 0; i < edges; i++) {
    dag_node *next = &dag->nodes[successors[i]];
    if (!comes_ready(next, dag->alone)) continue;
    if (first == NULL) {
      first = next;
    } else {
      hdi_tasks_put(worker, &next->task);
    }
  }
  return first;
}

/* After a node without successors: the last one ends the run, and then the graph may be gone. */
static void reach_end(hd_dag *dag) {
  if (dag->ends > 1 && !count_down(&dag->ends_missing, dag->alone)) return;
  hd_event *done = dag->done;
  atomic_store_explicit(&dag->running, false, memory_order_release);
  hd_event_set(done);
}

/* A node's task: runs it and what follows it directly. */
static void run_nodes(void *arg) {
  dag_node *node = arg;
  hdi_worker *worker = hdi_this_worker;
  for (uint32_t i = 0; i < DIRECT_MOST; i++) {
    node->fn(node->arg);
    if (node->edges == 0) {
      reach_end(node->dag);
      return;
    }
    node = next_node(worker, node);
    if (node == NULL) return;
  }
  hdi_tasks_put(worker, &node->task);
}

/* The graph's first task. The first root is run last: until it has run the graph cannot end and be gone. */
static void run_roots(void *arg) {
  const hd_dag *dag = arg;
  hdi_worker *worker = hdi_this_worker;
  for (uint32_t i = 1; i < dag->roots; i++) {
    hdi_tasks_put(worker, &dag->nodes[dag->order[i]].task);
  }
  run_nodes(&dag->nodes[dag->order[0]]);
}

hd_status hd_dag_start(hd_dag *dag, hd_runtime *runtime, hd_event *done) {
  if (dag == NULL || runtime == NULL || done == NULL || !dag->sealed) return HD_E_INVALID;
  if (dag->nodes_count == 0) {
    hd_event_set(done);
    return HD_OK;
  }
  if (dag->roots == 0) return HD_E_INVALID; /* a cycle */
  if (atomic_exchange_explicit(&dag->running, true, memory_order_acq_rel)) return HD_E_INVALID;
  dag->done = done;
  dag->alone = runtime->worker_count == 1;
  atomic_store_explicit(&dag->ends_missing, dag->ends, memory_order_relaxed);
  hd_status status = hd_runtime_post(runtime, &dag->start);
  if (status != HD_OK) atomic_store_explicit(&dag->running, false, memory_order_release);
  return status;
}

hd_status hd_dag_run(hd_dag *dag, hd_runtime *runtime) {
  const hd_coro *self = hdi_current();
  if (self == NULL || self->worker->runtime != runtime) return HD_E_INVALID;
  hd_event done;
  hd_event_init(&done);
  hd_status status = hd_dag_start(dag, runtime, &done);
  if (status != HD_OK) return status;
  bool shielded = hd_coro_shield(true);
  /* `done` is this frame's, so the nodes are waited for even when the runtime closes: it runs what was put.
   */
  while (!hd_event_is_set(&done)) {
    if (hd_await_event(&done) == HD_E_CLOSED) hd_coro_yield();
  }
  (void)hd_coro_shield(shielded);
  return HD_OK;
}
