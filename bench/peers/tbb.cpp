/* SPDX-License-Identifier: Apache-2.0 */
/* oneTBB: task groups, flow graphs built once, and a parallel loop of two. */
#include <atomic>
#include <memory>
#include <vector>

#include <tbb/flow_graph.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include "bench/harness/harness.h"
#include "bench/harness/region.h"

namespace {

const char who[] = "tbb";
const int tasks = 1000;

void nothing() {
  asm volatile("" : : : "memory");
}

/* So many threads in all, the caller among them; each has shown up and has a core before `f` runs. */
template <typename F> void with_threads(hb_run *run, int threads, const F &f) {
  tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<size_t>(threads));
  tbb::task_arena arena(threads);
  arena.execute([&] {
    std::atomic<int> missing(threads);
    tbb::parallel_for(
        0, threads,
        [&](int) {
          const uint64_t until_ns = hb_now_ns() + 10000000;
          missing--;
          while (missing > 0 && hb_now_ns() < until_ns)
            hb_relax();
        },
        tbb::static_partitioner());
    hb_spread(run, 1);
    f();
  });
}

void spawn_join(hb_run *run, int threads, int count) {
  with_threads(run, threads, [&] {
    hb_batches batches;
    tbb::task_group group;
    hb_batches_begin(&batches, run, tasks);
    while (hb_batches_next(&batches)) {
      for (int round = 0; round < tasks / count; round++) {
        for (int i = 0; i < count; i++)
          group.run(nothing);
        group.wait();
      }
    }
    hb_batches_say(&batches, who);
  });
}

void spawn_join_1(hb_run *run) {
  spawn_join(run, 1, tasks);
}

void spawn_join_2(hb_run *run) {
  spawn_join(run, 2, tasks);
}

void submit_wait(hb_run *run) {
  spawn_join(run, 1, 1);
}

/* ---- graphs ---- */

using node = tbb::flow::continue_node<tbb::flow::continue_msg>;

struct graph {
  tbb::flow::graph flow;
  std::vector<std::unique_ptr<node>> nodes;

  node &add() {
    nodes.push_back(std::make_unique<node>(flow, [](const tbb::flow::continue_msg &) { nothing(); }));
    return *nodes.back();
  }
};

void rerun(hb_run *run, graph &g) {
  hb_batches batches;
  hb_batches_begin(&batches, run, static_cast<double>(g.nodes.size()));
  while (hb_batches_next(&batches)) {
    g.nodes.front()->try_put(tbb::flow::continue_msg());
    g.flow.wait_for_all();
  }
  hb_batches_say(&batches, who);
}

void graph_chain(hb_run *run) {
  with_threads(run, 1, [&] {
    graph g;
    node *last = &g.add();
    for (int i = 1; i < 1000; i++) {
      node *next = &g.add();
      tbb::flow::make_edge(*last, *next);
      last = next;
    }
    rerun(run, g);
  });
}

void graph_wave(hb_run *run) {
  with_threads(run, 1, [&] {
    graph g;
    node *join = &g.add();
    for (int layer = 0; layer < 32; layer++) {
      std::vector<node *> wave;
      for (int i = 0; i < 8; i++) {
        wave.push_back(&g.add());
        tbb::flow::make_edge(*join, *wave.back());
      }
      join = &g.add();
      for (node *n : wave)
        tbb::flow::make_edge(*n, *join);
    }
    rerun(run, g);
  });
}

/* ---- regions ---- */

void region(void *) {
  tbb::parallel_for(
      0, 2, [](int) { hb_chunk(); }, tbb::static_partitioner());
}

void measure_region(hb_run *run) {
  with_threads(run, 2, [&] { hb_region_measure(run, who, region, nullptr); });
}

const hb_figure figures[] = {{"spawn_join_1", 1, spawn_join_1}, {"spawn_join_2", 2, spawn_join_2},
                             {"submit_wait", 1, submit_wait},   {"graph_chain", 1, graph_chain},
                             {"graph_wave", 1, graph_wave},     {"region_p50", 2, measure_region},
                             {"region_p99", 2, measure_region}, {nullptr, 0, nullptr}};

} // namespace

int main(int argc, char **argv) {
  static const hb_program program = {who, figures};
  return hb_program_main(&program, argc, argv);
}
