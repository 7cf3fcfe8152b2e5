/* SPDX-License-Identifier: Apache-2.0 */
/* The table of figures with their goals, and medians over rounds. */
#include "bench_figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The goals are ratios within one run, because machines differ; docs/performance.md says where they come
 * from. */
const hdt_figure hdt_figures[] = {
    {"yield", false, {1.0 / 50, "sched_yield", NULL, "1/50 of sched_yield", 60}},
    {"yield_deep", false, {1.5, "heddle", "yield", "1.5 x yield", 0}},
    {"wake", false, {1.0 / 100, "condvar", NULL, "1/100 of condvar", 0}},
    {"wake_live", false, {2, "heddle", "wake", "2 x wake", 0}},
    {"coroutine_life", false, {1.6, "floor", NULL, "1.6 x floor", 0}},
    {"spawn_join_1", false, {0.4, "tbb", NULL, "0.4 x tbb", 0}},
    {"spawn_join_2", false, {0.5, "tbb", NULL, "0.5 x tbb", 0}},
    {"submit_wait", false, {0.5, "tbb", NULL, "0.5 x tbb", 0}},
    {"graph_chain", false, {0.25, "tbb", NULL, "0.25 x tbb", 0}},
    {"graph_wave", false, {0.4, "tbb", NULL, "0.4 x tbb", 0}},
    {"region_p50", false, {0.75, "pthreadpool", NULL, "0.75 x pthreadpool", 0}},
    {"region_p99", false, {1, "pthreadpool", NULL, "pthreadpool", 0}},
    {"region_crowded", false, {1, "serial", NULL, "serial", 0}},
    {"wake_polled_memory", false, {2, "spin_thread", NULL, "2 x spin_thread", 0}},
    {"wake_polled_fd", false, {1.1, "epoll_spin", NULL, "1.1 x epoll_spin", 0}},
    {"wake_parked", false, {1.1, "futex", NULL, "1.1 x futex", 0}},
    {"parked_bytes", true, {4400, NULL, NULL, "4400 bytes", 0}},
    {"unstarted_bytes", true, {192, NULL, NULL, "192 bytes", 0}},
    {"decide_1", false, {1.0 / 3, "starpu", NULL, "1/3 of starpu", 0}},
    {"decide_64", false, {1, "starpu", NULL, "starpu", 0}},
    {"decide_1000", false, {1000, NULL, NULL, "1000 ns", 0}},
    {"decide_fair_1000", false, {1000, NULL, NULL, "1000 ns", 0}},
    {"lease", false, {1, "futex_round_trip", NULL, "futex_round_trip", 0}},
    {NULL, false, {0, NULL, NULL, NULL, 0}}};

int hdt_figure_find(const char *name) {
  for (int i = 0; hdt_figures[i].name != NULL; i++) {
    if (strcmp(hdt_figures[i].name, name) == 0) return i;
  }
  return -1;
}

static const hdt_series *find(const hdt_measured *measured, const char *who) {
  for (uint32_t i = 0; i < measured->count; i++) {
    if (strcmp(measured->series[i].who, who) == 0) return &measured->series[i];
  }
  return NULL;
}

void hdt_measured_add(hdt_measured *measured, const char *who, double value, double instructions) {
  hdt_series *series = (hdt_series *)find(measured, who);
  if (series == NULL) {
    if (measured->count == HDT_SERIES_MAX) return;
    series = &measured->series[measured->count++];
    memset(series, 0, sizeof(*series));
    snprintf(series->who, sizeof(series->who), "%s", who);
  }
  if (series->count < HDT_ROUNDS_MAX) series->values[series->count++] = value;
  if (instructions >= 0 && series->instruction_count < HDT_ROUNDS_MAX)
    series->instructions[series->instruction_count++] = instructions;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(const double *values, uint32_t count) {
  double sorted[HDT_ROUNDS_MAX];
  if (count == 0) return -1;
  memcpy(sorted, values, count * sizeof(*values));
  qsort(sorted, count, sizeof(*sorted), by_size);
  return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

double hdt_measured_value(const hdt_measured *measured, const char *who) {
  const hdt_series *series = find(measured, who);
  return series == NULL ? -1 : median(series->values, series->count);
}

double hdt_measured_instructions(const hdt_measured *measured, const char *who) {
  const hdt_series *series = find(measured, who);
  return series == NULL ? -1 : median(series->instructions, series->instruction_count);
}

const char *hdt_measured_best_peer(const hdt_measured *measured) {
  const char *best = NULL;
  double least = 0;
  for (uint32_t i = 0; i < measured->count; i++) {
    const hdt_series *series = &measured->series[i];
    if (strcmp(series->who, "heddle") == 0 || strcmp(series->who, "floor") == 0) continue;
    double value = median(series->values, series->count);
    if (best != NULL && value >= least) continue;
    best = series->who;
    least = value;
  }
  return best;
}

double hdt_goal_limit(const hdt_measured *all, int index) {
  const hdt_goal *goal = &hdt_figures[index].goal;
  if (goal->who == NULL) return goal->factor;
  int at = goal->figure == NULL ? index : hdt_figure_find(goal->figure);
  double reference = at < 0 ? -1 : hdt_measured_value(&all[at], goal->who);
  return reference < 0 ? -1 : goal->factor * reference;
}

bool hdt_goal_reached(const hdt_measured *all, int index) {
  double ours = hdt_measured_value(&all[index], "heddle");
  uint32_t most = hdt_figures[index].goal.instructions;
  if (ours < 0 || ours > hdt_goal_limit(all, index)) return false;
  return most == 0 || hdt_measured_instructions(&all[index], "heddle") <= most;
}
