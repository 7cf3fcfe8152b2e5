/* SPDX-License-Identifier: Apache-2.0 */
/* A progress bar on stderr, for people who watch: on a terminal only, and gone when it is done. */
#include "progress.h"

#include <stdio.h>
#include "console.h"

void hdt_progress_begin(hdt_progress *progress, const char *label, bool quiet) {
  progress->label = label;
  progress->wanted = !quiet && hdt_is_terminal(stderr);
  progress->visible = false;
  progress->drawn = -1;
}

/* `cells` cells of which done/total are full; eighths of a block make it move smoothly. */
static void draw_bar(uint64_t done, uint64_t total, unsigned cells) {
  static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  unsigned full = (unsigned)((double)done / (double)total * (double)(cells * 8));
  for (unsigned cell = 0; cell < cells; cell++) {
    unsigned begin = cell * 8;
    fputs(full >= begin + 8 ? "█" : full > begin ? eighths[full - begin] : " ", stderr);
  }
}

void hdt_progress_show(hdt_progress *progress, uint64_t done, uint64_t total, const char *detail) {
  if (!progress->wanted || total == 0) return;
  if (done > total) done = total;
  int now = (int)((double)done / (double)total * 1000);
  if (now == progress->drawn) return;
  progress->drawn = now;
  progress->visible = true;
  unsigned columns = hdt_columns(stderr);
  unsigned cells = columns > 70   ? 32
                   : columns > 48 ? 12
                                  : 4; /* the label, percentage and detail take about 38 */
  fprintf(stderr, "\r\033[K%s%-8s%s ▕", hdt_style_on(stderr, HDT_DIM), progress->label,
          hdt_style_off(stderr, HDT_DIM));
  draw_bar(done, total, cells);
  fprintf(stderr, "▏ %3d %%  %s%s%s", now / 10, hdt_style_on(stderr, HDT_DIM), detail,
          hdt_style_off(stderr, HDT_DIM));
  fflush(stderr);
}

void hdt_progress_end(hdt_progress *progress) {
  if (progress->visible) {
    fputs("\r\033[K", stderr); /* ECMA-48 EL: erase to the end of the line */
    fflush(stderr);
  }
  progress->visible = false;
}
