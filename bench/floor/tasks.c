/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of tasks and graphs: flat arrays, counters reset in place. */
#include "floor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

enum { TASKS = 1000, CLAIM = 16 };

typedef struct task {
  void (*fn)(void *arg);
  void *arg;
} task;

static task tasks[TASKS];

static void nothing(void *arg) {
  __asm__ volatile("" : : "r"(arg) : "memory");
}

static void spawn(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    tasks[i] = (task){nothing, &tasks[i]};
    __asm__ volatile("" ::: "memory"); /* it is written, whatever the compiler sees of its use */
  }
}

static void run_tasks(uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; i++)
    tasks[i].fn(tasks[i].arg);
}

static void alone(hb_run *run, uint32_t count) {
  hb_batches batches;
  hb_batches_begin(&batches, run, TASKS);
  while (hb_batches_next(&batches)) {
    for (uint32_t round = 0; round < TASKS / count; round++) {
      spawn(count);
      run_tasks(0, count);
    }
  }
  hb_batches_say(&batches, "floor");
}

void hbf_spawn_join_1(hb_run *run) {
  alone(run, TASKS);
}

void hbf_submit_wait(hb_run *run) {
  alone(run, 1);
}

/* ---- two threads that claim handfuls from one counter ---- */

static struct {
  _Alignas(64) _Atomic uint32_t published; /* batches; UINT32_MAX: over */
  _Alignas(64) _Atomic uint32_t next, done;
} shared;

static void claim(void) {
  uint32_t from;
  while ((from = atomic_fetch_add_explicit(&shared.next, CLAIM, memory_order_acquire)) < TASKS) {
    uint32_t to = from + CLAIM < TASKS ? from + CLAIM : TASKS;
    run_tasks(from, to);
    atomic_fetch_add_explicit(&shared.done, to - from, memory_order_release);
  }
}

static void *helps(void *arg) {
  uint32_t seen = 0, now;
  hb_pin(arg, 1);
  for (;;) {
    while ((now = atomic_load_explicit(&shared.published, memory_order_acquire)) == seen)
      hb_relax();
    if (now == UINT32_MAX) return NULL;
    seen = now;
    claim();
  }
}

void hbf_spawn_join_2(hb_run *run) {
  hb_batches batches;
  pthread_t helper;
  uint32_t batch = 0;
  if (pthread_create(&helper, NULL, helps, run) != 0) {
    hb_say_none(run, "no thread");
    return;
  }
  hb_pin(run, 0);
  hb_batches_begin(&batches, run, TASKS);
  atomic_store(&shared.next, TASKS);
  while (hb_batches_next(&batches)) {
    spawn(TASKS);
    atomic_store_explicit(&shared.done, 0, memory_order_relaxed);
    atomic_store_explicit(&shared.next, 0, memory_order_release);
    atomic_store_explicit(&shared.published, ++batch, memory_order_release);
    claim();
    while (atomic_load_explicit(&shared.done, memory_order_acquire) < TASKS)
      hb_relax();
  }
  atomic_store(&shared.published, UINT32_MAX);
  pthread_join(helper, NULL);
  hb_batches_say(&batches, "floor");
}

/* ---- static graphs ---- */

enum { CHAIN = 1000, LAYERS = 32, WIDTH = 8, NODES_MAX = 1000, EDGES_MAX = 1000 };

typedef struct node {
  task work;
  uint32_t first_edge, edge_count; /* of successors */
  uint32_t wanted, missing;        /* predecessors; reset when it runs */
} node;

static struct {
  node nodes[NODES_MAX];
  uint32_t edges[EDGES_MAX];
  uint32_t node_count, edge_count;
} graph;

static uint32_t add_node(void) {
  graph.nodes[graph.node_count] = (node){.work = {nothing, NULL}};
  return graph.node_count++;
}

/* Edges of one node follow each other. */
static void add_edge(uint32_t from, uint32_t to) {
  node *n = &graph.nodes[from];
  if (n->edge_count == 0) n->first_edge = graph.edge_count;
  n->edge_count++;
  graph.edges[graph.edge_count++] = to;
  graph.nodes[to].wanted++;
  graph.nodes[to].missing++;
}

/* Depth first: the first successor that became ready runs next, others wait on a small stack. */
static void run_graph(void) {
  uint32_t waiting[NODES_MAX];
  uint32_t count = 0;
  waiting[count++] = 0;
  while (count > 0) {
    node *n = &graph.nodes[waiting[--count]];
    n->missing = n->wanted;
    n->work.fn(n->work.arg);
    for (uint32_t i = n->edge_count; i > 0; i--) {
      uint32_t to = graph.edges[n->first_edge + i - 1];
      if (--graph.nodes[to].missing == 0) waiting[count++] = to;
    }
  }
}

static void rerun(hb_run *run) {
  hb_batches batches;
  hb_batches_begin(&batches, run, graph.node_count);
  while (hb_batches_next(&batches))
    run_graph();
  hb_batches_say(&batches, "floor");
}

void hbf_graph_chain(hb_run *run) {
  uint32_t last = add_node();
  for (uint32_t i = 1; i < CHAIN; i++) {
    uint32_t next = add_node();
    add_edge(last, next);
    last = next;
  }
  rerun(run);
}

void hbf_graph_wave(hb_run *run) {
  uint32_t join = add_node();
  for (uint32_t layer = 0; layer < LAYERS; layer++) {
    uint32_t first = graph.node_count;
    for (uint32_t i = 0; i < WIDTH; i++)
      add_edge(join, add_node());
    uint32_t next = add_node();
    for (uint32_t i = 0; i < WIDTH; i++)
      add_edge(first + i, next);
    join = next;
  }
  rerun(run);
}
