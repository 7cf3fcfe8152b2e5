/* SPDX-License-Identifier: Apache-2.0 */
/* A progress bar on stderr, for people who watch: on a terminal only, and gone when it is done. */
#ifndef HEDDLE_TOOLS_PROGRESS_H
#define HEDDLE_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct hdt_progress {
  const char *label;
  bool wanted;  /* stderr is a terminal and nobody said --quiet */
  bool visible; /* there is something to erase */
  int drawn;    /* per mille on the screen, so that the same bar is not drawn again; -1: none */
} hdt_progress;

void hdt_progress_begin(hdt_progress *progress, const char *label, bool quiet);
/* `detail` follows the percentage: "1.2 of 3.4 MiB". total 0: nothing to show yet. */
void hdt_progress_show(hdt_progress *progress, uint64_t done, uint64_t total, const char *detail);
/* Erases it. */
void hdt_progress_end(hdt_progress *progress);

#endif
