/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that `heddle bench --runtime` times: three inside the command, and the peers that lie beside
 * it. Each measurement is a process of its own. */
#ifndef HEDDLE_TOOLS_BENCH_PROGRAMS_H
#define HEDDLE_TOOLS_BENCH_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#define HDT_PROGRAMS_MAX 8u

struct hb_program;

typedef struct hdt_program {
  const struct hb_program *inside; /* NULL: a file */
  char path[1024];
  char figures[1024]; /* of a file: ",yield,wake," */
} hdt_program;

/* Finds them; those that are not there are left out. Returns the count; the first is heddle's own side. */
uint32_t hdt_programs_find(hdt_program out_programs[HDT_PROGRAMS_MAX]);

bool hdt_program_has(const hdt_program *program, const char *figure);

/* Called for each answer; `reason` is NULL where there is a value. `instructions` below 0: not counted. */
typedef void (*hdt_answer_fn)(void *arg, const char *who, double value, double instructions,
                              const char *reason);

/* Measures for about `ms`. False: the program failed, hung or said nothing. */
bool hdt_program_measure(const hdt_program *program, const char *figure, uint32_t ms, hdt_answer_fn answer,
                         void *arg);

#endif
