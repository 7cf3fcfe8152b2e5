/* SPDX-License-Identifier: Apache-2.0 */
/* Static graphs against brute force: in each run of a random graph every node begins after all that come
 * before it have ended, and each runs once. */
#include "heddle/dag.h"

#include "fixture.h"

#include "check_host.h"

#include <string.h>

enum { NODES = 60, EDGES = 200, RUNS = 5 };

typedef struct probe probe;

typedef struct spot {
  probe *probe;
  atomic_uint runs;
  uint32_t begun, ended; /* places in the order of all begins and ends of a run */
} spot;

struct probe {
  hd_runtime *runtime;
  hd_dag *dag;
  uint32_t nodes, edges;
  uint32_t from[EDGES], to[EDGES];
  spot spots[NODES];
  atomic_uint ticks, finished;
  hd_status status;
};

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void visit(void *arg) {
  spot *s = arg;
  s->begun = atomic_fetch_add(&s->probe->ticks, 1);
  atomic_fetch_add(&s->runs, 1);
  s->ended = atomic_fetch_add(&s->probe->ticks, 1);
}

static hd_dag *make_dag(uint32_t nodes, uint32_t edges) {
  hd_host host = test_host();
  hd_dag *dag = NULL;
  assert_int_equal(hd_dag_create(&host, nodes, edges, &dag), HD_OK);
  return dag;
}

/* Edges go upwards in a random numbering, so that the graph has no cycle but is not in order either. */
static void make_random(probe *p, uint64_t *random) {
  memset(p, 0, sizeof *p);
  p->nodes = (uint32_t)(next_random(random) % NODES) + 1;
  p->dag = make_dag(NODES, EDGES);
  uint32_t rank[NODES];
  for (uint32_t i = 0; i < p->nodes; i++) {
    uint32_t node = NODES;
    p->spots[i].probe = p;
    assert_int_equal(hd_dag_add(p->dag, visit, &p->spots[i], &node), HD_OK);
    assert_int_equal(node, i);
    rank[i] = (uint32_t)next_random(random);
  }
  uint32_t wanted = (uint32_t)(next_random(random) % EDGES);
  for (uint32_t i = 0; i < wanted; i++) {
    uint32_t a = (uint32_t)(next_random(random) % p->nodes), b = (uint32_t)(next_random(random) % p->nodes);
    if (rank[a] == rank[b]) continue;
    p->from[p->edges] = rank[a] < rank[b] ? a : b;
    p->to[p->edges] = rank[a] < rank[b] ? b : a;
    assert_int_equal(hd_dag_edge(p->dag, p->from[p->edges], p->to[p->edges]), HD_OK);
    p->edges++;
  }
  assert_int_equal(hd_dag_seal(p->dag), HD_OK);
}

static void expect_order(const probe *p, uint32_t runs) {
  for (uint32_t i = 0; i < p->nodes; i++) {
    assert_int_equal(p->spots[i].runs, runs);
  }
  for (uint32_t i = 0; i < p->edges; i++) {
    assert_true(p->spots[p->from[i]].ended < p->spots[p->to[i]].begun);
  }
}

static void runs_often(void *arg) {
  probe *p = arg;
  for (uint32_t run = 1; run <= RUNS; run++) {
    p->status = hd_dag_run(p->dag, p->runtime);
    if (p->status != HD_OK) break;
    expect_order(p, run);
  }
  atomic_store(&p->finished, 1);
}

static void wait_till_finished(probe *p) {
  while (atomic_load(&p->finished) == 0) {
    if (hd_runtime_dispatch(p->runtime, 0) == 0) sched_yield();
  }
}

static void each_node_runs_after_all_before_it_in_every_run(void **state) {
  (void)state;
  static probe p;
  uint64_t random = 88172645463325252u;
  for (uint32_t workers = 0; workers <= 4; workers++) {
    hd_runtime *runtime = make_runtime(workers, 8);
    for (int round = 0; round < (UNDER_SANITIZER ? 20 : 60); round++) {
      make_random(&p, &random);
      p.runtime = runtime;
      spawn(runtime, "runs", runs_often, &p);
      wait_till_finished(&p);
      assert_int_equal(p.status, HD_OK);
      expect_order(&p, RUNS);
      hd_dag_destroy(p.dag);
    }
    hd_runtime_destroy(runtime);
  }
}

static void count_one(void *arg) {
  atomic_fetch_add((atomic_uint *)arg, 1);
}

/* Longer than nodes follow each other directly. */
static void a_long_chain_runs_to_its_end_from_any_thread(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_runtime *runtime = make_runtime(workers, 8);
    hd_dag *dag = make_dag(1000, 999);
    atomic_uint ran = 0;
    for (uint32_t i = 0; i < 1000; i++) {
      assert_int_equal(hd_dag_add(dag, count_one, &ran, NULL), HD_OK);
      if (i > 0) assert_int_equal(hd_dag_edge(dag, i - 1, i), HD_OK);
    }
    assert_int_equal(hd_dag_seal(dag), HD_OK);
    for (unsigned run = 1; run <= 3; run++) {
      hd_event done;
      hd_event_init(&done);
      assert_int_equal(hd_dag_start(dag, runtime, &done), HD_OK);
      while (!hd_event_is_set(&done)) {
        if (hd_runtime_dispatch(runtime, 0) == 0) sched_yield();
      }
      assert_int_equal(ran, 1000 * run);
    }
    hd_dag_destroy(dag);
    hd_runtime_destroy(runtime);
  }
}

static void cycles_and_limits_are_refused(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  hd_dag *dag = make_dag(3, 3);
  hd_event done;
  hd_event_init(&done);
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(hd_dag_add(dag, count_one, NULL, NULL), HD_OK);
  }
  assert_int_equal(hd_dag_add(dag, count_one, NULL, NULL), HD_E_LIMIT);
  assert_int_equal(hd_dag_edge(dag, 1, 1), HD_E_INVALID);
  assert_int_equal(hd_dag_edge(dag, 0, 3), HD_E_INVALID);
  assert_int_equal(hd_dag_start(dag, runtime, &done), HD_E_INVALID); /* not sealed */
  assert_int_equal(hd_dag_edge(dag, 0, 1), HD_OK);
  assert_int_equal(hd_dag_edge(dag, 1, 2), HD_OK);
  assert_int_equal(hd_dag_edge(dag, 2, 1), HD_OK);
  assert_int_equal(hd_dag_edge(dag, 0, 2), HD_E_LIMIT);
  assert_int_equal(hd_dag_seal(dag), HD_E_INVALID); /* 1 and 2 wait for each other */
  assert_int_equal(hd_dag_start(dag, runtime, &done), HD_E_INVALID);
  assert_int_equal(hd_dag_run(dag, runtime), HD_E_INVALID); /* not in a coroutine */
  assert_false(hd_event_is_set(&done));
  hd_dag_destroy(dag);
  hd_dag_destroy(NULL);
  hd_runtime_destroy(runtime);
}

static void an_empty_graph_is_done_at_once(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  hd_dag *dag = make_dag(1, 0);
  hd_event done;
  hd_event_init(&done);
  assert_int_equal(hd_dag_seal(dag), HD_OK);
  assert_int_equal(hd_dag_seal(dag), HD_E_INVALID);
  assert_int_equal(hd_dag_add(dag, count_one, NULL, NULL), HD_E_INVALID);
  assert_int_equal(hd_dag_start(dag, runtime, &done), HD_OK);
  assert_true(hd_event_is_set(&done));
  hd_dag_destroy(dag);
  hd_runtime_destroy(runtime);
}

static void a_graph_that_runs_cannot_be_started_again(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  hd_dag *dag = make_dag(1, 0);
  atomic_uint ran = 0;
  hd_event first, second;
  hd_event_init(&first);
  hd_event_init(&second);
  assert_int_equal(hd_dag_add(dag, count_one, &ran, NULL), HD_OK);
  assert_int_equal(hd_dag_seal(dag), HD_OK);
  assert_int_equal(hd_dag_start(dag, runtime, &first), HD_OK);
  assert_int_equal(hd_dag_start(dag, runtime, &second), HD_E_INVALID);
  while (!hd_event_is_set(&first)) {
    (void)hd_runtime_dispatch(runtime, 0);
  }
  assert_int_equal(ran, 1);
  assert_int_equal(hd_dag_start(dag, runtime, &second), HD_OK);
  while (!hd_event_is_set(&second)) {
    (void)hd_runtime_dispatch(runtime, 0);
  }
  assert_int_equal(ran, 2);
  hd_dag_destroy(dag);
  hd_runtime_destroy(runtime);
}

static void a_runtime_that_ends_runs_a_started_graph_to_its_end(void **state) {
  (void)state;
  static probe p;
  uint64_t random = 7;
  for (int round = 0; round < 40; round++) {
    make_random(&p, &random);
    p.runtime = make_runtime((uint32_t)round % 4, 8);
    spawn(p.runtime, "runs", runs_often, &p);
    hd_runtime_destroy(p.runtime);
    assert_int_equal(p.finished, 1);
    if (p.status == HD_E_CLOSED) {
      assert_int_equal(p.spots[0].runs, p.spots[p.nodes - 1].runs);
    } else {
      expect_order(&p, RUNS);
    }
    hd_dag_destroy(p.dag);
  }
}

static hd_status create_and_destroy(const hd_host *host, void *arg) {
  (void)arg;
  hd_dag *dag = NULL;
  hd_status status = hd_dag_create(host, 4, 4, &dag);
  assert_int_equal(dag == NULL, status != HD_OK);
  hd_dag_destroy(dag);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(check_every_allocation(create_and_destroy, NULL) >= 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_node_runs_after_all_before_it_in_every_run),
      cmocka_unit_test(a_long_chain_runs_to_its_end_from_any_thread),
      cmocka_unit_test(cycles_and_limits_are_refused),
      cmocka_unit_test(an_empty_graph_is_done_at_once),
      cmocka_unit_test(a_graph_that_runs_cannot_be_started_again),
      cmocka_unit_test(a_runtime_that_ends_runs_a_started_graph_to_its_end),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("runtime/dag", tests, NULL, NULL);
}
