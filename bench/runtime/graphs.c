/* SPDX-License-Identifier: Apache-2.0 */
/* Static graphs of empty tasks, built once and run again and again on one worker. */
#include "ours.h"

#include "heddle/dag.h"

enum { CHAIN = 1000, LAYERS = 32, WIDTH = 8, EDGES_MAX = 1024 };

typedef struct loom {
  hb_stage stage;
  hd_dag *dag;
  uint32_t nodes;
  hd_status status; /* the first that was not OK */
} loom;

static void nothing(void *arg) {
  __asm__ volatile("" : : "r"(arg) : "memory");
}

static void keep(loom *l, hd_status status) {
  if (l->status == HD_OK) l->status = status;
}

static uint32_t add_node(loom *l) {
  uint32_t node = 0;
  keep(l, hd_dag_add(l->dag, nothing, l, &node));
  l->nodes++;
  return node;
}

static void build_chain(loom *l) {
  uint32_t last = add_node(l);
  for (uint32_t i = 1; i < CHAIN; i++) {
    uint32_t next = add_node(l);
    keep(l, hd_dag_edge(l->dag, last, next));
    last = next;
  }
}

static void build_wave(loom *l) {
  uint32_t join = add_node(l);
  for (uint32_t layer = 0; layer < LAYERS; layer++) {
    uint32_t wave[WIDTH];
    for (uint32_t i = 0; i < WIDTH; i++) {
      wave[i] = add_node(l);
      keep(l, hd_dag_edge(l->dag, join, wave[i]));
    }
    join = add_node(l);
    for (uint32_t i = 0; i < WIDTH; i++)
      keep(l, hd_dag_edge(l->dag, wave[i], join));
  }
}

static void reruns(void *arg) {
  loom *l = arg;
  hb_batches batches;
  hb_batches_begin(&batches, l->stage.run, l->nodes);
  while (l->status == HD_OK && hb_batches_next(&batches))
    l->status = hd_dag_run(l->dag, l->stage.runtime);
  if (l->status == HD_OK) {
    hb_batches_say(&batches, "heddle");
  } else {
    hb_say_none(l->stage.run, "the graph does not run");
  }
}

static void weave(hb_run *run, void (*build)(loom *l)) {
  loom l = {.status = HD_OK};
  hd_host host;
  hd_host_posix(&host);
  if (hd_dag_create(&host, CHAIN, EDGES_MAX, &l.dag) != HD_OK) {
    hb_say_none(run, "no memory");
    return;
  }
  build(&l);
  keep(&l, hd_dag_seal(l.dag));
  hb_stage_play(&l.stage, run, 1, reruns);
  hd_dag_destroy(l.dag);
}

void hb_ours_graph_chain(hb_run *run) {
  weave(run, build_chain);
}

void hb_ours_graph_wave(hb_run *run) {
  weave(run, build_wave);
}
