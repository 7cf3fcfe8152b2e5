/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of `heddle bench --runtime`: what each is, what it is to reach, and what was measured of it. */
#ifndef HEDDLE_TOOLS_BENCH_FIGURES_H
#define HEDDLE_TOOLS_BENCH_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HDT_ROUNDS_MAX  99u
#define HDT_SERIES_MAX  12u
#define HDT_FIGURES_MAX 32u

/* What is to be reached: `factor` times what `who` took in `figure` (NULL: the same one); with `who` NULL the
 * factor is the limit itself. */
typedef struct hdt_goal {
  double factor;
  const char *who;
  const char *figure;
  const char *text;      /* "1/50 of sched_yield" */
  uint32_t instructions; /* at most so many as well, where they are counted; 0: no matter */
} hdt_goal;

typedef struct hdt_figure {
  const char *name;
  bool bytes; /* else ns */
  hdt_goal goal;
} hdt_figure;

/* Ends with a NULL name. */
extern const hdt_figure hdt_figures[];
/* Its index; -1: there is none of that name. */
int hdt_figure_find(const char *name);

/* What one participant took, one value a round. */
typedef struct hdt_series {
  char who[24];
  uint32_t count, instruction_count;
  double values[HDT_ROUNDS_MAX], instructions[HDT_ROUNDS_MAX];
} hdt_series;

typedef struct hdt_measured {
  uint32_t count;
  hdt_series series[HDT_SERIES_MAX];
  char missing[96]; /* why heddle gave no value; "" when it did */
} hdt_measured;

/* Adds a value; `instructions` below 0: not counted. What does not fit is dropped. */
void hdt_measured_add(hdt_measured *measured, const char *who, double value, double instructions);

/* The median of the rounds; below 0: nothing was measured. */
double hdt_measured_value(const hdt_measured *measured, const char *who);
double hdt_measured_instructions(const hdt_measured *measured, const char *who);
/* The peer (neither heddle nor the floor) with the least median; NULL: there is none. */
const char *hdt_measured_best_peer(const hdt_measured *measured);

/* What figure `index` is to be at most; below 0: the reference was not measured. `all` is indexed like
 * hdt_figures. */
double hdt_goal_limit(const hdt_measured *all, int index);
/* Whether all of the goal is met, as far as it was measured. False when nothing was. */
bool hdt_goal_reached(const hdt_measured *all, int index);

#endif
