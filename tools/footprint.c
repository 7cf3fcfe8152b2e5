/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "footprint.h"

#include <stdlib.h>
#include <string.h>

/* "55d0-55d1 r-xp 00000000 fe:00 1234   /usr/bin/cat": where the name begins; NULL: no such line. A figure's
 * line, "Rss:  4 kB", has its colon before any blank. */
static const char *mapping_name(const char *line) {
  unsigned long long begin, end;
  int at = 0;
  if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %n", &begin, &end, &at) < 2 || at == 0) return NULL;
  return line + at;
}

static uint64_t kilobytes(const char *line, const char *key) {
  size_t length = strlen(key);
  return strncmp(line, key, length) == 0 ? strtoull(line + length, NULL, 10) * 1024 : 0;
}

bool hdt_footprint_read(FILE *smaps, const char *model, hdt_footprint *out_footprint) {
  hdt_footprint sum = {0};
  char *line = NULL;
  size_t room = 0;
  bool is_model = false;
  while (getline(&line, &room, smaps) > 0) {
    line[strcspn(line, "\n")] = '\0';
    const char *name = mapping_name(line);
    if (name != NULL) is_model = model != NULL && strcmp(name, model) == 0;
    uint64_t resident = kilobytes(line, "Rss:");
    sum.resident_bytes += resident;
    if (is_model) sum.model_bytes += resident;
    sum.anonymous_bytes += kilobytes(line, "Anonymous:");
  }
  free(line);
  if (sum.resident_bytes == 0) return false;
  *out_footprint = sum;
  return true;
}

bool hdt_footprint_own(const char *model, hdt_footprint *out_footprint) {
  FILE *smaps = fopen("/proc/self/smaps", "re");
  if (smaps == NULL) return false;
  char *path = model == NULL ? NULL : realpath(model, NULL);
  bool done = hdt_footprint_read(smaps, path, out_footprint);
  free(path);
  fclose(smaps);
  return done;
}
