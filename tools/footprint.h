/* SPDX-License-Identifier: Apache-2.0 */
/* Resident memory of a process, told apart by what it is: the model's mapped file, other files, nobody's
 * file. */
#ifndef HEDDLE_TOOLS_FOOTPRINT_H
#define HEDDLE_TOOLS_FOOTPRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct hdt_footprint {
  uint64_t resident_bytes;
  uint64_t model_bytes;     /* of mappings of the model's file */
  uint64_t anonymous_bytes; /* heap, stacks, and pages of files that were written to */
} hdt_footprint;

/* Reads /proc/PID/smaps. `model` is the file's absolute path; NULL: there is none. False: nothing could be
 * read. Source: proc_pid_smaps(5). */
bool hdt_footprint_read(FILE *smaps, const char *model, hdt_footprint *out_footprint);

/* Of this process. `model` may be relative. */
bool hdt_footprint_own(const char *model, hdt_footprint *out_footprint);

#endif
