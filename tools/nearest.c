/* SPDX-License-Identifier: Apache-2.0 */
/* Which of some names was probably meant by a mistyped one. */
#include <string.h>
#include "console.h"
#include "options.h"

enum { NAME_MAX_CHARS = 32 };

static unsigned least(unsigned a, unsigned b) {
  return a < b ? a : b;
}

/* Edit distance in which a swap of neighbours, the commonest slip, counts one (optimal string alignment). */
static unsigned distance(const char *a, const char *b) {
  unsigned rows[3][NAME_MAX_CHARS + 1];
  unsigned na = (unsigned)strlen(a), nb = (unsigned)strlen(b);
  if (na > NAME_MAX_CHARS || nb > NAME_MAX_CHARS) return NAME_MAX_CHARS;
  for (unsigned j = 0; j <= nb; j++)
    rows[0][j] = j;
  for (unsigned i = 1; i <= na; i++) {
    unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
    row[0] = i;
    for (unsigned j = 1; j <= nb; j++) {
      row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = least(row[j], two_above[j - 2] + 1);
    }
  }
  return rows[na % 3][nb];
}

const char *hdt_nearest(const char *wrong, const char *const *names) {
  const char *best = NULL;
  unsigned best_distance = 3; /* farther than two slips is another word */
  for (; *names != NULL; names++) {
    unsigned d = distance(wrong, *names);
    if (d < best_distance && d < strlen(*names)) {
      best = *names;
      best_distance = d;
    }
  }
  return best;
}

hdt_exit hdt_fail_name(const char *command, const char *what, const char *wrong, const char *const *names) {
  const char *meant = hdt_nearest(wrong, names);
  if (meant == NULL) return hdt_fail(HDT_USAGE, command, "no %s '%s'", what, wrong);
  return hdt_fail(HDT_USAGE, command, "no %s '%s'; did you mean '%s'?", what, wrong, meant);
}
