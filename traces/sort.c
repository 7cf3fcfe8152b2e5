/* SPDX-License-Identifier: Apache-2.0 */
/* Heapsort of keys: qsort may take memory that the host did not lend, and a hostile order must not make it
 * slow. */
#include "traces/file.h"

static bool less(const hdi_key *x, const hdi_key *y) {
  return x->major != y->major ? x->major < y->major : x->minor < y->minor;
}

static void sift_down(hdi_key *keys, size_t at, size_t count) {
  hdi_key moving = keys[at];
  for (size_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && less(&keys[child], &keys[child + 1])) child++;
    if (!less(&moving, &keys[child])) break;
    keys[at] = keys[child];
  }
  keys[at] = moving;
}

void hdi_sort_keys(hdi_key *keys, size_t count) {
  for (size_t i = count / 2; i > 0; i--)
    sift_down(keys, i - 1, count);
  for (size_t end = count; end > 1; end--) {
    hdi_key largest = keys[0];
    keys[0] = keys[end - 1];
    keys[end - 1] = largest;
    sift_down(keys, 0, end - 1);
  }
}
