/* SPDX-License-Identifier: Apache-2.0 */
/* The runner that checks every kernel of every tier against portable C, and times it. In the spirit of
 * dav1d's checkasm: one program, random shapes by seed, a stated bound for each kernel. */
#ifndef HEDDLE_TESTS_KERNELS_CHECK_H
#define HEDDLE_TESTS_KERNELS_CHECK_H

#include <stdbool.h>
#include "common/kernels.h"
#include "samples.h"

/* What a check or a bench works with. */
typedef struct check_run {
  sample_rng rng;
  const hdb_kernels *tier; /* under test */
  const hdb_kernels *c;    /* the truth */
  const char *kernel;      /* name of the one at work */
  bool failed;
} check_run;

/* Says what differs, once a kernel, and marks the run as failed. */
__attribute__((format(printf, 2, 3))) void check_fail(check_run *run, const char *format, ...);

/* Nanoseconds of one call of fn(arg): the best of several rounds of about 2 ms, because a busy machine only
 * ever slows a call down. */
double check_time_ns(void (*fn)(void *arg), void *arg);
/* Nanoseconds until fn(first) and fn(second), begun together on two threads, are both done; the best of
 * several rounds. 0: a thread cannot be made, or there is one core. */
double check_time_both_ns(void (*fn)(void *arg), void *first, void *second);

/* What multiplies: of whose peak a figure is told as a part. */
typedef enum check_unit { CHECK_UNIT_F32, CHECK_UNIT_INT8, CHECK_UNIT_BF16, CHECK_UNITS } check_unit;

/* What a bench found. What is 0 has no meaning for the kernel and is left out. */
typedef struct check_figure {
  const char *what;
  double ns, bytes, operations;
  double both_ns; /* the same work shared by two threads */
  check_unit unit;
  bool is_streamed; /* bytes come from memory: likewise, of the read bandwidth */
} check_figure;

/* ---- check_report.c: what is told, as lines or as JSON ---- */

/* Also measures the machine when there will be figures. */
void check_report_begin(bool json, bool bench, uint64_t seed);
void check_report_figure(const check_run *run, const check_figure *figure);
/* The same of floats that are in a cache. */
void check_report(const check_run *run, const char *what, double ns, double bytes, double operations);
/* A kernel has been checked. */
void check_report_checked(const check_run *run);
/* A tier is done. */
void check_report_tier(const char *name, uint32_t checked);
void check_report_end(void);

/* Whether a tier has its own kernel i, its name, its check and its bench. The parts of the program: */
typedef struct check_part {
  uint32_t count;
  const char *(*name)(uint32_t index);
  bool (*replaced)(const hdb_kernels *tier, const hdb_kernels *c, uint32_t index);
  void (*check)(check_run *run, uint32_t index);
  void (*bench)(check_run *run, uint32_t index);
} check_part;

extern const check_part check_dots, check_quantise, check_rows, check_attention;

#endif
