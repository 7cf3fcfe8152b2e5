/* SPDX-License-Identifier: Apache-2.0 */
/* What every program that is timed has in common: its table of figures, and the line that it answers with.
 *
 * A program is called with the name of a figure and prints lines
 *
 *     FIGURE WHO VALUE UNIT [INSTRUCTIONS]     yield heddle 8.13 ns 51.0
 *     FIGURE none REASON                       yield none has no coroutines
 *
 * VALUE is what one operation costs: the median over many short batches, of which the first few are not
 * counted. UNIT is ns or bytes. WHO is heddle, floor, or the name of what a peer did; a program may have
 * several ways. INSTRUCTIONS (user space, of one operation) stand there only where the kernel counts them. */
#ifndef HB_HARNESS_H
#define HB_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HB_CORES_MAX 2u

/* One figure being measured. */
typedef struct hb_run {
  const char *figure;
  uint64_t budget_ns; /* how long to measure, about */
  FILE *out;
  uint32_t cores[HB_CORES_MAX]; /* the process is confined to these */
  uint32_t core_count;
} hb_run;

typedef struct hb_figure {
  const char *name;
  uint32_t cores; /* needed: 1 or 2 */
  void (*measure)(hb_run *run);
} hb_figure;

/* `figures` ends with a NULL name. */
typedef struct hb_program {
  const char *name;
  const hb_figure *figures;
} hb_program;

bool hb_program_has(const hb_program *program, const char *figure);

/* Confines the process to the cores that the figure needs, asks for a better priority (which only root gets)
 * and measures. Returns the exit status: 0 also when the answer is "none". */
int hb_program_run(const hb_program *program, const char *figure, uint64_t budget_ns, FILE *out);

/* `PROGRAM FIGURE [--ms N]` and `PROGRAM --list`. */
int hb_program_main(const hb_program *program, int argc, char **argv);

/* The answers. `instructions` below 0: not counted. */
void hb_say(hb_run *run, const char *who, double value, const char *unit, double instructions);
void hb_say_none(hb_run *run, const char *reason);

/* Pins the calling thread to the i-th core of the figure. */
void hb_pin(const hb_run *run, uint32_t index);

/* Pins the threads that another runtime has made by now, one after the other, to the cores of the figure,
 * beginning with the core at `first`; the main thread to the first core. A spinning thread that shares its
 * core with the one that it waits for would measure the kernel's time slice. */
void hb_spread(const hb_run *run, uint32_t first);

uint64_t hb_now_ns(void);

static inline void hb_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* ---- samples ---- */

typedef struct hb_samples {
  double *values;
  uint32_t count;
} hb_samples;

void hb_samples_init(hb_samples *samples);
void hb_samples_add(hb_samples *samples, double value); /* beyond 2^15 they are dropped */
/* The value at `rank` 0 .. 1; 0.5 is the median. 0 when there is none. */
double hb_samples_at(hb_samples *samples, double rank);
void hb_samples_finish(hb_samples *samples);

/* ---- batches ---- */

/* Times batches of `ops` operations on one thread:
 *     hb_batches_begin(&batches, run, 1000);
 *     while (hb_batches_next(&batches)) ...a thousand operations...
 *     hb_batches_say(&batches, "heddle"); */
typedef struct hb_batches {
  hb_run *run;
  double ops;
  hb_samples samples, instructions;
  uint64_t begin_ns, stop_ns;
  uint64_t count_begin;
  uint32_t made;
  int counter;  /* of instructions; -1: the kernel has none */
  double steps; /* of one operation, counted otherwise; below 0: not */
} hb_batches;

void hb_batches_begin(hb_batches *batches, hb_run *run, double ops);
/* Whether the kernel counts instructions for this process. */
bool hb_counts_instructions(void);
bool hb_batches_next(hb_batches *batches);
/* Also frees what `begin` took. */
void hb_batches_say(hb_batches *batches, const char *who);

/* ---- memory ---- */

/* Resident memory and page tables of the process. Source: proc(5), VmRSS and VmPTE. */
uint64_t hb_memory_bytes(void);

#ifdef __cplusplus
}
#endif
#endif
